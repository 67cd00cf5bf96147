"""The API's description as OpenAPI 3.1, made of the routes' rows and their models. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from openapi_pydantic import (
    Components,
    Info,
    MediaType,
    OpenAPI,
    Operation,
    Parameter,
    ParameterLocation,
    PathItem,
    Reference,
    RequestBody,
    Response,
    SecurityScheme,
    Tag,
)
from openapi_pydantic import Header as HeaderObject
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from slides_api import __version__
from slides_operator.service.problems import MEDIA_TYPE, InvalidProblem, Problem, title_of
from slides_operator.service.routes import EVENT_STREAM, JSON, Access, Route

Json = dict[str, Any]
Key = tuple[type[BaseModel], JsonSchemaMode]
References = Mapping[Key, Json]

SUMMARY = "Slides of talk videos, with timestamps: submitted, followed and read."
REF = "#/components/schemas/{model}"
SCHEMES: dict[str, SecurityScheme] = {
    "bearer": SecurityScheme(
        type="http",
        scheme="bearer",
        description="API_PASSWORD, or a Kubernetes token: then the cluster's RBAC decides.",
    ),
    "apiKey": SecurityScheme.model_validate(
        {"type": "apiKey", "name": "X-API-Key", "in": "header", "description": "API_KEY."}
    ),
    "ticket": SecurityScheme.model_validate(
        {
            "type": "apiKey",
            "name": "ticket",
            "in": "query",
            "description": "From POST /tickets, for clients that cannot send headers.",
        }
    ),
}
EVERYWHERE = ("bearer", "apiKey")
NAMESPACE = Parameter.model_validate(
    {
        "name": "namespace",
        "in": ParameterLocation.QUERY,
        "description": "Namespace of the resources; the service's own when left out.",
        "schema": {"type": "string"},
    }
)
IDEMPOTENCY_KEY = Parameter.model_validate(
    {
        "name": "Idempotency-Key",
        "in": ParameterLocation.HEADER,
        "description": "Sent again with the same body, it makes no second job.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    }
)
LAST_EVENT_ID = Parameter.model_validate(
    {
        "name": "Last-Event-ID",
        "in": ParameterLocation.HEADER,
        "description": "The last event that was seen; what changed since is sent.",
        "schema": {"type": "string"},
    }
)
A_JOB = "A job: its resource's name, its UID, or its video's id, the newest of which counts."
PARTS: dict[str, tuple[str, str]] = {
    "id": (A_JOB, "dQw4w9WgXcQ"),
    "jobId": (A_JOB, "550e8400-e29b-41d4-a716-446655440000"),
    "job_id": (A_JOB, "550e8400-e29b-41d4-a716-446655440000"),
    "video_id": ("Id of a video on YouTube.", "dQw4w9WgXcQ"),
}
"""What parts of paths are, with an example."""
RETRY_AFTER = HeaderObject.model_validate(
    {"description": "Seconds to wait before asking again.", "schema": {"type": "string"}}
)
REQUEST_ID = HeaderObject.model_validate(
    {"description": "Of this request, also in the log.", "schema": {"type": "string"}}
)
WITH_RETRY_AFTER = frozenset({429, 503})
_PARAMETER = re.compile(r"{(\w+)(?::((?:[^{}]|{[^{}]*})+))?}")
"""A part of aiohttp's path that callers fill in, with its pattern if there is one."""


def build_document(routes: Sequence[Route], *, title: str) -> Json:
    """Return the document as JSON."""
    references, definitions = _define(routes)
    document = OpenAPI(
        info=Info(title=title, version=__version__, summary=SUMMARY),
        paths=_paths(routes, references),
        tags=[Tag(name=tag) for tag in dict.fromkeys(route.tag for route in routes)],
        components=Components(securitySchemes=dict(SCHEMES)),
    )
    # Defaults are left out: some are wrong to write, such as allowEmptyValue outside a query.
    written = document.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude_defaults=True
    )
    written["components"]["schemas"] = definitions
    return {"openapi": document.openapi, **written}


def open_path(path: str) -> str:
    """Return a path as OpenAPI writes it: names in braces, without patterns."""
    return _PARAMETER.sub(r"{\1}", path)


def _define(routes: Iterable[Route]) -> tuple[References, Json]:
    """Return how each model is referred to, and all their schemas."""
    keys = sorted(set(_models(routes)), key=lambda key: (key[0].__qualname__, key[1]))
    references, schema = models_json_schema(keys, by_alias=True, ref_template=REF)
    short = _Names(schema["$defs"])
    named = {key: short.rename(references[key]) for key in keys}
    return named, {short.of(name): short.rename(one) for name, one in schema["$defs"].items()}


class _Names:
    """What schemas are called: pydantic puts the whole module before what two modules share."""

    def __init__(self, long: Iterable[str]) -> None:
        self._short = {
            name: parts[-2].title().replace("_", "") + parts[-1] if len(parts) > 1 else name
            for name in long
            if (parts := name.split("__"))
        }

    def of(self, long: str) -> str:
        """Return a schema's short name: `PipelineAccepted`."""
        return self._short[long]

    def rename(self, schema: Any) -> Any:  # noqa: ANN401 - JSON
        """Return a schema that refers to others by their short names."""
        if isinstance(schema, list):
            return [self.rename(one) for one in schema]
        if not isinstance(schema, dict):
            return schema
        renamed = {key: self.rename(value) for key, value in schema.items()}
        if isinstance(reference := schema.get("$ref"), str):
            head, _, name = reference.rpartition("/")
            renamed["$ref"] = f"{head}/{self._short[name]}"
        return renamed


