"""From shots to slides: build steps folded, returns recognised, faces and rooms left out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from slides_runner.detection.packets import PacketIndex
from slides_runner.detection.pictures import Cells, Change, Picture, compare, registered
from slides_runner.detection.shots import Shot, union
from slides_runner.detection.tolerance import Tolerance

PEAK_WIDTH = 5
PEAK = 0.2
"""A slide's commonest grey (PEAK_WIDTH levels) covers at least this share of it.

Measured: faces and rooms .08 to .10, filmed slides .33 and more, a slide with a photograph .23.
Decides only where the picture moves as well: a photograph on a slide does not.
"""


@dataclass(eq=False)
class SlideShots:
    """The shots of one slide."""

    states: list[Shot]
    """Build steps, the finished slide last."""
    returns: list[Shot] = field(default_factory=list)
    """Later shots that show it (or one of its steps) again."""

    @property
    def final(self) -> Shot:
        """The finished slide."""
        return self.states[-1]


def fold(
    shots: Sequence[Shot], index: PacketIndex, min_duration_s: float, tolerance: Tolerance
) -> tuple[list[SlideShots], list[Shot]]:
    """Return the slides in order of appearance, and the shots that are no slides."""
    nonslides = [s for s in shots if is_moving_picture(s, index)]
    others = set(map(id, nonslides))
    stable = [s for s in shots if s.duration_s >= min_duration_s and id(s) not in others]
    slides: list[SlideShots] = []
    for run in runs(stable, tolerance):
        place(run, slides, tolerance)
    return slides, nonslides


def is_moving_picture(shot: Shot, index: PacketIndex) -> bool:
    """Return whether a shot shows a face or a room rather than a slide."""
    return peak(shot.last) < PEAK and index.activity(shot.start_s, shot.end_s) > ACTIVE


def image_time_s(shot: Shot, tolerance: Tolerance) -> float:
    """Return the moment that shows a shot's finished picture undisturbed, at least cost."""
    late = shot.end_s - min(SETTLED_S, shot.duration_s / 3)
    if shot.key is None or shot.key.time_s > late:
        return late
    grown = compare(shot.key, shot.last)
    return late if grown.count and tolerance.only_adds(grown) else shot.key.time_s


SETTLED_S = 0.5
"""A fade to the next slide may have begun this long before a shot's end; measured: up to 0.2 s."""
ACTIVE = 0.01
"""Median packet, as a share of the median keyframe, above which the whole picture moves.

Measured: faces 4 to 20 %, a filmed screen 3 %, a film in a slide .8 %, slides .2 %.
"""


def peak(picture: Picture) -> float:
    """Return the share of pixels that have the picture's commonest grey."""
    counts = np.bincount(picture.gray.ravel(), minlength=256)
    return float(np.convolve(counts, np.ones(PEAK_WIDTH, int)).max() / picture.gray.size)


def runs(shots: Iterable[Shot], tolerance: Tolerance) -> list[list[Shot]]:
    """Group consecutive shots that only add to the one before."""
    found: list[list[Shot]] = []
    for shot in shots:
        if found and tolerance.only_adds(difference(found[-1][-1], shot)):
            found[-1].append(shot)
        else:
            found.append([shot])
    return found


def difference(before: Shot, after: Shot) -> Change:
    """Compare two shots, leaving out what moves by itself in either."""
    look = compare if before.quiet and after.quiet else registered
    return look(before.last, after.last, live=union(before.last_live, after.last_live))


def place(run: list[Shot], slides: list[SlideShots], tolerance: Tolerance) -> None:
    """Add a run to the slide that it shows again, or as a new slide."""
    for slide in slides:
        if any(matches(state, run[-1], tolerance) for state in reversed(slide.states)):
            slide.returns.extend(run)
            return
        grown = next((i for i, s in enumerate(run[:-1]) if matches(slide.final, s, tolerance)), None)
        if grown is not None:
            slide.returns.extend(run[: grown + 1])
            slide.states.extend(run[grown + 1 :])
            return
    slides.append(SlideShots(run))


def matches(a: Shot, b: Shot, tolerance: Tolerance) -> bool:
    """Return whether two shots show the same picture."""
    if a.last.gray.shape != b.last.gray.shape or not _alike(a.last, b.last):
        return False
    return tolerance.is_same(difference(a, b))


def _alike(a: Picture, b: Picture) -> bool:
    """A quick look, by ink per cell: most different slides fail it."""
    most = np.maximum(a.ink, b.ink).sum()
    return bool(most == 0 or np.abs(a.ink - b.ink).sum() < ALIKE * most)


ALIKE = 0.6
"""Share of the ink that may lie elsewhere before a close look is spared; a moving presenter and a
shaking camera stay below .5 (measured)."""
