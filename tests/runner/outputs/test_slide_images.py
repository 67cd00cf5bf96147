import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from slides_api.v1alpha1 import ImageFormat, Outputs, Region, SlideImage, SlidesOutput
from slides_runner.detection import DetectedBuild, DetectedSlide, Span
from slides_runner.errors import NotAVideoError
from slides_runner.outputs import Talk
from slides_runner.outputs.slide_images import crop, encode, write_slides
from tests.media import draw_slide, make_talk
from tests.runner.outputs.talks import open_talk, with_slides

LEAST_PSNR_DB = 30.0
"""H.264 and WebP both lose a little; swapped or shifted colours are below 20."""


def with_image(image_format: ImageFormat, quality: int = 80) -> Outputs:
    image = SlideImage(format=image_format, quality=quality)
    return Outputs(slides=SlidesOutput(image=image))


def psnr_db(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    error = np.mean((one.astype(float) - other.astype(float)) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def slide_at(time_s: float, *build_times_s: float) -> DetectedSlide:
    builds = tuple(DetectedBuild(Span(t, t + 0.1), t) for t in build_times_s)
    return DetectedSlide((Span(0.0, 1.0),), time_s, builds, 0.5)


@pytest.mark.parametrize("image_format", list(ImageFormat))
def test_pictures_show_the_slides_in_their_colours(
    video: Path, tmp_path: Path, image_format: ImageFormat
) -> None:
    slide_set = write_slides(open_talk(video, tmp_path, options=with_image(image_format)))
    for slide, number in zip(slide_set.slides, (1, 2), strict=True):
        path = next(f.path for f in slide_set.files if f.key == slide.image.key)
        with Image.open(path) as picture:
            assert picture.format == image_format.value.upper()
            shown = np.asarray(picture.convert("RGB"))
        assert psnr_db(shown, draw_slide(number, (640, 360))) > LEAST_PSNR_DB


def test_records_say_what_the_files_are(talk: Talk) -> None:
    slide_set = write_slides(talk)
    first, second = slide_set.slides
    assert (first.image.key, second.image.key) == ("slides/0001.webp", "slides/0002.webp")
    assert (first.image.width, first.image.height) == (640, 360)
    assert [(s.start, s.end) for s in first.spans] == [(0.0, 2.0), (4.0, 6.0)]
    assert (first.confidence, second.confidence) == (0.9123, 0.4)
    contents = {file.key: file.path.read_bytes() for file in slide_set.files}
    for image in (first.image, second.image, first.builds[0].image):
        assert image is not None
        assert image.bytes == len(contents[image.key])
        assert image.sha256 == hashlib.sha256(contents[image.key]).hexdigest()


def test_build_steps_get_pictures_of_their_own(video: Path, tmp_path: Path) -> None:
    detection = with_slides(slide_at(3.0, 0.5))
    slide_set = write_slides(open_talk(video, tmp_path, detection=detection))
    assert [f.key for f in slide_set.files] == ["slides/0001-build-1.webp", "slides/0001.webp"]
    image = slide_set.slides[0].builds[0].image
    assert image is not None
    assert image.key == "slides/0001-build-1.webp"


def test_equal_pictures_are_written_once_and_named_by_the_slide(
    video: Path, tmp_path: Path
) -> None:
    """A build step of the first slide shows the second, and is read before it."""
    detection = with_slides(slide_at(3.0, 1.0), slide_at(1.0), slide_at(1.0))
    slide_set = write_slides(open_talk(video, tmp_path, detection=detection))
    first, second, third = slide_set.slides
    assert [f.key for f in slide_set.files] == ["slides/0001.webp", "slides/0002.webp"]
    assert first.builds[0].image == second.image == third.image
    assert second.image.key == "slides/0002.webp"


def test_same_talk_gives_the_same_bytes(video: Path, tmp_path: Path) -> None:
    one, other = (write_slides(open_talk(video, tmp_path / name)) for name in ("a", "b"))
    assert one.slides == other.slides
    for mine, yours in zip(one.files, other.files, strict=True):
        assert mine.path.read_bytes() == yours.path.read_bytes()


def test_region_is_cut_out(video: Path, tmp_path: Path) -> None:
    region = Region(left=0.5, top=0.25, width=0.5, height=0.5)
    options = Outputs(slides=SlidesOutput(region=region))
    slide_set = write_slides(open_talk(video, tmp_path, options=options))
    with Image.open(slide_set.files[-1].path) as picture:
        shown = np.asarray(picture.convert("RGB"))
    assert psnr_db(shown, draw_slide(2, (640, 360))[90:270, 320:]) > LEAST_PSNR_DB


@pytest.mark.parametrize(
    ("region", "want"),
    [
        (None, (100, 200)),
        (Region(), (100, 200)),
        (Region(left=0.5, width=0.5), (100, 100)),
        (Region(left=0.9, top=0.9, width=1.0, height=1.0), (10, 20)),
        (Region(left=1.0, top=1.0, width=0.001, height=0.001), (1, 1)),
    ],
    ids=["none", "whole", "half", "beyond the edge", "never empty"],
)
def test_regions_stay_within_the_picture(region: Region | None, want: tuple[int, int]) -> None:
    assert crop(np.zeros((100, 200, 3), np.uint8), region).shape[:2] == want


def test_pictures_too_long_for_the_format_are_scaled_down() -> None:
    long = np.zeros((2, 20_000, 3), np.uint8)
    assert encode(long, SlideImage(format=ImageFormat.WEBP))[1][0] == 16_383
    assert encode(long, SlideImage(format=ImageFormat.PNG))[1][0] == 20_000


def test_quality_decides_the_size(talk: Talk) -> None:
    picture = draw_slide(1, (640, 360))
    for image_format in (ImageFormat.WEBP, ImageFormat.JPEG):
        small, large = (
            encode(picture, SlideImage(format=image_format, quality=quality))[0]
            for quality in (20, 95)
        )
        assert len(small) < len(large)


def test_tells_of_each_slide(talk: Talk) -> None:
    told: list[tuple[int, int]] = []
    write_slides(talk, lambda done, total: told.append((done, total)))
    assert told[-1] == (2, 2)
    assert told == sorted(told)


def test_pictures_are_upright_and_large_ones_are_read(tmp_path: Path) -> None:
    video = make_talk(tmp_path / "tall.mp4", slides=((1, 1.0),), size=(360, 640), rotation=90)
    slide_set = write_slides(open_talk(video.path, tmp_path, detection=with_slides(slide_at(0.5))))
    with Image.open(slide_set.files[0].path) as picture:
        shown = np.asarray(picture.convert("RGB"))
    assert psnr_db(shown, draw_slide(1, (360, 640))) > LEAST_PSNR_DB


def test_video_that_went_bad_meanwhile_is_refused(talk: Talk, tmp_path: Path) -> None:
    gone_bad = tmp_path / "bad.mp4"
    gone_bad.write_bytes(b"no longer a video")
    with pytest.raises(NotAVideoError):
        write_slides(replace(talk, media=replace(talk.media, path=gone_bad)))


def test_talk_without_slides_has_no_pictures(video: Path, tmp_path: Path) -> None:
    slide_set = write_slides(open_talk(video, tmp_path, detection=with_slides()))
    assert (slide_set.slides, slide_set.files) == ((), ())
