"""Refining: decode only the GOPs in which something happens, and find out when.

Around spikes every frame is decoded, elsewhere only those that others refer to: half the work, and
a change without a spike is too slow for single frames to matter.
"""

import itertools
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from slides_api.v1alpha1 import Region
from slides_runner.detection.motion import SCENE, Motion
from slides_runner.detection.packets import EPSILON_S, Gop
from slides_runner.detection.pictures import Cells, Picture, dilate, take_picture
from slides_runner.detection.survey import PROBE_S
from slides_runner.detection.tolerance import Tolerance
from slides_runner.video import (
    decoded,
    drained,
    hurry,
    packets,
    presentation_ticks,
    seek,
    start_time_s,
)

REORDERING = 16
"""Packets that may lie between a frame and those it is shown before: H.264's greatest delay."""
NEAR_SPIKE_S = 0.25
"""Around a spike every frame is decoded, else reference frames only; chosen: one mini-GOP."""
SETTLE_S = 0.5
"""After a spike the picture is looked at for this long; chosen: coding noise is gone by then."""
GRADUAL = 6
"""Spikes in a GOP beyond which single frames do not matter; measured: cuts make one or two each,
fades ten and more."""
STEP_S = 0.07
"""Time between pictures of a gradual change; chosen: two frames, far below a fade's length."""
AFTER_SPIKE_S = 0.1
"""Where halving begins after a spike; chosen: a few frames, so that a cut is complete."""
PIECE = 150
"""Pictures held at once: 9 MB, about ten seconds of reference frames; chosen."""
CUT = 0.15
"""Share of cells that change at once in a change of scene; chosen: above a presenter's gesture."""
OFTEN = 3
OFTEN_SHARE = 0.4
"""Times, and share of the third-seconds of a GOP, that a cell must move in to be live: a fade of a
second moves it three times out of fifteen; chosen."""


class GopReader:
    """Decodes single GOPs of an open file."""

    def __init__(
        self, container: InputContainer, stream: VideoStream, region: Region | None
    ) -> None:
        """Take an open file, and the stream of it that is read by this reader alone."""
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
        step_s, taken_s = STEP_S if is_gradual(gop) else 0.0, -STEP_S
        for time_s, frame in self._frames(gop, min(gop.end_s, gop.spikes[-1] + SETTLE_S)):
            near = ((spikes - NEAR_SPIKE_S <= time_s) & (time_s <= spikes + SETTLE_S)).any()
            if near and time_s - taken_s >= step_s:
                taken_s = time_s
                yield take_picture(frame, time_s, self._region)

    def pictures(self, gop: Gop) -> Iterator[Picture]:
        """Yield pictures of a whole GOP: every frame near spikes, else reference frames."""
        for time_s, frame in self._frames(gop, gop.end_s):
            yield take_picture(frame, time_s, self._region)

    def _frames(self, gop: Gop, stop_s: float) -> Iterator[tuple[float, av.VideoFrame]]:
        for frame in self._decoded(gop, stop_s):
            time_s = (frame.pts or 0) * self._base - self._zero
            if gop.start_s - EPSILON_S <= time_s < gop.end_s - EPSILON_S:
                yield time_s, frame

    def _decoded(self, gop: Gop, stop_s: float) -> Iterator[av.VideoFrame]:
        seek(self._container, self._stream, gop.start_s + EPSILON_S)
        context = self._stream.codec_context
        spikes = np.array(() if is_gradual(gop) else gop.spikes)
        late = 0
        for packet in packets(self._container, self._stream):
            ticks = presentation_ticks(packet)
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


def is_gradual(gop: Gop) -> bool:
    """Return whether a GOP changes over many frames: a fade or a film, whose frames say little."""
    return len(gop.spikes) > GRADUAL


def pieces(pictures: Iterator[Picture]) -> Iterator[list[Picture]]:
    """Yield the pictures in lists of bounded length, so that a GOP of any length fits in memory."""
    while piece := list(itertools.islice(pictures, PIECE)):
        yield piece


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


def changing(
    pictures: Sequence[Picture], motion: Motion, spikes: Sequence[float], tolerance: Tolerance
) -> list[Picture]:
    """Return the pictures around changes, found by halving: what is same at both ends is same."""
    cuts = sorted({0, len(pictures) - 1, *(_index_after(pictures, s) for s in spikes)})
    halving = _Halving(pictures, motion, tolerance)
    kept = {*cuts, *(i for low, high in pairwise(cuts) for i in halving.kept(low, high))}
    return [pictures[i] for i in sorted(kept)]


def _index_after(pictures: Sequence[Picture], spike_s: float) -> int:
    after = bisect_left(pictures, spike_s + AFTER_SPIKE_S, key=lambda p: p.time_s)
    return min(after, len(pictures) - 1)


@dataclass(frozen=True, eq=False)
class _Halving:
    """Finds the pictures on both sides of each change among many."""

    pictures: Sequence[Picture]
    motion: Motion
    tolerance: Tolerance

    def kept(self, low: int, high: int) -> set[int]:
        if high - low <= 1 or self._is_same(low, high):
            return {low, high}
        middle = (low + high) // 2
        return self.kept(low, middle) | self.kept(middle, high)

    def _is_same(self, low: int, high: int) -> bool:
        change = self.motion.compare(self.pictures[low], self.pictures[high], self.motion)
        return self.tolerance.is_same(change)
