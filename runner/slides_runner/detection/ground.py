"""Telling drawn pictures from filmed ones: plain grounds and upright edges."""

import cv2
import numpy as np

from slides_runner.detection.pictures import Picture

PEAK_WIDTH = 5
PEAK = 0.2
UPRIGHT = 0.65
"""A picture that reaches neither is filmed.

Measured on keyframes: faces and rooms have a peak of .08 to .18 and an uprightness of .34 to .58;
filmed slides a peak from .14 and an uprightness from .76; slides beside a small film one of both.
"""
SLOPE = 0.2
"""An edge is upright when its smaller slope is below this share of its larger one (11 degrees)."""


def looks_drawn(picture: Picture) -> bool:
    """Return whether a picture looks like a slide rather than a face or a room."""
    return peak(picture) >= PEAK or uprightness(picture) >= UPRIGHT


def peak(picture: Picture) -> float:
    """Return the share of pixels that have the picture's commonest grey: a plain ground."""
    counts = cv2.calcHist([picture.gray], [0], None, [256], [0, 256]).ravel()
    return float(np.convolve(counts, np.ones(PEAK_WIDTH)).max() / picture.gray.size)


def uprightness(picture: Picture) -> float:
    """Return the share of edge energy that is horizontal or vertical: text, tables, frames."""
    x, y = (np.abs(picture.gradients[..., i]) for i in (0, 1))
    energy = x * x + y * y
    total = float(energy.sum())
    upright = np.minimum(x, y) < SLOPE * np.maximum(x, y)
    return float(energy[upright].sum()) / total if total else 1.0
