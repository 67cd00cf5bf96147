"""The pictures of the slides: read at the moments that detection chose, cut out, and encoded.

One frame is in memory at a time, so that an 8K talk costs no more than one 8K picture. What
documents need of it, a thumbnail and a JPEG for print, is made in the same moment: reading a WebP
again takes as long as writing it. Pictures that come out byte for byte the same are written once.
"""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from slides_api import manifest
from slides_api.v1alpha1 import Document, ImageFormat, Region, SlideImage
from slides_runner.artifacts import LocalFile
from slides_runner.detection import DetectedSlide
from slides_runner.outputs import OnSlide, SlideSet, Talk, slides_options
from slides_runner.outputs.moments import rounded_s, rounded_span
from slides_runner.video import read_frames

MEDIA_TYPES = {
    ImageFormat.WEBP: "image/webp",
    ImageFormat.PNG: "image/png",
    ImageFormat.JPEG: "image/jpeg",
}
ENDINGS = {ImageFormat.WEBP: "webp", ImageFormat.PNG: "png", ImageFormat.JPEG: "jpg"}
WEBP_EFFORT = 1
"""Measured on 1080p slides: 35 ms each, where libwebp's default 4 takes 92 and saves a fifth of the
bytes; encoding is the largest cost of a short talk."""
LONGEST_SIDES = {ImageFormat.WEBP: 16_383, ImageFormat.JPEG: 65_535}
"""The formats' own limits; a longer picture is scaled down. PNG's is out of reach."""
THUMBNAIL_PX = 320
"""Longest side of a thumbnail; two make a line on a telephone, four on a desk."""
THUMBNAIL = SlideImage(format=ImageFormat.WEBP, quality=60)
"""3 to 6 KB each: 400 slides stay below 3 MB in one HTML file."""
PRINTABLE = SlideImage(format=ImageFormat.JPEG, quality=88)
"""Chosen: above the WebP beside it in every detail, at three times its size."""
FULL_CHROMA = 0
"""JPEG without chroma subsampling: coloured text keeps its edges."""


class SaveOptions(TypedDict, total=False):
    """The arguments of Pillow's encoders that are used here."""

    quality: int
    method: int
    subsampling: int


@dataclass(frozen=True)
class _Shot:
    """One picture to take: of a slide, or of one of its build steps."""

    time_s: float
    slide: int
    """Index from 1."""
    build: int | None = None
    """Index from 1."""

    @property
    def name(self) -> str:
        step = "" if self.build is None else f"-build-{self.build}"
        return f"{self.slide:04d}{step}"


@dataclass(frozen=True)
class _Encoded:
    """A picture in a file of the work folder, named by its content, and what goes with it."""

    path: Path
    width: int
    height: int
    size_bytes: int
    sha256: str
    thumbnail: Path | None
    printable: Path | None


@dataclass(frozen=True)
class _Wanted:
    """What is to be made of each picture."""

    image: SlideImage
    folder: Path
    thumbnail: bool
    printable: bool


def write_slides(talk: Talk, on_slide: OnSlide = lambda _done, _total: None) -> SlideSet:
    """Write the pictures of all slides and their build steps into the work folder.

    Raises NotAVideoError when frames that detection saw can no longer be read.
    """
    options = slides_options(talk.options)
    shots = _shots(talk.detection.slides)
    taken: dict[_Shot, _Encoded] = {}
    for shot, frame in zip(shots, _frames(talk, shots), strict=True):
        taken[shot] = _write(crop(frame, options.region), _wanted(talk, shot))
        on_slide(len({s.slide for s in taken if s.build is None}), len(talk.detection.slides))
    return _build_slide_set(talk.detection.slides, taken, options.image.format)


def _wanted(talk: Talk, shot: _Shot) -> _Wanted:
    options = slides_options(talk.options)
    for_pdf = Document.PDF in options.documents and shot.build is None
    return _Wanted(
        image=options.image,
        folder=talk.work_dir / "slides",
        thumbnail=Document.HTML in options.documents,
        printable=for_pdf and options.image.format is ImageFormat.WEBP,
    )


def _shots(slides: tuple[DetectedSlide, ...]) -> list[_Shot]:
    """Return every picture to take, in order of time, as reading forward is cheapest."""
    finished = [_Shot(slide.image_time_s, n) for n, slide in enumerate(slides, 1)]
    steps = [
        _Shot(build.image_time_s, n, k)
        for n, slide in enumerate(slides, 1)
        for k, build in enumerate(slide.builds, 1)
    ]
    return sorted([*finished, *steps], key=lambda shot: (shot.time_s, shot.name))


def _frames(talk: Talk, shots: list[_Shot]) -> Iterator[NDArray[np.uint8]]:
    return read_frames(talk.media.path, [shot.time_s for shot in shots])


def crop(frame: NDArray[np.uint8], region: Region | None) -> NDArray[np.uint8]:
    """Return the region of a picture (H, W, 3), at least one pixel of it; all of it for None."""
    if region is None:
        return frame
    height, width = frame.shape[:2]
    left, right = _edges(region.left, region.width, width)
    top, bottom = _edges(region.top, region.height, height)
    return frame[top:bottom, left:right]


