"""Refining: decode only the GOPs in which something happens, and find out when."""

import itertools
from collections.abc import Iterator, Sequence
from itertools import pairwise

import av
import numpy as np

from slides_api.v1alpha1 import Region
from slides_runner.detection.packets import Gop
from slides_runner.detection.pictures import Cells, Picture, dilate, take_picture
from slides_runner.detection.survey import PROBE_S, SCENE, STILL, Motion
from slides_runner.detection.tolerance import Tolerance
from slides_runner.video import decoded, drained, hurry, packets, seek, start_time_s

EPSILON_S = 1e-4
"""Times are rounded to less than this."""
REORDERING = 16
"""Packets that may lie between a frame and those it is shown before: H.264's greatest delay."""
NEAR_SPIKE_S = 0.25
"""Around a spike every frame is decoded, else reference frames only; chosen: one mini-GOP."""


SETTLE_S = 0.5
"""After a spike the picture is looked at for this long; chosen: coding noise is gone by then."""


class GopReader:
    """Decodes single GOPs of an open file."""

    def __init__(self, container, stream, region: Region | None) -> None:
        self._container, self._stream, self._region = container, stream, region
        self._zero = start_time_s(stream)
        self._base = float(stream.time_base or 1)
        self._failures: list[float] = []
        hurry(stream)

    def failed_s(self) -> list[float]:
        """Return the times of packets that could not be decoded, once each."""
        return sorted({time_s - self._zero for time_s in self._failures})

    def near_spikes(self, gop: Gop) -> Iterator[Picture]:
        """Yield the pictures around a GOP's spikes, and stop decoding after the last."""
        spikes = np.array(gop.spikes)
        for frame in self._frames(gop, stop_s=min(gop.end_s, gop.spikes[-1] + SETTLE_S)):
            time_s = self._time_s(frame)
            if ((spikes - NEAR_SPIKE_S <= time_s) & (time_s <= spikes + SETTLE_S)).any():
                yield take_picture(frame, time_s, self._region)

    def pictures(self, gop: Gop) -> Iterator[Picture]:
        """Yield pictures of a whole GOP: every frame near spikes, else reference frames."""
        for frame in self._frames(gop, stop_s=gop.end_s):
            yield take_picture(frame, self._time_s(frame), self._region)

    def _frames(self, gop: Gop, *, stop_s: float) -> Iterator[av.VideoFrame]:
        for frame in self._decoded(gop, stop_s):
            if gop.start_s - EPSILON_S <= self._time_s(frame) < gop.end_s - EPSILON_S:
                yield frame

    def _decoded(self, gop: Gop, stop_s: float) -> Iterator[av.VideoFrame]:
        seek(self._container, self._stream, gop.start_s + EPSILON_S)
        context = self._stream.codec_context
        spikes = np.array(gop.spikes)
        late = 0
        for packet in packets(self._container, self._stream):
            ticks = packet.pts if packet.pts is not None else packet.dts
            time_s = gop.start_s if ticks is None else ticks * self._base - self._zero
            if time_s >= stop_s - EPSILON_S:
                late += 1
                if packet.is_keyframe or late > REORDERING:
                    break
                continue
            near = len(spikes) and np.abs(spikes - time_s).min() <= NEAR_SPIKE_S
            context.skip_frame = "NONE" if near else "NONREF"
            yield from decoded(packet, self._failures)
        yield from drained(context)

    def _time_s(self, frame: av.VideoFrame) -> float:
        return (frame.pts or 0) * self._base - self._zero


def pieces(pictures: Iterator[Picture]) -> Iterator[list[Picture]]:
    """Yield the pictures in lists of bounded length, so that a GOP of any length fits in memory."""
    while piece := list(itertools.islice(pictures, PIECE)):
        yield piece


PIECE = 150
"""Pictures held at once: 9 MB, about ten seconds of reference frames; chosen."""


def changing(
    pictures: Sequence[Picture], motion: Motion, spikes: Sequence[float], tolerance: Tolerance
) -> list[Picture]:
    """Return the pictures around changes, found by halving: what is same at both ends is same."""
    cuts = sorted({0, len(pictures) - 1, *(_index(pictures, s) for s in spikes)})
    kept = set(cuts)
    for low, high in pairwise(cuts):
        _halve(pictures, low, high, motion, kept, tolerance)
    return [pictures[i] for i in sorted(kept)]


def _index(pictures, time_s: float) -> int:
    return next((i for i, p in enumerate(pictures) if p.time_s >= time_s + 0.1), len(pictures) - 1)


def _halve(pictures, low: int, high: int, motion: Motion, kept: set[int], tolerance: Tolerance) -> None:
    if high - low < 2 or tolerance.is_same(
        motion.compare(pictures[low], pictures[high], motion)
    ):
        kept.update((low, high))
        return
    middle = (low + high) // 2
    _halve(pictures, low, middle, motion, kept, tolerance)
    _halve(pictures, middle, high, motion, kept, tolerance)


def stretches(
    pictures: Sequence[Picture], motion: Motion
) -> Iterator[tuple[Sequence[Picture], Motion]]:
    """Yield the pictures between changes of scene, with what moves in each stretch by itself."""
    starts = [0]
    for i, picture in enumerate(pictures):
        if picture.time_s - pictures[starts[-1]].time_s >= PROBE_S:
            starts.append(i)
    own = Motion(quiet=False, shaky=motion.shaky, live=None)
    moves = [own.compare(pictures[a], pictures[b], own).changed for a, b in pairwise(starts)]
    cuts = [i for i, m in enumerate(moves) if m.mean() > CUT]
    for a, b in pairwise([-1, *cuts, len(moves)]):
        first = starts[a + 1] if a >= 0 else 0
        last = starts[b + 1] if b < len(moves) else len(pictures)
        yield pictures[first:last], motion.with_live(_throughout(moves[a + 1 : b]))


def _throughout(moves: Sequence[Cells]) -> Cells | None:
    """Return the cells that move again and again; a change of slide moves once."""
    if len(moves) < OFTEN:
        return None
    steps = np.array(moves)
    half = len(steps) // 2
    both = steps[:half].any(axis=0) & steps[half:].any(axis=0)
    live = both & (steps.sum(axis=0) >= max(OFTEN, OFTEN_SHARE * len(steps)))
    return dilate(live) if live.any() and live.mean() < SCENE else None


CUT = 0.15
"""Share of cells that change at once in a change of scene; chosen: above a presenter's gesture."""
OFTEN = 3
OFTEN_SHARE = 0.4
"""Times, and share of the third-seconds of a GOP, that a cell must move in to be live: a fade of a
second moves it three times out of fifteen; chosen."""
