import pytest

from slides_runner.errors import InterruptedRunError
from slides_runner.reporters import Found, Progress, Stage, Stored
from slides_runner.reporters.meter import Meter
from slides_runner.sources import Download


class Notes:
    """A reporter that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[Progress] = []
        self.warnings: list[str] = []
        self.videos: list[Found] = []
        self.outputs: list[Stored] = []

    def found(self, video: Found) -> None:
        self.videos.append(video)

    def stored(self, output: Stored) -> None:
        self.outputs.append(output)

    def report(self, progress: Progress) -> None:
        self.heard.append(progress)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def go_on() -> None:
    """Let the run go on."""


def stop() -> None:
    raise InterruptedRunError("Stopped.")


def run_through(meter: Meter) -> None:
    meter.start("Asking")
    for count in (0, 50, 100):
        meter.downloading(Download("talk.mp4", "downloading", count, 100))
    for done in (0, 500, 1000):
        meter.detecting(done, 1000)
    for done in (1, 2):
        meter.picturing(done, 2)
    meter.documenting(2)
    for done in (1, 2, 3):
        meter.storing(done, 3)
    meter.finish("2 slides")


def test_percent_rises_through_the_stages() -> None:
    notes = Notes()

    run_through(Meter(notes, go_on))

    by_stage = {stage: [p.percent for p in notes.heard if p.stage is stage] for stage in Stage}
    percents = [p.percent for p in notes.heard]
    assert percents == sorted(percents)
    assert by_stage[Stage.DOWNLOADING] == [0, 0, 15, 30]
    assert (by_stage[Stage.EXTRACTING][0], max(by_stage[Stage.EXTRACTING])) == (30, 78)
    assert by_stage[Stage.UPLOADING][-2:] == [99, 100]


def test_percent_never_falls_when_a_download_starts_over() -> None:
    notes = Notes()
    meter = Meter(notes, go_on)

    meter.downloading(Download("talk.mp4", "downloading", 80, 100))
    meter.downloading(Download("talk.mp4", "downloading", 10, 100))

    assert [p.percent for p in notes.heard] == [24, 24]


def test_downloads_of_unknown_size_are_counted_without_percent() -> None:
    notes = Notes()

    Meter(notes, go_on).downloading(Download("talk.mp4", "downloading", 5_000_000, None))

    assert (notes.heard[0].percent, notes.heard[0].message) == (0, "Downloading, 5.0 MB so far")


def test_several_files_count_together() -> None:
    notes = Notes()
    meter = Meter(notes, go_on)

    meter.downloading(Download("audio", "downloading", 0, 40))
    meter.downloading(Download("video", "downloading", 50, 60))

    assert notes.heard[-1].percent == 15
    assert [d.file for d in notes.heard[-1].downloads] == ["audio", "video"]


def test_counts_are_kept_through_later_stages() -> None:
    notes = Notes()

    run_through(Meter(notes, go_on))

    last = notes.heard[-1]
    assert (last.current_frame, last.frame_count) == (1000, 1000)
    assert (last.slides_processed, last.total_slides) == (2, 2)


def test_frames_of_unknown_number_do_not_divide_by_zero() -> None:
    notes = Notes()

    Meter(notes, go_on).detecting(10, 0)

    assert notes.heard[0].percent == 30


def test_every_step_can_stop_the_run() -> None:
    notes = Notes()

    with pytest.raises(InterruptedRunError):
        Meter(notes, stop).detecting(1, 2)

    assert notes.heard == []


def test_a_finished_run_is_not_stopped() -> None:
    notes = Notes()

    Meter(notes, stop).finish("done")

    assert notes.heard[0].percent == 100
