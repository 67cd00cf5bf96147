"""The report's timeline: the change curve, the spans and the axis, as places in percent."""

import math
from dataclasses import dataclass

from slides_api.manifest import Chapter, Slide
from slides_runner.detection import Detection, Sample
from slides_runner.outputs.moments import clock

HEIGHT_PX = 152
CURVE_COLUMNS = 1000
"""Columns of the curve's drawing; of the samples in one, the highest is drawn."""
CURVE_ROWS = 100.0
THRESHOLD_AT = 0.25
"""Part of the height at which the threshold is drawn, so that both sides of it can be seen."""
PLAIN_EXPONENT = 0.5
"""Scale of the curve without a threshold: its square root shows small changes too."""
TICK_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 18_000, 36_000)
MOST_TICKS = 9
"""Chosen: labels stay apart on a telephone."""
LAST_TICK_AT = 97.0
"""From here on, in percent, a label would leave the drawing."""
NUMBER_FROM = 2.4
"""Percent of the width that a bar needs to show its number."""
GOLDEN_ANGLE = 137.508
"""Degrees between the hues of one slide and the next: neighbours always differ."""
FIRST_HUE = 226.0
GREENS = (38.0, 205.0)
"""Hues that look brighter than others, and are drawn darker for white numbers to be read."""


@dataclass(frozen=True)
class Tick:
    """A moment on the axis."""

    x: float
    label: str
    is_last: bool


@dataclass(frozen=True)
class Bar:
    """A stretch of the talk; `slide` is 0 where none is shown."""

    x: float
    width: float
    title: str
    slide: int = 0
    colour: str = ""

    @property
    def middle(self) -> float:
        """Where its number stands."""
        return round(self.x + self.width / 2, 3)

    @property
    def is_wide(self) -> bool:
        """Whether its number has room."""
        return self.width >= NUMBER_FROM


@dataclass(frozen=True)
class Timeline:
    """Everything that is drawn; places along the talk are percent of its duration."""

    height: int
    summary: str
    ticks: tuple[Tick, ...]
    curve: str
    """SVG path in a box of 1000 by 100, empty without samples."""
    area: str
    threshold: float | None
    """Height of the threshold's line in the same box."""
    threshold_text: str
    bars: tuple[Bar, ...]
    nonslides: tuple[Bar, ...]
    marks: tuple[float, ...]
    """Starts of chapters."""


def build_timeline(
    detection: Detection, slides: tuple[Slide, ...], chapters: tuple[Chapter, ...]
) -> Timeline:
    """Return the drawing of a talk."""
    duration_s = max(detection.duration_s, 1e-9)
    threshold = detection.thresholds.get("change")
    exponent = _exponent(threshold)
    points = _columns(detection.samples, duration_s, exponent)
    curve = " L".join(f"{x} {y:.1f}" for x, y in points)
    return Timeline(
        height=HEIGHT_PX,
        summary=_summary(slides, detection.duration_s),
        ticks=_ticks(duration_s),
        curve=f"M{curve}" if points else "",
        area=f"M{points[0][0]} {CURVE_ROWS:g} L{curve} L{points[-1][0]} {CURVE_ROWS:g} Z"
        if points
        else "",
        threshold=None if threshold is None else round(_row(threshold, exponent), 1),
        threshold_text="" if threshold is None else f"{threshold:.3g}",
        bars=_bars(slides, duration_s),
        nonslides=tuple(
            Bar(*_extent(s.start_s, s.end_s, duration_s), title=f"No slide, {clock(s.start_s)}")
            for s in detection.nonslides
        ),
        marks=tuple(_percent(c.start, duration_s) for c in chapters if c.start > 0),
    )


def colour_of(index: int) -> str:
    """Return a slide's colour, as CSS has it; a slide returned to keeps its own."""
    hue = (FIRST_HUE + (index - 1) * GOLDEN_ANGLE) % 360
    is_green = GREENS[0] <= hue <= GREENS[1]
    return f"hsl({hue:.0f} {38 if is_green else 52}% {40 if is_green else 55}%)"


def _summary(slides: tuple[Slide, ...], duration_s: float) -> str:
    return f"Timeline of {clock(duration_s)} with {len(slides)} slides; they are listed below."


def _percent(time_s: float, duration_s: float) -> float:
    return round(100 * min(max(time_s / duration_s, 0.0), 1.0), 3)


def _extent(start_s: float, end_s: float, duration_s: float) -> tuple[float, float]:
    x = _percent(start_s, duration_s)
    return x, round(_percent(end_s, duration_s) - x, 3)


def _bars(slides: tuple[Slide, ...], duration_s: float) -> tuple[Bar, ...]:
    bars = (
        Bar(
            *_extent(span.start, span.end, duration_s),
            title=f"Slide {slide.index}, {clock(span.start)} to {clock(span.end)}",
            slide=slide.index,
            colour=colour_of(slide.index),
        )
        for slide in slides
        for span in slide.spans
    )
    return tuple(sorted(bars, key=lambda bar: (bar.x, bar.slide)))


def _ticks(duration_s: float) -> tuple[Tick, ...]:
    longest = math.ceil(duration_s / MOST_TICKS)
    step = next((s for s in TICK_STEPS_S if s >= duration_s / MOST_TICKS), longest)
    places = ((t, _percent(t, duration_s)) for t in range(0, int(duration_s) + 1, step))
    return tuple(Tick(x, clock(t), x > LAST_TICK_AT) for t, x in places)


def _columns(
    samples: tuple[Sample, ...], duration_s: float, exponent: float
) -> list[tuple[int, float]]:
    """Return the curve's points: for each column with samples the highest of them."""
    highest: dict[int, float] = {}
    for sample in samples:
        column = round(CURVE_COLUMNS * min(max(sample.time_s / duration_s, 0.0), 1.0))
        highest[column] = max(highest.get(column, 0.0), sample.score)
    return [(column, _row(highest[column], exponent)) for column in sorted(highest)]


def _exponent(threshold: float | None) -> float:
    """Return the power of a score by which the threshold comes to stand at its place."""
    if threshold is None or not 0 < threshold < 1:
        return PLAIN_EXPONENT
    return math.log(THRESHOLD_AT) / math.log(threshold)


def _row(score: float, exponent: float) -> float:
    """Return the height of a score, from the top."""
    return CURVE_ROWS * (1 - math.pow(min(max(score, 0.0), 1.0), exponent))
