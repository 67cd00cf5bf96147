"""Videos of sites, by yt-dlp: YouTube and some thousand others, and pages that embed a video.

yt-dlp reads the page first (`probe`), then its result is downloaded (`fetch`), possibly through
another hop. A page's media URLs go stale after hours, so a result is not kept for longer.
"""

import contextlib
import copy
import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from yt_dlp.extractor import gen_extractor_classes
from yt_dlp.globals import all_plugins_loaded
from yt_dlp.plugins import load_all_plugins
from yt_dlp.postprocessor.ffmpeg import (  # type: ignore[import-not-found]
    FFmpegPostProcessor,
)
from yt_dlp.utils import DownloadCancelled

from slides_api.manifest import Chapter
from slides_api.names import extractor_key, url_key
from slides_api.v1alpha1 import Source as SourceSpec
from slides_runner.errors import (
    BadUrlError,
    BotCheckError,
    ForbiddenError,
    GeoBlockedError,
    LiveNotStartedError,
    LiveNowError,
    NetworkError,
    NotAVideoError,
    RateLimitedError,
    SlidesError,
    ThrottledError,
    TooBigError,
    TooLongError,
)
from slides_runner.settings import RunnerSettings
from slides_runner.sources import Download, Media, OnDownload, VideoInfo
from slides_runner.sources.egress import Egress, Hop, Lease, Route
from slides_runner.sources.local_media import build_media
from slides_runner.sources.login import read_login
from slides_runner.sources.patience import DEFAULT_PATIENCE, Patience
from slides_runner.sources.redaction import identity_url, public_url
from slides_runner.sources.url_guard import AddressGuard
from slides_runner.sources.ytdlp_errors import is_bare_unavailable, translate
from slides_runner.sources.ytdlp_network import GuardedYoutubeDL
from slides_runner.sources.ytdlp_options import (
    NO_FFMPEG,
    build_download_options,
    build_options,
    read_cookies,
)

_FRESH_S = 1800.0  # chosen: well below the six hours for which YouTube signs media URLs
_START_MARGIN = timedelta(minutes=1)  # chosen: events begin late, not early
_LIVE_PAUSE = timedelta(minutes=30)  # chosen: talks last about an hour

Info = dict[str, Any]
"""yt-dlp's info dictionary."""


@dataclass(frozen=True)
class _Extraction:
    info: Info
    route: Route
    at_s: float