def _models(routes: Iterable[Route]) -> Iterator[Key]:
    yield Problem, "serialization"
    yield InvalidProblem, "serialization"
    for route in routes:
        if route.body:
            yield route.body, "validation"
        for content in route.answers.values():
            if isinstance(content, type):
                yield content, "serialization"


def _paths(routes: Iterable[Route], references: References) -> dict[str, PathItem]:
    paths: dict[str, PathItem] = {}
    for route in routes:
        item = paths.setdefault(open_path(route.path), PathItem())
        setattr(item, route.method.lower(), _operation(route, references))
    return paths


def _operation(route: Route, references: References) -> Operation:
    return Operation(
        tags=[route.tag],
        summary=route.summary,
        operationId=_name(route),
        parameters=[*_parameters(route)],
        requestBody=_body(route, references),
        responses=_responses(route, references),
        security=_security(route),
    )


def _name(route: Route) -> str:
    """Return a name that no other operation has: with a final slash a path is another one."""
    path = open_path(route.path)
    words = re.findall(r"\w+", path) or ["root"]
    return "_".join([route.method.lower(), *words, *(["slash"] if path[1:].endswith("/") else [])])


def _security(route: Route) -> list[dict[str, list[str]]]:
    if route.access is Access.OPEN:
        return []
    names = (*EVERYWHERE, "ticket") if route.streams else EVERYWHERE
    return [{name: []} for name in names]


def _parameters(route: Route) -> Iterator[Parameter | Reference]:
    for name, pattern in _PARAMETER.findall(route.path):
        schema: Json = {"type": "string", "minLength": 1}
        if pattern:
            schema["pattern"] = f"^(?:{pattern})$"
        description, example = PARTS.get(name, (None, None))
        yield Parameter.model_validate(
            {
                "name": name,
                "in": ParameterLocation.PATH,
                "required": True,
                "description": description,
                "schema": schema,
                "example": example,
            }
        )
    if route.query:
        yield from _query(route.query)
    if route.access is not Access.OPEN and not _names_namespace(route):
        yield NAMESPACE
    if route.access is Access.SUBMIT:
        yield IDEMPOTENCY_KEY
    if EVENT_STREAM in route.answers.values():
        yield LAST_EVENT_ID


def _names_namespace(route: Route) -> bool:
    return route.query is not None and "namespace" in route.query.model_fields


def _query(model: type[BaseModel]) -> Iterator[Parameter]:
    """Yield each field of a query; schemas that it refers to are written out."""
    schema = model.model_json_schema(by_alias=True)
    for name, field in schema.get("properties", {}).items():
        inlined = _inline(field, schema.get("$defs", {}))
        description = inlined.pop("description", None)
        yield Parameter.model_validate(
            {
                "name": name,
                "in": ParameterLocation.QUERY,
                "required": name in schema.get("required", ()),
                "description": description,
                "schema": inlined,
            }
        )


def _inline(schema: Any, definitions: Json) -> Any:  # noqa: ANN401 - JSON
    if isinstance(schema, list):
        return [_inline(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if reference := schema.get("$ref"):
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**definitions[reference.rpartition("/")[2]], **rest}
    return {key: _inline(value, definitions) for key, value in schema.items()}


def _body(route: Route, references: References) -> RequestBody | None:
    if route.body is None:
        return None
    required = any(field.is_required() for field in route.body.model_fields.values())
    schema = references[route.body, "validation"]
    return RequestBody(content={JSON: _media(schema)}, required=required)


def _responses(route: Route, references: References) -> dict[str, Response | Reference]:
    answers: dict[int, Response] = {
        status: _problem(status, references, invalid=status == route.invalid)
        for status in _problem_statuses(route)
    }
    for status, content in route.answers.items():
        if status in answers and content is None:
            continue
        answers[status] = _answer(status, content, references)
    return {str(status): answers[status] for status in sorted(answers)}


def _answer(status: int, content: type[BaseModel] | str | None, references: References) -> Response:
    is_error = status >= HTTPStatus.BAD_REQUEST
    if is_error and content in {None, MEDIA_TYPE}:
        return _problem(status, references)
    headers = {"X-Request-ID": REQUEST_ID}
    return Response(
        description=title_of(status),
        content=_content(content, references),
        headers=dict(headers),
    )


def _content(
    content: type[BaseModel] | str | None, references: References
) -> dict[str, MediaType] | None:
    match content:
        case None:
            return None
        case "application/json" | "text/event-stream":
            return {content: _media({})}
        case str():
            return {content: _media({"type": "string"})}
        case _:
            return {JSON: _media(references[content, "serialization"])}


def _problem(status: int, references: References, *, invalid: bool = False) -> Response:
    headers = {"X-Request-ID": REQUEST_ID}
    if status in WITH_RETRY_AFTER:
        headers["Retry-After"] = RETRY_AFTER
    model = InvalidProblem if invalid else Problem
    return Response(
        description=title_of(status),
        content={MEDIA_TYPE: _media(references[model, "serialization"])},
        headers=dict(headers),
    )


def _problem_statuses(route: Route) -> set[int]:
    """Return the statuses of the problems that the row itself brings with it."""
    statuses: set[int] = set()
    if route.access is not Access.OPEN:
        # Who calls, what they may, how often, and whether the namespace or the API server is there.
        statuses |= {401, 403, 404, 429, 503}
    if route.access in {Access.WRITE, Access.SUBMIT}:
        statuses |= {409, 422}
    if route.query or route.body:
        statuses.add(route.invalid)
    if route.body:
        statuses |= {408, 413, 415}
    if HTTPStatus.SWITCHING_PROTOCOLS in route.answers:
        statuses.add(400)
    return statuses


def _media(schema: Json) -> MediaType:
    return MediaType.model_validate({"schema": schema})
