"""From shots to slides: builds, returns, faces."""

from collections.abc import Sequence

import numpy as np
import pytest

from slides_api.v1alpha1 import Sensitivity
from slides_runner.detection.motion import STILL, Motion
from slides_runner.detection.packets import PacketIndex
from slides_runner.detection.pictures import Picture
from slides_runner.detection.shots import Shot
from slides_runner.detection.slides import Look, SlideShots, fold, image_time_s, moving_pictures
from slides_runner.detection.tolerance import TOLERANCES
from tests.runner.detection.drawings import draw_page, film, index_of, page, picture

NORMAL = TOLERANCES[Sensitivity.NORMAL]
LOOK = Look(NORMAL)
STILL_INDEX = index_of([100_000, *[50] * 999])

Part = tuple[Picture, float]
"""What is shown, and for how many seconds."""


def shots_of(*parts: Part, motion: Motion = STILL) -> list[Shot]:
    shots, start_s = [], 0.0
    for one, seconds in parts:
        end_s = start_s + seconds
        shots.append(Shot(start_s, end_s, one, one, first_motion=motion, motion=motion))
        start_s = end_s
    return shots


def folded(*parts: Part, index: PacketIndex = STILL_INDEX, look: Look = LOOK) -> list[SlideShots]:
    slides, _ = fold(shots_of(*parts), index, look, 1.0)
    return slides


def starts(shots: Sequence[Shot]) -> list[float]:
    return [shot.start_s for shot in shots]


def test_build_steps_are_folded_under_the_finished_slide() -> None:
    (slide,) = folded(*((page(1, bullets=n), 4.0) for n in range(1, 5)))

    assert starts(slide.states) == [0.0, 4.0, 8.0, 12.0]
    assert slide.final.start_s == 12.0


def test_other_pages_are_slides_of_their_own_in_order_of_appearance() -> None:
    slides = folded((page(1), 4.0), (page(2), 4.0), (page(3), 4.0))

    assert [starts(s.states) for s in slides] == [[0.0], [4.0], [8.0]]


def test_return_is_recognised() -> None:
    first, second = folded((page(1), 4.0), (page(2), 4.0), (page(1), 4.0))

    assert (starts(first.returns), starts(second.returns)) == ([8.0], [])


def test_return_with_its_build_steps_is_recognised() -> None:
    steps = [(page(1, bullets=n), 3.0) for n in (2, 3, 4)]

    first, second = folded(*steps, (page(2), 3.0), *steps)

    assert starts(first.returns) == [12.0, 15.0, 18.0]
    assert starts(second.states) == [9.0]


def test_step_back_to_a_build_is_a_return() -> None:
    (slide,) = folded(
        (page(1, bullets=2), 3.0), (page(1, bullets=4), 3.0), (page(1, bullets=2), 3.0)
    )

    assert starts(slide.states) == [0.0, 3.0]
    assert starts(slide.returns) == [6.0]


def test_slide_that_grows_after_a_return_is_the_same_slide_grown() -> None:
    first, _ = folded(
        (page(1, bullets=2), 3.0),
        (page(2), 3.0),
        (page(1, bullets=2), 3.0),
        (page(1, bullets=4), 3.0),
    )

    assert starts(first.returns) == [6.0]
    assert first.final.start_s == 9.0


def test_short_shots_are_no_slides() -> None:
    slides = folded((page(1), 4.0), (page(2), 0.9), (page(3), 4.0))

    assert [s.final.start_s for s in slides] == [0.0, 4.9]


def moving_from(start_s: float, end_s: float) -> PacketIndex:
    """Return the index of a video that moves between two times and keeps still otherwise."""
    sizes = [5000 if start_s <= i / 10 < end_s else 50 for i in range(1000)]
    return index_of([100_000, *sizes[1:]])


def test_face_is_no_slide() -> None:
    shots = shots_of((page(1), 4.0), (picture(film(1)), 6.0), (page(2), 4.0))

    slides, faces = fold(shots, moving_from(4.0, 10.0), LOOK, 1.0)

    assert [s.final.start_s for s in slides] == [0.0, 10.0]
    assert starts(faces) == [4.0]


