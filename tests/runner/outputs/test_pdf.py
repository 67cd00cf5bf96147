from dataclasses import replace
from pathlib import Path

import pypdf
import pytest
from PIL import Image, ImageChops

from slides_api.v1alpha1 import ImageFormat, Outputs, SlideImage, SlidesOutput
from slides_runner.detection import DetectedSlide, Span
from slides_runner.outputs import SlideSet, Talk
from slides_runner.outputs.pdf import readable, write_pdf
from slides_runner.outputs.slide_images import write_slides
from tests.media import make_talk
from tests.runner.outputs.talks import INFO, open_talk, with_slides


def pdf_of(talk: Talk) -> pypdf.PdfReader:
    return pypdf.PdfReader(write_pdf(talk, write_slides(talk)).path)


def with_format(image_format: ImageFormat) -> Outputs:
    return Outputs(slides=SlidesOutput(image=SlideImage(format=image_format)))


def links_on(page: pypdf.PageObject) -> list[str]:
    annotations = (annotation.get_object() for annotation in page.get("/Annots", []))
    return [str(annotation["/A"]["/URI"]) for annotation in annotations]


def test_has_a_page_per_slide_with_an_outline_of_times(talk: Talk) -> None:
    pdf = pdf_of(talk)
    assert len(pdf.pages) == 2
    titles = [entry["/Title"] for entry in pdf.outline if not isinstance(entry, list)]
    assert [str(title).split() for title in titles] == [["1", "0:00"], ["2", "0:02"]]


def test_pages_show_times_that_link_into_the_video(talk: Talk) -> None:
    first, second = pdf_of(talk).pages
    assert "0:04 - 0:06" in first.extract_text()
    url = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
    assert links_on(first) == [f"{url}&t=0s", f"{url}&t=4s"]
    assert links_on(second) == [f"{url}&t=2s"]


def test_local_video_has_times_without_links(talk: Talk) -> None:
    local = replace(talk, media=replace(talk.media, info=replace(INFO, url=None)))
    page = pdf_of(local).pages[0]
    assert links_on(page) == []
    assert "0:00 - 0:02" in page.extract_text()


@pytest.mark.parametrize("size", [(640, 360), (640, 480), (360, 640)], ids=str)
def test_page_has_the_slides_shape(tmp_path: Path, size: tuple[int, int]) -> None:
    video = make_talk(tmp_path / "talk.mp4", slides=((1, 1.0),), size=size).path
    detection = with_slides(DetectedSlide((Span(0, 1),), 0.5, (), 1.0))
    page = pdf_of(open_talk(video, tmp_path, detection=detection)).pages[0]
    footer_pt = 22
    shape = float(page.mediabox.width) / (float(page.mediabox.height) - footer_pt)
    assert shape == pytest.approx(size[0] / size[1], rel=1e-3)


def test_jpeg_goes_in_as_it_is(video: Path, tmp_path: Path) -> None:
    talk = open_talk(video, tmp_path, options=with_format(ImageFormat.JPEG))
    slide_set = write_slides(talk)
    pdf = write_pdf(talk, slide_set).path.read_bytes()
    key = slide_set.slides[0].image.key
    written = next(file.path.read_bytes() for file in slide_set.files if file.key == key)
    assert written in pdf


def test_png_stays_lossless(video: Path, tmp_path: Path) -> None:
    talk = open_talk(video, tmp_path, options=with_format(ImageFormat.PNG))
    slide_set = write_slides(talk)
    (embedded,) = pypdf.PdfReader(write_pdf(talk, slide_set).path).pages[0].images
    key = slide_set.slides[0].image.key
    path = next(file.path for file in slide_set.files if file.key == key)
    assert isinstance(embedded.image, Image.Image)
    with Image.open(path) as written:
        difference = ImageChops.difference(embedded.image.convert("RGB"), written.convert("RGB"))
    assert difference.getbbox() is None


def test_webp_stays_small(talk: Talk, slide_set: SlideSet) -> None:
    size = write_pdf(talk, slide_set).path.stat().st_size
    raw = sum(slide.image.width * slide.image.height * 3 for slide in slide_set.slides)
    assert size < raw / 10


@pytest.mark.parametrize(
    "title",
    [
        "Введение в сети - מבוא לרשתות 🎓",
        "(unbalanced \\ parens ))) <</Title (x)>>",
        "line\nbreak\r\x00\x1b[31mcontrol",
        "lone \ud800 surrogate",
        "",
        "x" * 5000,
    ],
    ids=["unicode", "pdf syntax", "controls", "surrogate", "empty", "long"],
)
def test_any_title_is_safe(talk: Talk, title: str) -> None:
    info = replace(INFO, title=title, uploader=title)
    pdf = pdf_of(replace(talk, media=replace(talk.media, info=info)))
    assert len(pdf.pages) == 2
    assert pdf.metadata is not None
    assert pdf.metadata.title == (readable(title) or "Slides")


def test_same_talk_gives_the_same_bytes(video: Path, tmp_path: Path) -> None:
    talks = [open_talk(video, tmp_path / name) for name in ("a", "b")]
    one, other = (write_pdf(talk, write_slides(talk)).path.read_bytes() for talk in talks)
    assert one == other


def test_talk_without_slides_gets_a_page_that_says_so(video: Path, tmp_path: Path) -> None:
    (page,) = pdf_of(open_talk(video, tmp_path, detection=with_slides())).pages
    assert "No slides were found" in page.extract_text()
