"""The detector from end to end, on small talks with known truth."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slides_api.v1alpha1 import Region, Sensitivity, SlidesOutput
from slides_runner.detection import Detection, Sample, Span
from slides_runner.detection.detector import JOIN_S, MAX_SAMPLES, detect, joined, thinned
from slides_runner.errors import NotAVideoError
from tests.media import Codec, Talk, cut_off, damage, make_audio, make_talk
from tests.runner.detection.drawings import Gray, draw_page, fade, film, write_video

OPTIONS = SlidesOutput()


def starts(found: Detection) -> list[float]:
    return [slide.spans[0].start_s for slide in found.slides]


def spans(found: Detection) -> list[list[tuple[float, float]]]:
    return [[(s.start_s, s.end_s) for s in slide.spans] for slide in found.slides]


def found_in(path: Path, parts: Sequence[tuple[Gray, float]], **options: object) -> Detection:
    return detect(write_video(path, parts), SlidesOutput.model_validate(options))


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("talk.mp4", "libx264"),
        ("talk.mp4", "libx265"),
        ("talk.mp4", "libsvtav1"),
        ("talk.mkv", "libx264"),
        ("talk.ts", "libx264"),
        ("talk.webm", "libvpx-vp9"),
        ("talk.avi", "mpeg4"),
    ],
)
def test_hard_cuts_are_found_to_the_frame(tmp_path: Path, name: str, codec: Codec) -> None:
    slides = ((1, 3.7), (2, 4.4), (3, 2.6), (4, 5.3))
    talk = make_talk(tmp_path / name, slides=slides, fps=25, gop=50, codec=codec)

    found = detect(talk.path, OPTIONS)

    assert starts(found) == pytest.approx(talk.starts, abs=0.041)
    assert found.duration_s == pytest.approx(16.0, abs=0.05)
    assert found.warnings == ()
    assert found.nonslides == ()


def test_return_is_one_slide_with_two_spans(tmp_path: Path) -> None:
    talk = make_talk(tmp_path / "talk.mp4", slides=((1, 4.0), (2, 4.0), (1, 4.0)))

    found = detect(talk.path, OPTIONS)

    assert spans(found) == [
        [pytest.approx((0.0, 4.0)), pytest.approx((8.0, 12.0))],
        [pytest.approx((4.0, 8.0))],
    ]


def test_build_steps_are_told_and_the_finished_slide_is_the_image(tmp_path: Path) -> None:
    parts = [(draw_page(1, bullets=n), 4.0) for n in (1, 2, 4)]

    (slide,) = found_in(tmp_path / "talk.mp4", parts).slides

    assert [(b.span.start_s, b.span.end_s) for b in slide.builds] == [
        pytest.approx((0.0, 4.0)),
        pytest.approx((4.0, 8.0)),
    ]
    assert 8.0 <= slide.image_time_s < 12.0
    assert all(b.span.start_s <= b.image_time_s < b.span.end_s for b in slide.builds)


def test_faded_slide_starts_once_it_has_settled(tmp_path: Path) -> None:
    one, two = draw_page(1), draw_page(2)
    parts = [(one, 4.0), *fade(one, two, steps=8), (two, 4.0)]

    found = found_in(tmp_path / "talk.mp4", parts)

    assert len(found.slides) == 2
    assert 4.3 < starts(found)[1] <= 5.0
    assert all(s.image_time_s < 4.0 or s.image_time_s >= 4.8 for s in found.slides)


def test_face_is_no_slide_but_told(tmp_path: Path) -> None:
    face = [(film(moment), 0.1) for moment in range(60)]
    parts = [(draw_page(1), 4.0), *face, (draw_page(2), 4.0)]

    found = found_in(tmp_path / "talk.mp4", parts)

    assert starts(found) == pytest.approx([0.0, 10.0], abs=0.11)
    assert [(s.start_s, s.end_s) for s in found.nonslides] == [pytest.approx((4.0, 10.0), abs=0.11)]


def test_region_leaves_out_what_lies_beside_it(tmp_path: Path) -> None:
    parts: list[tuple[Gray, float]] = []
    for number in (1, 1, 2, 2):
        gray = draw_page(number)
        gray[:, 400:] = draw_page(len(parts) + 3)[:, :240]  # beside it always another page
        parts.append((gray, 3.0))

    whole = found_in(tmp_path / "talk.mp4", parts)
    left = detect(
        tmp_path / "talk.mp4", SlidesOutput(region=Region(left=0, top=0, width=0.6, height=1))
    )

    assert len(whole.slides) == 4
    assert starts(left) == pytest.approx([0.0, 6.0], abs=0.11)


@pytest.mark.parametrize(
    ("dots", "apart"),
    [
        pytest.param(3, {Sensitivity.HIGH}, id="three dots"),
        pytest.param(9, {Sensitivity.HIGH, Sensitivity.NORMAL}, id="nine dots"),
        pytest.param(14, set(Sensitivity), id="fourteen dots"),
    ],
)
def test_sensitivity_says_how_small_a_change_makes_a_slide(
    tmp_path: Path, dots: int, apart: set[Sensitivity]
) -> None:
    before = draw_page(1)
    for dot in range(dots):  # each within a cell of its own, on the empty ground
        left = 26 + 40 * dot
        before[326:334, left : left + 8] = 0
    path = write_video(tmp_path / "talk.mp4", [(before, 4.0), (draw_page(1), 4.0)])

    counts = {one: len(detect(path, SlidesOutput(sensitivity=one)).slides) for one in Sensitivity}

    assert counts == {one: 2 if one in apart else 1 for one in Sensitivity}


def test_shorter_slides_than_wanted_are_left_out(tmp_path: Path) -> None:
    slides = ((1, 4.0), (2, 1.5), (3, 4.0))
    talk = make_talk(tmp_path / "talk.mp4", slides=slides)

    one, two = (detect(talk.path, SlidesOutput(min_duration_seconds=s)) for s in (1.0, 2.0))

    assert starts(one) == pytest.approx([0.0, 4.0, 5.5])
    assert starts(two) == pytest.approx([0.0, 5.5])


@pytest.fixture(scope="module")
def one_gop(tmp_path_factory: pytest.TempPathFactory) -> Talk:
    slides = tuple((1 + i % 5, 1.6) for i in range(40))  # more changes than are held at once
    return make_talk(tmp_path_factory.mktemp("gop") / "talk.mp4", slides=slides, fps=25, gop=9999)


def test_video_of_a_single_gop_has_all_its_slides(one_gop: Talk) -> None:
    found = detect(one_gop.path, OPTIONS)

    assert starts(found) == pytest.approx(one_gop.starts, abs=0.041)
    assert sum(len(slide.spans) for slide in found.slides) == 40


def test_progress_only_grows_and_ends_with_the_last_frame(one_gop: Talk, tmp_path: Path) -> None:
    talk = make_talk(tmp_path / "talk.mp4", fps=25, gop=50)
    for path, frames in ((talk.path, 300), (one_gop.path, 1600)):
        told: list[tuple[int, int]] = []
        detect(path, OPTIONS, lambda seen, total: told.append((seen, total)))  # noqa: B023

        assert [seen for seen, _ in told] == sorted(seen for seen, _ in told)
        assert {total for _, total in told} == {frames}
        assert told[-1] == (frames, frames)


def test_same_video_gives_the_same_result(tmp_path: Path) -> None:
    talk = make_talk(tmp_path / "talk.mp4", slides=((1, 3.0), (2, 3.0), (1, 3.0)))

    assert detect(talk.path, OPTIONS) == detect(talk.path, OPTIONS)


def test_thresholds_are_those_that_decided(tmp_path: Path) -> None:
    talk = make_talk(tmp_path / "talk.mp4", slides=((1, 3.0), (2, 3.0)), size=(640, 480))

    found = detect(talk.path, SlidesOutput(min_duration_seconds=1.5))

    above = [s for s in found.samples if s.score >= found.thresholds["change"]]
    assert [s.time_s for s in above] == pytest.approx([3.0])
    assert found.thresholds["minDurationSeconds"] == 1.5


def test_cut_off_video_has_the_slides_up_to_there_and_a_warning(tmp_path: Path) -> None:
    whole = make_talk(tmp_path / "whole.mkv", slides=((1, 5.0), (2, 5.0), (3, 5.0)), gop=20)
    path = cut_off(whole.path, tmp_path / "talk.mkv", share=0.6)

    found = detect(path, OPTIONS)

    assert starts(found) == pytest.approx([0.0, 5.0])
    assert [reason for reason, _ in found.warnings] == ["VideoTruncated"]


def test_damaged_video_has_its_readable_slides_and_a_warning(tmp_path: Path) -> None:
    whole = make_talk(tmp_path / "whole.mp4", slides=((1, 8.0), (2, 8.0), (3, 8.0)), gop=20)
    path = damage(whole.path, tmp_path / "talk.mp4", start=0.4, end=0.55)

    found = detect(path, OPTIONS)

    assert starts(found)[0] == 0.0
    assert any(s.spans[0].start_s == pytest.approx(16.0, abs=2.1) for s in found.slides)
    assert "VideoCorrupt" in {reason for reason, _ in found.warnings}


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAVideoError):
        detect(make_audio(tmp_path / "sound.m4a"), OPTIONS)


def test_confidence_grows_with_the_time_a_slide_stands(tmp_path: Path) -> None:
    talk = make_talk(tmp_path / "talk.mp4", slides=((1, 1.5), (2, 3.0), (3, 9.0)))

    found = detect(talk.path, SlidesOutput(min_duration_seconds=1.0))

    short, middle, long = (slide.confidence for slide in found.slides)
    assert 0.5 < short < middle < long <= 1.0


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 10)), max_size=20))
def test_joined_spans_cover_the_same_and_keep_their_distance(
    parts: list[tuple[float, float]],
) -> None:
    given_spans = [Span(start, start + length) for start, length in parts]

    found = joined(given_spans)

    for before, after in pairwise(found):
        assert after.start_s - before.end_s >= JOIN_S
    for span in given_spans:
        assert any(f.start_s <= span.start_s and span.end_s <= f.end_s for f in found)


@pytest.mark.parametrize("count", [0, 1, MAX_SAMPLES, MAX_SAMPLES + 1, 10 * MAX_SAMPLES + 3])
def test_thinned_curve_keeps_its_peaks(count: int) -> None:
    scores = np.random.default_rng(count).random(count)
    curve = [Sample(float(i), float(score)) for i, score in enumerate(scores)]

    thin = thinned(curve)

    assert len(thin) <= MAX_SAMPLES
    assert set(thin) <= set(curve)
    assert max(thin, key=lambda s: s.score, default=None) == max(
        curve, key=lambda s: s.score, default=None
    )


def test_talk_that_begins_with_a_flash_has_its_slides(tmp_path: Path) -> None:
    talk = make_talk(tmp_path / "talk.mp4", slides=((1, 0.3), (2, 3.0), (3, 3.0)))
    found = detect(talk.path, SlidesOutput())
    assert len(found.slides) == 2
