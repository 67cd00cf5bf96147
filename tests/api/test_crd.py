"""What holds for the CRDs wherever they are applied; what an API server makes of them is beside."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from slides_api.crd import RESOURCES, Resource, build_crd, build_object_schema, crd_yaml

LARGEST_ANNOTATION = 262_144
"""Bytes in which `kubectl apply` has to keep the whole object, as Kubernetes limits annotations."""
BOOLEANS_OF_YAML = {"y", "n", "yes", "no", "on", "off", "true", "false"}
SETTINGS = {
    "spec.activeDeadlineSeconds",
    "spec.podTemplate",
    "spec.podTemplate.image",
    "spec.podTemplate.imagePullSecrets",
    "spec.podTemplate.nodeSelector",
    "spec.podTemplate.resources",
    "spec.podTemplate.serviceAccountName",
    "spec.podTemplate.tolerations",
    "spec.storage",
    "spec.workVolume",
    "spec.workVolume.claim.size",
    "spec.workVolume.emptyDir.sizeLimit",
}
"""Fields for which the operator, or the namespace, has a setting."""

Field = tuple[str, dict[str, Any]]


def fields(resource: Resource) -> dict[str, dict[str, Any]]:
    """Every schema of a kind's spec and status, by path; of items as path[], of values path{}."""
    whole = build_object_schema(resource)["properties"]
    return {k: v for part in ("spec", "status") for k, v in walk(whole[part], part)}


def walk(schema: dict[str, Any], path: str) -> Iterator[Field]:
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from walk(field, f"{path}.{name}")
    if "items" in schema:
        yield from walk(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from walk(schema["additionalProperties"], f"{path}{{}}")


each = pytest.mark.parametrize("resource", RESOURCES, ids=lambda r: r.short_name)


@each
def test_every_field_has_a_description(resource: Resource) -> None:
    without = [
        path
        for path, field in fields(resource).items()
        if not path.endswith(("[]", "{}")) and not field.get("description", "").endswith((".", "…"))
    ]
    assert without == []


@each
def test_everything_has_a_bound(resource: Resource) -> None:
    bounds = {"string": "maxLength", "array": "maxItems", "integer": "maximum"}
    without = [
        path
        for path, field in fields(resource).items()
        if (bound := bounds.get(field.get("type", ""))) not in field
        and bound is not None
        and not {"enum", "format"} & field.keys()
    ]
    assert without == []


@each
def test_every_map_has_a_bound(resource: Resource) -> None:
    maps = [f for f in fields(resource).values() if "additionalProperties" in f]
    assert all("maxProperties" in field for field in maps)


@each
def test_every_list_says_how_it_merges_or_is_replaced(resource: Resource) -> None:
    atomic = {"spec.podTemplate.tolerations", "spec.template.podTemplate.tolerations"}
    atomic |= {"status.run.downloads"}
    lists = {
        path: field for path, field in fields(resource).items() if field.get("type") == "array"
    }
    plain = {path for path, f in lists.items() if "x-kubernetes-list-type" not in f}
    assert {path for path in plain if ".affinity." not in path} <= atomic  # as in a pod


@each
def test_nothing_is_called_what_yaml_reads_as_boolean(resource: Resource) -> None:
    """YAML 1.1, which kubectl reads, takes `y: 0` for `true: 0`."""
    names = {path.rpartition(".")[2].rstrip("[]{}").lower() for path in fields(resource)}
    assert names & BOOLEANS_OF_YAML == set()
    assert yaml.safe_load(crd_yaml(resource)) == build_crd(resource)


@each
def test_settings_have_no_default(resource: Resource) -> None:
    """A default would hide the operator's own: it is filled in before the operator looks."""
    found = {path.replace("spec.template.", "spec."): f for path, f in fields(resource).items()}
    assert {path for path in SETTINGS if "default" in found[path]} == set()


@each
def test_a_status_has_no_default_but_that_nobody_saw_it(resource: Resource) -> None:
    below = {p: f for p, f in fields(resource).items() if p.startswith("status")}
    assert {p: f["default"] for p, f in below.items() if "default" in f} == {
        "status": {"observedGeneration": 0}
    }


@each
def test_every_rule_has_a_message(resource: Resource) -> None:
    rules = [r for f in fields(resource).values() for r in f.get("x-kubernetes-validations", [])]
    assert len(rules) >= 10
    assert all(len(rule["message"]) > 20 for rule in rules)
    assert all("\n" not in rule["rule"] for rule in rules)


@each
def test_is_structural(resource: Resource) -> None:
    unknown = {"$ref", "$defs", "title", "const", "oneOf", "patternProperties", "propertyNames"}
    assert [p for p, f in fields(resource).items() if unknown & f.keys()] == []
    assert all(
        not isinstance(f.get("exclusiveMinimum", True), float) for f in fields(resource).values()
    )


@each
def test_plain_apply_can_keep_it_in_an_annotation(resource: Resource) -> None:
    assert len(json.dumps(build_crd(resource))) < LARGEST_ANNOTATION / 4


@each
def test_names(resource: Resource) -> None:
    crd = build_crd(resource)
    assert crd["metadata"]["name"] == f"{resource.plural}.slides-extractor.dev"
    assert crd["spec"]["names"]["categories"] == ["all"]
    assert crd["spec"]["scope"] == "Namespaced"
    (version,) = crd["spec"]["versions"]
    assert (version["name"], version["served"], version["storage"]) == ("v1alpha1", True, True)
    assert version["subresources"] == {"status": {}}


def test_columns() -> None:
    extraction, batch = ([(c.name, c.priority) for c in resource.columns] for resource in RESOURCES)
    assert extraction == [
        ("Phase", 0),
        ("Reason", 0),
        ("Slides", 0),
        ("Progress", 0),
        ("Attempts", 0),
        ("Age", 0),
        ("Node", 1),
        ("URL", 1),
    ]
    assert [name for name, priority in batch if not priority] == [
        "Phase",
        "Reason",
        "Total",
        "Completed",
        "Failed",
        "Age",
    ]


def test_defaults_never_change() -> None:
    """A changed default makes `kubectl replace` of an old manifest an edit of what is immutable."""
    defaults = {p: f["default"] for p, f in fields(RESOURCES[0]).items() if "default" in f}
    assert {p: d for p, d in defaults.items() if not isinstance(d, dict)} == {
        "spec.source.maxHeight": 1080,
        "spec.outputs.slides.minDurationSeconds": 0.6,
        "spec.outputs.slides.sensitivity": "normal",
        "spec.outputs.slides.region.left": 0,
        "spec.outputs.slides.region.top": 0,
        "spec.outputs.slides.region.width": 1,
        "spec.outputs.slides.region.height": 1,
        "spec.outputs.slides.image.format": "webp",
        "spec.outputs.slides.image.quality": 80,
        "spec.outputs.slides.documents": ["pdf", "html"],
        "spec.storage.s3.workloadIdentity": False,
        "spec.force": False,
        "spec.deletionPolicy": "Retain",
        "spec.retry.limit": 3,
        "spec.retry.initialSeconds": 10,
        "spec.retry.factor": 2,
        "spec.retry.maxSeconds": 600,
        "spec.suspend": False,
        "spec.cancel": False,
    }
