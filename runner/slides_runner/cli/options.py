"""Options of the command line as the API's models; what is wrong with them in their own words."""

import unicodedata
from dataclasses import dataclass
from pathlib import Path

import typer
from pydantic import ValidationError

from slides_api.v1alpha1 import Document, Outputs, Region, SlideImage, SlidesOutput, Source
from slides_runner.reporters.plain import printable
from slides_runner.settings import RunnerSettings

OPTION_OF_FIELD = {
    "url": "SOURCE",
    "maxHeight": "--max-height",
    "maxDurationSeconds": "--max-duration",
    "maxBytes": "--max-bytes",
    "minDurationSeconds": "--min-duration",
    "sensitivity": "--sensitivity",
    "format": "--format",
    "quality": "--quality",
    "left": "--region",
    "top": "--region",
    "width": "--region",
    "height": "--region",
}
"""Which option fills a field of the models."""
REGION_SIDES = ("left", "top", "width", "height")


@dataclass(frozen=True)
class SourceOptions:
    """How videos are fetched."""

    max_height: int
    max_duration_s: int | None
    max_bytes: int | None
    proxy: str | None = None
    cookies: Path | None = None
    allow_private: bool = False

    def build_source(self, url: str) -> Source:
        """Return the model. Raises typer.BadParameter."""
        if not is_text(url):
            raise typer.BadParameter(
                f"{printable(url)!r} is not UTF-8: rename the file.", param_hint="SOURCE"
            )
        fields = {
            "url": url,
            "maxHeight": self.max_height,
            "maxDurationSeconds": self.max_duration_s,
            "maxBytes": self.max_bytes,
        }
        try:
            return Source.model_validate(fields)
        except ValidationError as e:
            raise bad_option(e) from e

    def apply(self, settings: RunnerSettings) -> RunnerSettings:
        """Return the settings with what the command line says otherwise."""
        changes: dict[str, object] = {}
        if self.cookies is not None:
            changes["cookies_file"] = str(self.cookies)
        if self.allow_private:
            changes["allow_private_addresses"] = True
        return settings.model_copy(update=changes)


@dataclass(frozen=True)
class SlideOptions:
    """What is made of a video."""

    image_format: str
    quality: int
    sensitivity: str
    min_duration_s: float
    region: str | None
    pdf: bool = True
    html: bool = True

    def build_outputs(self) -> Outputs:
        """Return the model. Raises typer.BadParameter."""
        wanted = {Document.PDF: self.pdf, Document.HTML: self.html}
        image = {"format": self.image_format, "quality": self.quality}
        try:
            slides = SlidesOutput.model_validate(
                {
                    "minDurationSeconds": self.min_duration_s,
                    "sensitivity": self.sensitivity,
                    "region": None if self.region is None else parse_region(self.region),
                    "image": SlideImage.model_validate(image),
                    "documents": tuple(one for one, is_wanted in wanted.items() if is_wanted),
                }
            )
        except ValidationError as e:
            raise bad_option(e) from e
        return Outputs(slides=slides)


def is_text(argument: str) -> bool:
    """Return whether an argument is text; file names can be other bytes, shown as surrogates."""
    return not any(unicodedata.category(character) == "Cs" for character in argument)


def parse_region(text: str) -> Region:
    """Return the region of `left,top,width,height`. Raises typer.BadParameter."""
    try:
        numbers = [float(part) for part in text.split(",")]
        fields = dict(zip(REGION_SIDES, numbers, strict=True))
    except ValueError as e:
        raise typer.BadParameter(
            f"{text!r} is not LEFT,TOP,WIDTH,HEIGHT: four fractions, as in 0,0,0.75,1.",
            param_hint="--region",
        ) from e
    region = Region.model_validate(fields)
    if region.left >= 1 or region.top >= 1:
        raise typer.BadParameter(
            "it lies outside of the picture: left and top are below 1.", param_hint="--region"
        )
    return region


def bad_option(error: ValidationError) -> typer.BadParameter:
    """Return the usage error for the first field that is wrong."""
    first = error.errors(include_url=False, include_context=False)[0]
    name = str(first["loc"][-1]) if first["loc"] else ""
    what = first["msg"][:1].lower() + first["msg"][1:]
    return typer.BadParameter(f"{what}.", param_hint=OPTION_OF_FIELD.get(name, name))
