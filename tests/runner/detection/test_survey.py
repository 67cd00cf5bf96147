"""Surveying keyframes and probing what moves."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from slides_api.v1alpha1 import Region
from slides_runner.detection.packets import group, read_index
from slides_runner.detection.pictures import compare
from slides_runner.detection.survey import KeySample, build_sample, survey
from tests.media import damage, make_talk
from tests.runner.detection.drawings import draw_page, film, page, picture, write_video


def surveyed(path: Path, region: Region | None = None) -> list[KeySample]:
    return list(survey(path, group(read_index(path)), region))


@pytest.mark.parametrize("name", ["talk.mp4", "talk.mkv", "talk.ts"])
def test_each_keyframe_is_surveyed_once(tmp_path: Path, name: str) -> None:
    talk = make_talk(tmp_path / name, fps=25, gop=50)
    gops = group(read_index(talk.path))

    samples = list(survey(talk.path, gops, None))

    assert [s.gop for s in samples] == list(range(len(gops)))
    assert [s.picture.time_s for s in samples] == pytest.approx([g.start_s for g in gops])


def test_still_talk_is_not_probed(tmp_path: Path) -> None:
    path = write_video(tmp_path / "talk.mp4", [(draw_page(1), 10.0)])

    assert [s.moving for s in surveyed(path)] == [None, None]


def presented(tmp_path: Path) -> Path:
    parts = []
    for moment in range(50):  # five pictures a second among ten frames
        gray = draw_page(1)
        gray[200:350, 420:620] = film(moment)[200:350, 420:620]
        parts.append((gray, 0.2))
    return write_video(tmp_path / "talk.mp4", parts)


def test_film_within_a_slide_is_seen_moving(tmp_path: Path) -> None:
    samples = surveyed(presented(tmp_path))

    assert len(samples) == 2
    for sample in samples:
        assert sample.drawn
        assert sample.moving is not None
        assert sample.moving[10:17, 21:31].mean() > 0.5
        assert sample.moving[:, :20].mean() < 0.02


def test_region_is_all_that_is_surveyed(tmp_path: Path) -> None:
    left = Region(left=0.0, top=0.0, width=0.6, height=1.0)

    sample = surveyed(presented(tmp_path), left)[0]

    assert sample.picture.gray.shape == (180, 192)
    assert sample.moving is not None
    assert not sample.moving.any()


def test_unreadable_keyframes_are_passed_over(tmp_path: Path) -> None:
    talk = make_talk(tmp_path / "whole.mkv", slides=((1, 10.0), (2, 10.0)), gop=20)
    path = damage(talk.path, tmp_path / "talk.mkv", start=0.3, end=0.6)
    gops = group(read_index(path))

    samples = list(survey(path, gops, None))

    found = [s.gop for s in samples]
    assert found == sorted(set(found))
    assert 0 in found


def test_camera_that_moves_is_told_from_what_it_shows() -> None:
    shift = np.array([[1, 0, 5], [0, 1, 4]], np.float32)
    border = cv2.BORDER_REPLICATE
    moved = np.asarray(cv2.warpAffine(draw_page(1), shift, (640, 360), borderMode=border), np.uint8)

    assert build_sample(0, [page(1), picture(moved)]).shaky
    assert not build_sample(0, [page(1), page(2)]).shaky
    assert not build_sample(0, [page(1), page(1)]).shaky


def test_keyframe_without_a_probe_says_nothing_of_motion() -> None:
    first = page(1)

    sample = build_sample(7, [first])

    assert (sample.gop, sample.moving, sample.shaky) == (7, None, False)
    assert compare(sample.picture, first).count == 0
