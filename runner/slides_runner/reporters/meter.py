"""Where a run stands, from what happens in it; its percent never falls.

A download makes 0 to 30 percent, finding slides and making the outputs up to 80, storing them up to
99, and 100 is said at the end alone.
"""

from collections.abc import Callable

from slides_runner.reporters import Found, Progress, Reporter, Stage, Stored
from slides_runner.sources import Download

DOWNLOADED = 30.0
DETECTED = 70.0
PICTURED = 78.0
"""Chosen: finding slides takes most of what lies between 30 and 80, documents the least."""
MADE = 80.0
STORED = 99.0
DONE = 100.0
MB = 1e6


class Meter:
    """Tells a reporter how far one run is; each of its methods may stop the run."""

    def __init__(self, reporter: Reporter, check: Callable[[], None]) -> None:
        """Take who hears, and what raises InterruptedRunError once the run has to stop."""
        self._reporter = reporter
        self._check = check
        self._percent = 0.0
        self._downloads: dict[str, Download] = {}
        self._frames: tuple[int, int] | None = None
        self._slides: tuple[int, int] | None = None

    def start(self, message: str) -> None:
        """Say that the source is being asked."""
        self._tell(Stage.DOWNLOADING, message, 0.0)

    def found(self, video: Found) -> None:
        """Say which video it is, as far as that is known by now."""
        self._reporter.found(video)

    def downloading(self, download: Download) -> None:
        """Take the progress of one file; an OnDownload."""
        self._downloads[download.file] = download
        got = sum(one.bytes for one in self._downloads.values())
        totals = [one.total_bytes for one in self._downloads.values()]
        total = None if None in totals else sum(one or 0 for one in totals)
        percent = DOWNLOADED * min(1.0, got / total) if total else 0.0
        self._tell(Stage.DOWNLOADING, _download_message(got, total), percent)

    def detecting(self, done: int, total: int) -> None:
        """Take how many of all frames were passed."""
        self._frames = (done, total)
        self._tell(Stage.EXTRACTING, "Finding slides", _between(DOWNLOADED, DETECTED, done, total))

    def picturing(self, done: int, total: int) -> None:
        """Take how many of all slides have their picture; an OnSlide."""
        self._slides = (done, total)
        message = f"Writing slide {done} of {total}"
        self._tell(Stage.EXTRACTING, message, _between(DETECTED, PICTURED, done, total))

    def documenting(self, slides: int) -> None:
        """Say that the documents are being made, of so many slides."""
        self._slides = (slides, slides)
        self._tell(Stage.EXTRACTING, "Making documents", PICTURED)

    def storing(self, done: int, total: int) -> None:
        """Take how many of all files are stored."""
        message = f"Storing file {done} of {total}"
        self._tell(Stage.UPLOADING, message, _between(MADE, STORED, done, total))

    def stored(self, output: Stored) -> None:
        """Say where the finished output lies."""
        self._reporter.stored(output)

    def finish(self, message: str) -> None:
        """Say that all is done; nothing can stop it any more."""
        self._report(Stage.UPLOADING, message, DONE)

    def warn(self, message: str) -> None:
        """Pass on something that the user should know."""
        self._reporter.warn(message)

    def _tell(self, stage: Stage, message: str, percent: float) -> None:
        self._check()
        self._report(stage, message, percent)

    def _report(self, stage: Stage, message: str, percent: float) -> None:
        self._percent = max(self._percent, percent)
        current, frames = self._frames or (None, None)
        done, slides = self._slides or (None, None)
        progress = Progress(
            stage=stage,
            message=message,
            percent=self._percent,
            frame_count=frames,
            current_frame=current,
            slides_processed=done,
            total_slides=slides,
            downloads=tuple(self._downloads.values()),
        )
        self._reporter.report(progress)


def _between(low: float, high: float, done: int, total: int) -> float:
    return low + (high - low) * min(1.0, done / total) if total > 0 else low


def _download_message(got: int, total: int | None) -> str:
    if total is None:
        return f"Downloading, {got / MB:.1f} MB so far"
    return f"Downloading {got / MB:.1f} of {total / MB:.1f} MB"
