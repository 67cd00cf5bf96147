"""Reading video files: properties, and single frames at given moments.

All decoding goes through PyAV. av's errors stop here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class VideoProperties:
    """The best video stream of a file, as it will be shown."""

    width: int
    """Width of the upright picture in pixels."""
    height: int
    """Height of the upright picture in pixels."""
    frames_per_second: float
    frame_count: int
    """As the container says, else estimated from duration and rate."""
    duration_s: float
    codec: str
    rotation: int
    """Clockwise rotation that is applied on reading: 0, 90, 180 or 270 degrees."""


def probe_video(path: Path) -> VideoProperties:
    """Return the properties of the file's best video stream.

    Raises NotAVideoError for a file without a decodable video stream.
    """
    raise NotImplementedError


def read_frames(path: Path, times_s: Sequence[float]) -> Iterator[NDArray[np.uint8]]:
    """Yield the upright frame shown at each time: (H, W, 3) uint8 RGB, 0-255.

    Times are seconds from the first frame, ascending. A time past the end yields the last frame.
    Raises NotAVideoError.
    """
    raise NotImplementedError
