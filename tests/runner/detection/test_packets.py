"""What the sizes of packets tell: stillness, spikes, motion."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slides_runner.detection.packets import PacketIndex, group, read_index
from slides_runner.errors import NotAVideoError
from tests.media import cut_off, make_audio, make_talk
from tests.runner.detection.drawings import index_of

KEY = 100_000
QUIET = [50] * 49
EVEN = [1800, 2600, 2100, 3000, 2400, 1900, 2200] * 7
"""A presenter beside a slide as webcams and meetings record it, without B-frames."""
MOVING = [200, 300, 1100, 250, 200, 900, 1200] * 7
BUSY = [2000, 2500, 9000, 2200, 8000, 2100, 9500] * 7


def with_spike(packets: list[int], size: int, *, at: int = 20) -> list[int]:
    return [KEY, *packets[: at - 1], size, *packets[at:]]


@pytest.mark.parametrize(
    ("packets", "size", "spikes"),
    [
        pytest.param(QUIET, 990, (), id="quiet, below a hundredth of the keyframe"),
        pytest.param(QUIET, 1010, (2.0,), id="quiet, above it"),
        pytest.param(MOVING, 2900, (), id="moving, below three hundredths"),
        pytest.param(MOVING, 3500, (), id="moving, no more than gestures"),
        pytest.param(MOVING, 3700, (2.0,), id="moving, above them and the motion"),
        pytest.param(BUSY, 12_000, (), id="busy, no more than gestures"),
        pytest.param(BUSY, 40_000, (2.0,), id="busy, above gestures"),
    ],
)
def test_spike_is_what_stands_out_of_keyframe_and_motion(
    packets: list[int], size: int, spikes: tuple[float, ...]
) -> None:
    calm = [KEY, *packets]
    sizes = [*calm, *with_spike(packets, size), *calm]
    gops = group(index_of(sizes, keys=(0, 50, 100)))

    assert tuple(s - 5.0 for s in gops[1].spikes) == spikes
    assert gops[0].spikes == gops[2].spikes == ()


@pytest.mark.parametrize(
    ("sizes", "still", "quiet", "busy"),
    [
        pytest.param([KEY, *QUIET], True, True, False, id="nothing happens"),
        pytest.param(with_spike(QUIET, 9000), False, True, False, id="one change"),
        pytest.param([KEY, *MOVING], False, False, False, id="a presenter beside a slide"),
        pytest.param([KEY, *EVEN], False, False, True, id="a presenter at an even rate"),
        pytest.param([KEY, *BUSY], False, False, True, id="a face"),
        pytest.param([KEY, *BUSY[:20], *QUIET[:10], *BUSY[:19]], False, False, False, id="pause"),
        pytest.param([KEY], True, True, True, id="keyframe alone"),
    ],
)
def test_motion_is_told_from_stillness(
    sizes: list[int], still: bool, quiet: bool, busy: bool
) -> None:
    (gop,) = group(index_of(sizes))

    assert (gop.still, gop.quiet, gop.busy) == (still, quiet, busy)


def test_keyframes_close_together_are_surveyed_as_one() -> None:
    gops = group(index_of([KEY, KEY, KEY, *QUIET], keys=(0, 1, 2, 10, 13, 15)))

    assert [(g.start_s, g.first, g.last) for g in gops] == [
        (0.0, 0, 10),
        (1.0, 10, 15),
        (1.5, 15, 52),
    ]


@given(st.lists(st.tuples(st.integers(1, 10**6), st.booleans()), min_size=1, max_size=200))
def test_gops_cover_the_video_without_gaps(rows: list[tuple[int, bool]]) -> None:
    keys = [i for i, (_, key) in enumerate(rows) if key]
    index = index_of([size for size, _ in rows], keys=keys)
    gops = group(index)

    assert (gops[0].first, gops[-1].last) == (0, len(rows))
    assert (gops[0].start_s, gops[-1].end_s) == (0.0, index.end_s)
    for before, after in pairwise(gops):
        assert (before.last, before.end_s) == (after.first, after.start_s)
    for gop in gops:
        assert all(gop.start_s <= spike < gop.end_s for spike in gop.spikes)


def test_change_that_av1_may_hide_early_is_looked_for_where_it_is_shown() -> None:
    plain = index_of(with_spike(QUIET, 9000))
    early = PacketIndex(plain.times_s, plain.sizes, plain.keys, truncated=False, frames_early=12)

    (gop,) = group(early)

    assert gop.spikes == pytest.approx((2.0, 2.5, 3.0, 3.5))  # 12 frames are 1.2 s


def test_activity_is_the_usual_packet_within_a_stretch() -> None:
    index = index_of([KEY, *[500] * 49, KEY, *[4000] * 49], keys=(0, 50))

    assert index.activity(0.0, 5.0) == pytest.approx(0.005)
    assert index.activity(5.0, 10.0) == pytest.approx(0.04)
    assert index.activity(4.9, 4.9) == 0.0


def test_keyframes_that_are_not_marked_are_made_up_for() -> None:
    index = index_of([KEY, *QUIET], keys=())

    assert index.keyframe_bytes == KEY
    assert len(group(index)) == 1


def test_end_is_that_of_the_last_frame() -> None:
    assert index_of([KEY, *QUIET]).end_s == pytest.approx(5.0)
    assert index_of([KEY]).end_s == pytest.approx(0.04)


@pytest.mark.parametrize("name", ["talk.mp4", "talk.mkv", "talk.ts"])
def test_every_packet_is_read_in_the_order_it_is_shown(tmp_path: Path, name: str) -> None:
    talk = make_talk(tmp_path / name, fps=25, gop=50)

    index = read_index(talk.path)

    assert not index.truncated
    assert index.times_s == pytest.approx(np.arange(300) / 25, abs=0.002)
    assert index.end_s == pytest.approx(12.0, abs=0.01)
    assert index.times_s[index.keys][0] == 0.0
    assert (index.sizes > 0).all()


def test_file_that_breaks_off_is_read_up_to_there(tmp_path: Path) -> None:
    talk = make_talk(tmp_path / "talk.mp4", container={"movflags": "faststart"})
    part = cut_off(talk.path, tmp_path / "part.mp4", share=0.6)

    index = read_index(part)

    assert 0 < index.end_s < 11.0


def test_file_without_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAVideoError, match="only audio"):
        read_index(make_audio(tmp_path / "sound.m4a"))
