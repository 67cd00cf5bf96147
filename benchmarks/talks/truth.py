"""Truth: what a talk shows when, in the form that the scorer reads."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import cv2

from benchmarks.talks.pictures import Picture

SegmentKind = Literal["slide", "growing", "transition", "nonslide"]
Region = tuple[float, float, float, float]
"""Left, top, width, height as parts of the picture's size."""


MASK_TOP = 3.2 / 180
"""The scorer widens a region by three of its 180 rows and cannot take rows above the picture."""


def below_the_rim(region: Region) -> Region:
    """Return a region that the scorer masks to the picture's upper rim, but not beyond."""
    left, top, width, height = region
    inside = max(top, MASK_TOP)
    return (left, inside, width, height - (inside - top))


@dataclass(frozen=True)
class TrueSlide:
    """One state of a slide: a build step, or the finished slide."""

    id: str
    group: str
    """The slide that this is a state of."""
    final: bool
    picture: Picture
    partial: bool = False
    """Half of something that is being typed: never a slide."""
    flat: Picture | None = None
    """The slide itself, where the talk shows it filmed."""
    text: tuple[str, ...] = ()


@dataclass(frozen=True)
class Segment:
    """What is shown from a frame to another, the end not included."""

    start: int
    end: int
    slide_id: str | None
    kind: SegmentKind


@dataclass
class Truth:
    """Everything about one talk that a scorer must know."""

    name: str
    regime: str
    fps: int
    size: tuple[int, int]
    gop_s: float
    scenecut: bool
    mask: tuple[Region, ...] = ()
    slides: list[TrueSlide] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)

    @property
    def frame_count(self) -> int:
        """Length of the talk in frames."""
        return self.segments[-1].end

    def document(self) -> dict[str, Any]:
        """Return the truth as JSON has it; times in seconds."""
        return {
            "video": f"{self.name}.mp4",
            "set": "generated",
            "regime": self.regime,
            "fps": self.fps,
            "width": self.size[0],
            "height": self.size[1],
            "gop_s": self.gop_s,
            "scenecut": self.scenecut,
            "mask": [list(below_the_rim(region)) for region in self.mask],
            "slides": {slide.id: self._slide_document(slide) for slide in self.slides},
            "segments": [self._segment_document(segment) for segment in self.segments],
            "duration": round(self.frame_count / self.fps, 3),
        }

    def _slide_document(self, slide: TrueSlide) -> dict[str, Any]:
        document: dict[str, Any] = {
            "group": slide.group,
            "final": slide.final,
            "kind": "partial" if slide.partial else "slide",
            "image": f"{self.name}/{slide.id}.png",
        }
        if slide.text:
            document["text"] = list(slide.text)
        if slide.flat is not None:
            document["alt"] = f"{self.name}/{slide.id}.flat.png"
        return document

    def _segment_document(self, segment: Segment) -> dict[str, Any]:
        return {
            "start": round(segment.start / self.fps, 3),
            "end": round(segment.end / self.fps, 3),
            "slide_id": segment.slide_id,
            "kind": segment.kind,
        }

    def write(self, folder: Path) -> Path:
        """Write NAME.truth.json and the pictures of the slides; return the former's path."""
        (folder / self.name).mkdir(parents=True, exist_ok=True)
        for slide in self.slides:
            _write_png(folder / self.name / f"{slide.id}.png", slide.picture)
            if slide.flat is not None:
                _write_png(folder / self.name / f"{slide.id}.flat.png", slide.flat)
        path = folder / f"{self.name}.truth.json"
        path.write_text(json.dumps(self.document(), indent=1) + "\n")
        return path


def _write_png(path: Path, picture: Picture) -> None:
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
