"""Shots: stretches during which the picture stays the same, but for what moves by itself.

Each picture is compared with the one that began its shot, not with the one before: so a slow fade
ends a shot too, once it has changed enough.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from slides_runner.detection import Sample
from slides_runner.detection.ground import looks_drawn
from slides_runner.detection.motion import STILL, Motion
from slides_runner.detection.pictures import Picture
from slides_runner.detection.tolerance import Tolerance

SAME_GRAY = 10
"""Grey levels by which pixels may differ in frames that need no closer look; chosen: below what
FAINT lets through as an edge."""


NOTHING = np.zeros((0, 0), np.uint8)
"""The grey copy of a picture that is not kept."""


@dataclass(frozen=True, eq=False)
class Shot:
    """One stable picture and when it is shown; times in seconds from the first frame."""

    start_s: float
    end_s: float
    first: Picture
    last: Picture
    keys: tuple[Picture, ...] = ()
    """Its last two keyframes, the later first: cheap to cut out."""
    first_motion: Motion = STILL
    motion: Motion = STILL
    """What moves around its first and its last picture."""
    drawn: bool | None = None
    """Whether it looks like a slide, where its pictures are not kept to tell."""

    @property
    def is_drawn(self) -> bool:
        """Whether it looks like a slide rather than a face or a room."""
        return looks_drawn(self.last) if self.drawn is None else self.drawn

    def without_pictures(self) -> "Shot":
        """Return what is left to know of a shot too short to be a slide."""
        first, last = (Picture(p.time_s, NOTHING) for p in (self.first, self.last))
        return replace(self, first=first, last=last, keys=(), drawn=self.is_drawn)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


class ShotBuilder:
    """Groups pictures, in order of time, into shots."""

    def __init__(self, tolerance: Tolerance, *, min_duration_s: float = 0.0) -> None:
        """Start with no shot; `tolerance` says what goes on with one.

        Of shots shorter than `min_duration_s` the pictures are not kept: beside a face that moves
        there are thousands.
        """
        self._tolerance = tolerance
        self._min_duration_s = min_duration_s
        self.samples: list[Sample] = []
        """How much each picture differs from the one that began its shot."""
        self.cells = 1
        """Number of cells of a picture."""
        self._closed: list[Shot] = []
        self._open: Shot | None = None

    def feed(self, picture: Picture, motion: Motion, *, key: bool = False) -> None:
        """Take the next picture: it goes on with the open shot or begins a new one."""
        shot = self._open
        self.cells = picture.ink.size if shot is None else self.cells
        if shot is None or not self._continues(shot, picture, motion):
            self._close(picture.time_s)
            shot = Shot(picture.time_s, picture.time_s, picture, picture, first_motion=motion)
        elif key and motion.quiet and not shot.first_motion.quiet:
            # Nothing moves any more: what moved before belonged to another scene, or has stopped.
            shot = replace(shot, first=picture, first_motion=motion)
        self._open = replace(
            shot,
            end_s=picture.time_s,
            last=picture,
            keys=(picture, *shot.keys[:1]) if key else shot.keys,
            motion=motion,
        )

    def finish(self, end_s: float) -> list[Shot]:
        """Return all shots, the last one lasting until the end of the video."""
        self._close(end_s)
        return self._closed

    def _continues(self, shot: Shot, picture: Picture, motion: Motion) -> bool:
        if cv2.absdiff(shot.first.gray, picture.gray).max() <= SAME_GRAY:
            self.samples.append(Sample(picture.time_s, 0.0))
            return True
        change = shot.first_motion.compare(shot.first, picture, motion)
        self.samples.append(Sample(picture.time_s, change.count / change.changed.size))
        return self._tolerance.is_same(change)

    def _close(self, end_s: float) -> None:
        if self._open is not None:
            shot = replace(self._open, end_s=max(end_s, self._open.start_s))
            is_short = shot.duration_s < self._min_duration_s
            self._closed.append(shot.without_pictures() if is_short else shot)
        self._open = None
