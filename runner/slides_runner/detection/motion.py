"""Motion: which parts of the picture move by themselves, around a GOP and over a whole talk.

A presenter, a film within a slide or a shaking camera changes the picture without changing the
slide. What moves in the probes of several GOPs in a row is left out when pictures are compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from slides_runner.detection.packets import Gop
from slides_runner.detection.pictures import (
    Cells,
    Change,
    Picture,
    compare,
    dilate,
    registered,
)
from slides_runner.detection.survey import FEED_S, KeySample

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 0.5
"""Share of live cells from which the rest says nothing about the picture; chosen."""
AROUND = 4
"""GOPs on either side whose motion counts; once in one probe alone it may be a slide's change."""
SCENE = 0.3
"""Share of moving cells from which a neighbour is another scene, not a part of this picture."""
SHAKY = 0.05
"""Share of the samples in which the camera must move; measured: 8 % and more of those of filmed
screens, up to 2 % of others."""
HABIT = 0.15
"""Share of the samples in which a cell must move to be a usual place; chosen."""


@dataclass(frozen=True, eq=False)
class Motion:
    """What moves around a GOP."""

    quiet: bool
    """Nothing, as far as packets tell."""
    shaky: bool
    """The camera itself."""
    live: Cells | None
    """These cells, with a margin; None where none does."""

    def compare(self, before: Picture, after: Picture, other: "Motion") -> Change:
        """Compare a picture of this motion with one of another."""
        live = union(self.live, other.live)
        if self.shaky or other.shaky:
            return registered(before, after, live=live)
        return compare(before, after, live=live)

    def with_live(self, live: Cells | None) -> "Motion":
        """Return this motion with further live cells."""
        return Motion(self.quiet, self.shaky, union(self.live, live))


STILL = Motion(quiet=True, shaky=False, live=None)
"""Nothing moves."""


def union(a: Cells | None, b: Cells | None) -> Cells | None:
    """Return the union of two masks, either of which may be absent; None if it hides too much."""
    both = a | b if a is not None and b is not None else b if a is None else a
    return None if both is None or both.mean() > MOST else both


def motion_around(gops: Sequence[Gop], samples: Mapping[int, KeySample], i: int) -> Motion:
    """Return what moves around a GOP, from the samples near it."""
    if gops[i].quiet:
        return STILL
    near = [samples[j] for j in _neighbours(gops, i) if j in samples]
    if i in samples:  # a face before or after a slide is another scene
        near = [s for s in near if s.drawn == samples[i].drawn]
    moving = [s.moving for s in near if s.moving is not None and not _changes_early(gops[s.gop])]
    return Motion(quiet=False, shaky=any(s.shaky for s in near), live=_often(moving))


def _neighbours(gops: Sequence[Gop], i: int) -> range:
    """Return the GOPs around one through which the motion goes on without a pause."""
    low = high = i
    while low > max(0, i - AROUND) and not gops[low - 1].quiet:
        low -= 1
    while high < min(len(gops) - 1, i + AROUND) and not gops[high + 1].quiet:
        high += 1
    return range(low, high + 1)


def _changes_early(gop: Gop) -> bool:
    """Whether a change of slide may have been taken for motion."""
    return any(spike - gop.start_s < FEED_S for spike in gop.spikes)


def _often(moving: Sequence[Cells]) -> Cells | None:
    seen = [m for m in moving if m.mean() < SCENE]
    if not seen:
        return None
    live = np.sum(seen, axis=0) > 1
    return dilate(live) if live.any() else None


class Habit:
    """Learns where a presenter or a film usually is, over a whole talk."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._moves: NDArray[np.int64] | None = None
        self._count = 0
        self._shaken = 0

    def add(self, sample: KeySample) -> None:
        """Count what moves in a sample; faces and rooms say nothing of slides."""
        moving = sample.moving
        if moving is None or moving.mean() >= SCENE or not sample.drawn:
            return
        self._moves = moving.astype(np.int64) + (0 if self._moves is None else self._moves)
        self._count += 1
        self._shaken += sample.shaky

    @property
    def shaky(self) -> bool:
        """Whether this is a filmed screen: the camera moves again and again."""
        return self._shaken > SHAKY * self._count

    def cells(self) -> Cells | None:
        """Return the usual places, filled up to rectangles; None where there are none."""
        if self._moves is None:
            return None
        often = self._moves >= max(2, HABIT * self._count)
        places = _rectangles(often)
        return dilate(places) if places.any() and places.mean() < MOST else None


def _rectangles(cells: Cells) -> Cells:
    """Return groups of cells, small gaps closed, as the rectangles around them."""
    kernel = np.ones((5, 5), np.uint8)
    closed = cv2.morphologyEx(cells.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    count, _, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    for x, y, width, height, area in stats[1:count].tolist():
        if area > 1:
            closed[y : y + height, x : x + width] = 1
    return closed.astype(np.bool_)
