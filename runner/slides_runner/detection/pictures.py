"""Comparing pictures by their ink: small grey copies, signed gradients, a grid of cells.

Gradients ignore lighting and keep what slides consist of, edges of text and drawings. A cell has
changed when the gradients differ by more than coding noise and by more than a share of its ink.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from slides_api.v1alpha1 import Region

AREA = 320 * 180
"""Pixels of the grey copy, whatever its shape; chosen: a line of small text still spans 3 rows."""
CELL = 10
"""Edge of a cell in pixels of the grey copy; chosen: about one line of text."""
SIGMA = 1.0
"""Blur before differentiating, against coding noise; chosen."""
NOISE = 60_000.0
"""Squared gradient difference of a cell below which nothing has changed.

Measured between keyframes of one unchanged slide: at most 10,000 on digital recordings. The
smallest build step there had 400,000, a mouse pointer 160,000.
"""
SHARE = 0.25
"""... and it must be this share of the ink in the cell; chosen: a pointer over text stays below."""
KEPT = 0.7
"""Share of a cell's ink that is still there when something was added; measured: added bullets leave
.95 and more, text replaced by other text keeps up to .7 by chance."""
FAINT = 12.0
"""Gradients below this are background; the benchmark's scorer has the same."""
MARGIN = 0.04
"""Share of all cells that a film may change beyond those seen moving; chosen: a larger change
is a slide's, even where it touches the film."""
REGISTER_ABOVE = 0.01
"""Share of changed cells below which no camera moved; measured: a shake changes 3 to 30 %."""
ECC_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-3)
ECC_BLUR = 5
"""Measured on a filmed screen, half size: all pairs of one slide agree in every cell, pairs of
different slides differ in 37 and more, at 1.3 ms a pair; phase correlation left up to 195."""
MAX_SHEAR = 0.08
MAX_SHIFT = 16.0
"""A larger motion (of the half-size picture: 10 % of its width) is another scene; chosen."""
EIGHT_BIT_PLANAR = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuv444p", "nv12", "gray"})
"""Pixel formats whose first plane is 8-bit luma; others are converted."""

Cells = NDArray[np.bool_]
"""(rows, columns) of a picture's cells."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A small grey copy of a frame."""

    time_s: float
    gray: NDArray[np.uint8]
    """(H, W) uint8, H x W about AREA, 0-255."""

    @property
    def gradients(self) -> NDArray[np.float32]:
        """(H, W, 2) float32 Sobel gradients of the blurred picture, faint ones zeroed."""
        return _gradients(self)

    @cached_property
    def ink(self) -> NDArray[np.float32]:
        """Squared gradients summed per cell."""
        return cell_sums(self.gradients)


@lru_cache(maxsize=16)
def _gradients(picture: Picture) -> NDArray[np.float32]:
    """Gradients take eight times the picture's memory: only those of the last few are kept."""
    blurred = np.asarray(cv2.GaussianBlur(picture.gray, (0, 0), SIGMA), np.uint8)
    return np.asarray(cv2.merge([_edges(blurred, 1, 0), _edges(blurred, 0, 1)]), np.float32)


def _edges(gray: NDArray[np.uint8], dx: int, dy: int) -> NDArray[np.float32]:
    slope = cv2.Sobel(gray, cv2.CV_32F, dx, dy)
    _, strong = cv2.threshold(np.abs(slope), FAINT, 1, cv2.THRESH_BINARY)
    return np.asarray(cv2.multiply(slope, strong), np.float32)


def take_picture(frame: av.VideoFrame, time_s: float, region: Region | None) -> Picture:
    """Return the small grey copy of a decoded frame, or of a region of it."""
    scale = (AREA / (frame.width * frame.height)) ** 0.5
    size = _even(frame.width * scale), _even(frame.height * scale)
    plane = luma(frame)
    if region:
        plane = crop(plane, region)
        size = _even(size[0] * region.width), _even(size[1] * region.height)
    gray = np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8)
    return Picture(time_s, gray)


def luma(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """Return a frame's luma: (H, W) uint8, 0-255; the decoder's own plane where it has 8 bits."""
    if frame.format.name not in EIGHT_BIT_PLANAR:
        frame = frame.reformat(format="gray")
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]


def _even(length: float) -> int:
    return max(2 * CELL, round(length / 2) * 2)


def crop(pixels: NDArray[np.uint8], region: Region) -> NDArray[np.uint8]:
    """Return a region of an (H, W, ...) picture; at least one pixel, cut at the edges."""
    height, width = pixels.shape[:2]
    left, top = int(region.left * width), int(region.top * height)
    right = max(left + 1, round((region.left + region.width) * width))
    bottom = max(top + 1, round((region.top + region.height) * height))
    return pixels[top:bottom, left:right]


