"""The gateway on a real API server: writes are audited, names stay names, uids are kept to."""

import uuid
from typing import Any

import pytest
from structlog.testing import capture_logs

from slides_api.wellknown import API_VERSION, EXTRACTION_LABEL
from slides_operator.errors import ConflictError, NotFoundError, RejectedError
from slides_operator.kube.cache import Kind
from slides_operator.kube.client import Client
from slides_operator.service.audit import Actor, acting_for
from slides_operator.service.gateway import Gateway

pytestmark = pytest.mark.api

ACTOR = Actor("ann", "token", "203.0.113.7", "request-1")


@pytest.fixture
def gateway(api: Client) -> Gateway:
    return Gateway(api)


def extraction(name: str = "talk") -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": Kind.EXTRACTION,
        "metadata": {"name": name},
        "spec": {"source": {"url": "https://example.com/talk.mp4"}},
    }


def pod(uid: str) -> dict[str, Any]:
    """A pod that no node ever takes."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "waiting", "labels": {EXTRACTION_LABEL: uid}},
        "spec": {
            "nodeSelector": {"no": "such"},
            "containers": [{"name": "runner", "image": "example.com/runner"}],
        },
    }


async def test_each_write_is_one_line_of_the_audit_log(gateway: Gateway, namespace: str) -> None:
    with capture_logs() as lines, acting_for(ACTOR):
        await gateway.create(Kind.EXTRACTION, namespace, extraction())
        await gateway.merge_patch(Kind.EXTRACTION, namespace, "talk", {"spec": {"cancel": True}})
        with pytest.raises(ConflictError):
            await gateway.create(Kind.EXTRACTION, namespace, extraction())
        await gateway.delete(Kind.EXTRACTION, namespace, "talk")

    of_ann = {
        "caller": "ann",
        "caller_kind": "token",
        "address": "203.0.113.7",
        "request_id": "request-1",
    }
    assert all(of_ann.items() <= line.items() for line in lines)
    assert [
        (line["verb"], line["name"], line["outcome"], line.get("status")) for line in lines
    ] == [
        ("create", "talk", "ok", None),
        ("patch", "talk", "ok", None),
        ("create", "talk", "conflict", 409),
        ("delete", "talk", "ok", None),
    ]


async def test_a_dry_run_writes_nothing_and_says_what_is_wrong(
    gateway: Gateway, namespace: str
) -> None:
    bad = extraction()
    bad["spec"]["source"]["url"] = "/etc/passwd"
    with capture_logs() as lines:
        made = await gateway.create(Kind.EXTRACTION, namespace, extraction(), dry_run=True)
        with pytest.raises(RejectedError, match="not a source"):
            await gateway.create(Kind.EXTRACTION, namespace, bad, dry_run=True)

    assert made["spec"]["source"]["maxHeight"] == 1080
    assert lines == []
    with pytest.raises(NotFoundError):
        await gateway.get(Kind.EXTRACTION, namespace, "talk")


async def test_only_the_very_resource_is_deleted(gateway: Gateway, namespace: str) -> None:
    made = await gateway.create(Kind.EXTRACTION, namespace, extraction())

    with pytest.raises(ConflictError):
        await gateway.delete(Kind.EXTRACTION, namespace, "talk", str(uuid.uuid4()))
    await gateway.delete(Kind.EXTRACTION, namespace, "talk", made["metadata"]["uid"])

    with pytest.raises(NotFoundError):
        await gateway.get(Kind.EXTRACTION, namespace, "talk")


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "talk/status",
        "talk%2Fstatus",
        "../../secrets/x",
        "Talk",
        "talk?x=1",
        "a" * 254,
    ],
)
async def test_what_is_no_name_reaches_nothing(gateway: Gateway, namespace: str, name: str) -> None:
    await gateway.create(Kind.EXTRACTION, namespace, extraction())

    with pytest.raises(NotFoundError, match="no object's name"):
        await gateway.get(Kind.EXTRACTION, namespace, name)
    with pytest.raises(NotFoundError, match="no object's name"):
        await gateway.get(Kind.EXTRACTION, name, "talk")
    with pytest.raises(NotFoundError, match="no object's name"):
        await gateway.pod_log(namespace, name)


async def test_events_and_pods_of_an_object_are_found(
    gateway: Gateway, api: Client, namespace: str
) -> None:
    made = await gateway.create(Kind.EXTRACTION, namespace, extraction())
    uid = made["metadata"]["uid"]
    core = f"/api/v1/namespaces/{namespace}"
    about = {"kind": made["kind"], "namespace": namespace, "name": "talk", "uid": uid}
    event = {
        "metadata": {"name": "talk.1"},
        "involvedObject": about,
        "reason": "JobCreated",
        "message": "hello",
    }
    await api.request("POST", f"{core}/events", body=event)
    await api.request("POST", f"{core}/pods", body=pod(uid))

    assert [one["reason"] for one in await gateway.events(namespace, uid)] == ["JobCreated"]
    assert [one["metadata"]["name"] for one in await gateway.pods(namespace, uid)] == ["waiting"]
    assert await gateway.pods(namespace, str(uuid.uuid4())) == []
    assert await gateway.pod_log(namespace, "waiting", tail_lines=10) == ""
    with pytest.raises(NotFoundError, match='pods "gone" not found'):
        await gateway.pod_log(namespace, "gone")


async def test_text_is_returned_as_it_is(api: Client) -> None:
    assert (await api.text("/readyz", query={"verbose": "true"})).startswith("[+]ping ok")


async def test_the_api_server_knows_who_writes(gateway: Gateway, namespace: str) -> None:
    made = await gateway.create(Kind.EXTRACTION, namespace, extraction())

    assert made["metadata"]["managedFields"][0]["manager"] == "slides-service"
