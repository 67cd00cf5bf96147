"""From shots to slides: build steps folded, returns recognised, faces and rooms left out.

A run is a slide that is built up: shots of which each shows all of the one before, and more. A run
that ends in a picture that was there before is a return to that slide.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from slides_runner.detection.motion import union
from slides_runner.detection.packets import ACTIVE, PacketIndex
from slides_runner.detection.pictures import Cells, Change, Picture, compare, dilate
from slides_runner.detection.shots import Shot
from slides_runner.detection.tolerance import Tolerance

FIDGET = 0.1
"""Greatest share of the picture that a slow presenter takes; chosen."""
REST_S = 5.0
"""A face may keep still for this long; chosen."""
SETTLED_S = 0.5
"""A fade to the next slide may have begun this long before a shot's end; measured: up to 0.2 s."""
ALIKE = 0.35
"""Share of the ink that may lie elsewhere before a close look is spared.

Measured: pictures of one slide differ by up to .05, beside a film by .18.
"""


@dataclass(frozen=True, eq=False)
class Look:
    """How two shots are compared."""

    tolerance: Tolerance
    habit: Cells | None = None
    """Where a presenter or a film usually is; left out unless nothing moves."""
    always: bool = False
    """Left out even so."""
    shaky: bool = False
    """Whether the talk is filmed: pictures have to be aligned."""

    def same(self, a: Shot, b: Shot) -> bool:
        """Return whether two shots show the same picture."""
        if a.last.gray.shape != b.last.gray.shape or not _alike(a.last, b.last):
            return False
        return self.tolerance.is_same(self._difference(a, b))

    def only_adds(self, before: Shot, after: Shot) -> bool:
        """Return whether the second shot shows all of the first."""
        return self.tolerance.only_adds(self._difference(before, after))

    def fidgets(self, run: Sequence[Shot]) -> Cells | None:
        """Return the cells that come and go within a run: a slow presenter's, not a build's."""
        changes = [self._difference(a, b) for a, b in pairwise(run)]
        if len(changes) <= 1:
            return None
        again = np.sum([c.changed for c in changes], axis=0) > 1
        cells = again & np.logical_or.reduce([c.lost for c in changes])
        return cells if cells.mean() < FIDGET else None

    def besides(self, cells: Cells | None) -> "Look":
        """Return a look that leaves out further cells."""
        if cells is None or not cells.any():
            return self
        return replace(self, habit=union(self.habit, dilate(cells)), always=True)

    def _difference(self, before: Shot, after: Shot) -> Change:
        motion = replace(before.motion, shaky=before.motion.shaky or self.shaky)
        if self.always or not (before.motion.quiet and after.motion.quiet):
            motion = motion.with_live(self.habit)
        return motion.compare(before.last, after.last, after.motion)


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
    shots: Sequence[Shot], index: PacketIndex, look: Look, min_duration_s: float
) -> tuple[list[SlideShots], list[Shot]]:
    """Return the slides in order of appearance, and the shots that are no slides."""
    moving = moving_pictures(shots, index)
    slides: list[SlideShots] = []
    for run in runs(shots, moving, look, min_duration_s):
        place(run, slides, look)
    return slides, [s for s, m in zip(shots, moving, strict=True) if m]


def moving_pictures(shots: Sequence[Shot], index: PacketIndex) -> list[bool]:
    """Return for every shot whether it shows a face or a room: it moves and does not look drawn.

    A moment of rest between such shots is one too.
    """
    moving = [index.activity(s.start_s, s.end_s) > ACTIVE and not s.is_drawn for s in shots]
    for order in (range(1, len(shots)), range(len(shots) - 2, -1, -1)):
        for i in order:
            if not moving[i] and moving[i - order.step] and shots[i].duration_s < REST_S:
                moving[i] = not shots[i].is_drawn
    return moving


def image_time_s(shot: Shot, tolerance: Tolerance) -> float:
    """Return the moment that shows a shot's finished picture undisturbed, at least cost."""
    late_s = shot.end_s - min(SETTLED_S, shot.duration_s / 3)
    key = next((k for k in shot.keys if k.time_s <= late_s), None)
    if key is None:
        return late_s
    grown = compare(key, shot.last)
    return late_s if grown.count and tolerance.only_adds(grown) else key.time_s


def runs(
    shots: Sequence[Shot], moving: Sequence[bool], look: Look, min_duration_s: float
) -> list[list[Shot]]:
    """Group stable shots that only add to the one before; a moving picture ends a group."""
    found: list[list[Shot]] = []
    fresh = True
    for shot, is_moving in zip(shots, moving, strict=True):
        if is_moving:
            fresh = True
        elif shot.duration_s >= min_duration_s:
            if not fresh and look.only_adds(found[-1][-1], shot):
                found[-1].append(shot)
            else:
                found.append([shot])
            fresh = False
    return found


def place(run: list[Shot], slides: list[SlideShots], look: Look) -> None:
    """Add a run to the slide that it shows again, or as a new slide."""
    look = look.besides(look.fidgets(run))
    for slide in slides:
        if any(look.same(state, run[-1]) for state in reversed(slide.states)):
            slide.returns.extend(run)
            return
        grown = next((i for i, s in enumerate(run[:-1]) if look.same(slide.final, s)), None)
        if grown is not None:
            slide.returns.extend(run[: grown + 1])
            slide.states.extend(run[grown + 1 :])
            return
    slides.append(SlideShots(run))


def _alike(a: Picture, b: Picture) -> bool:
    """Return whether a close look is worth it, by the ink per cell: most other slides are not."""
    most = np.maximum(a.ink, b.ink).sum()
    return bool(most == 0 or np.abs(a.ink - b.ink).sum() < ALIKE * most)
