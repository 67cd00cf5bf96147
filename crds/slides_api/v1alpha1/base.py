"""What all models of the resources share: the wire's form, rules of the API server, field types."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel


class ApiModel(BaseModel):
    """A frozen API object: camelCase on the wire, unknown fields refused."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )

    def to_wire(self) -> dict[str, Any]:
        """Return what goes over the wire: camelCase, JSON types, absent instead of null."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class StatusModel(ApiModel):
    """A part of a status: fields that a newer version wrote are passed over."""

    model_config = ConfigDict(extra="ignore")


def rule(expression: str, message: str, field_path: str = "") -> dict[str, str]:
    """Return a CEL rule of the API server, with the message that a refusal shows.

    The field path names the member that is refused, where the rule looks at its parent.
    """
    made = {"rule": expression, "message": message}
    return made | {"fieldPath": field_path} if field_path else made


def rules(*made: dict[str, str]) -> dict[str, Any]:
    """Return the part of a schema that holds CEL rules."""
    return {"x-kubernetes-validations": list(made)}


def list_map(key: str) -> dict[str, Any]:
    """Return the part of a schema that makes a list a map by one of its items' fields."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


LIST_SET: dict[str, Any] = {"x-kubernetes-list-type": "set"}
"""The part of a schema that refuses items which repeat."""


def free_text(longest: int) -> Any:  # noqa: ANN401 - what Annotated takes
    """Return the marks of a status text, which is cut rather than refused: others wrote it.

    Half a surrogate pair, which JSON can hold and UTF-8 cannot, becomes a question mark.
    """

    def cut(value: object) -> object:
        if not isinstance(value, str):
            return value
        clean = value.encode("utf-8", "replace").decode()
        return clean if len(clean) <= longest else clean[: longest - 1] + "…"

    return BeforeValidator(cut), Field(max_length=longest)


def _whole_seconds(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


Timestamp = Annotated[
    AwareDatetime,
    AfterValidator(_whole_seconds),
    PlainSerializer(_rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment in UTC, in whole seconds, as everywhere in Kubernetes."""

Fraction = Annotated[float, Field(ge=0, le=1)]
LARGEST = 2**53 - 1
"""The largest integer that every reader of JSON keeps exact."""
Count = Annotated[int, Field(ge=0, le=LARGEST)]
Seconds = Annotated[int, Field(ge=0, le=10 * 365 * 24 * 3600)]  # chosen: ten years catch a typo

QUANTITY = r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$"
"""A Kubernetes quantity that is not negative."""
Quantity = Annotated[
    str,
    BeforeValidator(lambda value: str(value) if isinstance(value, int | float) else value),
    Field(pattern=QUANTITY, max_length=32),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "pattern": QUANTITY,
            "maxLength": 32,
            "x-kubernetes-int-or-string": True,
        }
    ),
]
"""An amount as Kubernetes writes it: 500m, 2Gi, 4."""

SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
"""Names of Kubernetes objects (RFC 1123)."""
ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=SUBDOMAIN)]
QUALIFIED = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
"""Keys of labels, annotations, node selectors, taints and resources."""
QualifiedName = Annotated[str, Field(min_length=1, max_length=317, pattern=QUALIFIED)]
VALID_KEYS = rule(
    f"self.all(key, size(key) <= 317 && key.matches(r'{QUALIFIED}'))",
    "keys are letters, digits, '-', '_' and '.', with or without a domain and a slash before them",
)
"""The same, for the keys of a map: a structural schema has no other way to say it."""
LabelValue = Annotated[
    str, Field(max_length=63, pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")
]


class LocalReference(ApiModel):
    """An object of the resource's own namespace."""

    name: ObjectName
    """Its name."""
