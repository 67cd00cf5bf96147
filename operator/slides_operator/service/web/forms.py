"""The form for a new talk: what it offers, what was filled in, and what is made of it."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from slides_api.v1alpha1 import Document, ImageFormat, Sensitivity
from slides_api.v1alpha1.source import LONGEST_URL, SOURCE_URL
from slides_operator.extraction.objects import Json
from slides_operator.service.submissions import build_extraction

BARE = re.compile(r"(?:[\w-]+\.)+[a-z]{2,}(?:/\S*)?", re.IGNORECASE)
"""An address as people type it, without https:// before it."""
HEIGHTS = ("1080", "720", "1440", "2160")
NO_ADDRESS = "Give the address of a video."
BAD_ADDRESS = (
    "This is no address of a video: give a web address, s3://bucket/key, youtube:ID or "
    "instagram:CODE."
)
KEY_BYTES = 12


@dataclass(frozen=True)
class ChoiceView:
    """A group of radio buttons or boxes."""

    name: str
    title: str
    values: tuple[tuple[str, str], ...]
    chosen: frozenset[str]
    hint: str = ""
    is_many: bool = False


@dataclass(frozen=True)
class Filled:
    """What was filled in, each a set of values; defaults before that."""

    url: str = ""
    sensitivity: str = Sensitivity.NORMAL
    format: str = ImageFormat.WEBP
    documents: frozenset[str] = frozenset(Document)
    max_height: str = HEIGHTS[0]
    force: bool = False


@dataclass(frozen=True)
class FormView:
    """The page with the form."""

    post: str
    key: str
    """Sent twice, it makes one talk."""
    values: Filled
    choices: tuple[ChoiceView, ...]
    is_open: bool
    """Whether options are shown, since some differ from what they are by default."""
    errors: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""


def read_form(form: Mapping[str, str], many: Mapping[str, list[str]]) -> Filled:
    """Return what was filled in; an option that is none of those offered counts as not given."""
    default = Filled()
    return Filled(
        url=form.get("url", "").strip()[: LONGEST_URL + 1],
        sensitivity=_one_of(form.get("sensitivity"), tuple(Sensitivity), default.sensitivity),
        format=_one_of(form.get("format"), tuple(ImageFormat), default.format),
        documents=frozenset(many.get("documents", ())) & frozenset(Document),
        max_height=_one_of(form.get("max_height"), HEIGHTS, default.max_height),
        force=form.get("force") == "yes",
    )


def _one_of(value: str | None, offered: tuple[str, ...], default: str) -> str:
    return next((str(one) for one in offered if one == value), default)


def with_scheme(url: str) -> str:
    """Return an address as typed, with https:// where people leave that out."""
    return f"https://{url}" if BARE.fullmatch(url) else url


def check(filled: Filled) -> dict[str, str]:
    """Return what is wrong, by field."""
    url = with_scheme(filled.url)
    if not url:
        return {"url": NO_ADDRESS}
    if len(url) > LONGEST_URL or not re.match(SOURCE_URL, url):
        return {"url": BAD_ADDRESS}
    return {}


def build_resource(filled: Filled) -> Json:
    """Return the SlideExtraction; what is as by default is left to the API server."""
    default = Filled()
    slides: Json = {}
    if filled.sensitivity != default.sensitivity:
        slides["sensitivity"] = filled.sensitivity
    if filled.format != default.format:
        slides["image"] = {"format": filled.format}
    if filled.documents != default.documents:
        slides["documents"] = sorted(filled.documents)
    outputs = {"slides": slides} if slides else None
    resource = build_extraction(with_scheme(filled.url), outputs=outputs, force=filled.force)
    if filled.max_height != default.max_height:
        resource["spec"]["source"]["maxHeight"] = int(filled.max_height)
    return resource


def build_form(
    filled: Filled,
    *,
    post: str,
    key: str = "",
    errors: Mapping[str, str] | None = None,
    trouble: str = "",
) -> FormView:
    """Return the page."""
    return FormView(
        post=post,
        key=key or secrets.token_urlsafe(KEY_BYTES),
        values=filled,
        choices=_choices(filled),
        is_open=Filled(url=filled.url) != filled,
        errors=errors or {},
        trouble=trouble,
    )


def _choices(filled: Filled) -> tuple[ChoiceView, ...]:
    return (
        ChoiceView(
            "sensitivity",
            "Sensitivity",
            tuple((one.value, one.value.capitalize()) for one in Sensitivity),
            frozenset({filled.sensitivity}),
            "How small a change of the picture starts a new slide.",
        ),
        ChoiceView(
            "format",
            "Pictures",
            (("webp", "WebP"), ("png", "PNG, lossless"), ("jpeg", "JPEG")),
            frozenset({filled.format}),
        ),
        ChoiceView(
            "documents",
            "Documents",
            (("pdf", "PDF of the slides"), ("html", "Report")),
            filled.documents,
            is_many=True,
        ),
        ChoiceView(
            "max_height",
            "Greatest height of the picture",
            tuple((height, height) for height in sorted(HEIGHTS, key=int)),
            frozenset({filled.max_height}),
            "In pixels. Slides of a higher picture are sharper and take longer.",
        ),
        ChoiceView(
            "force",
            "Work that was done already",
            (("yes", "Do it once more"),),
            frozenset({"yes"} if filled.force else ()),
            "Otherwise equal work that runs is joined, and equal outputs are kept.",
            is_many=True,
        ),
    )
