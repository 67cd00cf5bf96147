"""The survey: every keyframe as a small picture, and which of its cells move by themselves.

Keyframes decode alone, twenty-five times faster than the whole video. Where a GOP is not quiet, the
frame a third of a second after its keyframe shows which cells move: a presenter, a film, a camera.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from slides_api.v1alpha1 import Region
from slides_runner.detection.ground import looks_drawn
from slides_runner.detection.packets import EPSILON_S, Gop
from slides_runner.detection.pictures import (
    REGISTER_ABOVE,
    Cells,
    Picture,
    compare,
    registered,
    take_picture,
)
from slides_runner.video import (
    decoded,
    hurry,
    open_video,
    packets,
    presentation_ticks,
    start_time_s,
)

PROBE_S = 0.3
"""How long after a keyframe the moving cells are looked for; chosen: a gesture, not a slide."""
FEED_S = 0.45
"""Packets to feed for that: reordering hands frames out later."""
STEADIED = 0.3
"""Share of a change that may be left when it was the camera's; measured: below .1 on filmed
screens, .8 and more beside presenters and films."""


@dataclass(frozen=True, eq=False)
class KeySample:
    """A surveyed keyframe."""

    gop: int
    """Which GOP it begins."""
    picture: Picture
    moving: Cells | None
    """Cells that move within PROBE_S, or None where nothing was probed."""
    shaky: bool = False
    """Whether the camera moves rather than what it shows."""

    @cached_property
    def drawn(self) -> bool:
        """Whether it looks like a slide rather than a face or a room."""
        return looks_drawn(self.picture)


def survey(path: Path, gops: Sequence[Gop], region: Region | None) -> Iterator[KeySample]:
    """Yield a sample of every GOP in order; GOPs whose keyframe is not readable are passed over."""
    pending: list[Picture] = []
    gop = -1
    for i, picture in _pictures(path, gops, region):
        if i != gop and pending:
            yield build_sample(gop, pending)
            pending = []
        gop = i
        pending.append(picture)
    if pending:
        yield build_sample(gop, pending)


def build_sample(gop: int, pictures: Sequence[Picture]) -> KeySample:
    """Return what a GOP's keyframe and, where there is one, its probe tell of it."""
    first, probe = pictures[0], pictures[-1]
    if probe is first:
        return KeySample(gop, first, None)
    plain = compare(first, probe)
    # What does not look drawn, a face or a room, moves by itself, whatever the camera does.
    if plain.changed.mean() <= REGISTER_ABOVE or not looks_drawn(first):
        return KeySample(gop, first, plain.changed)
    steady = registered(first, probe)
    return KeySample(gop, first, steady.changed, shaky=steady.count < STEADIED * plain.count)


def _pictures(
    path: Path, gops: Sequence[Gop], region: Region | None
) -> Iterator[tuple[int, Picture]]:
    """Yield (GOP, picture): each GOP's keyframe and, where it is not quiet, one probe."""
    starts = np.array([g.start_s for g in gops])
    probed = [not g.quiet for g in gops]
    taken = np.zeros(len(gops), np.int64)
    for time_s, frame in _frames(path, probed, starts):
        i = _gop_at(starts, time_s)
        into_s = time_s - starts[i]
        if i < 0 or not (taken[i] == 0 or (taken[i] == 1 and probed[i] and into_s >= PROBE_S)):
            continue
        taken[i] += 1
        yield i, take_picture(frame, time_s, region)


def _gop_at(starts: NDArray[np.float64], time_s: float) -> int:
    """Return the GOP that a time lies in, -1 before the first."""
    return int(np.searchsorted(starts, time_s + EPSILON_S, side="right")) - 1


def _frames(
    path: Path, probed: Sequence[bool], starts: NDArray[np.float64]
) -> Iterator[tuple[float, av.VideoFrame]]:
    """Yield (seconds, frame): the keyframes, and what follows them in GOPs that are probed."""
    with open_video(path) as (container, stream):
        hurry(stream)
        stream.codec_context.skip_frame = "NONREF"
        zero, base = start_time_s(stream), float(stream.time_base or 1)
        for packet in packets(container, stream):
            ticks = presentation_ticks(packet)
            # Without a time it may be anything: the packet that drains the decoder has none.
            if ticks is None or _feeds(probed, starts, ticks * base - zero, key=packet.is_keyframe):
                for frame in decoded(packet):
                    yield (frame.pts or 0) * base - zero, frame


def _feeds(
    probed: Sequence[bool], starts: NDArray[np.float64], time_s: float, *, key: bool
) -> bool:
    """Return whether a packet has to be decoded: a surveyed keyframe, or what a probe needs."""
    i = max(0, _gop_at(starts, time_s))
    into_s = time_s - starts[i]
    return bool((key and into_s < EPSILON_S) or (probed[i] and into_s < FEED_S))
