"""Comparing pictures: drawn changes count, noise, light, shakes and what moves by itself do not."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from slides_api.v1alpha1 import Region
from slides_runner.detection.pictures import (
    AREA,
    Cells,
    Picture,
    aligned,
    compare,
    dilate,
    mostly_within,
    registered,
    take_picture,
)
from tests.runner.detection.drawings import HEIGHT, WIDTH, Gray, draw_page, film, page, picture

GRID = (18, 32)


def cells(top: int, left: int, height: int, width: int) -> Cells:
    grid = np.zeros(GRID, np.bool_)
    grid[top : top + height, left : left + width] = True
    return grid


def moved(gray: Gray, *, shift: tuple[float, float], scale: float = 1.0) -> Gray:
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpAffine(gray, matrix, (WIDTH, HEIGHT), borderMode=border), np.uint8)


def noisy(gray: Gray, *, sigma: float) -> Gray:
    noise = np.random.default_rng(0).normal(0, sigma, gray.shape)
    return np.clip(gray + noise, 0, 255).astype(np.uint8)


def test_other_page_changes_many_cells_and_loses_ink() -> None:
    change = compare(page(1), page(2))

    assert change.count > 60
    assert change.lost.sum() > 30


def test_added_bullet_changes_its_own_line_and_loses_nothing() -> None:
    change = compare(page(1, bullets=2), page(1, bullets=3))

    rows = np.flatnonzero(change.changed.any(axis=1))
    assert change.count >= 10
    assert set(rows) <= {9, 10, 11}  # its baseline lies at 220 of 360 pixels
    assert not change.lost.any()


def test_removed_bullet_is_lost() -> None:
    change = compare(page(1, bullets=3), page(1, bullets=2))

    assert change.lost.sum() >= 8


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(noisy(draw_page(1), sigma=4), id="noise"),
        pytest.param(draw_page(1) - 15, id="darker"),
        pytest.param((draw_page(1) * 0.9 + 15).astype(np.uint8), id="less contrast"),
        pytest.param(cv2.GaussianBlur(draw_page(1), (0, 0), 0.8), id="soft coding"),
    ],
)
def test_noise_and_light_are_no_change(after: Gray) -> None:
    assert compare(page(1), picture(after)).count == 0


def test_live_cells_are_left_out() -> None:
    shown = draw_page(1)
    shown[200:350, 420:620] = film(3)[200:350, 420:620]
    after = draw_page(1)
    after[200:350, 420:620] = film(4)[200:350, 420:620]
    live = cells(9, 20, 9, 12)

    assert compare(picture(shown), picture(after)).count > 20
    assert compare(picture(shown), picture(after), live=live).count == 0
    assert compare(picture(shown), page(2), live=live).count > 30


@pytest.mark.parametrize(
    ("changed", "within"),
    [
        pytest.param(cells(5, 5, 4, 4), True, id="all of it"),
        pytest.param(cells(5, 5, 4, 7), True, id="more than half"),
        pytest.param(cells(5, 6, 4, 9), False, id="less than half"),
        pytest.param(cells(12, 20, 2, 2), False, id="elsewhere"),
    ],
)
def test_blob_goes_with_the_live_cells_it_mostly_lies_in(changed: Cells, within: bool) -> None:
    found = mostly_within(changed, cells(4, 4, 6, 6))

    assert (found == (changed if within else np.zeros(GRID, np.bool_))).all()


def test_large_change_that_touches_a_film_is_no_part_of_it() -> None:
    changed, live = cells(0, 0, 12, 16), cells(0, 0, 12, 12)

    assert (changed & ~live).mean() > 0.04
    assert not mostly_within(changed, live).any()


def test_dilated_cells_have_a_margin_of_one() -> None:
    assert (dilate(cells(5, 5, 1, 1)) == cells(4, 4, 3, 3)).all()


@pytest.mark.parametrize(
    ("shift", "scale"),
    [
        pytest.param((6.0, 0.0), 1.0, id="pan"),
        pytest.param((-4.0, 5.0), 1.0, id="shake"),
        pytest.param((2.0, 2.0), 1.01, id="zoom"),
    ],
)
def test_moving_camera_is_aligned_away(shift: tuple[float, float], scale: float) -> None:
    after = picture(moved(draw_page(1), shift=shift, scale=scale))

    assert compare(page(1), after).count > 30
    assert registered(page(1), after).count <= 2


def test_alignment_keeps_other_pages_apart() -> None:
    assert registered(page(1), page(2)).count > 60
    assert aligned(page(1), picture(film(1), 3.0)).time_s == 3.0


def test_camera_that_moves_too_far_is_another_scene() -> None:
    after = picture(moved(draw_page(1), shift=(120.0, 0.0)))

    assert aligned(page(1), after) is after


def frame_of(gray: Gray, pixel_format: str = "yuv420p") -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.dstack([gray] * 3), format="rgb24")
    frame.pts, frame.time_base = 0, Fraction(1, 10)
    return frame.reformat(format=pixel_format)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p", "nv12", "yuv420p10le", "rgb24"])
def test_frame_in_any_format_gives_the_same_picture(pixel_format: str) -> None:
    taken = take_picture(frame_of(draw_page(1), pixel_format), 2.0, None)

    assert taken.time_s == 2.0
    assert taken.gray.shape == (180, 320)
    assert compare(page(1), taken).count == 0


@pytest.mark.parametrize("size", [(640, 480), (1280, 720), (480, 848), (1024, 768)])
def test_picture_has_the_frames_shape_and_always_about_the_same_area(
    size: tuple[int, int],
) -> None:
    gray = np.full((size[1], size[0]), 128, np.uint8)

    height, width = take_picture(frame_of(gray), 0.0, None).gray.shape

    assert height * width == pytest.approx(AREA, rel=0.02)
    assert width / height == pytest.approx(size[0] / size[1], rel=0.02)


def test_region_is_all_that_is_looked_at() -> None:
    beside = draw_page(1)
    beside[:, 320:] = film(2)[:, 320:]
    left = Region(left=0.0, top=0.0, width=0.5, height=1.0)

    whole = compare(_taken(draw_page(1), None), _taken(beside, None))
    part = compare(_taken(draw_page(1), left), _taken(beside, left))

    assert whole.count > 0
    assert part.count == 0


def _taken(gray: Gray, region: Region | None) -> Picture:
    return take_picture(frame_of(gray), 0.0, region)
