"""What kubectl shows: columns, explanations, waiting, and how the CRDs themselves are applied."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from slides_api.crd import RESOURCES, Resource, build_object_schema
from tests.api.objects import LONGEST_NAME, Client, batch, extraction
from tests.cluster.client import KubectlError, crd_files
from tests.cluster.light import LightCluster

pytestmark = pytest.mark.api

OPENAPI = "/openapi/v3/apis/slides-extractor.dev/v1alpha1"
BELOW = ("spec", "status")
NOW = "2026-11-21T12:00:00Z"
MANIFEST = "s3://talks/manifest.json"


def succeeded(status: str, reason: str, generation: int = 1) -> dict[str, Any]:
    return {
        "type": "Succeeded",
        "status": status,
        "reason": reason,
        "message": "8 slides",
        "lastTransitionTime": NOW,
        "observedGeneration": generation,
    }


def columns(client: Client, kind: str, *flags: str) -> list[list[str]]:
    """Return the rows of kubectl get, header first, without the age."""
    lines = client.kubectl("get", kind, *flags).splitlines()
    age = lines[0].split().index("AGE")
    return [[cell for i, cell in enumerate(line.split()) if i != age] for line in lines]


def test_columns_of_an_extraction(client: Client) -> None:
    sent = extraction("shown")
    client.create(sent)
    rows = [{"attempt": 1, "job": "a-1", "node": "old"}, {"attempt": 2, "job": "a-2", "node": "n2"}]
    status = {
        "phase": "Completed",
        "conditions": [succeeded("True", "Completed")],
        "attempts": {"current": 2, "counted": 1, "history": rows},
    }
    client.apply_status(sent, "slides-operator", status)
    result = {"manifestURI": MANIFEST, "slideCount": 8, "sha256": "0" * 64, "bytes": 1}
    told = {"run": {"attempt": 2, "percent": 100}, "result": result}
    client.apply_status(sent, "slides-runner", told)

    assert columns(client, "slx") == [
        ["NAME", "PHASE", "REASON", "SLIDES", "PROGRESS", "ATTEMPTS"],
        ["shown", "Completed", "Completed", "8", "100", "2"],
    ]
    wide = columns(client, "slideextractions", "-o", "wide")
    assert wide[0][-2:] == ["NODE", "URL"]
    assert wide[1][-2:] == ["n2", sent["spec"]["source"]["url"]]


def test_columns_of_a_batch(client: Client) -> None:
    sent = batch("shown")
    client.create(sent)
    counts = {"total": 9, "pending": 4, "running": 2, "completed": 1, "failed": 2, "cancelled": 0}
    status = {"phase": "Extracting", "conditions": [succeeded("Unknown", "WaitingForItems")]}
    client.apply_status(sent, "slides-operator", status | {"counts": counts})

    header, row = columns(client, "slxb", "-o", "wide")
    assert " ".join(header) == (
        "NAME PHASE REASON TOTAL COMPLETED FAILED RUNNING PENDING CANCELLED"
    )
    assert " ".join(row) == "shown Extracting WaitingForItems 9 1 2 2 4 0"


def test_both_are_in_the_category_all(client: Client) -> None:
    client.create(extraction("in-all"))
    client.create(batch("in-all"))
    names = client.kubectl("get", "all", "--output=name").split()
    assert "slideextraction.slides-extractor.dev/in-all" in names
    assert "slideextractionbatch.slides-extractor.dev/in-all" in names


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda r: r.short_name)
def test_explains_every_field(client: Client, resource: Resource) -> None:
    """`kubectl explain` reads what the API server publishes and lists what it finds there."""
    schemas = json.loads(client.kubectl("get", "--raw", OPENAPI))["components"]["schemas"]
    published = schemas[f"dev.slides-extractor.v1alpha1.{resource.kind}"]
    fields = dict(walk({"properties": {k: published["properties"][k] for k in BELOW}}))
    listed = client.kubectl("explain", resource.plural, "--recursive")

    assert fields.keys() == dict(walk(build_object_schema(resource))).keys()
    assert [name for name, field in fields.items() if not field.get("description")] == []
    assert {name.rpartition(".")[2] for name in fields} <= set(listed.split())


def walk(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every field below an object's spec and status, with its path."""
    for name, field in schema.get("properties", {}).items():
        if path or name in BELOW:
            yield f"{path}.{name}", field
            yield from walk(field, f"{path}.{name}")
    if "items" in schema:
        yield from walk(schema["items"], path)


def test_explains_a_field_in_words(client: Client) -> None:
    text = client.kubectl("explain", "slx.spec.outputs.slides.sensitivity")
    assert "How small a change starts a new slide" in text
    assert text.split("ENUM:")[1].split()[:3] == ["low", "normal", "high"]


def test_waits_for_the_end(client: Client) -> None:
    sent = extraction("waited-for")
    client.create(sent)
    status = {
        "observedGeneration": 1,
        "completionTime": NOW,
        "conditions": [succeeded("False", "TooLong")],
    }
    client.apply_status(sent, "slides-operator", status)
    for condition in ("condition=Succeeded=False", "jsonpath={.status.completionTime}"):
        client.kubectl("wait", f"--for={condition}", "slx/waited-for", "--timeout=5s")
    with pytest.raises(KubectlError, match="timed out"):
        client.kubectl("wait", "--for=condition=Succeeded", "slx/waited-for", "--timeout=1s")


def test_longest_name_lives_a_whole_life(client: Client) -> None:
    sent = extraction(LONGEST_NAME)
    client.create(sent)
    client.apply_status(sent, "slides-operator", {"conditions": [succeeded("True", "Completed")]})
    client.kubectl("wait", "--for=condition=Succeeded", f"slx/{LONGEST_NAME}", "--timeout=5s")
    client.kubectl("delete", "slx", LONGEST_NAME)


def test_plain_apply_takes_the_crds(light_cluster: LightCluster) -> None:
    """Client-side apply keeps the whole CRD in an annotation of at most 262,144 bytes."""
    files = [f"--filename={path}" for path in crd_files()]
    light_cluster.kubectl("apply", "--dry-run=server", *files)
