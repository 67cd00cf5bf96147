"""The packet index: what the sizes of compressed packets tell of a video before it is decoded.

Reading packets costs a hundredth of decoding them. In a talk most frames repeat the one before, so
their packets are tiny; a packet that is not says when something happened.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from slides_runner.video import (
    not_a_video,
    open_video,
    packets,
    presentation_ticks,
    start_time_s,
)

if TYPE_CHECKING:
    from av.error import FFmpegError

EPSILON_S = 1e-4
"""Times of frames are rounded to less than this, and lie further apart."""
ONE_FRAME_S = 0.04
"""How long the only frame of a file is shown; chosen: 25 frames a second."""
MIN_GOP_S = 0.4
"""Keyframes closer than this are surveyed as one; chosen: a third of the shortest flip (1 s)."""
SPIKE_OF_KEYFRAME = 0.03
QUIET_SPIKE_OF_KEYFRAME = 0.01
"""A packet of this share of its keyframe's size may carry a change of slide.

Measured: cuts 7 % and more, small bullets flying in 3 %, pointers 1 to 2 %. In quiet GOPs a look
costs little, so the bar is lower there.
"""
SPIKE_OF_ACTIVITY = 3.0
"""... and must exceed the usual packets around it by this factor; measured: 2.8 for the weakest
change beside a moving presenter, 2 for the presenter's own gestures."""
ACTIVITY_PERCENTILE = 98
"""Usual packets around: this percentile, so that the spikes themselves do not count."""
ACTIVITY_WINDOW = 6
"""GOPs on either side that tell what is usual; chosen: half a minute of common 5 s GOPs."""
QUIET_RATIO = 3.0
QUIET_MOST_BYTES = 300
QUIET_BYTES = 100
"""A GOP is quiet while its 90th percentile stays below QUIET_RATIO x its 10th + QUIET_BYTES.

Measured: slides alone 40 to 70 bytes throughout, a moving presenter 500 and more at the 90th.
Of the 10th no more than QUIET_MOST_BYTES / QUIET_RATIO count: without B-frames, as webcams and
meetings are recorded, a presenter's packets are large but all alike (measured: 15 to 28 of 30 GOPs
beside a film or a presenter would be taken for quiet).
"""
FRAMES_EARLY = {"av1": 32}
"""A change of slide within a mini-GOP is coded in a hidden frame, which AV1 puts into the packet of
the first picture of that mini-GOP; 32 frames are the largest of libaom and SVT-AV1."""
EARLY_STEP_S = 0.5
"""Distance of the moments that such a packet may stand for; chosen: each is looked at so long."""
WINDOW_S = 0.5
"""Stretch whose median packet tells whether the picture moves; chosen: the shortest slide."""
ACTIVE = 0.017
"""Median packet, as a share of the median keyframe, above which the whole picture moves.

Measured: faces 2 to 13 %, filmed screens 3 to 12 %, a film over a third of a slide 1.5 %, slides
alone .2 to 1 %.
"""
TRIM_S = 0.3
"""A fade on either side of a stretch is not its own motion; chosen: as long as most fades last."""


@dataclass(frozen=True)
class Gop:
    """A group of pictures: from one surveyed keyframe to the next."""

    start_s: float
    end_s: float
    first: int
    """Index of its first packet in order of presentation."""
    last: int
    """Index after its last packet."""
    still: bool
    """Whether no packet of it can carry a change; its keyframe says all."""
    quiet: bool
    """Whether nothing moves throughout it, as far as packets tell; single changes apart."""
    busy: bool
    """Whether the whole picture moves all the time: a face, a room, a filmed screen."""
    spikes: tuple[float, ...]
    """Times of packets that may carry a change of slide, keyframes apart."""


@dataclass(frozen=True)
class PacketIndex:
    """All video packets of a file, in order of presentation; times from the first frame."""

    times_s: NDArray[np.float64]
    sizes: NDArray[np.int64]
    keys: NDArray[np.bool_]
    truncated: bool
    """Whether reading ended with an error before the end of the file."""
    frames_early: int = 0
    """By how many frames a packet may come before the picture that it is largest for."""

    @property
    def early_s(self) -> float:
        """The same in seconds."""
        steps = np.diff(self.times_s)
        return float(np.median(steps)) * self.frames_early if len(steps) else 0.0

    @property
    def end_s(self) -> float:
        """End of the last frame, in seconds."""
        steps = np.diff(self.times_s)
        return float(self.times_s[-1] + (np.median(steps) if len(steps) else ONE_FRAME_S))

    @cached_property
    def keyframe_bytes(self) -> float:
        """The median keyframe; the largest packet where none is marked as one."""
        keys = self.sizes[self.keys]
        return float(np.median(keys) if len(keys) else self.sizes.max())

    def activity(self, start_s: float, end_s: float) -> float:
        """Return the median packet between two times as a share of the median keyframe."""
        trim = min(TRIM_S, (end_s - start_s) / 4)
        low, high = np.searchsorted(self.times_s, [start_s + trim, end_s - trim])
        sizes = self.sizes[low:high][~self.keys[low:high]]
        return float(np.median(sizes)) / self.keyframe_bytes if len(sizes) else 0.0


