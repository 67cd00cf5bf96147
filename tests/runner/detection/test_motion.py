"""What moves by itself: around a GOP, and over a whole talk."""

from collections.abc import Sequence

import numpy as np
import pytest

from slides_runner.detection.motion import STILL, Habit, Motion, motion_around, union
from slides_runner.detection.packets import Gop
from slides_runner.detection.pictures import Cells
from slides_runner.detection.survey import KeySample
from tests.runner.detection.drawings import draw_page, film, page, picture

GRID = (18, 32)


def cells(top: int, left: int, height: int, width: int) -> Cells:
    grid = np.zeros(GRID, np.bool_)
    grid[top : top + height, left : left + width] = True
    return grid


CORNER, ELSEWHERE = cells(12, 24, 4, 6), cells(2, 2, 3, 3)


def gops_of(
    quiet: Sequence[bool], *, spikes: dict[int, tuple[float, ...]] | None = None
) -> list[Gop]:
    return [
        Gop(
            start_s=5.0 * i,
            end_s=5.0 * i + 5,
            first=50 * i,
            last=50 * i + 50,
            still=q,
            quiet=q,
            busy=False,
            spikes=(spikes or {}).get(i, ()),
        )
        for i, q in enumerate(quiet)
    ]


def samples_of(
    *moving: Cells | None, shaky: bool = False, drawn: Sequence[bool] = ()
) -> dict[int, KeySample]:
    kinds = [*drawn, *[True] * (len(moving) - len(drawn))]
    return {
        i: KeySample(i, page(1) if kind else picture(film(i)), cells, shaky=shaky)
        for i, (cells, kind) in enumerate(zip(moving, kinds, strict=True))
    }


@pytest.mark.parametrize(
    ("a", "b", "both"),
    [
        pytest.param(None, None, None, id="nothing"),
        pytest.param(CORNER, None, CORNER, id="one"),
        pytest.param(None, CORNER, CORNER, id="other"),
        pytest.param(CORNER, ELSEWHERE, CORNER | ELSEWHERE, id="both"),
        pytest.param(cells(0, 0, 18, 10), cells(0, 10, 18, 10), None, id="nearly everything"),
    ],
)
def test_union_of_what_moves(a: Cells | None, b: Cells | None, both: Cells | None) -> None:
    found = union(a, b)

    assert (found is None) == (both is None)
    assert found is None or both is None or (found == both).all()


def test_cells_that_move_again_are_live_with_a_margin() -> None:
    motion = motion_around(gops_of([False] * 3), samples_of(CORNER, CORNER, CORNER), 1)

    assert motion.live is not None
    assert (motion.live == cells(11, 23, 6, 8)).all()
    assert not motion.quiet


def test_cells_that_move_once_may_be_a_change_of_slide() -> None:
    samples = samples_of(CORNER, CORNER | ELSEWHERE, CORNER)

    live = motion_around(gops_of([False] * 3), samples, 1).live

    assert live is not None
    assert not (live & ELSEWHERE).any()


def test_nothing_moves_in_a_quiet_gop() -> None:
    samples = samples_of(CORNER, CORNER, CORNER)

    assert motion_around(gops_of([False, True, False]), samples, 1) is STILL


def test_pause_ends_what_moved_before_it() -> None:
    gops = gops_of([False, False, True, False, False])
    samples = samples_of(CORNER, CORNER, None, ELSEWHERE, ELSEWHERE)

    live = motion_around(gops, samples, 4).live

    assert live is not None
    assert not (live & CORNER).any()


def test_face_beside_a_slide_is_another_scene() -> None:
    samples = samples_of(CORNER, CORNER, ELSEWHERE, ELSEWHERE, drawn=[False, False, True, True])

    live = motion_around(gops_of([False] * 4), samples, 3).live

    assert live is not None
    assert not (live & CORNER).any()


def test_change_of_slide_while_probing_is_no_motion() -> None:
    gops = gops_of([False] * 3, spikes={1: (5.2,), 2: (10.2,)})

    assert motion_around(gops, samples_of(CORNER, CORNER, CORNER), 1).live is None


def test_moving_camera_is_known_by_any_neighbour() -> None:
    gops = gops_of([False] * 3)

    assert motion_around(gops, samples_of(None, None, None, shaky=True), 1).shaky
    assert not motion_around(gops, samples_of(None, None, None), 1).shaky


def test_comparison_leaves_out_what_moves_in_either_picture() -> None:
    left, right = draw_page(1), draw_page(1)
    left[240:320, 480:600] = film(1)[240:320, 480:600]
    right[40:100, 40:100] = film(2)[40:100, 40:100]
    a = Motion(quiet=False, shaky=False, live=cells(11, 23, 6, 8))
    b = Motion(quiet=False, shaky=False, live=cells(1, 1, 5, 5))

    assert STILL.compare(picture(left), picture(right), STILL).count > 20
    assert a.compare(picture(left), picture(right), b).count == 0


def habit_of(samples: Sequence[KeySample]) -> Habit:
    habit = Habit()
    for sample in samples:
        habit.add(sample)
    return habit


def test_habit_is_the_rectangle_in_which_something_usually_moves() -> None:
    frame = cells(5, 20, 6, 6) & ~cells(6, 21, 4, 4)
    often = [KeySample(i, page(1), frame) for i in range(4)]
    never = [KeySample(i, page(1), cells(0, 0, 0, 0)) for i in range(4, 10)]

    places = habit_of([*often, *never]).cells()

    assert places is not None
    assert (places == cells(4, 19, 8, 8)).all()


def test_what_seldom_moves_is_no_habit() -> None:
    seldom = [KeySample(i, page(1), ELSEWHERE if i < 3 else CORNER) for i in range(40)]

    places = habit_of(seldom).cells()

    assert places is not None
    assert not (places & ELSEWHERE).any()


def test_faces_and_changes_of_scene_teach_no_habit() -> None:
    faces = [KeySample(i, picture(film(i)), CORNER, shaky=True) for i in range(5)]
    scenes = [KeySample(i, page(1), cells(0, 0, 18, 20), shaky=True) for i in range(5)]
    habit = habit_of([*faces, *scenes])

    assert habit.cells() is None
    assert not habit.shaky


@pytest.mark.parametrize(("shaken", "filmed"), [(0, False), (2, False), (8, True)])
def test_filmed_talk_is_known_by_its_camera(shaken: int, filmed: bool) -> None:
    samples = [KeySample(i, page(1), CORNER, shaky=i < shaken) for i in range(100)]

    assert habit_of(samples).shaky is filmed
