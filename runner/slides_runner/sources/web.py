"""http(s) URLs: a media file is fetched directly, everything else is left to yt-dlp."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from slides_runner.errors import AccessDeniedError
from slides_runner.sources import Media, OnDownload, Source, VideoInfo
from slides_runner.sources.http import MEDIA_SUFFIXES, HttpSource


class WebSource:
    """A URL whose kind is found out when it is first asked for something."""

    def __init__(
        self, url: str, *, direct: HttpSource, site: Source, is_known_site: Callable[[str], bool]
    ) -> None:
        """Take the URL, how to read it as a file, how as a page, and who knows the known sites."""
        self._url = url
        self._direct = direct
        self._site = site
        self._is_known_site = is_known_site
        self._chosen: Source | None = None

    def probe(self) -> VideoInfo:
        """Return what the file's answer or the page says.

        Raises SlidesError when the video would be refused.
        """
        return self._choose().probe()

    def fetch(self, work_dir: Path, on_progress: OnDownload) -> Media:
        """Download the file, or the video of the page, into `work_dir`, resuming.

        Raises SlidesError; partial files stay.
        """
        return self._choose().fetch(work_dir, on_progress)

    def _choose(self) -> Source:
        if self._chosen is None:
            self._chosen = self._direct if self._is_direct() else self._site
        return self._chosen

    def _is_direct(self) -> bool:
        if self._is_known_site(self._url):
            return False
        if PurePosixPath(urlsplit(self._url).path).suffix.lower() in MEDIA_SUFFIXES:
            return True
        try:
            inspection = self._direct.inspect()
        except AccessDeniedError:
            return False  # a page may open to the browser that yt-dlp poses as
        return inspection.is_media
