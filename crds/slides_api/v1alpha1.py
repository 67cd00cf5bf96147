"""The resources of `slides-extractor.dev/v1alpha1`, as far as the runner needs them today.

Docstrings become descriptions for `kubectl explain` and for `slides --help`.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class ApiModel(BaseModel):
    """A frozen API object: camelCase on the wire, unknown fields refused."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )


Fraction = Annotated[float, Field(ge=0, le=1)]


class Sensitivity(StrEnum):
    """How small a change of the picture starts a new slide."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class ImageFormat(StrEnum):
    """File format of the slide images."""

    WEBP = "webp"
    PNG = "png"
    JPEG = "jpeg"


class Document(StrEnum):
    """Documents made from the slides."""

    PDF = "pdf"
    HTML = "html"


class Region(ApiModel):
    """The part of the picture that holds the slides, as fractions of its width and height."""

    left: Fraction = 0.0
    """Left edge; 0 is the picture's left edge."""
    top: Fraction = 0.0
    """Top edge; 0 is the picture's top edge."""
    width: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Width; 1 is the whole picture."""
    height: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Height; 1 is the whole picture."""


class SlideImage(ApiModel):
    """How slide images are written."""

    format: ImageFormat = ImageFormat.WEBP
    """webp, png (lossless) or jpeg."""
    quality: Annotated[int, Field(ge=1, le=100)] = 80
    """Quality of webp and jpeg, 1 to 100; png ignores it."""


class SlidesOutput(ApiModel):
    """The slides of the talk: images with their spans, and documents made of them."""

    min_duration_seconds: Annotated[float, Field(ge=0, le=3600)] = 0.6
    """A picture that stands for a shorter time is no slide."""
    sensitivity: Sensitivity = Sensitivity.NORMAL
    """How small a change starts a new slide: low, normal or high."""
    region: Region | None = None
    """Look for slides in this part of the picture only; by default in the whole picture."""
    image: SlideImage = SlideImage()
    """Format and quality of the slide images."""
    documents: tuple[Document, ...] = (Document.PDF, Document.HTML)
    """Documents to make of the slides: pdf (slides.pdf) and html (report.html)."""


class Outputs(ApiModel):
    """What to make of the video; no member given means `slides: {}`."""

    slides: SlidesOutput | None = None
    """The slides of the talk."""

    def with_default(self) -> "Outputs":
        """Return these outputs, or the slides alone when none is named."""
        return self if self.slides else Outputs(slides=SlidesOutput())


class Source(ApiModel):
    """Where the video comes from."""

    url: Annotated[str, Field(min_length=1, max_length=4096)]
    """http(s) URL, s3://bucket/key, youtube:ID, instagram:CODE, or anything yt-dlp knows."""
    max_height: Annotated[int, Field(ge=144, le=4320)] = 1080
    """Greatest picture height to download, in pixels."""
    max_duration_seconds: Annotated[int, Field(ge=1)] | None = None
    """Refuse longer videos (reason TooLong)."""
    max_bytes: Annotated[int, Field(ge=1)] | None = None
    """Refuse larger downloads (reason TooBig)."""
