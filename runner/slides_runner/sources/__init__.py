"""Where videos come from: one file per kind, chosen by `open_source` from a table."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from slides_api.manifest import Chapter


@dataclass(frozen=True)
class VideoInfo:
    """What a source says of a video before it is read."""

    key: str | None
    """Stable key (slides_api.names); None for local files until their content is hashed."""
    url: str | None
    """Where it comes from, without credentials or signatures; None for local files."""
    title: str | None = None
    uploader: str | None = None
    duration_s: float | None = None
    size_bytes: int | None = None
    height: int | None = None
    chapters: tuple[Chapter, ...] = field(default=())


@dataclass(frozen=True)
class Download:
    """Progress of one file being fetched."""

    file: str
    status: str
    """downloading or finished."""
    bytes: int
    total_bytes: int | None


@dataclass(frozen=True)
class Media:
    """A video that lies on this machine, ready to be read."""

    path: Path
    info: VideoInfo
    sha256: str
    """SHA-256 of the file, hexadecimal."""
    size_bytes: int
    temporary: bool
    """Whether the file lies in the work folder and may be deleted after use."""


OnDownload = Callable[[Download], None]
"""Called as bytes arrive, often; it may raise InterruptedRunError to stop the download."""


class Source(Protocol):
    """One video at one place."""

    def probe(self) -> VideoInfo:
        """Return what is known without downloading the video.

        Raises SlidesError when the video would be refused.
        """
        ...

    def fetch(self, work_dir: Path, on_progress: OnDownload) -> Media:
        """Bring the video into `work_dir`, resuming what an earlier call left there.

        Raises SlidesError; partial files stay in `work_dir` for the next call.
        """
        ...
