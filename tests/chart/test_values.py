"""The values themselves: each documented, each checked."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import slides_api
from tests.chart.charts import CHART, EVERYTHING, HelmError, Object, helm, template
from tests.chart.table import Value, read_values

VALUES = read_values(CHART / "values.yaml")
SCHEMA: Object = json.loads((CHART / "values.schema.json").read_text())


def _resolved(schema: Object) -> Object:
    if "$ref" not in schema:
        return schema
    found: Object = SCHEMA["definitions"][schema["$ref"].removeprefix("#/definitions/")]
    return found


def _closed(schema: Object) -> bool:
    return "properties" in schema


def _paths(schema: Object, prefix: str = "") -> set[str]:
    """Return the paths of all values that the schema knows, as values.yaml has to document them."""
    paths = set()
    for name, one in schema["properties"].items():
        resolved, path = _resolved(one), f"{prefix}{name}"
        # Requests and limits are one value to those who read: what Kubernetes calls resources.
        inner = _closed(resolved) and not path.endswith("resources")
        paths |= _paths(resolved, f"{path}.") if inner else {path}
    return paths


@pytest.mark.parametrize("value", VALUES, ids=lambda v: v.path)
def test_value_is_documented(value: Value) -> None:
    assert value.description.endswith((".", "`…`."))


def test_schema_and_values_know_the_same() -> None:
    # `global` is Helm's own, for charts within charts.
    assert _paths(SCHEMA) - {"global"} == {value.path for value in VALUES}


def test_schema_is_a_schema_and_default_values_satisfy_it() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)

    jsonschema.validate(yaml.safe_load((CHART / "values.yaml").read_text()), SCHEMA)


def _objects(schema: Object, path: str = "") -> dict[str, Object]:
    found = {path: schema} if _closed(schema) else {}
    for name, one in schema.get("properties", {}).items():
        found |= _objects(_resolved(one), f"{path}.{name}")
    return found


def test_every_map_of_ours_is_closed() -> None:
    objects = _objects(SCHEMA)

    assert len(objects) > 20
    assert [path for path, one in objects.items() if one["additionalProperties"] is not False] == []


@pytest.mark.parametrize(
    ("values", "want"),
    [
        ({"operator": {"replica": 3}}, "'/operator': additional properties 'replica' not allowed"),
        ({"operator": {"replicas": "two"}}, "'/operator/replicas': got string, want integer"),
        ({"operator": {"replicas": 0}}, "'/operator/replicas': minimum: got 0, want 1"),
        ({"image": {"pullPolicy": "always"}}, "'/image/pullPolicy': value must be one of 'Always'"),
        ({"image": {"tag": "a b"}}, "'/image/tag': 'a b' does not match"),
        ({"runner": {"workVolumeSize": "20GB"}}, "'/runner/workVolumeSize': '20GB' does not match"),
        ({"runner": {"timeoutSeconds": 0}}, "'/runner/timeoutSeconds': minimum: got 0, want 1"),
        (
            {"runner": {"extraEnv": {"A": {}}}},
            "'/runner/extraEnv/A': got object, want boolean or number or string",
        ),
        ({"runner": {"resources": {"limit": {}}}}, "properties 'limit' not allowed"),
        ({"watchNamespaces": "physics"}, "'/watchNamespaces': got string, want array"),
        ({"watchNamespaces": ["Physics"]}, "'/watchNamespaces/0': 'Physics' does not match"),
        (
            {"networkPolicy": {"apiServer": {"cidrs": ["10.0.0.1"]}}},
            "'/networkPolicy/apiServer/cidrs/0': '10.0.0.1' does not match",
        ),
        ({"networkPolicy": {"dns": {"ports": []}}}, "'/networkPolicy/dns/ports': minItems: got 0"),
        (
            {"watchNamespaces": ["a"], "runner": {"namespaces": ["b"]}},
            "with watchNamespaces leave it empty",
        ),
        ({"secrets": {"create": True}}, "secrets.data is empty: name at least S3_ACCESS_KEY"),
        ({"config": {"create": True}}, "config.data is empty: name at least S3_BUCKET_NAME"),
        (
            {"operator": {"serviceAccount": {"create": False}}},
            "name an existing one in operator.serviceAccount.name",
        ),
    ],
    ids=lambda given: json.dumps(given) if isinstance(given, dict) else None,
)
def test_impossible_values_are_refused_with_their_place(values: dict[str, Any], want: str) -> None:
    with pytest.raises(HelmError) as refused:
        template(values)

    assert want in str(refused.value)


@pytest.mark.parametrize(
    "values",
    [
        {},
        EVERYTHING,
        {"watchNamespaces": ["physics", "chemistry"]},
        {
            "image": {"tag": ""},
            "operator": {"replicas": 1, "image": {"digest": f"sha256:{'0' * 64}"}},
        },
        {"global": {"of": "a parent chart"}},
    ],
    ids=["default", "everything", "namespaces", "digest", "within-another-chart"],
)
def test_lints_strictly(values: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "values.json"
    file.write_text(json.dumps(values))

    assert "0 chart(s) failed" in helm("lint", "--strict", CHART, "--values", file)


def test_versions_are_the_projects() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert chart["version"] == chart["appVersion"] == slides_api.__version__
