"""Who hears about progress: a terminal, a log, nobody; in a pod the resource's status."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from slides_runner.sources import Download, VideoInfo


class Stage(StrEnum):
    """The stages of a run, in order; the words of the API's phases."""

    DOWNLOADING = "Downloading"
    EXTRACTING = "Extracting"
    UPLOADING = "Uploading"


@dataclass(frozen=True)
class Progress:
    """Where a run stands; `percent` never falls: download 0-30, extraction -80, upload -99."""

    stage: Stage
    message: str
    percent: float
    frame_count: int | None = None
    current_frame: int | None = None
    slides_processed: int | None = None
    total_slides: int | None = None
    downloads: tuple[Download, ...] = field(default=())


@dataclass(frozen=True)
class Found:
    """The video, as far as it is known: by its source first, by its own picture later."""

    info: VideoInfo
    duration_s: float | None = None
    """As read from the video, else as the source says."""
    width: int | None = None
    """Of the upright picture, in pixels; None until the video was opened."""
    height: int | None = None


@dataclass(frozen=True)
class Stored:
    """A finished output."""

    manifest_uri: str
    manifest_sha256: str
    """Hexadecimal."""
    slide_count: int
    size_bytes: int
    """Of all files, the manifest among them."""


class Reporter(Protocol):
    """Hears about one extraction; must not fail the run."""

    def found(self, video: Found) -> None:
        """Take which video it is; called again when more is known."""
        ...

    def stored(self, output: Stored) -> None:
        """Take where the finished output lies; called once, when its manifest is there."""
        ...

    def report(self, progress: Progress) -> None:
        """Take the newest state; called often, throttles by itself."""
        ...

    def warn(self, message: str) -> None:
        """Take something the user should know."""
        ...
