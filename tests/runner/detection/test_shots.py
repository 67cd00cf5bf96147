"""Grouping pictures into shots."""

from itertools import pairwise

import numpy as np
import pytest

from slides_api.v1alpha1 import Sensitivity
from slides_runner.detection.motion import STILL, Motion
from slides_runner.detection.pictures import Cells, Picture
from slides_runner.detection.shots import Shot, ShotBuilder
from slides_runner.detection.tolerance import TOLERANCES
from tests.runner.detection.drawings import draw_page, fade, film, page, picture

NORMAL = TOLERANCES[Sensitivity.NORMAL]


def build(*pictures: Picture, motion: Motion = STILL, end_s: float = 60.0) -> list[Shot]:
    builder = ShotBuilder(NORMAL)
    for one in pictures:
        builder.feed(one, motion)
    return builder.finish(end_s)


def spans(shots: list[Shot]) -> list[tuple[float, float]]:
    return [(shot.start_s, shot.end_s) for shot in shots]


def test_same_picture_goes_on_and_another_begins_a_shot() -> None:
    shots = build(page(1, 0.0), page(1, 5.0), page(2, 7.5), page(2, 9.0), page(1, 20.0))

    assert spans(shots) == [(0.0, 7.5), (7.5, 20.0), (20.0, 60.0)]


def test_no_pictures_are_no_shots() -> None:
    assert build() == []


def test_picture_after_the_end_still_has_a_length_of_nothing() -> None:
    assert spans(build(page(1, 3.0), end_s=2.0)) == [(3.0, 3.0)]


def test_slow_fade_is_noticed_although_no_two_neighbours_differ() -> None:
    steps = fade(draw_page(1), draw_page(2), steps=60)
    pictures = [picture(gray, i / 10) for i, (gray, _) in enumerate(steps)]

    assert len(build(*pictures)) > 1
    for before, after in pairwise(pictures):
        assert len(build(before, after)) == 1


def with_film(seed: int, time_s: float, number: int = 1) -> Picture:
    gray = draw_page(number)
    gray[200:350, 420:620] = film(seed)[200:350, 420:620]
    return picture(gray, time_s)


def film_cells() -> Cells:
    live = np.zeros((18, 32), np.bool_)
    live[9:18, 20:32] = True
    return live


def test_what_moves_by_itself_begins_no_shot() -> None:
    moving = Motion(quiet=False, shaky=False, live=film_cells())
    pictures = (with_film(1, 0.0), with_film(2, 5.0), with_film(3, 9.0, number=2))

    assert len(build(*pictures)) == 3
    assert spans(build(*pictures, motion=moving)) == [(0.0, 9.0), (9.0, 60.0)]


def test_pictures_once_nothing_moves_are_compared_with_the_first_still_one() -> None:
    builder = ShotBuilder(NORMAL)
    moving = Motion(quiet=False, shaky=False, live=film_cells())
    builder.feed(with_film(1, 0.0), moving, key=True)
    builder.feed(page(1, 5.0), STILL, key=True)  # the presenter is gone, the page stays
    builder.feed(page(1, 10.0), STILL, key=True)

    (shot,) = builder.finish(12.0)

    assert shot.first.time_s == 5.0
    assert (shot.start_s, shot.first_motion) == (0.0, STILL)


def test_last_two_keyframes_of_a_shot_are_remembered() -> None:
    builder = ShotBuilder(NORMAL)
    for time_s, key in ((0.0, True), (5.0, True), (10.0, True), (11.0, False)):
        builder.feed(page(1, time_s), STILL, key=key)

    (shot,) = builder.finish(13.0)

    assert [key.time_s for key in shot.keys] == [10.0, 5.0]
    assert shot.last.time_s == 11.0


def test_curve_says_how_much_each_picture_differs() -> None:
    builder = ShotBuilder(NORMAL)
    for one in (page(1, 0.0), page(1, 1.0), page(2, 2.0), page(2, 3.0)):
        builder.feed(one, STILL)

    scores = {sample.time_s: sample.score for sample in builder.samples}

    assert scores[1.0] == scores[3.0] == 0.0
    assert 0.1 < scores[2.0] <= 1.0
    assert scores[2.0] * 576 == pytest.approx(round(scores[2.0] * 576))


def test_pictures_of_shots_too_short_for_slides_are_not_kept() -> None:
    builder = ShotBuilder(NORMAL, min_duration_s=0.6)
    for time_s, number in ((0.0, 1), (0.3, 2), (1.3, 2)):
        builder.feed(page(number, time_s), STILL)
    short, kept = builder.finish(2.0)
    assert (short.last.gray.size, short.is_drawn) == (0, True)
    assert kept.last.gray.size > 0
    assert builder.cells == kept.last.ink.size