def read_index(path: Path) -> PacketIndex:
    """Read every packet of the best video stream without decoding any.

    Raises NotAVideoError when there is none.
    """
    rows: list[tuple[float, int, bool]] = []
    errors: list[FFmpegError] = []
    with open_video(path) as (container, stream):
        early = FRAMES_EARLY.get(stream.codec_context.codec.canonical_name, 0)
        zero, base = start_time_s(stream), float(stream.time_base or 1)
        for packet in packets(container, stream, errors):
            ticks = presentation_ticks(packet)
            if packet.size and ticks is not None:
                rows.append((ticks * base - zero, packet.size, packet.is_keyframe))
    if not rows:
        raise not_a_video(path, "it holds no video packets")
    rows.sort()
    times, sizes, keys = (np.array(column) for column in zip(*rows, strict=True))
    return PacketIndex(times, sizes, keys, truncated=bool(errors), frames_early=early)


def group(index: PacketIndex) -> tuple[Gop, ...]:
    """Divide a video into GOPs and tell which of them are quiet and where they spike."""
    firsts = _surveyed_keys(index)
    bounds = [*firsts, len(index.times_s)]
    activity = [_activity(index, a, b) for a, b in pairwise(bounds)]
    return tuple(
        _gop(index, bounds[i], bounds[i + 1], _around(activity, i)) for i in range(len(firsts))
    )


def _surveyed_keys(index: PacketIndex) -> list[int]:
    firsts = [0]
    for i in np.flatnonzero(index.keys):
        if index.times_s[i] - index.times_s[firsts[-1]] >= MIN_GOP_S:
            firsts.append(int(i))
    return firsts


def _activity(index: PacketIndex, first: int, last: int) -> float:
    sizes = index.sizes[first:last][~index.keys[first:last]]
    return float(np.percentile(sizes, ACTIVITY_PERCENTILE)) if len(sizes) else 0.0


def _around(activity: list[float], i: int) -> float:
    return float(np.median(activity[max(0, i - ACTIVITY_WINDOW) : i + ACTIVITY_WINDOW + 1]))


def _gop(index: PacketIndex, first: int, last: int, usual: float) -> Gop:
    """Describe the packets from `first` to `last`; `usual` is the activity around them."""
    sizes, keys = index.sizes[first:last], index.keys[first:last]
    others = sizes[~keys]
    low, high = np.percentile(others, [10, 90]) if len(others) else (0.0, 0.0)
    calm = min(QUIET_RATIO * low, QUIET_MOST_BYTES) + QUIET_BYTES
    quiet = bool(high <= calm)
    share, usual = (QUIET_SPIKE_OF_KEYFRAME, high) if quiet else (SPIKE_OF_KEYFRAME, usual)
    bar = max(share * float(sizes[0]), SPIKE_OF_ACTIVITY * usual, calm)
    spikes = index.times_s[first:last][(sizes > bar) & ~keys].tolist()
    end_s = float(index.times_s[last]) if last < len(index.times_s) else index.end_s
    return Gop(
        start_s=float(index.times_s[first]),
        end_s=end_s,
        first=first,
        last=last,
        still=bool(others.max(initial=0) <= calm),
        quiet=quiet,
        busy=_is_busy(index, first, last),
        spikes=_spread(spikes, index.early_s, end_s),
    )


def _spread(spikes: list[float], early_s: float, end_s: float) -> tuple[float, ...]:
    """Return the moments that spikes may stand for, where packets come before their picture."""
    later = [round(EARLY_STEP_S * k, 3) for k in range(1, 1 + int(early_s / EARLY_STEP_S + 0.99))]
    moments = {spike + more for spike in spikes for more in (0.0, *later)}
    return tuple(sorted(moment for moment in moments if moment < end_s))


def _is_busy(index: PacketIndex, first: int, last: int) -> bool:
    """Return whether no half-second of a GOP is calmer than a moving picture."""
    bar = ACTIVE * index.keyframe_bytes
    times = index.times_s[first:last]
    sizes = np.where(index.keys[first:last], bar + 1, index.sizes[first:last])
    windows = ((times - times[0]) / WINDOW_S).astype(int)
    parts = np.split(sizes, np.flatnonzero(np.diff(windows)) + 1)
    return all(np.median(part) > bar for part in parts)
