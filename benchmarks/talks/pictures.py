"""Pictures and the textures that they are made of.

A picture is (H, W, 3) uint8 RGB, 0-255.
"""

import random

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]


def flat(width: int, height: int, colour: Colour) -> Picture:
    """Return a picture of one colour."""
    return np.full((height, width, 3), colour, np.uint8)


def blend(first: Picture, second: Picture, weight: float) -> Picture:
    """Return a mixture: weight 0 is the first picture, 1 the second."""
    return np.asarray(cv2.addWeighted(first, 1 - weight, second, weight, 0), np.uint8)


def gradient(width: int, height: int, first: Colour, second: Colour, *, slant: float) -> Picture:
    """Return a linear gradient; slant 0 runs from left to right, 1 from top to bottom."""
    across = np.linspace(0, 1 - slant, width)[None, :, None]
    down = np.linspace(0, slant, height)[:, None, None]
    mix = across + down
    return np.asarray((1 - mix) * np.array(first) + mix * np.array(second), np.uint8)


def clouds(rng: random.Random, width: int, height: int, *, finest: int = 64) -> Picture:
    """Return smooth coloured noise in several octaves, like an unfocused photo."""
    noise = np.random.default_rng(rng.getrandbits(32))
    total = np.zeros((height, width, 3), np.float32)
    cells, weight = 3, 1.0
    while cells <= finest:
        grid = noise.random((cells, cells * 2, 3), np.float32)
        total += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        cells, weight = cells * 2, weight * 0.55
    low, high = float(total.min()), float(total.max())
    return np.asarray((total - low) / (high - low) * 255, np.uint8)


def tinted(picture: Picture, colour: Colour, weight: float) -> Picture:
    """Return a picture veiled by a colour; weight 1 is the colour alone."""
    height, width = picture.shape[:2]
    return blend(picture, flat(width, height, colour), weight)


class Sensor:
    """Adds camera noise to pictures of one size, another grain at every frame."""

    SPARE = 64
    """Pixels by which a grain is larger than the picture, so that it can be shifted."""

    def __init__(self, rng: random.Random, size: tuple[int, int], strength: float) -> None:
        self._rng = rng
        noise = np.random.default_rng(rng.getrandbits(32))
        shape = (size[1] + self.SPARE, size[0] + self.SPARE)
        values = noise.normal(0, strength, (*shape, 1)) + noise.normal(0, strength / 2, (*shape, 3))
        # Two unsigned halves: cv2 adds and subtracts with saturation ten times faster than
        # numpy adds in a wider type and clips.
        self._brighter = np.asarray(np.clip(values, 0, 255), np.uint8)
        self._darker = np.asarray(np.clip(-values, 0, 255), np.uint8)

    def expose(self, picture: Picture) -> Picture:
        """Return the picture with fresh noise."""
        height, width = picture.shape[:2]
        x, y = self._rng.randrange(self.SPARE), self._rng.randrange(self.SPARE)
        window = (slice(y, y + height), slice(x, x + width))
        brighter = cv2.add(picture, self._brighter[window])
        return np.asarray(cv2.subtract(brighter, self._darker[window]), np.uint8)


def paste(base: Picture, patch: Picture, x: int, y: int) -> None:
    """Put a patch into a picture in place, cut off at the borders."""
    height, width = base.shape[:2]
    left, top = max(0, x), max(0, y)
    right, bottom = min(width, x + patch.shape[1]), min(height, y + patch.shape[0])
    if right > left and bottom > top:
        base[top:bottom, left:right] = patch[top - y : bottom - y, left - x : right - x]


def paste_through(
    base: Picture, patch: Picture, alpha: NDArray[np.float32], x: int, y: int
) -> None:
    """Put a patch into a picture in place, through an (H, W, 1) alpha of 0 to 1."""
    height, width = base.shape[:2]
    left, top = max(0, x), max(0, y)
    right, bottom = min(width, x + patch.shape[1]), min(height, y + patch.shape[0])
    if right <= left or bottom <= top:
        return
    rows, columns = slice(top - y, bottom - y), slice(left - x, right - x)
    seen = alpha[rows, columns]
    under = base[top:bottom, left:right]
    base[top:bottom, left:right] = (patch[rows, columns] * seen + under * (1 - seen)).astype(
        np.uint8
    )


def disc(width: int, height: int) -> NDArray[np.float32]:
    """Return an elliptic (H, W, 1) alpha with a soft rim."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    radius = np.hypot((x - width / 2) / (width / 2), (y - height / 2) / (height / 2))
    return np.asarray(np.clip((1 - radius) * min(width, height) / 3, 0, 1)[:, :, None], np.float32)
