"""What is made of a video once its slides are known: one file per kind, listed in a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slides_api.manifest import Slide
from slides_api.names import file_key
from slides_api.v1alpha1 import Outputs, SlidesOutput
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

    @property
    def key(self) -> str:
        """The stable key of the video."""
        return self.media.info.key or file_key(self.media.sha256)


@dataclass(frozen=True)
class SlideSet:
    """The slides as the manifest has them, and their image files."""

    slides: tuple[Slide, ...]
    files: tuple[LocalFile, ...]
    thumbnails: Mapping[str, Path] = field(default_factory=dict)
    """Small WebP pictures by image key, for documents; they are no outputs themselves."""
    printables: Mapping[str, Path] = field(default_factory=dict)
    """Files that a PDF can hold as they are, JPEG or PNG, by key of the slides' own images."""


OnSlide = Callable[[int, int], None]
"""Called with (slides done, slides in all)."""

MakeDocument = Callable[[Talk, SlideSet], LocalFile]
"""Makes one file from the talk and its slides."""


def slides_options(outputs: Outputs) -> SlidesOutput:
    """Return what is asked of the slides, which are made even when nothing is named."""
    return outputs.with_default().slides or SlidesOutput()
