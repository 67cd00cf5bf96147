"""`report.html`: the whole talk on one page that needs no network.

Thumbnails are inline up to a budget, so that the file stays small for any number of slides; the
full pictures, and thumbnails beyond the budget, are referred to where they lie beside the page. A
content security policy allows the page's own style and script by their hashes and nothing else.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from slides_api import __version__
from slides_api.manifest import Chapter, Slide
from slides_api.moments import clock, link_at
from slides_api.timeline import colour_of
from slides_api.v1alpha1 import Document
from slides_runner.artifacts import LocalFile
from slides_runner.outputs import SlideSet, Talk, slides_options
from slides_runner.outputs.timeline import Timeline, build_timeline
from slides_runner.video import VideoProperties

KEY = "report.html"
TEMPLATES = Path(__file__).parent / "templates"
INLINE_BYTES = 3_000_000
"""Of thumbnails inside the page; chosen: 4 MB in base64, opened at once anywhere."""
UNSURE_BELOW = 0.5
"""Confidence below which the page says that a slide may be none."""
POLICY = (
    "default-src 'none'; img-src 'self' data: file:; style-src '{style}'; script-src '{script}'; "
    "base-uri 'none'; form-action 'none'"
)
CHAPTER_TOLERANCE_S = 0.5
"""Chapters are set by hand: a slide that comes this much earlier belongs to them."""
BEFORE_CHAPTERS = "Before the first chapter"
DEFAULT_TITLE = "Untitled talk"


@dataclass(frozen=True)
class SpanView:
    """A stretch in which a slide is on screen."""

    clock: str
    length: str
    link: str | None


@dataclass(frozen=True)
class BuildView:
    """A build step of a slide."""

    key: str
    thumbnail: str
    clock: str


@dataclass(frozen=True)
class SlideView:
    """One card."""

    index: int
    key: str
    thumbnail: str
    width: int
    height: int
    colour: str
    spans: tuple[SpanView, ...]
    builds: tuple[BuildView, ...]
    confidence: str
    is_unsure: bool


@dataclass(frozen=True)
class GroupView:
    """The cards under one chapter, or all of them."""

    anchor: str
    title: str
    clock: str
    link: str | None
    slides: tuple[SlideView, ...]
    again: tuple[int, ...]
    """Slides that are returned to in this chapter."""


@dataclass(frozen=True)
class Entry:
    """A line of the list to click."""

    anchor: str
    clock: str
    title: str


@dataclass(frozen=True)
class FileView:
    """Another output of the same run."""

    key: str
    name: str


@dataclass(frozen=True)
class ReportView:
    """Everything that the template shows, in words."""

    title: str
    uploader: str | None
    url: str | None
    host: str
    duration: str
    picture: str
    coverage: str
    returns: int
    steps: int
    files: tuple[FileView, ...]
    warnings: tuple[tuple[str, str], ...]
    """(CamelCase reason, sentence)"""
    timeline: Timeline
    has_chapters: bool
    contents: tuple[Entry, ...]
    groups: tuple[GroupView, ...]
    slides: tuple[SlideView, ...]
    facts: tuple[tuple[str, str], ...]
    generator: str
    data: dict[str, object]
    """What the page's script needs and the document does not show."""


def write_report(talk: Talk, slide_set: SlideSet) -> LocalFile:
    """Write the report into the work folder."""
    path = talk.work_dir / KEY
    path.write_text(render(build_view(talk, slide_set)), encoding="utf-8", errors="replace")
    return LocalFile(KEY, path, "html", "text/html")


