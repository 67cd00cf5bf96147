"""Tolerance: how much of a picture may change before it is another one.

A mouse pointer, a clock and coding noise change few cells, close together; a change of slide
changes many, or far apart. A build step adds cells and loses hardly any.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from slides_api.v1alpha1 import Sensitivity
from slides_runner.detection.pictures import Cells, Change

POINTER_BLOBS = 2
"""A pointer changes two places, where it was and where it is."""
LOST_SHARE = 0.015
"""Share of a picture's inked cells that a build step may lose (a page number, a caret); chosen."""


@dataclass(frozen=True)
class Tolerance:
    """What counts as no change."""

    few_cells: int
    """Up to this many changed cells are noise or a clock."""
    pointer_cells: int
    """Greatest width and height, in cells, of each of a pointer's two blobs."""

    def is_same(self, change: Change) -> bool:
        """Return whether a change is none, or only a pointer's."""
        return change.count <= self.few_cells or self._is_pointer(change.changed)

    def only_adds(self, change: Change) -> bool:
        """Return whether nothing of the picture before was lost: a build step."""
        lost = int(change.lost.sum())
        allowed = max(self.few_cells, LOST_SHARE * int(change.ink.sum()))
        return lost <= allowed or self._is_pointer(change.lost)

    def _is_pointer(self, cells: Cells) -> bool:
        grid = cells.astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(grid, connectivity=8)
        if count - 1 > POINTER_BLOBS:
            return False
        sides = stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
        return bool((sides <= self.pointer_cells).all())


TOLERANCES = {
    Sensitivity.LOW: Tolerance(few_cells=12, pointer_cells=5),
    Sensitivity.NORMAL: Tolerance(few_cells=5, pointer_cells=3),
    Sensitivity.HIGH: Tolerance(few_cells=0, pointer_cells=1),
}
"""Measured for normal: arrows, laser dots and a highlighter's halo stay within 3 x 3 cells, slides'
changes spread wider; low and high are chosen around it."""
