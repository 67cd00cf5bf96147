"""The survey: every keyframe as a small picture, and where the picture moves by itself.

Keyframes decode alone, twenty-five times faster than the whole video. Where a GOP is not quiet, the
frame a third of a second after its keyframe shows which cells move: a presenter, a film, a camera.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from slides_api.v1alpha1 import Region
from slides_runner.detection.packets import Gop
from slides_runner.detection.pictures import (
    Cells,
    Picture,
    dilate,
    registered,
    take_picture,
)
from slides_runner.video import open_video, start_time_s

PROBE_S = 0.3
"""How long after a keyframe the moving cells are looked for; chosen: a gesture, not a slide."""
FEED_S = 0.6
"""Packets to feed for that: reordering hands frames out later."""


@dataclass(frozen=True, eq=False)
class KeySample:
    """A surveyed keyframe."""

    gop: int
    picture: Picture
    moving: Cells | None
    """Cells that move within PROBE_S, or None where nothing was probed."""


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
    return KeySample(gop, first, registered(first, pictures[-1]).changed)


def _pictures(
    path: Path, gops: Sequence[Gop], region: Region | None
) -> Iterator[tuple[int, Picture]]:
    starts = np.array([g.start_s for g in gops])
    taken = np.zeros(len(gops), np.int64)
    with open_video(path) as (container, stream):
        stream.thread_count = 1  # one frame at a time: threads would only wait
        zero, base = start_time_s(stream), float(stream.time_base or 1)
        stream.codec_context.skip_frame = "NONREF"
        for frame in _selected(container, stream, gops, starts, zero, base):
            time_s = float(frame.time or 0.0) - zero
            i = int(np.searchsorted(starts, time_s + 1e-3, side="right")) - 1
            if i < 0 or taken[i] > 1 or (taken[i] == 1 and time_s - starts[i] < PROBE_S):
                continue
            if taken[i] == 1 and gops[i].quiet:
                continue
            taken[i] += 1
            yield i, take_picture(frame, time_s, region)


def _selected(container, stream, gops, starts, zero, base) -> Iterator[av.VideoFrame]:
    for packet in container.demux(stream):
        ticks = packet.pts if packet.pts is not None else packet.dts
        if not packet.size:
            yield from packet.decode()
        if not packet.size or ticks is None:
            continue
        time_s = ticks * base - zero
        i = max(0, int(np.searchsorted(starts, time_s + 1e-3, side="right")) - 1)
        into = time_s - starts[i]
        if (packet.is_keyframe and into < 1e-3) or (not gops[i].quiet and into < FEED_S):
            try:
                yield from packet.decode()
            except av.error.FFmpegError:
                continue


def live_cells(gops: Sequence[Gop], moving: Sequence[Cells | None], i: int) -> Cells | None:
    """Return the cells that move by themselves around a GOP, with a margin; None in a quiet one."""
    near = [moving[j] for j in _neighbours(gops, i)]
    seen = [m for m in near if m is not None and m.mean() < SCENE]
    if not seen:
        return None
    live = np.sum(seen, axis=0) >= 2
    return dilate(live) if live.any() else None


def _neighbours(gops: Sequence[Gop], i: int) -> list[int]:
    """The GOPs around one through which the motion goes on without a pause."""
    if gops[i].quiet:
        return []
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
