"""`video_segments.json`: the slides in the form that clients of the first service read.

One static segment per span and moving ones between, in order of time. Static segments count from 0;
`first_frame` is the first build step, `last_frame` the finished slide. A frame whose picture was
named before says so in `duplicate_of`, which always points at the first frame that shows it, never
at another duplicate. The file is written for a talk without slides too.

The form's `updated_at` is null: the same input gives the same bytes.
"""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypedDict

from slides_api.manifest import Image, Slide
from slides_runner.artifacts import LocalFile
from slides_runner.outputs import SlideSet, Talk
from slides_runner.outputs.moments import MILLISECONDS, rounded_s

KEY = "video_segments.json"
YOUTUBE = "youtube-"

Address = Callable[[str], str]
"""Returns the URI of a key where the outputs go."""


class FrameReference(TypedDict):
    """Points at the frame that a duplicate repeats."""

    segment_id: int
    frame_position: str


class Frame(TypedDict):
    """One frame of a static segment."""

    frame_id: str
    duplicate_of: FrameReference | None
    s3_key: str | None
    s3_bucket: str | None
    s3_uri: str | None
    url: str


class Segment(TypedDict, total=False):
    """A stretch of the talk; a moving one has the first four fields alone."""

    kind: str
    start_time: float
    end_time: float
    duration: float
    segment_id: int
    url: str
    first_frame: Frame
    last_frame: Frame


@dataclass(frozen=True)
class _Shown:
    """A slide while it is on screen."""

    start_s: float
    end_s: float
    first: Image
    last: Image


def write_video_segments(talk: Talk, slide_set: SlideSet, address: Address) -> LocalFile:
    """Write the file into the work folder."""
    segments = build_segments(slide_set.slides, talk.detection.duration_s, address)
    document = {_video_id(talk.key): {"updated_at": None, "segments": segments}}
    path = talk.work_dir / KEY
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return LocalFile(KEY, path, "videoSegments", "application/json")


def _video_id(key: str) -> str:
    """Return the id that those clients know: YouTube's own, else our key."""
    return key.removeprefix(YOUTUBE)


def build_segments(slides: tuple[Slide, ...], duration_s: float, address: Address) -> list[Segment]:
    """Return static and moving segments that together cover the talk from 0 to its end."""
    segments: list[Segment] = []
    frames = _Frames(address)
    time_s = 0.0
    for segment_id, shown in enumerate(_on_screen(slides)):
        if shown.start_s > time_s:
            segments.append(_segment("moving", time_s, shown.start_s))
        segments.append(_static(segment_id, shown, frames))
        time_s = shown.end_s
    if rounded_s(duration_s) > time_s:
        segments.append(_segment("moving", time_s, rounded_s(duration_s)))
    return segments


def _on_screen(slides: tuple[Slide, ...]) -> list[_Shown]:
    """Return what is on screen in order of time; whatever comes next ends what was there."""
    shown = sorted(
        (shown for slide in slides for shown in _shows(slide)),
        key=lambda shown: (shown.start_s, shown.end_s),
    )
    following = [*(after.start_s for after in shown[1:]), math.inf]
    return [
        replace(one, end_s=min(one.end_s, until))
        for one, until in zip(shown, following, strict=False)  # nothing shown: nothing follows
    ]


def _shows(slide: Slide) -> Iterator[_Shown]:
    """Yield each time that a slide is on screen; it is built up in the first."""
    for n, span in enumerate(slide.spans):
        builds = [step.image for step in slide.builds if step.image] if n == 0 else []
        first = builds[0] if builds else slide.image
        yield _Shown(span.start, span.end, first, slide.image)


def _segment(kind: str, start_s: float, end_s: float) -> Segment:
    duration_s = round(end_s - start_s, MILLISECONDS)
    return {"kind": kind, "start_time": start_s, "end_time": end_s, "duration": duration_s}


def _static(segment_id: int, shown: _Shown, frames: "_Frames") -> Segment:
    first = frames.build(segment_id, "first", shown.first)
    last = frames.build(segment_id, "last", shown.last)
    segment = _segment("static", shown.start_s, shown.end_s)
    segment |= {"segment_id": segment_id, "url": last["url"]}
    segment |= {"first_frame": first, "last_frame": last}
    return segment


class _Frames:
    """Builds frames in order of time and remembers which showed each picture first."""

    def __init__(self, address: Address) -> None:
        """Take where pictures go."""
        self._address = address
        self._originals: dict[str, FrameReference] = {}

    def build(self, segment_id: int, position: str, image: Image) -> Frame:
        """Return a frame; the first one of its picture is no duplicate."""
        here: FrameReference = {"segment_id": segment_id, "frame_position": position}
        original = self._originals.setdefault(image.key, here)
        ending = image.key.rpartition(".")[2]
        return {
            "frame_id": f"static_frame_{segment_id:06d}_{position}.{ending}",
            "duplicate_of": None if original is here else original,
            **_location(image.key, self._address(image.key)),
        }


class _Location(TypedDict):
    s3_key: str | None
    s3_bucket: str | None
    s3_uri: str | None
    url: str


def _location(key: str, uri: str) -> _Location:
    """Return where a picture lies: in S3, else relative to this file, wherever its folder goes."""
    if not uri.startswith("s3://"):
        return {"s3_key": None, "s3_bucket": None, "s3_uri": None, "url": key}
    bucket, _, s3_key = uri.removeprefix("s3://").partition("/")
    return {"s3_key": s3_key, "s3_bucket": bucket, "s3_uri": uri, "url": uri}
