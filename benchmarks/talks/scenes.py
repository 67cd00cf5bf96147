"""Scenes in time: a reel on which slides, transitions and faces are put one after the other."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from benchmarks.talks.decks import Slide
from benchmarks.talks.pictures import Picture, blend, paste
from benchmarks.talks.truth import Segment, SegmentKind, TrueSlide, Truth

Live = Callable[[Picture, float], Picture]
"""What moves over a picture: gets the picture and the time in seconds, returns what is seen."""
Turn = Literal["fade", "black", "wipe-left", "wipe-down", "push", "fly-in"]
TURNS: tuple[Turn, ...] = ("fade", "fade", "black", "wipe-left", "wipe-down", "push")
STILL_DIFFERENCE = 8
"""Levels below which two steps of a build count as equal; chosen, both are drawn exactly."""


@dataclass(frozen=True)
class Scene:
    """A stretch of frames."""

    frames: int
    paint: Callable[[int], Picture]
    """Returns the picture of a frame, counted from the scene's own first one."""


class Reel:
    """Collects scenes together with their truth."""

    def __init__(self, truth: Truth, *, effects: Sequence[Live] = ()) -> None:
        self.truth = truth
        self._scenes: list[Scene] = []
        self._effects = effects

    @property
    def frames(self) -> int:
        """Frames so far."""
        return sum(scene.frames for scene in self._scenes)

    @property
    def seconds(self) -> float:
        """Length so far."""
        return self.frames / self.truth.fps

    def know(self, slide: TrueSlide) -> str:
        """Enter a slide into the truth; return its id."""
        self.truth.slides.append(slide)
        return slide.id

    def hold(self, picture: Picture, seconds: float, slide_id: str | None, *,
             kind: SegmentKind = "slide", live: Live | None = None) -> None:  # fmt: skip
        """Show a picture for a time, perhaps with something that moves over it."""
        first = self.frames

        def paint(number: int) -> Picture:
            return live(picture, (first + number) / self.truth.fps) if live else picture

        self._add(Scene(self._frames_of(seconds), paint), slide_id, kind)

    def play(self, scene: Scene, slide_id: str | None, kind: SegmentKind) -> None:
        """Put a scene of any kind on the reel."""
        self._add(scene, slide_id, kind)

    def turn(self, before: Picture, after: Picture, seconds: float, how: Turn) -> None:
        """Go over from one picture to another."""
        frames = self._frames_of(seconds)

        def paint(number: int) -> Picture:
            return turned(before, after, (number + 1) / (frames + 1), how)

        self._add(Scene(frames, paint), None, "transition")

    def _frames_of(self, seconds: float) -> int:
        return max(1, round(seconds * self.truth.fps))

    def _add(self, scene: Scene, slide_id: str | None, kind: SegmentKind) -> None:
        first = self.frames
        self._scenes.append(scene)
        self.truth.segments.append(Segment(first, first + scene.frames, slide_id, kind))

    def pictures(self) -> Iterator[Picture]:
        """Yield every frame; what stands still is the same object again."""
        first = 0
        for scene in self._scenes:
            for number in range(scene.frames):
                picture = scene.paint(number)
                for effect in self._effects:
                    picture = effect(picture, (first + number) / self.truth.fps)
                yield picture
            first += scene.frames


def turned(before: Picture, after: Picture, progress: float, how: Turn) -> Picture:
    """Return a moment of a transition; progress runs from 0 to 1."""
    height, width = before.shape[:2]
    match how:
        case "fade":
            return blend(before, after, progress)
        case "black":
            return _through_black(before, after, progress)
        case "wipe-left":
            edge = round(width * progress)
            return np.ascontiguousarray(np.hstack([after[:, :edge], before[:, edge:]]))
        case "wipe-down":
            edge = round(height * progress)
            return np.ascontiguousarray(np.vstack([after[:edge], before[edge:]]))
        case "push":
            edge = round(width * progress)
            return np.ascontiguousarray(np.hstack([before[:, edge:], after[:, :edge]]))
        case "fly-in":
            return _flown_in(before, after, progress)


def _through_black(before: Picture, after: Picture, progress: float) -> Picture:
    shown, light = (before, 1 - 2 * progress) if progress < 0.5 else (after, 2 * progress - 1)
    return np.asarray(cv2.convertScaleAbs(shown, alpha=light), np.uint8)


def _flown_in(before: Picture, after: Picture, progress: float) -> Picture:
    changed = cv2.absdiff(before, after).max(axis=2) > STILL_DIFFERENCE
    left, top, width, height = cv2.boundingRect(changed.astype(np.uint8))
    picture = before.copy()
    away = round((1 - progress) ** 2 * before.shape[1])
    paste(picture, after[top : top + height, left : left + width], left + away, top)
    return picture


def true_states(slide: Slide, number: int, steps: Sequence[int]) -> list[TrueSlide]:
    """Return the truth about those steps of a slide that a talk shows; the last is final."""
    name = f"s{number:03d}"
    ids = [name if len(steps) == 1 else f"{name}b{n + 1}" for n in range(len(steps))]
    return [
        TrueSlide(
            id=ids[n],
            group=name,
            final=n == len(steps) - 1,
            picture=slide.steps[step],
            text=slide.text,
        )
        for n, step in enumerate(steps)
    ]


def shown_steps(rng: random.Random, slide: Slide, *, built: bool) -> list[int]:
    """Return the steps of a slide that are shown: all but the bare title, or the last alone."""
    last = len(slide.steps) - 1
    if not built or last < 1:
        return [last]
    return list(range(rng.choice((0, 1)), last + 1))
