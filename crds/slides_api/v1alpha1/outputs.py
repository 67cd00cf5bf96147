"""What to make of a video: `spec.outputs`."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from slides_api.v1alpha1.base import LIST_SET, ApiModel, Fraction, rule, rules


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

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.left + self.width <= 1.000001 && self.top + self.height <= 1.000001",
                "the region reaches beyond the picture: keep left + width and top + height "
                "at 1 or less",
            )
        )
    )

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
    documents: Annotated[tuple[Document, ...], Field(max_length=16, json_schema_extra=LIST_SET)] = (
        Document.PDF,
        Document.HTML,
    )
    """Documents to make of the slides: pdf (slides.pdf) and html (report.html)."""


class Outputs(ApiModel):
    """What to make of the video; no member given means `slides: {}`."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.slides)",
                "name at least one output, such as slides: {}, or leave out outputs",
            )
        )
    )

    slides: SlidesOutput | None = None
    """The slides of the talk."""

    def with_default(self) -> "Outputs":
        """Return these outputs, or the slides alone when none is named."""
        return self if self.slides else Outputs(slides=SlidesOutput())
