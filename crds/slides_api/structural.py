"""Structural schemas: what the API server of Kubernetes takes of a model's JSON Schema.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
"""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from slides_api.v1alpha1 import ApiModel

Schema = dict[str, Any]

LEFT_OUT = frozenset({"$defs", "$ref", "title", "propertyNames", "patternProperties"})
"""What a structural schema does not know; objects refuse unknown fields by themselves."""


class _Sent(GenerateJsonSchema):
    """Describes what is sent: absent where the model says None."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Describe the value alone."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Leave out defaults that are null."""
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def encode_default(self, dft: object) -> Any:  # noqa: ANN401 - JSON
        """Return a default; of an object all of it, for rules look at it as it stands here."""
        if isinstance(dft, ApiModel):
            return dft.to_wire()
        return super().encode_default(dft)


def build_structural(model: type[BaseModel], *, defaults: bool = True) -> Schema:
    """Return the structural schema of a model.

    A status gets no defaults: the API server would add fields that no writer owns.
    """
    schema = model.model_json_schema(schema_generator=_Sent)
    return _Converter(schema.get("$defs", {}), defaults=defaults).convert(schema)


class _Converter:
    """Makes structural what JSON Schema says, definitions in place."""

    def __init__(self, definitions: dict[str, Schema], *, defaults: bool) -> None:
        self._definitions = definitions
        self._defaults = defaults

    def convert(self, schema: Schema) -> Schema:
        """Return the structural form of a schema."""
        whole = self._resolved(schema)
        made = {key: value for key, value in whole.items() if key not in LEFT_OUT}
        if "description" in made:
            made["description"] = _one_paragraph(made["description"])
        if not self._defaults:
            made.pop("default", None)
        _bound_exclusively(made)
        self._convert_children(whole, made)
        return _whole_numbers(made)

    def _resolved(self, schema: Schema) -> Schema:
        """Return a schema with its definition in place; what stands beside the reference wins."""
        if "$ref" not in schema:
            return schema
        name = schema["$ref"].rpartition("/")[2]
        return self._definitions[name] | schema

    def _convert_children(self, whole: Schema, made: Schema) -> None:
        if "properties" in made:
            made["properties"] = {k: self.convert(v) for k, v in made["properties"].items()}
        if "items" in made:
            made["items"] = self.convert(made["items"])
        values = whole.get("additionalProperties")
        for pattern in whole.get("patternProperties", {}).values():
            values = pattern
        made.pop("additionalProperties", None)
        if isinstance(values, dict):
            made["additionalProperties"] = self.convert(values)


def _bound_exclusively(schema: Schema) -> None:
    """Say exclusive bounds as OpenAPI 3.0 does: a flag beside the bound."""
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if exclusive in schema:
            schema[bound] = schema[exclusive]
            schema[exclusive] = True


def _whole_numbers(schema: Schema) -> Schema:
    return {
        key: int(value) if isinstance(value, float) and value.is_integer() else value
        for key, value in schema.items()
    }


def _one_paragraph(text: str) -> str:
    return " ".join(text.split())
