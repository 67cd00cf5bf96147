"""Who hears about progress: a terminal, a log, nobody; in a pod the resource's status."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from slides_runner.sources import Download


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


class Reporter(Protocol):
    """Hears about one extraction; must not fail the run."""

    def report(self, progress: Progress) -> None:
        """Take the newest state; called often, throttles by itself."""
        ...

    def warn(self, message: str) -> None:
        """Take something the user should know."""
        ...