class YtdlpSource:
    """One video on a site."""

    def __init__(
        self,
        url: str,
        spec: SourceSpec,
        settings: RunnerSettings,
        *,
        egress: Egress,
        guard: AddressGuard,
        patience: Patience = DEFAULT_PATIENCE,
    ) -> None:
        """Take the page's URL, the limits of the spec and the way out."""
        self._url = url
        self._spec = spec
        self._settings = settings
        self._lease = Lease(egress)
        self._guard = guard
        self._patience = patience
        self._extraction: _Extraction | None = None

    def probe(self) -> VideoInfo:
        """Return what the page says of its video.

        Raises SlidesError when it would be refused.
        """
        self._guard.check_url(self._url)
        return self._lease.attempt(
            lambda route: build_info(self._extract(route), self._url), is_worth_another=_is_another
        )

    def fetch(self, work_dir: Path, on_progress: OnDownload) -> Media:
        """Download the picture of the video into `work_dir`, resuming.

        Raises as `probe` does, and NetworkError, ForbiddenError, ThrottledError and others.
        """
        self._guard.check_url(self._url)
        return self._lease.attempt(
            lambda route: self._fetch(route, work_dir, on_progress), is_worth_another=_is_another
        )

    def _fetch(self, route: Route, work_dir: Path, on_progress: OnDownload) -> Media:
        for left in range(self._patience.extractions - 1, -1, -1):
            info = self._extract(route)
            try:
                path = self._download(info, route.media, work_dir, on_progress)
            except (ForbiddenError, ThrottledError):
                # Either is bound to the media URL: another reading of the page gives another.
                self._extraction = None
                if left == 0:
                    raise
            else:
                return build_media(path, build_info(info, self._url), temporary=True)
        raise AssertionError("patience allows at least one extraction")

    def _extract(self, route: Route) -> Info:
        known, now_s = self._extraction, time.monotonic()
        if known and known.route == route and now_s - known.at_s < _FRESH_S:
            return known.info
        try:
            info = self._read_page(route.metadata, {})
        except LiveNotStartedError as error:
            raise self._with_start(error, route.metadata) from error
        check_state(info, datetime.now(UTC))
        check_limits(info, self._spec, public_url(self._url))
        self._extraction = _Extraction(info, route, now_s)
        return info

    def _read_page(self, hop: Hop, options: Info) -> Info:
        with self._ytdlp(hop, options) as ytdlp:
            found: Any = ytdlp.extract_info(self._url, download=False)
            info: Info = _clean(single_video(found, public_url(self._url)))
        return info

    def _with_start(self, error: LiveNotStartedError, hop: Hop) -> LiveNotStartedError:
        """Return the error with the time of the event, which a second reading of the page tells."""
        with contextlib.suppress(SlidesError):
            info = self._read_page(hop, {"ignore_no_formats_error": True})
            start = _time(info.get("release_timestamp"))
            if start:
                return LiveNotStartedError(
                    error.message, hint=error.hint, retry_after=start + _START_MARGIN
                )
        return error

    def _download(self, info: Info, hop: Hop, work_dir: Path, on_progress: OnDownload) -> Path:
        watch = _Watch(on_progress, self._spec.max_bytes)
        options = build_download_options(work_dir, _file_name(info), watch.hear)
        with self._ytdlp(hop, options, watch) as ytdlp:
            done: Any = ytdlp.process_ie_result(_clean(info), download=True)
        files = done.get("requested_downloads") or [{}]
        path = Path(files[0].get("filepath") or "")
        if not path.is_file():
            raise NetworkError(
                f"{public_url(self._url)}: yt-dlp brought no file.", hint="Try again later."
            )
        return path

    @contextlib.contextmanager
    def _ytdlp(
        self, hop: Hop, options: dict[str, Any], watch: "_Watch | None" = None
    ) -> Iterator[GuardedYoutubeDL]:
        """Yield a yt-dlp for one hop; what it raises is translated."""
        base = build_options(
            self._spec,
            hop=hop,
            patience=self._patience,
            cookies=read_cookies(self._settings.cookies_file),
            login=read_login(self._settings),
            pot_provider_url=self._settings.pot_provider_url,
        )
        try:
            with (
                _without_ffmpeg(),
                GuardedYoutubeDL(
                    base | options,
                    guard=self._guard,
                    trusted_url=self._settings.pot_provider_url,
                    before_request=watch.check if watch else lambda: None,
                ) as ytdlp,
            ):
                yield ytdlp
        except SlidesError:
            raise
        # yt-dlp lets errors of its 1,800 extractors through as they are: this is the edge.
        except Exception as error:
            if watch and watch.stopped_by:
                raise watch.stopped_by from error
            url = public_url(self._url)
            raise translate(error, url=url, now=datetime.now(UTC)) from error


class _Watch:
    """Hears of a download's progress, from several threads, and stops it when it must."""

    def __init__(self, on_progress: OnDownload, limit_bytes: int | None) -> None:
        self._on_progress = on_progress
        self._limit = limit_bytes
        self._lock = threading.Lock()
        self.stopped_by: SlidesError | None = None

    def check(self) -> None:
        """End requests of a download that is being stopped: its other threads run on."""
        if self.stopped_by:
            raise DownloadCancelled("stopped")

    def hear(self, progress: dict[str, Any]) -> None:
        """Pass progress on, as yt-dlp's hook."""
        with self._lock:
            self.check()
            try:
                self._pass_on(progress)
            except SlidesError as error:
                self.stopped_by = error
                raise DownloadCancelled("stopped") from error

    def _pass_on(self, progress: dict[str, Any]) -> None:
        received = int(progress.get("downloaded_bytes") or 0)
        total = progress.get("total_bytes")
        if self._limit is not None and max(received, total or 0) > self._limit:
            raise _too_big(max(received, total or 0), self._limit)
        name = Path(str(progress.get("filename") or "")).name
        if progress.get("status") in ("downloading", "finished"):
            estimate = total or progress.get("total_bytes_estimate")
            whole = int(estimate) if estimate else None
            self._on_progress(Download(name, str(progress["status"]), received, whole))


def is_known_site(url: str) -> bool:
    """Return whether one of yt-dlp's extractors, or its plugins', is made for this URL's site."""
    if not all_plugins_loaded.value:
        load_all_plugins()
    return any(
        extractor.suitable(url)
        for extractor in gen_extractor_classes()
        if extractor.ie_key() != "Generic"
    )


