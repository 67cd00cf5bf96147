"""Telling drawn pictures from filmed ones."""

import cv2
import numpy as np
import pytest

from slides_runner.detection.ground import looks_drawn, peak, uprightness
from tests.runner.detection.drawings import Gray, draw_page, film, picture


def gradient_table() -> Gray:
    """Return a table on a ground that is of no single grey."""
    page = np.tile(np.linspace(60, 250, 640).astype(np.uint8), (360, 1))
    for row in range(8):
        cv2.rectangle(page, (100, 30 + 35 * row), (500, 65 + 35 * row), 10, 3)
    return page


@pytest.mark.parametrize(
    ("gray", "drawn"),
    [
        pytest.param(draw_page(1), True, id="page"),
        pytest.param(255 - draw_page(2), True, id="dark page"),
        pytest.param(gradient_table(), True, id="table on a gradient"),
        pytest.param(np.full((360, 640), 90, np.uint8), True, id="empty page"),
        pytest.param(film(1), False, id="film"),
        pytest.param(cv2.GaussianBlur(film(2), (0, 0), 6), False, id="blurred film"),
    ],
)
def test_drawn_pictures_are_told_from_filmed_ones(gray: Gray, drawn: bool) -> None:
    assert looks_drawn(picture(gray)) is drawn


def test_peak_is_the_share_of_the_plain_ground() -> None:
    half = film(1)
    half[:, :320] = 200

    assert 0.5 <= peak(picture(half)) < 0.65


@pytest.mark.parametrize(("angle", "upright"), [(0, True), (90, True), (45, False), (20, False)])
def test_uprightness_is_the_share_of_upright_edges(angle: int, upright: bool) -> None:
    gray = np.full((360, 640), 230, np.uint8)
    turn = np.deg2rad(angle)
    for offset in range(-300, 301, 50):
        centre = np.array([320 - offset * np.sin(turn), 180 + offset * np.cos(turn)])
        along = 400 * np.array([np.cos(turn), np.sin(turn)])
        ends = [tuple(int(v) for v in centre + sign * along) for sign in (-1, 1)]
        cv2.line(gray, ends[0], ends[1], 30, 6)

    assert (uprightness(picture(gray)) > 0.9) is upright
    assert (uprightness(picture(gray)) < 0.2) is not upright