def _edges(start: float, extent: float, length: int) -> tuple[int, int]:
    first = min(round(start * length), length - 1)
    return first, max(first + 1, min(round((start + extent) * length), length))


def encode(picture: NDArray[np.uint8], image: SlideImage) -> tuple[bytes, tuple[int, int]]:
    """Return a picture (H, W, 3) uint8 RGB as a file's content, and its width and height.

    The same picture gives the same bytes.
    """
    return _encode(Picture.fromarray(np.ascontiguousarray(picture)), image)


def _encode(drawn: Picture.Image, image: SlideImage) -> tuple[bytes, tuple[int, int]]:
    longest = LONGEST_SIDES.get(image.format)
    if longest and max(drawn.size) > longest:
        drawn = drawn.copy()
        drawn.thumbnail((longest, longest))
    content = io.BytesIO()
    drawn.save(content, format=image.format.value, **_save_options(image))
    return content.getvalue(), drawn.size


def _save_options(image: SlideImage) -> SaveOptions:
    if image.format is ImageFormat.WEBP:
        return {"quality": image.quality, "method": WEBP_EFFORT}
    if image.format is ImageFormat.JPEG:
        return {"quality": image.quality, "subsampling": FULL_CHROMA}
    return {}


def thumbnail(picture: NDArray[np.uint8]) -> Picture.Image:
    """Return a picture (H, W, 3) scaled down to fit a thumbnail; a smaller one as it is."""
    height, width = picture.shape[:2]
    scale = min(1.0, THUMBNAIL_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return Picture.fromarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _write(picture: NDArray[np.uint8], wanted: _Wanted) -> _Encoded:
    drawn = Picture.fromarray(np.ascontiguousarray(picture))
    content, (width, height) = _encode(drawn, wanted.image)
    digest = hashlib.sha256(content).hexdigest()
    name = wanted.folder / digest
    return _Encoded(
        path=_save(name, content, wanted.image),
        width=width,
        height=height,
        size_bytes=len(content),
        sha256=digest,
        thumbnail=_draw(name, thumbnail(picture), THUMBNAIL) if wanted.thumbnail else None,
        printable=_draw(name, drawn, PRINTABLE) if wanted.printable else None,
    )


def _draw(name: Path, picture: Picture.Image, image: SlideImage) -> Path:
    """Write a companion of a picture beside it."""
    return _save(name.with_name(f"{name.name}-for-documents"), _encode(picture, image)[0], image)


def _save(name: Path, content: bytes, image: SlideImage) -> Path:
    path = name.with_name(f"{name.name}.{ENDINGS[image.format]}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _build_slide_set(
    slides: tuple[DetectedSlide, ...], taken: dict[_Shot, _Encoded], image_format: ImageFormat
) -> SlideSet:
    records = _build_records(taken, image_format)
    by_key = {records[shot].key: taken[shot] for shot in sorted(taken, key=_rank, reverse=True)}
    by_name = {shot.name: record for shot, record in records.items()}
    media_type = MEDIA_TYPES[image_format]
    return SlideSet(
        slides=tuple(_build_slide(n, slide, by_name) for n, slide in enumerate(slides, 1)),
        files=tuple(LocalFile(k, by_key[k].path, "slide", media_type) for k in sorted(by_key)),
        thumbnails={key: taken.thumbnail for key, taken in by_key.items() if taken.thumbnail},
        printables={key: taken.printable or taken.path for key, taken in by_key.items()},
    )


def _rank(shot: _Shot) -> tuple[bool, int, int]:
    """Order slides before build steps: of equal pictures the first gives its name."""
    return shot.build is not None, shot.slide, shot.build or 0


def _build_records(
    taken: dict[_Shot, _Encoded], image_format: ImageFormat
) -> dict[_Shot, manifest.Image]:
    """Give each picture its record; equal pictures share that of the first slide showing them."""
    by_digest: dict[str, manifest.Image] = {}
    records: dict[_Shot, manifest.Image] = {}
    for shot in sorted(taken, key=_rank):
        encoded = taken[shot]
        fresh = _build_record(shot, encoded, image_format)
        records[shot] = by_digest.setdefault(encoded.sha256, fresh)
    return records


def _build_record(shot: _Shot, encoded: _Encoded, image_format: ImageFormat) -> manifest.Image:
    return manifest.Image(
        key=f"slides/{shot.name}.{ENDINGS[image_format]}",
        media_type=MEDIA_TYPES[image_format],
        width=encoded.width,
        height=encoded.height,
        bytes=encoded.size_bytes,
        sha256=encoded.sha256,
    )


def _build_slide(
    index: int, slide: DetectedSlide, records: dict[str, manifest.Image]
) -> manifest.Slide:
    builds = (
        manifest.BuildStep(
            start=rounded_s(build.span.start_s),
            end=rounded_s(build.span.end_s),
            image=records[_Shot(build.image_time_s, index, k).name],
        )
        for k, build in enumerate(slide.builds, 1)
    )
    return manifest.Slide(
        index=index,
        image=records[_Shot(slide.image_time_s, index).name],
        spans=tuple(rounded_span(span) for span in slide.spans),
        builds=tuple(builds),
        confidence=round(slide.confidence, 4),
    )