def single_video(info: Info | None, url: str) -> Info:
    """Return the one video of a page.

    Raises BadUrlError when there are several, NotAVideoError when there is none.
    """
    found: Info = dict(info or {})
    if found.get("_type") not in ("playlist", "multi_video"):
        if found:
            return found
        raise NotAVideoError(f"{url} shows no video.", hint="Give the page of a single video.")
    entries = [entry for entry in found.get("entries") or () if entry]
    if not entries:
        raise NotAVideoError(f"{url} shows no video.", hint="Give the page of a single video.")
    if len(entries) > 1:
        raise BadUrlError(f"{url} is a list of videos.", hint="Give the address of one of them.")
    return single_video(entries[0], url)


def check_state(info: Info, now: datetime) -> None:
    """Raise LiveNotStartedError or LiveNowError for a broadcast that is not a recording yet."""
    title = info.get("title") or "The video"
    match info.get("live_status"):
        case "is_upcoming":
            start = _time(info.get("release_timestamp"))
            raise LiveNotStartedError(
                f"{title!r} has not begun.",
                hint="Try again when it is over.",
                retry_after=start + _START_MARGIN if start else now + _LIVE_PAUSE,
            )
        case "is_live" | "post_live":
            raise LiveNowError(
                f"{title!r} is being broadcast, or its recording is not ready.",
                hint="Try again when it is over.",
                retry_after=now + _LIVE_PAUSE,
            )


def check_limits(info: Info, spec: SourceSpec, url: str) -> None:
    """Raise TooLongError or TooBigError for what the spec does not allow, as far as it is known."""
    duration, limit_s = info.get("duration"), spec.max_duration_seconds
    if duration and limit_s is not None and duration > limit_s:
        raise TooLongError(
            f"{url} lasts {duration:.0f} s, {limit_s} s are allowed.",
            hint="Raise maxDurationSeconds.",
        )
    size, limit = info.get("filesize"), spec.max_bytes
    if size and limit is not None and size > limit:
        raise _too_big(size, limit)


def _too_big(size: int, limit: int) -> TooBigError:
    return TooBigError(
        f"The video has {size:,} bytes, {limit:,} are allowed.",
        hint="Raise maxBytes or lower maxHeight.",
    )


def build_info(info: Info, url: str) -> VideoInfo:
    """Return our record of yt-dlp's; the generic extractor's ids name no video, so its URL does."""
    generic = info.get("extractor_key") in (None, "Generic", "HTML5MediaEmbed")
    named = not generic and info.get("id")
    page = info.get("webpage_url") or url
    return VideoInfo(
        key=extractor_key(str(info["extractor_key"]), str(info["id"]))
        if named
        else url_key(identity_url(url)),
        url=public_url(page),
        extractor=str(info.get("extractor_key") or "generic").lower(),
        id=str(info["id"]) if named else None,
        title=_title(info),
        uploader=info.get("uploader") or info.get("channel"),
        duration_s=info.get("duration"),
        size_bytes=info.get("filesize"),
        height=info.get("height"),
        chapters=tuple(_chapters(info)),
    )


def _title(info: Info) -> str | None:
    title: str | None = info.get("title")
    # The videos embedded in a page are counted, even when there is one.
    return title.removesuffix(" (1)") if title and info.get("extractor") == "html5" else title


def _chapters(info: Info) -> Iterator[Chapter]:
    for chapter in info.get("chapters") or ():
        if chapter.get("title") and chapter.get("start_time") is not None:
            yield Chapter(
                start=chapter["start_time"], end=chapter.get("end_time"), title=chapter["title"]
            )


def _is_another(error: SlidesError, failures: int) -> bool:
    """Return whether another egress may help: tried once, since sites rarely relent twice."""
    egress = isinstance(error, (BotCheckError, GeoBlockedError, RateLimitedError))
    return failures == 1 and (egress or is_bare_unavailable(error))


def _file_name(info: Info) -> str:
    """Return a name that is the same for the same format of the same video, and for no other."""
    names = ("extractor_key", "id", "webpage_url", "format_id", "filesize")
    identity = "\n".join(str(info.get(name)) for name in names)
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def _clean(info: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a copy of plain values, as yt-dlp writes it to a file to read it again later."""
    return GuardedYoutubeDL.sanitize_info(copy.copy(info), remove_private_keys=True)


def _time(timestamp: float | None) -> datetime | None:
    return datetime.fromtimestamp(timestamp, UTC) if timestamp else None


@contextlib.contextmanager
def _without_ffmpeg() -> Iterator[None]:
    """Hide ffmpeg from yt-dlp, one of whose checks looks past its options."""
    location = FFmpegPostProcessor._ffmpeg_location  # noqa: SLF001 - there is no other way in
    token = location.set(NO_FFMPEG)
    try:
        yield
    finally:
        location.reset(token)
