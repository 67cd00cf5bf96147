"""The survey: every keyframe as a small picture, and where the picture moves by itself.

Keyframes decode alone, twenty-five times faster than the whole video. Where a GOP is not quiet, the
frame a third of a second after its keyframe shows which cells move: a presenter, a film, a camera.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from slides_api.v1alpha1 import Region
from slides_runner.detection.ground import looks_drawn
from slides_runner.detection.packets import Gop
from slides_runner.detection.pictures import (
    REGISTER_ABOVE,
    Cells,
    Change,
    Picture,
    compare,
    dilate,
    registered,
    take_picture,
)
from slides_runner.video import decoded, hurry, open_video, packets, start_time_s

PROBE_S = 0.3
"""How long after a keyframe the moving cells are looked for; chosen: a gesture, not a slide."""
FEED_S = 0.5
"""Packets to feed for that: reordering hands frames out later."""


@dataclass(frozen=True, eq=False)
class KeySample:
    """A surveyed keyframe."""

    gop: int
    picture: Picture
    moving: Cells | None
    """Cells that move within PROBE_S, or None where nothing was probed."""
    shaky: bool = False
    """Whether the camera moves rather than what it shows."""

    @cached_property
    def drawn(self) -> bool:
        """Whether it looks like a slide rather than a face or a room."""
        return looks_drawn(self.picture)


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


def union(a: Cells | None, b: Cells | None) -> Cells | None:
    """Return the union of two masks, either of which may be absent; None if hardly a cell is left."""
    both = a | b if a is not None and b is not None else b if a is None else a
    return None if both is None or both.mean() > MOST else both


MOST = 0.5
"""Share of live cells from which the rest says nothing about the picture; chosen."""


def survey(path: Path, gops: Sequence[Gop], region: Region | None) -> Iterator[KeySample]:
    """Yield a sample of every GOP in order; GOPs whose keyframe is not readable are passed over."""
    pending: list[Picture] = []
    gop = -1
    for i, picture in _pictures(path, gops, region):
        if i != gop and pending:
            yield _sample(gop, pending)
            pending = []
        gop = i
        pending.append(picture)
    if pending:
        yield _sample(gop, pending)


def _sample(gop: int, pictures: list[Picture]) -> KeySample:
    first = pictures[0]
    if len(pictures) < 2:
        return KeySample(gop, first, None)
    plain = compare(first, pictures[-1])
    if plain.changed.mean() <= REGISTER_ABOVE:
        return KeySample(gop, first, plain.changed)
    steady = registered(first, pictures[-1])
    return KeySample(gop, first, steady.changed, shaky=steady.count < STEADIED * plain.count)


STEADIED = 0.3
"""Share of a change that may be left when it was the camera's; measured: below .1 on filmed
screens, .8 and more beside presenters and films."""


def _pictures(
    path: Path, gops: Sequence[Gop], region: Region | None
) -> Iterator[tuple[int, Picture]]:
    """Yield (GOP, picture): each GOP's keyframe and, where it is not quiet, one probe."""
    starts = np.array([g.start_s for g in gops])
    taken = np.zeros(len(gops), np.int64)
    for time_s, frame in _frames(path, gops, starts):
        i = int(np.searchsorted(starts, time_s + EPSILON_S, side="right")) - 1
        if i < 0 or not _wanted(gops[i], int(taken[i]), time_s):
            continue
        taken[i] += 1
        yield i, take_picture(frame, time_s, region)


def _wanted(gop: Gop, taken: int, time_s: float) -> bool:
    if taken == 0:
        return True
    return taken == 1 and not gop.quiet and time_s - gop.start_s >= PROBE_S


def _frames(
    path: Path, gops: Sequence[Gop], starts: NDArray[np.float64]
) -> Iterator[tuple[float, av.VideoFrame]]:
    """Decode the keyframes, and what follows them in GOPs that are not quiet."""
    with open_video(path) as (container, stream):
        hurry(stream)
        stream.codec_context.skip_frame = "NONREF"
        zero, base = start_time_s(stream), float(stream.time_base or 1)
        for packet in packets(container, stream):
            ticks = packet.pts if packet.pts is not None else packet.dts
            if ticks is not None:
                time_s = ticks * base - zero
                i = max(0, int(np.searchsorted(starts, time_s + EPSILON_S, side="right")) - 1)
                into_s = time_s - starts[i]
                key = packet.is_keyframe and into_s < EPSILON_S
                if not key and (gops[i].quiet or into_s >= FEED_S):
                    continue
            for frame in decoded(packet):
                yield (frame.pts or 0) * base - zero, frame


EPSILON_S = 1e-4
"""Times are rounded to less than this."""


def motion_around(gops: Sequence[Gop], samples: Mapping[int, KeySample], i: int) -> Motion:
    """Return what moves around a GOP, from the samples near it."""
    if gops[i].quiet:
        return STILL
    near = [samples[j] for j in _neighbours(gops, i) if j in samples]
    if i in samples:  # a face before or after a slide is another scene
        near = [s for s in near if s.drawn == samples[i].drawn]
    moving = [s.moving for s in near if s.moving is not None and not _changes_early(gops[s.gop])]
    return Motion(quiet=False, shaky=any(s.shaky for s in near), live=_often(moving))


def _changes_early(gop: Gop) -> bool:
    """Whether a change of slide may have been taken for motion."""
    return any(s - gop.start_s < FEED_S for s in gop.spikes)


def _often(moving: Sequence[Cells]) -> Cells | None:
    seen = [m for m in moving if m.mean() < SCENE]
    if not seen:
        return None
    live = np.sum(seen, axis=0) >= 2
    return dilate(live) if live.any() else None


def _neighbours(gops: Sequence[Gop], i: int) -> list[int]:
    """The GOPs around one through which the motion goes on without a pause."""
    low = high = i
    while low > max(0, i - AROUND) and not gops[low - 1].quiet:
        low -= 1
    while high < min(len(gops) - 1, i + AROUND) and not gops[high + 1].quiet:
        high += 1
    return list(range(low, high + 1))


AROUND = 4
"""GOPs on either side whose motion counts; once in one probe alone it may be a slide's change."""
SCENE = 0.3
"""Share of moving cells from which a neighbour is another scene, not a part of this picture."""


class Habit:
    """Learns where a presenter or a film usually is, over a whole talk."""

    def __init__(self) -> None:
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
        often = (self._moves >= max(2, HABIT * self._count)).astype(np.uint8)
        closed = cv2.morphologyEx(often, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
        count, _, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
        for x, y, width, height, area in stats[1:count]:
            if area > 1:
                closed[y : y + height, x : x + width] = 1
        places = closed.astype(np.bool_)
        return dilate(places) if places.any() and places.mean() < MOST else None


SHAKY = 0.05
"""Share of the samples in which the camera must move; measured: 8 % and more of those of filmed
screens, up to 2 % of others."""
HABIT = 0.15
"""Share of the samples in which a cell must move to be a usual place; chosen."""
