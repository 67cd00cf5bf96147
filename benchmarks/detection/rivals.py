"""What rivals reached on the eleven talks of the bench's dev set, with their defaults, as recorded.

Measured once with the versions of 2026-11, one tool at a time on two idle cores, F1 by the scorer
of scoring.py. They are the rivals' figures when the rivals themselves are not run.
"""

from collections.abc import Sequence
from dataclasses import dataclass

LETTERS = "abcdefghijk"
"""Regimes by their letters: cuts, fades, PiP, builds, revisits, camera, embedded, pointer,
talking head, flips, typing."""


@dataclass(frozen=True)
class Rival:
    """Recorded figures of one tool; None where it was not run or did not finish."""

    name: str
    f1: tuple[float | None, ...]
    """By regime, a to k."""
    mean_f1: float | None
    cpu_x: float
    peak_mb: float


@dataclass(frozen=True)
class LongRival:
    """Recorded figures of one tool on the 62-minute talk."""

    name: str
    wall_s: float
    cpu_x: float
    peak_mb: float
    f1: float


RECORDED = """
vid2slides            1 1 1 1 .83 .71 .75 .85 .52 .91 .75  .847 37 205
deck-extract          1 1 1 .80 .59 .85 1 .88 .60 .78 .50  .818 9 309
video2pdfslides       1 .83 .46 .82 .76 0 .50 .94 .90 .77 0  .635 13 145
slide-extractor       .86 .78 .89 .96 .78 .20 .29 .54 .33 .96 .13  .610 11 853
ffmpeg-scene          1 .51 .91 .87 .73 .07 .29 1 .05 1 0  .584 21 122
miavisc-f             1 1 1 .96 .87 .12 - - - - -  - 4 3788
ffmpeg-keyframes      .63 .64 .36 .77 .48 - - .66 .52 .72 .20  - 125 119
scenedetect-content   .10 .11 .10 .59 .31 .52 .29 .10 .48 - -  - 17 142
forerunner             .18 .94 .18 .50 .31 .11 .60 .40 .80 .59 .38  .454 18 194
forerunner-unmerged   1 .97 1 1 1 .11 .73 .97 .96 .62 .28  .785 15 274
"""
"""A line: name, F1 by regime a to k, their mean, CPU-x, peak MB; a dash where it did not finish.

The forerunner is the method that this project grew out of, as its code had it, and without its
merging of neighbours.
"""

LONG_RIVALS = (
    LongRival("vid2slides", 66.1, 41, 758, 0.15),
    LongRival("forerunner", 120, 24, 209, 0.31),
    LongRival("deck-extract", 229, 12, 254, 0.52),
)


def recorded() -> list[Rival]:
    """Return the recorded figures, best mean first as they stand."""
    return [_rival(line.split()) for line in RECORDED.strip().splitlines()]


def _rival(words: Sequence[str]) -> Rival:
    *f1, mean, cpu_x, peak = [None if word == "-" else float(word) for word in words[1:]]
    return Rival(words[0], tuple(f1), mean, cpu_x or 0.0, peak or 0.0)


def best_f1(letter: str) -> tuple[float, str]:
    """Return the best recorded F1 of a regime, and the names of those who reached it."""
    column = LETTERS.index(letter)
    scored = [(rival.f1[column], rival.name) for rival in recorded()]
    best = max(value for value, _ in scored if value is not None)
    names = [name for value, name in scored if value == best]
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return best, names[0] + more
