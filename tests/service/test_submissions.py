"""What requests become, and when two of them ask for the same work."""

import re
from typing import Any

import pytest

from slides_api.v1alpha1 import SlideExtractionBatchSpec, SlideExtractionSpec
from slides_operator.service.submissions import (
    Join,
    build_batch,
    build_extraction,
    fresh_name,
    item_name,
    keyed_name,
    may_join,
    slug,
    work_hash,
    work_name,
)

URL = "https://talks.example/keynote.mp4"
ID = "dQw4w9WgXcQ"
NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def test_extraction_is_a_valid_resource_that_says_where_it_comes_from() -> None:
    made = build_extraction(
        URL, outputs={"slides": {"sensitivity": "high"}}, force=True, job_type="slide_extraction"
    )

    spec = SlideExtractionSpec.model_validate(made["spec"])
    assert (spec.source.url, spec.force) == (URL, True)
    assert made["metadata"]["labels"] == {
        "slides-extractor.dev/created-by": "rest",
        "slides-extractor.dev/job-type": "slide_extraction",
    }


def test_video_that_is_named_twice_is_one_item_of_a_batch() -> None:
    made = build_batch([f"youtube:{ID}", URL, f"https://youtu.be/{ID}", "instagram:ABC_123"])

    spec = SlideExtractionBatchSpec.model_validate(made["spec"])
    assert [(item.name, item.url) for item in spec.items] == [
        ("0001-youtube-dqw4w9wgxcq", f"youtube:{ID}"),
        ("0002-keynote", URL),
        ("0003-instagram-abc-123", "instagram:ABC_123"),
    ]


@pytest.mark.parametrize(
    ("url", "want"),
    [
        (f"https://youtu.be/{ID}", "youtube-dqw4w9wgxcq"),
        ("youtube:-_-_-_-_-_-", "youtube"),
        ("https://talks.example/2026/Key%20Note.final.mp4?x=1", "key-20note"),
        ("https://talks.example/", "talks-example"),
        ("s3://bucket/talks/" + "x" * 300 + ".mp4", "x" * 40),
        ("https://例え.jp/動画", "jp"),
        ("https://例え/動画", "video"),
    ],
)
def test_names_say_which_video_it_is(url: str, want: str) -> None:
    assert slug(url) == want


@pytest.mark.parametrize("url", [URL, "youtube:___________", "s3://b/" + "y" * 2000])
def test_names_are_names_of_objects(url: str) -> None:
    made = build_extraction(url)

    for name in (
        work_name(made),
        work_name(made, after="uid"),
        fresh_name(made),
        keyed_name(made, caller="ann", key="1"),
        item_name(1000, url),
    ):
        assert NAME.fullmatch(name)
        assert len(name) <= 63


SAME: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "addresses of one video": (
        {"source": {"url": f"https://www.youtube.com/watch?v={ID}&t=3"}},
        {"source": {"url": f"youtube:{ID}"}},
    ),
    "defaults that are written down": (
        {"source": {"url": URL}},
        {
            "source": {"url": URL, "maxHeight": 1080},
            "outputs": {"slides": {"sensitivity": "normal", "image": {"format": "webp"}}},
            "force": False,
            "retry": {"limit": 3},
        },
    ),
    "how it is run": (
        {"source": {"url": URL}, "activeDeadlineSeconds": 60, "suspend": True},
        {"source": {"url": URL}, "deletionPolicy": "Delete"},
    ),
    "an eager one": ({"source": {"url": URL}, "force": True}, {"source": {"url": URL}}),
    "batches whose items have other names": (
        {"items": [{"name": "a", "url": f"youtube:{ID}"}]},
        {"items": [{"name": "b", "url": f"https://youtu.be/{ID}"}], "template": {}},
    ),
}
OTHER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "another video": ({"source": {"url": URL}}, {"source": {"url": URL + "?v=2"}}),
    "other outputs": (
        {"source": {"url": URL}},
        {"source": {"url": URL}, "outputs": {"slides": {"sensitivity": "high"}}},
    ),
    "another picture": (
        {"source": {"url": URL}},
        {"source": {"url": URL, "maxHeight": 720}},
    ),
    "another login": (
        {"source": {"url": URL}},
        {"source": {"url": URL, "secretRef": {"name": "ann"}}},
    ),
    "another bucket": (
        {"source": {"url": URL}},
        {"source": {"url": URL}, "storage": {"s3": {"bucket": "other"}}},
    ),
    "outputs of a newer version": (
        {"source": {"url": URL}, "outputs": {"slides": {}}},
        {"source": {"url": URL}, "outputs": {"slides": {}, "holograms": {}}},
    ),
    "other items": (
        {"items": [{"name": "a", "url": URL}]},
        {"items": [{"name": "a", "url": URL}, {"name": "b", "url": f"youtube:{ID}"}]},
    ),
    "another template": (
        {"items": [{"name": "a", "url": URL}]},
        {
            "items": [{"name": "a", "url": URL}],
            "template": {"outputs": {"slides": {"documents": []}}},
        },
    ),
    "a batch of one": ({"items": [{"name": "a", "url": URL}]}, {"source": {"url": URL}}),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME.keys())
def test_same_work_has_the_same_hash(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert work_hash(one) == work_hash(other)


@pytest.mark.parametrize(("one", "other"), OTHER.values(), ids=OTHER.keys())
def test_other_work_has_another_hash(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert work_hash(one) != work_hash(other)


def resource(phase: str = "", *, going: bool = False, **spec: Any) -> dict[str, Any]:
    return {
        "kind": "SlideExtraction",
        "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"} if going else {},
        "spec": {"source": {"url": URL}, **spec},
        "status": {"phase": phase} if phase else {},
    }


@pytest.mark.parametrize(
    ("found", "running", "completed"),
    [
        (resource(), True, True),
        (resource("Pending"), True, True),
        (resource("Extracting"), True, True),
        (resource("Suspended", suspend=True), True, True),
        (resource("Completed"), False, True),
        (resource("Failed"), False, False),
        (resource("Cancelled"), False, False),
        (resource("Extracting", cancel=True), False, False),
        (resource("Extracting", going=True), False, False),
        (resource("Completed", going=True), False, False),
        (resource("Extracting", outputs={"slides": {"sensitivity": "low"}}), False, False),
    ],
)
def test_what_is_joined(found: dict[str, Any], running: bool, completed: bool) -> None:
    wanted = build_extraction(URL)

    assert may_join(found, wanted, Join.RUNNING) is running
    assert may_join(found, wanted, Join.COMPLETED) is completed


def test_names_of_the_same_work_meet_until_it_ends() -> None:
    one, other = build_extraction(f"youtube:{ID}"), build_extraction(f"https://youtu.be/{ID}")

    assert work_name(one) == work_name(other)
    assert work_name(one, after="uid-1") == work_name(other, after="uid-1")
    assert len({work_name(one), work_name(one, after="uid-1"), work_name(one, after="uid-2")}) == 3
    assert fresh_name(one) != fresh_name(one)


def test_keys_of_two_callers_do_not_meet() -> None:
    made = build_extraction(URL)

    assert keyed_name(made, caller="ann", key="1") != keyed_name(made, caller="bob", key="1")
