"""Models and schemas agree: what the API server takes can be read, what is sent it takes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from slides_api.crd import RESOURCES, Resource
from slides_api.job_input import JobInput
from slides_api.structural import build_structural
from slides_api.v1alpha1 import (
    ApiModel,
    Attempts,
    BatchItem,
    BatchTemplate,
    Condition,
    Phase,
    Retry,
    Run,
    RunnerStatus,
    SlideExtractionBatchSpec,
    SlideExtractionSpec,
    SlideExtractionStatus,
    SourceOptions,
    Video,
)
from tests.api.objects import URL

MODELS = {
    f"{resource.short_name}.{part}": model
    for resource in RESOURCES
    for part, model in (("spec", resource.spec), ("status", resource.status))
}
NOT_NUL = st.characters(exclude_categories=["Cs"])
MOMENTS = st.integers(0, 4 * 10**9).map(
    lambda second: datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")
)
Make = Callable[[dict[str, Any]], st.SearchStrategy[Any]]


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a structural schema allows."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("x-kubernetes-int-or-string"):
        return st.one_of(st.integers(0, 10**9), st.from_regex(schema["pattern"], fullmatch=True))
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return st.dictionaries(st.text("abc", min_size=1), st.integers(), max_size=2)
    kinds: dict[str, Make] = {
        "object": _objects,
        "array": _lists,
        "string": _texts,
        "integer": lambda s: st.integers(s["minimum"], s["maximum"]),
        "number": _numbers,
        "boolean": lambda _: st.booleans(),
    }
    return kinds[schema["type"]](schema)


def _objects(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "additionalProperties" in schema:
        keys = st.from_regex(r"[a-z]{1,9}(\.io/[a-z]{1,9})?", fullmatch=True)
        return st.dictionaries(keys, values(schema["additionalProperties"]), max_size=2)
    properties = {name: values(field) for name, field in schema["properties"].items()}
    required = set(schema.get("required", []))
    optional = {name: s for name, s in properties.items() if name not in required}
    return st.fixed_dictionaries({n: properties[n] for n in required}, optional=optional)


def _lists(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    size = schema.get("minItems", 0)
    keys = schema.get("x-kubernetes-list-map-keys", [])
    unique = (lambda row: row[keys[0]]) if keys else None
    if schema.get("x-kubernetes-list-type") == "set":
        unique = str
    return st.lists(values(schema["items"]), min_size=size, max_size=size + 2, unique_by=unique)


def _texts(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if schema.get("format") == "date-time":
        return MOMENTS
    shortest, longest = schema.get("minLength", 0), schema["maxLength"]
    if "pattern" in schema:
        found = st.from_regex(schema["pattern"].replace("$", r"\Z"))
        return found.filter(lambda text: shortest <= len(text) <= longest)
    return st.text(NOT_NUL, min_size=shortest, max_size=min(longest, 40))


def _numbers(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    return st.floats(
        schema.get("minimum"),
        schema.get("maximum"),
        exclude_min=schema.get("exclusiveMinimum", False),
        allow_nan=False,
        allow_infinity=False,
    )


def unknown_fields(value: Any, schema: dict[str, Any], path: str = "") -> list[str]:
    """Fields that the API server would drop."""
    if isinstance(value, list):
        return [u for item in value for u in unknown_fields(item, schema["items"], path)]
    if not isinstance(value, dict) or "properties" not in schema:
        return []
    known = schema["properties"]
    found = [f"{path}.{name}" for name in value.keys() - known.keys()]
    for name in value.keys() & known.keys():
        found += unknown_fields(value[name], known[name], f"{path}.{name}")
    return found


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_reads_what_the_schema_allows_and_sends_it_so(
    model: type[ApiModel], data: st.DataObject
) -> None:
    schema = build_structural(model)
    sent = model.model_validate(data.draw(values(schema))).to_wire()

    # Draft 4 has exclusive bounds as OpenAPI 3.0 has them.
    jsonschema.Draft4Validator(schema).validate(sent)
    assert unknown_fields(sent, schema) == []
    assert model.model_validate(sent).to_wire() == sent


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda r: r.short_name)
def test_spec_refuses_unknown_fields(resource: Resource) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        resource.spec.model_validate({"karaoke": {}})


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda r: r.short_name)
def test_status_passes_over_what_a_newer_version_wrote(resource: Resource) -> None:
    condition = {
        "type": "QuotaReserved",
        "status": "True",
        "reason": "NotKnownYet",
        "lastTransitionTime": "2026-11-21T12:00:00Z",
        "newField": 1,
    }
    status = {"phase": "Dreaming", "conditions": [condition], "dreams": [{}]}
    read = resource.status.model_validate(status).to_wire()
    del condition["newField"]
    assert read == resource.status().to_wire() | {"conditions": [condition | {"message": ""}]}


@pytest.mark.parametrize(
    ("given_text", "want"),
    [("short", "short"), ("x" * 1024, "x" * 1024), ("x" * 1025, "x" * 1023 + "…"), ("\ud83d", "?")],
    ids=["short", "longest", "too long", "half a pair"],
)
def test_cuts_the_texts_of_others(given_text: str, want: str) -> None:
    assert Video(title=given_text).title == want


@pytest.mark.parametrize(
    ("moment", "want"),
    [
        (datetime(2026, 11, 21, 12, 0, 0, 999999, UTC), "2026-11-21T12:00:00Z"),
        (datetime(2026, 11, 21, 14, tzinfo=timezone(timedelta(hours=2))), "2026-11-21T12:00:00Z"),
    ],
    ids=["fraction", "zone"],
)
def test_moments_are_whole_seconds_in_utc(moment: datetime, want: str) -> None:
    assert Run(attempt=1, updated_at=moment).to_wire()["updatedAt"] == want


def test_moments_need_a_zone() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        Run.model_validate({"attempt": 1, "updatedAt": "2026-11-21T12:00:00"})


def test_sends_no_nulls() -> None:
    read = SlideExtractionStatus.model_validate({"run": {"attempt": 1}, "phase": None})
    assert read.to_wire() == {"conditions": [], "run": {"attempt": 1}}


def test_writers_share_no_field() -> None:
    operator = SlideExtractionStatus.__mro__[1]
    assert issubclass(operator, ApiModel)
    assert operator.model_fields.keys() & RunnerStatus.model_fields.keys() == set()
    both = operator.model_fields.keys() | RunnerStatus.model_fields.keys()
    assert both == SlideExtractionStatus.model_fields.keys()


def test_item_becomes_an_extraction() -> None:
    template = BatchTemplate(source=SourceOptions(max_height=720), retry=Retry(limit=1))
    item = BatchItem(name="one", url=URL)
    spec = SlideExtractionBatchSpec(items=(item,), template=template, suspend=True)

    made = spec.extraction_spec(item)

    assert made == SlideExtractionSpec.model_validate(
        {"source": {"url": URL, "maxHeight": 720}, "retry": {"limit": 1}, "suspend": True}
    )


def test_template_has_every_field_of_a_spec_but_the_batchs_own() -> None:
    own = {"suspend", "cancel", "ttl_seconds_after_finished"}
    assert SlideExtractionSpec.model_fields.keys() - BatchTemplate.model_fields.keys() == own
    assert BatchTemplate.model_fields.keys() <= SlideExtractionSpec.model_fields.keys()


def test_template_has_the_defaults_of_a_spec() -> None:
    template, spec = BatchTemplate.model_fields, SlideExtractionSpec.model_fields
    common = template.keys() - {"source"}
    assert {n: template[n].default for n in common} == {n: spec[n].default for n in common}


def test_runner_reads_the_work_out_of_a_whole_spec() -> None:
    spec = SlideExtractionSpec.model_validate({"source": {"url": URL}, "suspend": True})
    told = {"namespace": "n", "name": "a", "uid": "u", "attempt": 1, "spec": spec.to_wire()}

    read = JobInput.model_validate(told)

    assert (read.spec.source, read.spec.outputs) == (spec.source, spec.outputs)
    assert JobInput.model_validate_json(read.to_env()) == read


def test_runner_refuses_an_output_that_it_does_not_know() -> None:
    spec = {"source": {"url": URL}, "outputs": {"slides": {}, "karaoke": {}}}
    with pytest.raises(ValidationError, match="karaoke"):
        JobInput.model_validate(
            {"namespace": "n", "name": "a", "uid": "u", "attempt": 1, "spec": spec}
        )


def test_phases_are_the_contract() -> None:
    """They are in other people's scripts, and in the words of other interfaces."""
    assert " ".join(Phase) == (
        "Pending Queued Downloading Extracting Uploading Completed Failed Suspended Cancelled"
    )


def test_history_is_short() -> None:
    rows = [{"attempt": n, "job": f"j-{n}"} for n in range(1, 7)]
    with pytest.raises(ValidationError, match="at most 5"):
        Attempts.model_validate({"history": rows})


def test_condition_is_what_kubernetes_calls_one() -> None:
    assert [f.alias for f in Condition.model_fields.values()] == [
        "type",
        "status",
        "observedGeneration",
        "lastTransitionTime",
        "reason",
        "message",
    ]
