"""The slides of a talk as its page shows them, made of its manifest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from slides_api.manifest import Artifact, Chapter, Manifest, Slide
from slides_api.moments import clock, link_at
from slides_api.timeline import Bar, Tick, bars, colour_of, place, ticks
from slides_operator.service.web.views import size

UNSURE_BELOW = 0.5
"""Confidence below which the page says that a slide may be none; as the report has it."""
WORDS = {
    "pdf": "PDF of the slides",
    "html": "Report",
    "videoSegments": "Segments",
}
"""What people call an artifact of a kind."""

Link = Callable[[str, str], str]
"""Takes a key and its SHA-256, and returns an address."""


@dataclass(frozen=True)
class SpanView:
    """A stretch in which a slide is on screen."""

    clock: str
    length: str
    link: str | None


@dataclass(frozen=True)
class BuildView:
    """A build step of a slide."""

    href: str
    clock: str


@dataclass(frozen=True)
class SlideView:
    """A slide."""

    index: int
    href: str
    width: int
    height: int
    colour: str
    spans: tuple[SpanView, ...]
    spans_data: str
    """The same in seconds, for the page's script: `12.4-40.08 95.2-101.0`."""
    builds: tuple[BuildView, ...]
    confidence: str
    is_unsure: bool


@dataclass(frozen=True)
class ChapterView:
    """A chapter, and the first slide in it."""

    clock: str
    title: str
    slide: int


@dataclass(frozen=True)
class FileView:
    """A file to download."""

    href: str
    word: str
    size: str


@dataclass(frozen=True)
class Gallery:
    """Everything that is shown of a finished talk."""

    slides: tuple[SlideView, ...]
    uploader: str
    coverage: str
    returns: int
    steps: int
    duration_s: float
    summary: str
    ticks: tuple[Tick, ...]
    bars: tuple[Bar, ...]
    build_marks: tuple[float, ...]
    chapter_marks: tuple[float, ...]
    chapters: tuple[ChapterView, ...]
    files: tuple[FileView, ...]
    warnings: tuple[tuple[str, str], ...]


def build_gallery(manifest: Manifest, *, link: Link, manifest_link: str) -> Gallery:
    """Return what is shown."""
    slides, duration_s = manifest.slides, manifest.video.duration_seconds
    length_s = max(duration_s, 1e-9)
    shown_s = sum(span.end - span.start for slide in slides for span in slide.spans)
    return Gallery(
        slides=tuple(_slide(slide, manifest.source.url, link) for slide in slides),
        uploader=manifest.source.uploader or "",
        coverage=f"{min(1.0, shown_s / length_s):.0%}",
        returns=sum(len(slide.spans) > 1 for slide in slides),
        steps=sum(len(slide.builds) for slide in slides),
        duration_s=duration_s,
        summary=f"Timeline of {clock(duration_s)} with {len(slides)} slides; they follow below.",
        ticks=ticks(length_s),
        bars=bars(slides, length_s),
        build_marks=_build_marks(slides, length_s),
        chapter_marks=tuple(
            place(chapter.start, length_s) for chapter in manifest.source.chapters if chapter.start
        ),
        chapters=tuple(_chapter(one, slides) for one in manifest.source.chapters if slides),
        files=tuple(_files(manifest, link, manifest_link)),
        warnings=tuple((one.reason, one.message) for one in manifest.warnings),
    )


def _slide(slide: Slide, url: str | None, link: Link) -> SlideView:
    return SlideView(
        index=slide.index,
        href=link(slide.image.key, slide.image.sha256),
        width=slide.image.width,
        height=slide.image.height,
        colour=colour_of(slide.index),
        spans=tuple(
            SpanView(clock(s.start), _length(s.end - s.start), link_at(url, s.start))
            for s in slide.spans
        ),
        spans_data=" ".join(f"{span.start:.3f}-{span.end:.3f}" for span in slide.spans),
        builds=tuple(
            BuildView(link(step.image.key, step.image.sha256), clock(step.start))
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


def _chapter(chapter: Chapter, slides: tuple[Slide, ...]) -> ChapterView:
    """Return a chapter with the slide that is on screen first; the last one after all slides."""
    spans = sorted((span.end, slide.index) for slide in slides for span in slide.spans)
    slide = next((index for end, index in spans if end > chapter.start), slides[-1].index)
    return ChapterView(clock(chapter.start), chapter.title, slide)


def _build_marks(slides: tuple[Slide, ...], duration_s: float) -> tuple[float, ...]:
    """Return where within a slide's bar its next step appears."""
    return tuple(place(step.end, duration_s) for slide in slides for step in slide.builds)


def _files(manifest: Manifest, link: Link, manifest_link: str) -> Iterator[FileView]:
    known = list(WORDS)
    for artifact in sorted(
        manifest.artifacts, key=lambda one: known.index(one.kind) if one.kind in known else -1
    ):
        yield FileView(link(artifact.key, artifact.sha256), _word(artifact), size(artifact.bytes))
    yield FileView(manifest_link, "Manifest", "")


def _word(artifact: Artifact) -> str:
    return WORDS.get(artifact.kind, artifact.key)