def test_face_ends_a_build() -> None:
    parts = (page(1, bullets=2), 4.0), (picture(film(1)), 6.0), (page(1, bullets=4), 4.0)

    slides = folded(*parts, index=moving_from(4.0, 10.0))

    assert [starts(s.states) for s in slides] == [[0.0], [10.0]]


def test_photo_that_keeps_still_is_a_slide() -> None:
    slides = folded((page(1), 4.0), (picture(film(1)), 6.0))

    assert [s.final.start_s for s in slides] == [0.0, 4.0]


@pytest.mark.parametrize(
    ("rest_s", "moving"),
    [
        pytest.param(3.0, [True, True, True, False], id="a moment of rest"),
        pytest.param(6.0, [True, False, True, False], id="too long for one"),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
def test_face_that_rests_for_a_moment_is_a_face(
    rest_s: float, moving: list[bool], backwards: bool
) -> None:
    parts = (
        (picture(film(1)), 6.0),
        (picture(film(2)), rest_s),
        (picture(film(3)), 6.0),
        (page(1), 6.0),
    )
    sizes = [
        size
        for (_, seconds), size in zip(parts, (5000, 50, 5000, 50), strict=True)
        for _ in range(round(seconds * 10))
    ]
    shots = shots_of(*(parts[::-1] if backwards else parts))
    index = index_of([100_000, *(sizes[::-1] if backwards else sizes)[1:]])

    assert moving_pictures(shots, index) == (moving[::-1] if backwards else moving)


def with_presenter(seed: int, *, left: int = 420) -> Picture:
    gray = draw_page(1)
    gray[240:, left : left + 120] = film(seed)[240:, left : left + 120]
    return picture(gray)


def test_usual_place_of_a_presenter_is_left_out_while_something_moves() -> None:
    habit = np.zeros((18, 32), np.bool_)
    habit[11:, 20:28] = True
    moving = Motion(quiet=False, shaky=False, live=None)
    look = Look(NORMAL, habit)
    a, b = (shots_of((with_presenter(seed), 5.0), motion=moving)[0] for seed in (1, 2))
    still = shots_of((with_presenter(2), 5.0))[0]

    assert look.same(a, b)
    assert not Look(NORMAL).same(a, b)
    assert not look.same(still, shots_of((page(1), 5.0))[0])


def test_cells_that_come_and_go_within_a_build_are_a_presenters() -> None:
    run = shots_of((page(1), 4.0), (with_presenter(1), 4.0), (page(1), 4.0))

    fidgets = LOOK.fidgets(run)

    assert fidgets is not None
    assert fidgets.sum() > 10
    assert not fidgets[:11].any()
    assert LOOK.besides(fidgets).same(run[0], run[1])


def test_build_steps_do_not_come_and_go() -> None:
    steps = shots_of(*((page(1, bullets=n), 4.0) for n in (1, 2, 3)))

    fidgets = LOOK.fidgets(steps)

    assert fidgets is not None
    assert not fidgets.any()
    assert LOOK.fidgets(steps[:2]) is None
    assert LOOK.besides(None) is LOOK


def test_image_is_taken_before_a_fade_at_the_end_begins() -> None:
    shot = shots_of((page(1), 10.0))[0]

    assert image_time_s(shot, NORMAL) == 9.5
    assert image_time_s(shots_of((page(1), 0.9))[0], NORMAL) == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("keys", "time_s"),
    [
        pytest.param([page(1, 5.0)], 5.0, id="keyframe shows it: cheap to read"),
        pytest.param([page(1, 5.0, bullets=3)], 9.5, id="keyframe lacks what was added since"),
        pytest.param([page(1, 9.8)], 9.5, id="keyframe so late that a fade may have begun"),
        pytest.param([page(1, 9.8), page(1, 4.8)], 4.8, id="the one before is early enough"),
        pytest.param([], 9.5, id="no keyframe"),
    ],
)
def test_image_is_taken_from_the_keyframe_that_shows_all(
    keys: list[Picture], time_s: float
) -> None:
    shot = Shot(0.0, 10.0, first=page(1), last=page(1, 9.9), keys=tuple(keys))

    assert image_time_s(shot, NORMAL) == time_s