def cell_sums(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a field's square summed per cell; rests at the right and the bottom are dropped.

    The field is (H, W, 2), the sums (H // CELL, W // CELL).
    """
    squares = cv2.multiply(field, field)
    plane = cv2.add(squares[..., 0], squares[..., 1])
    rows, columns = max(1, plane.shape[0] // CELL), max(1, plane.shape[1] // CELL)
    shrunk = cv2.resize(
        plane[: rows * CELL, : columns * CELL], (columns, rows), interpolation=cv2.INTER_AREA
    )
    return np.asarray(shrunk * (CELL * CELL), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Change:
    """What differs between two pictures, per cell."""

    changed: Cells
    lost: Cells
    """Cells whose ink is not there any more."""
    ink: Cells
    """Cells with ink before."""

    @property
    def count(self) -> int:
        """Number of changed cells."""
        return int(self.changed.sum())


def compare(before: Picture, after: Picture, *, live: Cells | None = None) -> Change:
    """Compare two pictures of one video, leaving out cells where something always moves."""
    a, b = before.gradients, after.gradients
    difference = cell_sums(np.asarray(cv2.subtract(a, b), np.float32))
    most = np.maximum(before.ink, after.ink)
    changed = (difference > NOISE) & (difference > SHARE * most)
    ink = before.ink > NOISE
    # What of a's ink b still shows: |a-b|^2 = |a|^2 + |b|^2 - 2ab.
    kept = (before.ink + after.ink - difference) / 2
    lost = changed & ink & (kept < KEPT * before.ink)
    if live is not None:
        gone = live | mostly_within(changed, live)
        changed, lost, ink = changed & ~gone, lost & ~gone, ink & ~gone
    return Change(changed, lost, ink)


def mostly_within(changed: Cells, live: Cells) -> Cells:
    """Return the blobs of changed cells of which more than half lies within live cells.

    A film within a slide cuts: more of it changes at once than was seen moving.
    """
    count, labels = cv2.connectedComponents(changed.astype(np.uint8), connectivity=8)
    sizes = np.bincount(labels.ravel(), minlength=count)
    inside = np.bincount(labels[live].ravel(), minlength=count)
    outside = sizes - inside
    mostly = (inside > outside) & (outside < MARGIN * changed.size)
    mostly[0] = False
    return mostly[np.asarray(labels, np.intp)]


def dilate(cells: Cells) -> Cells:
    """Return the cells and their neighbours."""
    kernel = np.ones((3, 3), np.uint8)
    return cv2.dilate(cells.astype(np.uint8), kernel).astype(np.bool_)


def registered(before: Picture, after: Picture, *, live: Cells | None = None) -> Change:
    """Compare two pictures, aligned first where the camera may have moved."""
    change = compare(before, after, live=live)
    if change.changed.mean() <= REGISTER_ABOVE:
        return change
    steady = compare(before, aligned(before, after), live=live)
    return steady if steady.count < change.count else change


def aligned(before: Picture, after: Picture) -> Picture:
    """Return `after` moved onto `before` by the affine motion between them, or as it is.

    Source: Evangelidis and Psarakis 2008 (ECC), as in OpenCV.
    """
    motion = _motion(before, after)
    if motion is None:
        return after
    height, width = before.gray.shape
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(
        after.gray, motion, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return Picture(after.time_s, np.asarray(moved, np.uint8))


def _motion(before: Picture, after: Picture) -> NDArray[np.float32] | None:
    """Return the (2, 3) affine motion from one picture to another; None where a camera has none."""
    start = np.eye(2, 3, dtype=np.float32)
    a, b = _halved(before), _halved(after)
    everywhere = np.full(a.shape, 255, np.uint8)
    try:
        _, found = cv2.findTransformECC(
            a, b, start, cv2.MOTION_AFFINE, ECC_STOP, everywhere, ECC_BLUR
        )
    except cv2.error:  # did not converge: the pictures have nothing in common
        return None
    motion = np.asarray(found, np.float32)
    sheared = np.abs(motion[:, :2] - np.eye(2)).max() > MAX_SHEAR
    if sheared or np.abs(motion[:, 2]).max() > MAX_SHIFT:
        return None
    motion[:, 2] *= 2
    return motion


def _halved(picture: Picture) -> NDArray[np.uint8]:
    half = cv2.resize(picture.gray, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return np.asarray(half, np.uint8)
