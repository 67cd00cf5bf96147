"""Shots: stretches during which the picture stays the same, but for what moves by itself."""

from dataclasses import dataclass, replace

import cv2

from slides_runner.detection import Sample
from slides_runner.detection.pictures import Cells, Picture, compare, registered
from slides_runner.detection.tolerance import Tolerance

SAME_GRAY = 10
"""Grey levels by which no pixel may differ for two frames to be one without a closer look."""


@dataclass(frozen=True, eq=False)
class Shot:
    """One stable picture and when it is shown; times in seconds from the first frame."""

    start_s: float
    end_s: float
    first: Picture
    last: Picture
    key: Picture | None = None
    """Its last keyframe: cheap to cut out later."""
    first_live: Cells | None = None
    last_live: Cells | None = None
    """Cells that move by themselves around its first and its last picture."""
    quiet: bool = True
    """Whether nothing moves at all, as far as packets tell."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


class ShotBuilder:
    """Groups pictures, in order of time, into shots."""

    def __init__(self, tolerance: Tolerance) -> None:
        """Start with no shot; `tolerance` says what goes on with one."""
        self._tolerance = tolerance
        self.samples: list[Sample] = []
        """How much each picture differs from the one that began its shot."""
        self._closed: list[Shot] = []
        self._open: Shot | None = None

    def feed(self, picture: Picture, live: Cells | None, *, quiet: bool, key: bool = False) -> None:
        """Take the next picture: it goes on with the open shot or begins a new one."""
        shot = self._open
        if shot is None or not self._continues(shot, picture, live, quiet=quiet):
            self._close(picture.time_s)
            shot = Shot(picture.time_s, picture.time_s, picture, picture, first_live=live)
        elif key and quiet and shot.first_live is not None:
            # Nothing moves any more: what moved before belonged to another scene, or has stopped.
            shot = replace(shot, first=picture, first_live=None)
        self._open = replace(
            shot,
            end_s=picture.time_s,
            last=picture,
            key=picture if key else shot.key,
            last_live=live,
            quiet=shot.quiet and quiet,
        )

    def finish(self, end_s: float) -> list[Shot]:
        """Return all shots, the last one lasting until the end of the video."""
        self._close(end_s)
        return self._closed

    def _continues(self, shot: Shot, picture: Picture, live: Cells | None, *, quiet: bool) -> bool:
        if cv2.absdiff(shot.first.gray, picture.gray).max() <= SAME_GRAY:
            self.samples.append(Sample(picture.time_s, 0.0))
            return True
        look = compare if quiet and shot.quiet else registered
        change = look(shot.first, picture, live=union(shot.first_live, live))
        self.samples.append(Sample(picture.time_s, change.count / change.changed.size))
        return self._tolerance.is_same(change)

    def _close(self, end_s: float) -> None:
        if self._open is None:
            return
        shot = self._open
        self._closed.append(
            replace(
                shot,
                end_s=max(end_s, shot.start_s),
                first=shot.first.bare(),
                last=shot.last.bare(),
                key=shot.key.bare() if shot.key else None,
            )
        )
        self._open = None


def union(a: Cells | None, b: Cells | None) -> Cells | None:
    """Return the union of two masks, either of which may be absent; None if hardly a cell is left."""
    both = a | b if a is not None and b is not None else b if a is None else a
    return None if both is None or both.mean() > MOST else both


MOST = 0.5
"""Share of live cells from which the rest says nothing about the picture; chosen."""
