"""`manifest.json`: what an extraction found, where it lies and how it was found.

Written last, so its presence means that everything it names is there. The same input gives the same
bytes: no clock, host name or path enters it. Times are seconds from the first frame.
"""

from typing import Annotated, Literal

from pydantic import Field

from slides_api.v1alpha1 import ApiModel, Fraction, Outputs

SCHEMA_VERSION: Literal[1] = 1

Seconds = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Pixels = Annotated[int, Field(ge=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Key = Annotated[str, Field(min_length=1)]


class Span(ApiModel):
    """A stretch of time during which a slide is on screen, in seconds from the first frame."""

    start: Seconds
    """First moment at which the slide (or its first build step) is shown."""
    end: Seconds
    """First moment at which it no longer is."""


class Image(ApiModel):
    """One image file of a slide."""

    key: Key
    """Path relative to the manifest, with forward slashes."""
    media_type: str
    """image/webp, image/png or image/jpeg."""
    width: Pixels
    """Width in pixels."""
    height: Pixels
    """Height in pixels."""
    bytes: Count
    """Size of the file in bytes."""
    sha256: Sha256
    """SHA-256 of the file, hexadecimal."""


class BuildStep(ApiModel):
    """An earlier, less complete state of a slide that was built up."""

    start: Seconds
    """When this step appeared, in seconds."""
    end: Seconds
    """When the next step replaced it, in seconds."""
    image: Image | None = None
    """Picture of this step, where one was written."""


class Slide(ApiModel):
    """One slide: shown once or returned to, folded with the steps that built it up."""

    index: Annotated[int, Field(ge=1)]
    """Position in the talk, from 1."""
    image: Image
    """The slide in its finished state."""
    spans: Annotated[tuple[Span, ...], Field(min_length=1)]
    """When it is on screen; a slide returned to has more than one span."""
    builds: tuple[BuildStep, ...] = ()
    """Its earlier build steps, oldest first."""
    confidence: Fraction
    """How sure the detector is that this is a slide, 0 to 1."""


class Artifact(ApiModel):
    """A file made of the video, apart from the slide images."""

    key: Key
    """Path relative to the manifest, with forward slashes."""
    kind: str
    """What it is: pdf, html, videoSegments."""
    media_type: str
    """Its media type."""
    bytes: Count
    """Size in bytes."""
    sha256: Sha256
    """SHA-256, hexadecimal."""


class Chapter(ApiModel):
    """A chapter named by the source or the file itself."""

    start: Seconds
    """Start in seconds."""
    end: Seconds | None = None
    """End in seconds."""
    title: str
    """Title as the source has it."""


class SourceRecord(ApiModel):
    """Which video this was."""

    key: str
    """Stable key of the video: youtube-ID, url-HASH or file-HASH."""
    url: str | None = None
    """Where it came from, without credentials; absent for local files."""
    title: str | None = None
    """Title, as the source or the file has it."""
    uploader: str | None = None
    """Who published it."""
    sha256: Sha256
    """SHA-256 of the video file that was read, hexadecimal."""
    bytes: Count
    """Size of that file in bytes."""
    chapters: tuple[Chapter, ...] = ()
    """Chapters of the source or the file."""


class VideoRecord(ApiModel):
    """The video stream that was read."""

    duration_seconds: Seconds
    """Duration up to the last readable frame."""
    width: Pixels
    """Width of the upright picture in pixels."""
    height: Pixels
    """Height of the upright picture in pixels."""
    frames_per_second: float
    """Average frame rate."""
    codec: str
    """Codec name, as FFmpeg has it."""
    rotation: int = 0
    """Rotation that was applied, in degrees clockwise: 0, 90, 180 or 270."""


class DetectionRecord(ApiModel):
    """How the slides were found."""

    method: str
    """Name and version of the detector."""
    thresholds: dict[str, float]
    """The thresholds that decided."""


class Warning(ApiModel):  # noqa: A001 - the field's own term; never imported bare
    """Something the reader should know about the result."""

    reason: str
    """CamelCase reason: VideoTruncated, VideoCorrupt, …"""
    message: str
    """What happened and what follows from it."""


class Manifest(ApiModel):
    """The record of one extraction; its presence says that it is complete."""

    schema_version: Literal[1] = SCHEMA_VERSION
    """Version of this format."""
    generator: str
    """Program and version that wrote it."""
    tools: dict[str, str] = Field(default_factory=dict)
    """Versions of the libraries that took part."""
    source: SourceRecord
    """Which video this was."""
    options: Outputs
    """What was asked for."""
    options_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    """First 8 hexadecimal digits of the options' SHA-256; part of the storage prefix."""
    video: VideoRecord
    """The video stream that was read."""
    detection: DetectionRecord
    """How the slides were found."""
    slides: tuple[Slide, ...]
    """The slides in order of their first appearance."""
    artifacts: tuple[Artifact, ...] = ()
    """Every other file that was made."""
    warnings: tuple[Warning, ...] = ()
    """What the reader should know."""

    def to_json(self) -> bytes:
        """Return the canonical bytes: two-space indent, sorted as declared, one final newline."""
        text = self.model_dump_json(by_alias=True, indent=2, exclude_none=True)
        return text.encode() + b"\n"
