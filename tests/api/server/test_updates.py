"""What may be edited once an object is there."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from tests.api.objects import ITEM, URL, Client, batch, extraction
from tests.cluster.client import KubectlError

pytestmark = pytest.mark.api

NUMBERS = count()
FIXED = "spec.{0} is immutable: create a new SlideExtraction for other work"
ONE_WAY = "spec.cancel cannot be taken back: create a new SlideExtraction instead"
BATCH_ITEMS = "spec.items is immutable: create another SlideExtractionBatch for other videos"
BATCH_TEMPLATE = "spec.template is immutable: edit the SlideExtraction of an item, or create"
BATCH_ONE_WAY = "spec.cancel cannot be taken back: create another SlideExtractionBatch instead"
S3 = {"s3": {"bucket": "talks"}}
SLIDES = {"slides": {"sensitivity": "high"}}

Row = tuple[dict[str, Any], dict[str, Any]]

ACCEPTED: dict[str, Row] = {
    "suspend": ({}, {"suspend": True}),
    "resume": ({"suspend": True}, {"suspend": False}),
    "resume by null": ({"suspend": True}, {"suspend": None}),
    "cancel": ({}, {"cancel": True}),
    "cancel again": ({"cancel": True}, {"cancel": True}),
    "ttl": ({}, {"ttlSecondsAfterFinished": 60}),
    "no ttl": ({"ttlSecondsAfterFinished": 60}, {"ttlSecondsAfterFinished": None}),
    "retry": ({}, {"retry": {"limit": 5}}),
    "more memory": ({}, {"podTemplate": {"resources": {"limits": {"memory": "4Gi"}}}}),
    "deadline": ({"activeDeadlineSeconds": 60}, {"activeDeadlineSeconds": 600}),
    "start deadline": ({}, {"startDeadlineSeconds": 600}),
    "deletion policy": ({}, {"deletionPolicy": "Delete"}),
    "work volume": ({}, {"workVolume": {"claim": {}}}),
    "the same source": ({}, {"source": {"url": URL, "maxHeight": 1080}}),
    "default outputs": ({}, {"outputs": {"slides": {"sensitivity": "normal"}}}),
    "null outputs": ({}, {"outputs": None}),
    "null storage": ({}, {"storage": None}),
}
REFUSED: dict[str, tuple[*Row, str]] = {
    "url": ({}, {"source": {"url": f"{URL}?other"}}, FIXED.format("source")),
    "height": ({}, {"source": {"maxHeight": 720}}, FIXED.format("source")),
    "secret": ({}, {"source": {"secretRef": {"name": "a"}}}, FIXED.format("source")),
    "outputs": ({}, {"outputs": SLIDES}, FIXED.format("outputs")),
    "outputs back": ({"outputs": SLIDES}, {"outputs": None}, FIXED.format("outputs")),
    "storage": ({"storage": S3}, {"storage": {"s3": {"bucket": "own"}}}, FIXED.format("storage")),
    "storage added": ({}, {"storage": S3}, FIXED.format("storage")),
    "storage removed": ({"storage": S3}, {"storage": None}, FIXED.format("storage")),
    "force": ({}, {"force": True}, FIXED.format("force")),
    "force back": ({"force": True}, {"force": None}, FIXED.format("force")),
    "cancel back": ({"cancel": True}, {"cancel": False}, ONE_WAY),
    "cancel to null": ({"cancel": True}, {"cancel": None}, ONE_WAY),
}
BATCH_ACCEPTED: dict[str, Row] = {
    "suspend": ({}, {"suspend": True}),
    "cancel": ({}, {"cancel": True}),
    "parallelism": ({}, {"parallelism": 2}),
    "all at once": ({"parallelism": 2}, {"parallelism": None}),
    "ttl": ({}, {"ttlSecondsAfterFinished": 60}),
    "the same template": ({}, {"template": {"source": {"maxHeight": 1080}}}),
}
BATCH_REFUSED: dict[str, tuple[*Row, str]] = {
    "another item": ({}, {"items": [ITEM, {"name": "two", "url": URL}]}, BATCH_ITEMS),
    "another url": ({}, {"items": [{"name": "one", "url": f"{URL}?2"}]}, BATCH_ITEMS),
    "template": ({}, {"template": {"outputs": SLIDES}}, BATCH_TEMPLATE),
    "template's retry": ({}, {"template": {"retry": {"limit": 1}}}, BATCH_TEMPLATE),
    "cancel back": ({"cancel": True}, {"cancel": False}, BATCH_ONE_WAY),
}


def changed(client: Client, sent: dict[str, Any], spec: dict[str, Any]) -> str:
    """Create an object and edit it; return why that is refused, nothing where it is not."""
    client.create(sent)
    try:
        client.patch(sent, spec)
    except KubectlError as e:
        return str(e)
    return ""


def named(make: Callable[..., dict[str, Any]], spec: dict[str, Any]) -> dict[str, Any]:
    return make(f"edited-{next(NUMBERS)}", **spec)


@pytest.mark.parametrize(("spec", "edit"), ACCEPTED.values(), ids=ACCEPTED)
def test_accepts_an_edit(client: Client, spec: dict[str, Any], edit: dict[str, Any]) -> None:
    assert changed(client, named(extraction, spec), edit) == ""


@pytest.mark.parametrize(("spec", "edit", "message"), REFUSED.values(), ids=REFUSED)
def test_refuses_an_edit(
    client: Client, spec: dict[str, Any], edit: dict[str, Any], message: str
) -> None:
    assert message in changed(client, named(extraction, spec), edit)


@pytest.mark.parametrize(("spec", "edit"), BATCH_ACCEPTED.values(), ids=BATCH_ACCEPTED)
def test_accepts_an_edit_of_a_batch(
    client: Client, spec: dict[str, Any], edit: dict[str, Any]
) -> None:
    assert changed(client, named(batch, spec), edit) == ""


@pytest.mark.parametrize(("spec", "edit", "message"), BATCH_REFUSED.values(), ids=BATCH_REFUSED)
def test_refuses_an_edit_of_a_batch(
    client: Client, spec: dict[str, Any], edit: dict[str, Any], message: str
) -> None:
    assert message in changed(client, named(batch, spec), edit)


def test_refuses_an_edit_of_the_largest_batch(client: Client) -> None:
    items = [{"name": f"n{i}", "url": f"{URL}?{'x' * 1000}{i}"} for i in range(1000)]
    sent = batch("largest", items=items)
    assert BATCH_ITEMS in changed(client, sent, {"items": [*items[:-1], ITEM]})
    client.patch(sent, {"suspend": True})
