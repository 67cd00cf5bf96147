"""Videos that already lie on this machine."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from slides_api.names import file_key
from slides_api.v1alpha1 import Source as SourceSpec
from slides_runner.errors import AccessDeniedError, BadUrlError, NotAVideoError, TooBigError
from slides_runner.sources import Media, OnDownload, VideoInfo
from slides_runner.sources.local_media import build_media


class FileSource:
    """One local file; it is read where it lies, never copied."""

    def __init__(self, url: str, spec: SourceSpec) -> None:
        """Take a path or a file:// URL."""
        self._path = _local_path(url)
        self._spec = spec

    def probe(self) -> VideoInfo:
        """Return title and size.

        Raises BadUrlError, AccessDeniedError, NotAVideoError or TooBigError.
        """
        size = self._readable_size()
        limit = self._spec.max_bytes
        if limit is not None and size > limit:
            raise TooBigError(
                f"{self._path} has {size:,} bytes, {limit:,} are allowed.", hint="Raise maxBytes."
            )
        return VideoInfo(
            key=None, url=None, extractor="file", title=self._path.stem, size_bytes=size
        )

    def fetch(self, work_dir: Path, on_progress: OnDownload) -> Media:  # noqa: ARG002 - it lies here
        """Return the file itself; nothing is brought to `work_dir`.

        Raises as `probe` does.
        """
        info = self.probe()
        media = build_media(self._path.absolute(), info, temporary=False)
        return replace(media, info=replace(info, key=file_key(media.sha256)))

    def _readable_size(self) -> int:
        try:
            with self._path.open("rb"):
                size = self._path.stat().st_size
        except FileNotFoundError as error:
            raise BadUrlError(f"There is no file {self._path}.", hint=_PLACES) from error
        except IsADirectoryError as error:
            raise BadUrlError(
                f"{self._path} is a folder.", hint="Give the video file in it."
            ) from error
        except PermissionError as error:
            raise AccessDeniedError(
                f"{self._path} may not be read.", hint="Check its permissions."
            ) from error
        except (OSError, ValueError) as error:  # a name too long, a NUL byte, a stale mount
            raise BadUrlError(f"{self._path} cannot be opened: {error}.", hint=_PLACES) from error
        if size == 0:
            raise NotAVideoError(
                f"{self._path} is empty.", hint="Check that it was copied or uploaded whole."
            )
        return size


_PLACES = "Give the path of a video file, an http(s) URL, s3://bucket/key or youtube:ID."


def _local_path(url: str) -> Path:
    if not url.lower().startswith("file:"):
        return Path(url).expanduser()
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise BadUrlError(
            f"{url!r} names a file on another machine.", hint="Write file:///path/to/video.mp4."
        )
    return Path(unquote(parts.path))
