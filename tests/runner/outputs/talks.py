"""Talks whose slides are known, for the tests of outputs."""

from dataclasses import replace
from pathlib import Path

from slides_api.v1alpha1 import Outputs
from slides_runner.artifacts import sha256_of
from slides_runner.detection import DetectedBuild, DetectedSlide, Detection, Sample, Span
from slides_runner.outputs import Talk
from slides_runner.sources import Media, VideoInfo
from slides_runner.video import probe_video

TWO_SLIDES = (
    DetectedSlide(
        spans=(Span(0.0, 2.0), Span(4.0, 6.0)),
        image_time_s=1.5,
        builds=(DetectedBuild(Span(0.0, 1.0), 0.5),),
        confidence=0.91234567,
    ),
    DetectedSlide(spans=(Span(2.0, 4.0),), image_time_s=3.0, builds=(), confidence=0.4),
)
"""The first is built up in two steps and returned to."""
DETECTION = Detection(
    slides=TWO_SLIDES,
    duration_s=8.0,
    samples=tuple(Sample(n / 2, (n % 4) / 4) for n in range(16)),
    thresholds={"same": 0.9, "change": 0.25},
    nonslides=(Span(6.0, 8.0),),
)
INFO = VideoInfo(
    key="youtube-dQw4w9WgXcQ",
    url="https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    title="A talk",
    uploader="A speaker",
)


def open_talk(
    video: Path,
    work_dir: Path,
    *,
    detection: Detection = DETECTION,
    info: VideoInfo = INFO,
    options: Outputs | None = None,
) -> Talk:
    """Return a talk as the pipeline has it when its outputs are made."""
    media = Media(video, info, sha256_of(video), video.stat().st_size, temporary=False)
    work_dir.mkdir(parents=True, exist_ok=True)
    return Talk(media, probe_video(video), detection, options or Outputs(), work_dir)


def with_slides(*slides: DetectedSlide) -> Detection:
    """Return the detection of the usual talk with other slides."""
    return replace(DETECTION, slides=slides)
