"""Finding out when something changes within a GOP."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from slides_api.v1alpha1 import Sensitivity
from slides_runner.detection.motion import STILL, Motion
from slides_runner.detection.packets import Gop, group, read_index
from slides_runner.detection.refine import PIECE, GopReader, changing, pieces, stretches
from slides_runner.detection.tolerance import TOLERANCES
from slides_runner.video import open_video
from tests.media import make_talk
from tests.runner.detection.drawings import draw_page, film, page, picture, write_video

NORMAL = TOLERANCES[Sensitivity.NORMAL]
MOVING = Motion(quiet=False, shaky=False, live=None)


@contextmanager
def reading(path: Path) -> Iterator[tuple[tuple[Gop, ...], GopReader]]:
    gops = group(read_index(path))
    with open_video(path) as (container, stream):
        yield gops, GopReader(container, stream, None)


@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize("b_frames", [0, 3])
def test_cut_within_a_gop_is_found_to_the_frame(tmp_path: Path, ending: str, b_frames: int) -> None:
    parts = [(draw_page(1), 3.24), (draw_page(2), 4.76)]
    options = {"bf": str(b_frames), "b_strategy": "0"}
    path = tmp_path / f"talk.{ending}"
    write_video(path, parts, fps=25, gop=100, options=options)

    with reading(path) as (gops, reader):
        shown = list(reader.near_spikes(gops[0]))

    kept = changing(shown, STILL, gops[0].spikes, NORMAL)
    after = next(p.time_s for p in kept if NORMAL.is_same(STILL.compare(page(2), p, STILL)))
    before = [p.time_s for p in kept if p.time_s < after]
    assert after == pytest.approx(3.24, abs=0.002)
    assert before[-1] == pytest.approx(3.20, abs=0.002)


def test_pictures_of_a_gop_are_its_own_in_order(tmp_path: Path) -> None:
    talk = make_talk(tmp_path / "talk.mp4", fps=25, gop=50)

    with reading(talk.path) as (gops, reader):
        for gop in (gops[2], gops[0]):  # back, too
            times_s = [p.time_s for p in reader.pictures(gop)]
            assert times_s == sorted(times_s)
            assert times_s[0] == pytest.approx(gop.start_s)
            assert gop.start_s <= times_s[-1] < gop.end_s
    assert reader.failed_s() == []


def test_pieces_are_bounded_and_complete() -> None:
    pictures = [page(1, float(i)) for i in range(3)] * 120

    found = list(pieces(iter(pictures)))

    assert [len(piece) for piece in found] == [PIECE, PIECE, 60]
    assert [one for piece in found for one in piece] == pictures
    assert list(pieces(iter(()))) == []


def test_pictures_on_both_sides_of_each_change_are_kept() -> None:
    numbers = [1] * 13 + [2] * 8 + [3] * 11
    pictures = [page(number, i / 10) for i, number in enumerate(numbers)]

    kept = {round(p.time_s * 10) for p in changing(pictures, STILL, (), NORMAL)}

    assert {0, 12, 13, 20, 21, 31} <= kept
    assert len(kept) < 16


def test_flash_that_halving_would_step_over_is_found_by_its_spike() -> None:
    numbers = [1] * 10 + [2] * 4 + [1] * 18
    pictures = [page(number, i / 10) for i, number in enumerate(numbers)]

    without = changing(pictures, STILL, (), NORMAL)
    found = changing(pictures, STILL, (1.0,), NORMAL)

    assert len(without) == 2
    assert {9, 10, 13, 14} <= {round(p.time_s * 10) for p in found}


def test_single_picture_is_kept() -> None:
    only = page(1)

    assert changing([only], STILL, (0.0,), NORMAL) == [only]
    assert [list(part) for part, _ in stretches([only], MOVING)] == [[only]]


def test_change_of_scene_divides_stretches() -> None:
    pictures = [page(1 if i < 20 else 2, i / 10) for i in range(40)]

    parts = [list(part) for part, _ in stretches(pictures, MOVING)]

    assert [one for part in parts for one in part] == pictures
    assert len(parts) == 2
    assert abs(len(parts[0]) - 20) <= 3


def test_film_is_live_in_its_own_stretch_and_a_single_change_is_not() -> None:
    pictures = []
    for moment in range(60):
        gray = draw_page(1, bullets=4 if moment < 30 else 3)
        gray[200:350, 420:620] = film(moment)[200:350, 420:620]
        pictures.append(picture(gray, moment / 10))

    ((part, motion),) = stretches(pictures, MOVING)

    assert len(part) == 60
    assert motion.live is not None
    assert motion.live[11:16, 22:30].all()
    assert not np.any(motion.live[:, :18])
