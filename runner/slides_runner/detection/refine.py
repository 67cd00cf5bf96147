"""Refining: decode only the GOPs in which something happens, and find out when."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from av.error import FFmpegError

from slides_api.v1alpha1 import Region
from slides_runner.detection.packets import Gop
from slides_runner.detection.pictures import Cells, Picture, dilate, take_picture
from slides_runner.detection.survey import PROBE_S, SCENE, STILL, Motion
from slides_runner.detection.tolerance import Tolerance
from slides_runner.video import open_video, seek, start_time_s

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
        stream.thread_count = 1

    def pictures(self, gop: Gop) -> Iterator[Picture]:
        """Yield pictures of a GOP in order of time: all near spikes, else reference frames."""
        seek(self._container, self._stream, gop.start_s + 1e-4)
        context = self._stream.codec_context
        context.flush_buffers()
        spikes = np.array(gop.spikes)
        past = 0
        stop_s = gop.end_s
        if gop.quiet and gop.spikes:
            stop_s = min(stop_s, gop.spikes[-1] + SETTLE_S)
        for packet in self._container.demux(self._stream):
            ticks = packet.pts if packet.pts is not None else packet.dts
            if not packet.size or ticks is None:
                continue
            time_s = ticks * self._base - self._zero
            if time_s >= stop_s - 1e-4:
                past += 1
                if packet.is_keyframe or past > 16:
                    break
                continue
            near = spikes.size and np.abs(spikes - time_s).min() <= NEAR_SPIKE_S
            context.skip_frame = "NONE" if near else "NONREF"
            try:
                yield from self._taken(packet.decode(), gop)
            except FFmpegError:
                continue
        try:
            yield from self._taken(context.decode(None), gop)
        except FFmpegError:
            return

    def _taken(self, frames, gop: Gop) -> Iterator[Picture]:
        for frame in frames:
            time_s = (frame.pts or 0) * self._base - self._zero
            if not gop.start_s - 1e-3 <= time_s < gop.end_s - 1e-4:
                continue
            if not gop.quiet or not gop.spikes or _near(gop.spikes, time_s):
                yield take_picture(frame, time_s, self._region)


def _near(spikes, time_s: float) -> bool:
    return any(s - NEAR_SPIKE_S <= time_s <= s + SETTLE_S for s in spikes)


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
    for low, high in itertools.pairwise(cuts):
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


def moving_cells(pictures: Sequence[Picture], motion: Motion) -> Cells | None:
    """Return the cells that move again and again within one GOP; a change of slide moves once."""
    steps = [pictures[0]]
    for picture in pictures[1:]:
        if picture.time_s - steps[-1].time_s >= PROBE_S:
            steps.append(picture)
    own = Motion(quiet=False, shaky=motion.shaky, live=None)
    pairs = np.array([own.compare(a, b, own).changed for a, b in itertools.pairwise(steps)])
    if len(pairs) < OFTEN:
        return None
    half = len(pairs) // 2
    throughout = pairs[:half].any(axis=0) & pairs[half:].any(axis=0)
    live = throughout & (pairs.sum(axis=0) >= max(OFTEN, OFTEN_SHARE * len(pairs)))
    return dilate(live) if live.any() and live.mean() < SCENE else None


OFTEN = 3
OFTEN_SHARE = 0.4
"""Times, and share of the third-seconds of a GOP, that a cell must move in to be live: a fade of a
second moves it three times out of fifteen; chosen."""