def render(view: ReportView) -> str:
    """Return the page as HTML."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = ((TEMPLATES / f"report.{kind}").read_text("utf-8") for kind in ("css", "js"))
    return environment.get_template("report.html").render(
        view=view,
        style=Markup(style),  # noqa: S704 - our own file, and CSS has no entities
        script=Markup(script),  # noqa: S704 - the same
        csp=POLICY.format(style=_digest(style), script=_digest(script)),
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def build_view(talk: Talk, slide_set: SlideSet) -> ReportView:
    """Return what the page shows; reads the thumbnails."""
    info, detection = talk.media.info, talk.detection
    url = info.url if urlsplit(info.url or "").scheme in {"http", "https"} else None
    slides = tuple(_slide_views(slide_set, url))
    groups = _groups(slide_set.slides, slides, info.chapters, url)
    spans = _spans_in_order(slide_set.slides)
    return ReportView(
        title=_title(talk),
        uploader=info.uploader,
        url=url,
        host=urlsplit(url or "").hostname or "",
        duration=clock(detection.duration_s),
        picture=_size(talk.video),
        coverage=_share(sum(end - start for start, end, _ in spans), detection.duration_s),
        returns=sum(len(slide.spans) > 1 for slide in slide_set.slides),
        steps=sum(len(slide.builds) for slide in slide_set.slides),
        files=tuple(_other_files(talk)),
        warnings=detection.warnings,
        timeline=build_timeline(detection, slide_set.slides, info.chapters),
        has_chapters=bool(info.chapters),
        contents=_contents(slide_set.slides, groups, has_chapters=bool(info.chapters)),
        groups=groups,
        slides=slides,
        facts=tuple(_facts(talk)),
        generator=f"slides-extractor {__version__}",
        data={"duration": detection.duration_s, "spans": spans},
    )


def _title(talk: Talk) -> str:
    return " ".join((talk.media.info.title or "").split()) or DEFAULT_TITLE


def _size(video: VideoProperties) -> str:
    return f"{video.width} \N{MULTIPLICATION SIGN} {video.height}"


def _share(part: float, whole: float) -> str:
    return f"{min(1.0, part / whole):.0%}" if whole > 0 else "0%"


def _spans_in_order(slides: tuple[Slide, ...]) -> list[tuple[float, float, int]]:
    return sorted((span.start, span.end, slide.index) for slide in slides for span in slide.spans)


def _other_files(talk: Talk) -> Iterator[FileView]:
    if Document.PDF in slides_options(talk.options).documents:
        yield FileView("slides.pdf", "PDF of the slides")
    yield FileView("manifest.json", "Manifest")
    yield FileView("video_segments.json", "Segments")


def _slide_views(slide_set: SlideSet, url: str | None) -> Iterator[SlideView]:
    thumbnails = _inline_thumbnails(slide_set)
    for slide in slide_set.slides:
        yield SlideView(
            index=slide.index,
            key=slide.image.key,
            thumbnail=thumbnails[slide.image.key],
            width=slide.image.width,
            height=slide.image.height,
            colour=colour_of(slide.index),
            spans=tuple(
                SpanView(clock(s.start), _length(s.end - s.start), link_at(url, s.start))
                for s in slide.spans
            ),
            builds=tuple(
                BuildView(step.image.key, thumbnails[step.image.key], clock(step.start))
                for step in slide.builds
                if step.image
            ),
            confidence=f"{slide.confidence:.0%}",
            is_unsure=slide.confidence < UNSURE_BELOW,
        )


def _length(seconds: float) -> str:
    if seconds < 1:
        return "under 1 s"
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - a minute


def _inline_thumbnails(slide_set: SlideSet) -> dict[str, str]:
    """Return the address of each picture: data while the budget lasts, slides before steps."""
    steps = (step.image for slide in slide_set.slides for step in slide.builds if step.image)
    uses = Counter(image.key for image in (*(s.image for s in slide_set.slides), *steps))
    addresses: dict[str, str] = {}
    left = INLINE_BYTES
    for key, count in uses.items():
        thumbnail = slide_set.thumbnails.get(key)
        size = thumbnail.stat().st_size * count if thumbnail else 0
        fits = thumbnail is not None and size <= left
        addresses[key] = _data_address(thumbnail) if thumbnail and fits else key
        left -= size if fits else 0
    return addresses


def _data_address(thumbnail: Path) -> str:
    return f"data:image/webp;base64,{base64.b64encode(thumbnail.read_bytes()).decode()}"


def _groups(
    slides: tuple[Slide, ...],
    views: tuple[SlideView, ...],
    chapters: tuple[Chapter, ...],
    url: str | None,
) -> tuple[GroupView, ...]:
    """Return the cards under the chapters in which their slides first appear.

    Group 0 is what comes before the first chapter, or everything without chapters.
    """
    starts = tuple(chapter.start for chapter in chapters)
    first = [_chapter_of(slide.spans[0].start, starts) for slide in slides]
    later = [{_chapter_of(span.start, starts) for span in slide.spans[1:]} for slide in slides]
    titles = [(0.0, BEFORE_CHAPTERS if chapters else ""), *((c.start, c.title) for c in chapters)]
    groups = (
        GroupView(
            anchor=f"chapter-{n}",
            title=title,
            clock=clock(start),
            link=link_at(url, start),
            slides=tuple(v for v, at in zip(views, first, strict=True) if at == n),
            again=_again(slides, first, later, n) if chapters else (),
        )
        for n, (start, title) in enumerate(titles)
    )
    return tuple(group for n, group in enumerate(groups) if group.slides or n > 0)


def _chapter_of(time_s: float, starts: tuple[float, ...]) -> int:
    """Return the chapter of a moment, counted from 1; 0 before the first."""
    return sum(start <= time_s + CHAPTER_TOLERANCE_S for start in starts)


def _again(
    slides: tuple[Slide, ...], first: list[int], later: list[set[int]], chapter: int
) -> tuple[int, ...]:
    """Return the slides that a chapter returns to and does not show first."""
    places = zip(slides, first, later, strict=True)
    return tuple(slide.index for slide, at, again in places if at != chapter and chapter in again)


def _contents(
    slides: tuple[Slide, ...], groups: tuple[GroupView, ...], *, has_chapters: bool
) -> tuple[Entry, ...]:
    """Return what there is to click: the chapters, or every showing of a slide without any."""
    if has_chapters:
        return tuple(Entry(group.anchor, group.clock, group.title) for group in groups)
    return tuple(
        Entry(f"slide-{index}", clock(start), f"Slide {index}")
        for start, _, index in _spans_in_order(slides)
    )


def _facts(talk: Talk) -> Iterator[tuple[str, str]]:
    video, media = talk.video, talk.media
    yield (
        "Video",
        f"{video.codec}, {_size(video)}, {video.frames_per_second:.4g} fps",
    )
    yield "Size", f"{media.size_bytes:,} bytes"
    yield "SHA-256", media.sha256
    yield "Key", talk.key
    for name, value in sorted(talk.detection.thresholds.items()):
        yield f"Threshold {name}", f"{value:.6g}"
