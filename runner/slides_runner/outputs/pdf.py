"""`slides.pdf`: one page per slide, in the slide's own shape, to be read, printed and searched by.

JPEG files go into the PDF as they are. WebP cannot, and its pixels deflated would make the file ten
times as large, so beside each WebP a JPEG of the same frame was written for it. PNG was asked for
because nothing may be lost, and stays lossless. The same input gives the same bytes.
"""

from collections.abc import Iterable
from pathlib import Path

from reportlab import rl_config
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from slides_api.manifest import Image, Slide
from slides_api.moments import clock, link_at
from slides_runner.artifacts import LocalFile
from slides_runner.outputs import SlideSet, Talk

KEY = "slides.pdf"
PAGE_WIDTH_PT = 960.0
"""13.3 inches, as wide as presentation programs make a 16:9 slide."""
PAGE_SIDE_LIMIT_PT = 14_400.0
"""PDF 32000-1, annex C: viewers take no longer side."""
EMPTY_PAGE_PT = (PAGE_WIDTH_PT, 540.0)
FOOTER_PT = 22.0
"""Height of the strip below the picture, which thus stays uncovered."""
FONT, FONT_PT = "Helvetica", 9.0
MARGIN_PT = 10.0
INK, QUIET_INK = (0.2, 0.2, 0.22), (0.45, 0.45, 0.48)
DEFAULT_TITLE = "Slides"


def write_pdf(talk: Talk, slide_set: SlideSet) -> LocalFile:
    """Write the PDF into the work folder; without slides it is one page that says so."""
    path = talk.work_dir / KEY
    canvas = _open_canvas(path, talk)
    for slide in slide_set.slides:
        _add_page(canvas, talk, slide, slide_set.printables[slide.image.key])
    if not slide_set.slides:
        _add_empty_page(canvas)
    canvas.save()
    return LocalFile(KEY, path, "pdf", "application/pdf")


def _open_canvas(path: Path, talk: Talk) -> Canvas:
    # Read when a canvas is made: pictures as they are rather than in ASCII, a quarter larger.
    rl_config.useA85 = 0
    canvas = Canvas(str(path), invariant=1, pageCompression=1)
    info = talk.media.info
    canvas.setTitle(readable(info.title or "") or DEFAULT_TITLE)
    canvas.setAuthor(readable(info.uploader or ""))
    canvas.setSubject(readable(info.url or talk.key))
    canvas.setCreator("slides-extractor")
    canvas.setProducer("slides-extractor")
    if talk.detection.slides:
        canvas.showOutline()
    return canvas


def readable(text: str) -> str:
    """Return a title in one line, without what viewers cannot show: controls, lone surrogates."""
    shown = text.encode("utf-8", "replace").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in shown).split())


def _add_page(canvas: Canvas, talk: Talk, slide: Slide, picture: Path) -> None:
    width, height = page_size(slide.image)
    canvas.setPageSize((width, height + FOOTER_PT))
    canvas.drawImage(_embeddable(picture), 0, FOOTER_PT, width, height)
    _add_footer(canvas, talk.media.info.url, slide, width)
    name = f"slide-{slide.index}"
    canvas.bookmarkPage(name, fit="Fit")
    canvas.addOutlineEntry(f"{slide.index}    {clock(slide.spans[0].start)}", name)
    canvas.showPage()


def page_size(image: Image) -> tuple[float, float]:
    """Return the width and height of a picture's place on its page, in points."""
    height = PAGE_WIDTH_PT * image.height / image.width
    scale = min(1.0, (PAGE_SIDE_LIMIT_PT - FOOTER_PT) / height)
    return PAGE_WIDTH_PT * scale, height * scale


class _Jpeg(ImageReader):
    """A JPEG file that goes into a PDF undecoded; reportlab would decode it only to name it."""

    _dataA = None  # noqa: N815 - reportlab's name
    """JPEG has no transparency; `getRGBData` of the base class would say so."""

    def getRGBData(self) -> bytes:  # noqa: N802 - reportlab's name
        """Return bytes that are the picture's own, which is all that a name needs."""
        return Path(self.fileName).read_bytes()


def _embeddable(path: Path) -> ImageReader:
    return ImageReader(str(path)) if path.suffix == ".png" else _Jpeg(str(path))


def _add_footer(canvas: Canvas, url: str | None, slide: Slide, width: float) -> None:
    """Write the slide's number and times below its picture; times link into the video."""
    x, y = MARGIN_PT, (FOOTER_PT - FONT_PT) / 2 + 1
    canvas.setFont(FONT, FONT_PT)
    canvas.setFillColorRGB(*QUIET_INK)
    canvas.drawRightString(width - MARGIN_PT, y, str(slide.index))
    for words, target in _times(slide, url):
        extent = stringWidth(words, FONT, FONT_PT)
        if x + extent > width - 5 * MARGIN_PT:
            break
        canvas.setFillColorRGB(*(INK if target else QUIET_INK))
        canvas.drawString(x, y, words)
        if target:
            canvas.linkURL(target, (x, 0, x + extent, FOOTER_PT), relative=0)
        x += extent + MARGIN_PT


def _times(slide: Slide, url: str | None) -> Iterable[tuple[str, str | None]]:
    for span in slide.spans:
        yield f"{clock(span.start)} - {clock(span.end)}", link_at(url, span.start)


def _add_empty_page(canvas: Canvas) -> None:
    width, height = EMPTY_PAGE_PT
    canvas.setPageSize(EMPTY_PAGE_PT)
    canvas.setFont(FONT, 2 * FONT_PT)
    canvas.setFillColorRGB(*QUIET_INK)
    canvas.drawCentredString(width / 2, height / 2, "No slides were found in this talk.")
    canvas.showPage()
