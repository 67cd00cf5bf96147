from typing import Any

import pytest

from slides_api.v1alpha1 import SlideExtractionSpec
from slides_operator.service.web.forms import (
    BAD_ADDRESS,
    NO_ADDRESS,
    Filled,
    build_form,
    build_resource,
    check,
    read_form,
)

URL = "https://example.com/talk.mp4"


def filled(form: dict[str, str], *documents: str) -> Filled:
    return read_form(form, {"documents": list(documents)})


def test_defaults_are_left_to_the_api_server() -> None:
    sent = {"url": f" {URL} ", "sensitivity": "normal", "format": "webp", "max_height": "1080"}
    assert build_resource(filled(sent, "pdf", "html"))["spec"] == {"source": {"url": URL}}


@pytest.mark.parametrize(
    ("form", "documents", "want"),
    [
        (
            {"sensitivity": "high"},
            ("pdf", "html"),
            {"outputs": {"slides": {"sensitivity": "high"}}},
        ),
        ({"format": "png"}, ("pdf", "html"), {"outputs": {"slides": {"image": {"format": "png"}}}}),
        ({}, ("pdf",), {"outputs": {"slides": {"documents": ["pdf"]}}}),
        ({}, (), {"outputs": {"slides": {"documents": []}}}),
        ({"force": "yes"}, ("pdf", "html"), {"force": True}),
    ],
    ids=["sensitivity", "format", "documents", "no documents", "force"],
)
def test_options_enter_the_spec(
    form: dict[str, str], documents: tuple[str, ...], want: dict[str, Any]
) -> None:
    spec = build_resource(filled({"url": URL, **form}, *documents))["spec"]
    assert spec == {"source": {"url": URL}} | want
    SlideExtractionSpec.model_validate(spec)


def test_the_height_is_an_option_of_the_source() -> None:
    spec = build_resource(filled({"url": URL, "max_height": "720"}, "pdf", "html"))["spec"]
    assert spec == {"source": {"url": URL, "maxHeight": 720}}


@pytest.mark.parametrize(
    ("typed", "want"),
    [
        ("youtu.be/dQw4w9WgXcQ", "https://youtu.be/dQw4w9WgXcQ"),
        ("www.example.com", "https://www.example.com"),
        ("youtube:dQw4w9WgXcQ", "youtube:dQw4w9WgXcQ"),
        ("s3://bucket/talk.mp4", "s3://bucket/talk.mp4"),
    ],
)
def test_takes_addresses_as_people_type_them(typed: str, want: str) -> None:
    one = filled({"url": typed})
    assert check(one) == {}
    assert build_resource(one)["spec"]["source"]["url"] == want


@pytest.mark.parametrize(
    ("url", "want"),
    [
        ("", NO_ADDRESS),
        ("  ", NO_ADDRESS),
        ("/etc/passwd", BAD_ADDRESS),
        ("file:///etc/passwd", BAD_ADDRESS),
        ("javascript:alert(1)", BAD_ADDRESS),
        ("two words", BAD_ADDRESS),
        ("https://example.com/" + "a" * 5000, BAD_ADDRESS),
    ],
)
def test_says_what_is_no_address(url: str, want: str) -> None:
    assert check(filled({"url": url})) == {"url": want}


def test_what_was_not_offered_counts_as_not_given() -> None:
    sent = {"url": URL, "sensitivity": "extreme", "format": "svg", "max_height": "1", "force": "no"}
    assert filled(sent, "exe") == Filled(url=URL, documents=frozenset())


def test_options_are_shown_where_some_differ() -> None:
    assert not build_form(Filled(url=URL), post="/ui/new").is_open
    assert build_form(Filled(url=URL, force=True), post="/ui/new").is_open


def test_each_form_has_a_key_of_its_own_until_it_is_sent_again() -> None:
    first, second = (build_form(Filled(), post="/ui/new") for _ in range(2))
    assert first.key != second.key
    assert build_form(Filled(), post="/ui/new", key=first.key).key == first.key
