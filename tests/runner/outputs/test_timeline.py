import re

import pytest

from slides_api.manifest import Chapter, Image, Slide, Span
from slides_api.timeline import colour_of
from slides_runner import detection
from slides_runner.detection import Detection, Sample
from slides_runner.outputs.timeline import Timeline, build_timeline

IMAGE = Image(key="a", media_type="image/webp", width=1, height=1, bytes=1, sha256="a" * 64)


def slide(index: int, *spans: tuple[float, float]) -> Slide:
    shown = tuple(Span(start=start, end=end) for start, end in spans)
    return Slide(index=index, image=IMAGE, spans=shown, confidence=1)


def timeline(
    *slides: Slide,
    duration_s: float = 100.0,
    samples: tuple[Sample, ...] = (),
    thresholds: dict[str, float] | None = None,
    chapters: tuple[Chapter, ...] = (),
) -> Timeline:
    found = Detection((), duration_s, samples, thresholds or {}, (detection.Span(90.0, 100.0),))
    return build_timeline(found, slides, chapters)


def test_bars_lie_where_slides_are_shown() -> None:
    bars = timeline(slide(1, (0, 25), (50, 60)), slide(2, (25, 50))).bars
    assert [(bar.slide, bar.x, bar.width) for bar in bars] == [
        (1, 0.0, 25.0),
        (2, 25.0, 25.0),
        (1, 50.0, 10.0),
    ]


def test_slide_returned_to_keeps_its_colour_and_neighbours_differ() -> None:
    first, second, again = timeline(slide(1, (0, 25), (50, 60)), slide(2, (25, 50))).bars
    assert first.colour == again.colour != second.colour
    assert len({colour_of(index) for index in range(1, 101)}) == 100


def test_nothing_leaves_the_drawing() -> None:
    drawn = timeline(
        slide(1, (90, 250)), samples=(Sample(300, 7.0), Sample(-1, -2)), duration_s=100
    )
    assert drawn.bars[0].x + drawn.bars[0].width == 100
    assert all(0 <= float(n) <= 1000 for n in re.findall(r"[\d.]+", drawn.area))


@pytest.mark.parametrize("duration_s", [0.0, 0.04, 9, 61, 3600, 6 * 3600, 5_000_000])
def test_axis_has_few_ticks_for_any_duration(duration_s: float) -> None:
    ticks = timeline(duration_s=duration_s).ticks
    assert 1 <= len(ticks) <= 10
    assert ticks[0].label == "0:00"
    assert len({tick.label for tick in ticks}) == len(ticks)


def test_curve_keeps_the_highest_sample_of_a_column() -> None:
    many = tuple(Sample(n / 100, 1.0 if n == 5000 else 0.0) for n in range(10_000))
    drawn = timeline(samples=many)
    points = drawn.curve.removeprefix("M").split(" L")
    assert len(points) <= 1001
    assert points[500] == "500 0.0"
    assert points[499] == "499 100.0"


@pytest.mark.parametrize("threshold", [0.001, 0.0069, 0.25, 0.9])
def test_threshold_stands_at_a_quarter_of_the_curves_own_scale(threshold: float) -> None:
    drawn = timeline(samples=(Sample(50, threshold),), thresholds={"change": threshold})
    assert drawn.curve == "M500 75.0"
    assert drawn.threshold == 75.0


@pytest.mark.parametrize("threshold", [0.0, 1.0, 2.0])
def test_odd_thresholds_are_drawn_within(threshold: float) -> None:
    drawn = timeline(samples=(Sample(50, 0.5),), thresholds={"change": threshold})
    assert drawn.threshold is not None
    assert 0 <= drawn.threshold <= 100


def test_curve_may_have_no_threshold() -> None:
    drawn = timeline(samples=(Sample(50, 0.25),))
    assert (drawn.curve, drawn.threshold) == ("M500 50.0", None)


def test_chapters_are_marked_apart_from_the_start() -> None:
    chapters = (Chapter(start=0, title="One"), Chapter(start=40, title="Two"))
    assert timeline(chapters=chapters).marks == (40.0,)
