"""Slide detection: from a video file to slides with spans; see `detect` for the method."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Span:
    """A stretch of time, seconds from the first frame: start included, end excluded."""

    start_s: float
    end_s: float


@dataclass(frozen=True)
class DetectedBuild:
    """An earlier state of a slide that was built up step by step."""

    span: Span
    image_time_s: float
    """A moment at which this state is shown undisturbed."""


@dataclass(frozen=True)
class DetectedSlide:
    """One slide: everything later stages need to cut its pictures and write its record."""

    spans: tuple[Span, ...]
    """When it is shown, in order of time; a return to it adds a span."""
    image_time_s: float
    """The moment whose frame shows the finished slide best."""
    builds: tuple[DetectedBuild, ...]
    """Earlier build steps within the first span, oldest first."""
    confidence: float
    """0 to 1."""


@dataclass(frozen=True)
class Sample:
    """One point of the change curve that the report draws."""

    time_s: float
    score: float
    """0 (same picture) to 1 (nothing in common) against the sample before."""


@dataclass(frozen=True)
class Detection:
    """The result of `detect`."""

    slides: tuple[DetectedSlide, ...]
    """In order of their first appearance; empty when the video shows none."""
    duration_s: float
    """Up to the last readable frame."""
    samples: tuple[Sample, ...]
    """The change curve, thinned to at most 4,000 points."""
    thresholds: dict[str, float]
    """Names and values of the thresholds that decided; `change` is the curve's."""
    nonslides: tuple[Span, ...] = ()
    """Stretches recognised as a face, a room or other moving picture."""
    warnings: tuple[tuple[str, str], ...] = field(default=())
    """(CamelCase reason, sentence): VideoTruncated, VideoCorrupt, …"""
