"""docs/resources.md shows every field, condition and reason, and shows them as they are."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from slides_api.conditions import OPERATOR_REASONS, ConditionType
from slides_api.crd import BATCH, EXTRACTION, Resource, build_object_schema
from slides_api.v1alpha1 import Phase, SlideExtractionBatchStatus, SlideExtractionStatus
from tests.api.objects import Client
from tests.cluster.client import KubectlError

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "resources.md"
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| .+ \|$", re.MULTILINE)
EXPLAINED = re.compile(
    r"<!-- explain-output -->\n```console\n\$ kubectl (.*?)\n(.*?)```", re.DOTALL
)


def blocks() -> list[dict[str, Any]]:
    return [yaml.safe_load(text) for text in BLOCK.findall(GUIDE.read_text())]


MANIFESTS = [block for block in blocks() if "kind" in block]
STATUSES = [block["status"] for block in blocks() if "kind" not in block]


def fields(schema: dict[str, Any], path: str) -> Iterator[str]:
    yield path
    for name, field in schema.get("properties", {}).items():
        yield from fields(field, f"{path}.{name}")
    yield from list(fields(schema["items"], path))[1:] if "items" in schema else ()


def given(value: Any, path: str) -> Iterator[str]:
    yield path
    if isinstance(value, dict):
        for name, child in value.items():
            yield from given(child, f"{path}.{name}")
    if isinstance(value, list):
        for child in value:
            yield from list(given(child, path))[1:]


def shown(kind: str, part: str) -> set[str]:
    """Every field of a kind that the guide shows."""
    named = [block["spec"] for block in MANIFESTS if block["kind"] == kind]
    if part == "status":
        of_batches = kind == BATCH.kind
        named = [status for status in STATUSES if ("counts" in status) == of_batches]
    return {path for value in named for path in given(value, part)}


@pytest.mark.parametrize("part", ["spec", "status"])
@pytest.mark.parametrize("resource", [EXTRACTION, BATCH], ids=lambda r: r.short_name)
def test_shows_every_field(resource: Resource, part: str) -> None:
    """What a template of a batch holds is shown as a spec, and affinity in any guide to pods."""
    schema = build_object_schema(resource)["properties"][part]
    elsewhere = ("spec.template.", "spec.podTemplate.affinity.")
    wanted = {f for f in fields(schema, part) if not f.startswith(elsewhere)}
    assert wanted - shown(resource.kind, part) == set()


def test_manifests_are_read_by_the_models() -> None:
    models = {resource.kind: resource.spec for resource in (EXTRACTION, BATCH)}
    for manifest in MANIFESTS:
        models[manifest["kind"]].model_validate(manifest["spec"])
    assert len(MANIFESTS) == 4


def test_statuses_are_what_the_models_send() -> None:
    for status in STATUSES:
        model = SlideExtractionBatchStatus if "counts" in status else SlideExtractionStatus
        sent = model.model_validate(status).to_wire()
        assert set(given(status, "status")) <= set(given(sent, "status"))
    assert len(STATUSES) == 3


def test_defaults_in_the_full_example_are_the_defaults() -> None:
    """Each line whose comment begins with "default" shows the value that is filled in."""
    text = GUIDE.read_text()
    plain, full = (EXTRACTION.spec.model_validate(m["spec"]).to_wire() for m in MANIFESTS[:2])
    lines = [line for line in text.splitlines() if re.search(r"# default\b", line)]
    names = {name for line in lines for name in re.findall(r"(\w+):", line.partition("#")[0])}
    assert len(names) >= 14
    differing = {p.rpartition(".")[2] for p in differences(plain, full, "spec")}
    assert names & differing == set()


def differences(one: Any, other: Any, path: str) -> Iterator[str]:
    """Paths of values that both have and that differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in one.keys() & other.keys():
            yield from differences(one[name], other[name], f"{path}.{name}")
    elif one != other:
        yield path


def test_lists_the_operators_reasons_with_their_class() -> None:
    rows = dict(ROW.findall(GUIDE.read_text()))
    assert rows == {str(reason): str(kind) for reason, kind in OPERATOR_REASONS.items()}


def test_lists_all_conditions() -> None:
    chapter = GUIDE.read_text().split("### Conditions")[1].split("###")[0]
    assert re.findall(r"^\| `(\w+)`", chapter, re.MULTILINE) == list(ConditionType)


def test_lists_all_phases() -> None:
    chapter = GUIDE.read_text().split("### Phases")[1].split("###")[0]
    assert re.findall(r"`(\w+)`", chapter) == list(Phase)


def test_lists_all_columns() -> None:
    chapter = GUIDE.read_text().split("## What it says")[1].split("###")[0]
    rows = re.findall(r"^\| ([A-Z]\w+) \| [^|]+ \|(.*)\|$", chapter, re.MULTILINE)
    assert [(name, "wide" in note) for name, note in rows] == [
        (column.name, column.priority > 0) for column in EXTRACTION.columns
    ]


@pytest.mark.api
@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda m: m["metadata"]["name"])
def test_an_api_server_takes_the_manifests(client: Client, manifest: dict[str, Any]) -> None:
    assert client.refusal(manifest) == ""


@pytest.mark.api
@pytest.mark.parametrize("status", STATUSES, ids=["retrying", "completed", "batch"])
def test_an_api_server_takes_the_statuses(client: Client, status: dict[str, Any]) -> None:
    manifest = MANIFESTS[-1 if "counts" in status else 0]
    name = f"status-{STATUSES.index(status)}"
    sent = {**manifest, "metadata": {"name": name}}
    client.create(sent)
    client.apply_status(sent, "guide", status)
    assert client.get(sent)["status"] == status


@pytest.mark.api
def test_shows_what_kubectl_explains(client: Client) -> None:
    command, output = EXPLAINED.findall(GUIDE.read_text())[0]
    real = "\n".join(line.rstrip() for line in client.kubectl(*command.split()).splitlines())
    assert output.strip() == real.strip()


@pytest.mark.api
def test_shows_a_real_refusal(client: Client) -> None:
    client.create(MANIFESTS[0])
    with pytest.raises(KubectlError) as refused:
        client.patch(MANIFESTS[0], {"force": True})
    assert str(refused.value).partition(": ")[2] in GUIDE.read_text()
