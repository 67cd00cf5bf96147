"""What is made of a video once its slides are known: one file per kind, listed in a table."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slides_api.manifest import Slide, VideoRecord
from slides_api.v1alpha1 import Outputs
from slides_runner.artifacts import LocalFile
from slides_runner.detection import Detection
from slides_runner.sources import Media
from slides_runner.video import VideoProperties


@dataclass(frozen=True)
class Talk:
    """Everything known of a video when its outputs are made."""

    media: Media
    video: VideoProperties
    detection: Detection
    options: Outputs
    work_dir: Path
    """A folder for files that are being made."""


@dataclass(frozen=True)
class SlideSet:
    """The slides as the manifest has them, and their image files."""

    slides: tuple[Slide, ...]
    files: tuple[LocalFile, ...]


OnSlide = Callable[[int, int], None]
"""Called with (slides done, slides in all)."""

MakeDocument = Callable[[Talk, SlideSet], LocalFile]
"""Makes one file from the talk and its slides."""
