"""The report's timeline: the change curve, the spans and the axis, as places in percent."""

import math
from dataclasses import dataclass

from slides_api.manifest import Chapter, Slide
from slides_api.moments import clock
from slides_api.timeline import Bar, Tick, bars, extent, place, ticks
from slides_runner.detection import Detection, Sample

HEIGHT_PX = 152
CURVE_COLUMNS = 1000
"""Columns of the curve's drawing; of the samples in one, the highest is drawn."""
CURVE_ROWS = 100.0
THRESHOLD_AT = 0.25
"""Part of the height at which the threshold is drawn, so that both sides of it can be seen."""
PLAIN_EXPONENT = 0.5
"""Scale of the curve without a threshold: its square root shows small changes too."""


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
        ticks=ticks(duration_s),
        curve=f"M{curve}" if points else "",
        area=f"M{points[0][0]} {CURVE_ROWS:g} L{curve} L{points[-1][0]} {CURVE_ROWS:g} Z"
        if points
        else "",
        threshold=None if threshold is None else round(_row(threshold, exponent), 1),
        threshold_text="" if threshold is None else f"{threshold:.3g}",
        bars=bars(slides, duration_s),
        nonslides=tuple(
            Bar(*extent(s.start_s, s.end_s, duration_s), title=f"No slide, {clock(s.start_s)}")
            for s in detection.nonslides
        ),
        marks=tuple(place(c.start, duration_s) for c in chapters if c.start > 0),
    )


def _summary(slides: tuple[Slide, ...], duration_s: float) -> str:
    return f"Timeline of {clock(duration_s)} with {len(slides)} slides; they are listed below."


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
