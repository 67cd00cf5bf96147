"""The published JSON Schema of `manifest.json`, generated from the models and their docstrings."""

import json
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from slides_api.manifest import SCHEMA_VERSION, Manifest

MANIFEST_SCHEMA_ID = f"https://slides-extractor.dev/schemas/manifest/v{SCHEMA_VERSION}.json"
"""Name of the schema: an identifier, as JSON Schema has it, which need not resolve."""


class _Written(GenerateJsonSchema):
    """Describes what is written: optional fields are absent, never null."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - names say it
        """Leave titles out: they would repeat the names of the fields."""
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Describe the value alone."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Leave out defaults that are null."""
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def build_manifest_schema() -> JsonSchemaValue:
    """Return the JSON Schema (draft 2020-12) that every manifest satisfies."""
    schema = Manifest.model_json_schema(mode="serialization", schema_generator=_Written)
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": MANIFEST_SCHEMA_ID,
        **_without_api_server(schema),
        "title": "Manifest of Slides Extractor",
    }


def _without_api_server(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a schema without what only the API server of Kubernetes understands."""
    if isinstance(schema, list):
        return [_without_api_server(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {k: v for k, v in schema.items() if not k.startswith("x-kubernetes-")}
    return {key: _without_api_server(value) for key, value in kept.items()}


def manifest_schema_json() -> str:
    """Return the schema as the text of its file."""
    return json.dumps(build_manifest_schema(), indent=2, ensure_ascii=False) + "\n"
