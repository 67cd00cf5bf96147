"""The timeline of a talk: where its slides stand, each in a colour of its own, and the axis.

Places are percent of the talk's duration, so that a drawing of any width can have them.
"""

import math
from dataclasses import dataclass

from slides_api.manifest import Slide
from slides_api.moments import clock

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


def colour_of(index: int) -> str:
    """Return a slide's colour, as CSS has it; a slide returned to keeps its own."""
    hue = (FIRST_HUE + (index - 1) * GOLDEN_ANGLE) % 360
    is_green = GREENS[0] <= hue <= GREENS[1]
    return f"hsl({hue:.0f} {38 if is_green else 52}% {40 if is_green else 55}%)"


def place(time_s: float, duration_s: float) -> float:
    """Return where a moment stands, in percent of a positive duration."""
    return round(100 * min(max(time_s / duration_s, 0.0), 1.0), 3)


def extent(start_s: float, end_s: float, duration_s: float) -> tuple[float, float]:
    """Return where a stretch begins and how wide it is."""
    x = place(start_s, duration_s)
    return x, round(place(end_s, duration_s) - x, 3)


def bars(slides: tuple[Slide, ...], duration_s: float) -> tuple[Bar, ...]:
    """Return a bar for each span of each slide, by time."""
    found = (
        Bar(
            *extent(span.start, span.end, duration_s),
            title=f"Slide {slide.index}, {clock(span.start)} to {clock(span.end)}",
            slide=slide.index,
            colour=colour_of(slide.index),
        )
        for slide in slides
        for span in slide.spans
    )
    return tuple(sorted(found, key=lambda bar: (bar.x, bar.slide)))


def ticks(duration_s: float) -> tuple[Tick, ...]:
    """Return the axis' moments: few, and round."""
    longest = math.ceil(duration_s / MOST_TICKS)
    step = next((s for s in TICK_STEPS_S if s >= duration_s / MOST_TICKS), longest)
    places = ((t, place(t, duration_s)) for t in range(0, int(duration_s) + 1, step))
    return tuple(Tick(x, clock(t), x > LAST_TICK_AT) for t, x in places)
