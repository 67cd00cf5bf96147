"""The API's description says what is served, and what is served is described."""

import re
from typing import Any

import pytest
import schemathesis
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from openapi_pydantic import OpenAPI
from pydantic import BaseModel, Field

from slides_operator.service.app import ROUTES, add_routes
from slides_operator.service.openapi import build_document, open_path
from slides_operator.service.routes import EVENT_STREAM, Access, Call, Route, answer

SAMPLES = {"number": "7"}
"""What parts of paths with a pattern of their own may be."""
PROBLEM = {"$ref": "#/components/schemas/Problem"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build_document(ROUTES, title="Slides Extractor")


def _id(route: Route) -> str:
    return f"{route.method} {route.path}"


def test_is_valid_openapi(document: dict[str, Any]) -> None:
    schemathesis.openapi.from_dict(document).validate()
    assert OpenAPI.model_validate(document).openapi.startswith("3.1")


@pytest.mark.parametrize("route", ROUTES, ids=_id)
def test_describes_every_route(route: Route, document: dict[str, Any]) -> None:
    operation = document["paths"][open_path(route.path)][route.method.lower()]

    assert operation["summary"] == route.summary
    assert {str(status) for status in route.answers} <= operation["responses"].keys()
    assert (operation.get("security") == []) == (route.access is Access.OPEN)


def test_describes_nothing_else(document: dict[str, Any]) -> None:
    described = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }

    assert described == {(route.method, open_path(route.path)) for route in ROUTES}


def test_names_each_operation_once(document: dict[str, Any]) -> None:
    names = [one["operationId"] for item in document["paths"].values() for one in item.values()]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-zA-Z0-9_]+", name) for name in names)


def test_defines_whatever_it_refers_to(document: dict[str, Any]) -> None:
    referred = set(re.findall(r"'#/components/schemas/([^']+)'", str(document)))

    assert referred <= document["components"]["schemas"].keys()
    assert not [name for name in document["components"]["schemas"] if "__" in name]


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.access is Access.SUBMIT and route.body], ids=_id
)
def test_examples_of_submissions_would_be_taken(route: Route) -> None:
    assert route.body is not None
    examples = [
        *route.body.model_json_schema().get("examples", []),
        {
            name: field.examples[0]
            for name, field in route.body.model_fields.items()
            if field.examples
        },
    ]

    assert any(examples)
    for example in filter(None, examples):
        route.body.model_validate(example)


def _sample(path: str) -> str:
    return re.sub(r"{(\w+)[^/]*}", lambda part: SAMPLES.get(part[1], "a-sample"), path)


@pytest.mark.parametrize("route", ROUTES, ids=_id)
async def test_no_route_takes_anothers_path(route: Route) -> None:
    app = web.Application()
    add_routes(app.router, ROUTES)
    app.freeze()

    match = await app.router.resolve(make_mocked_request(route.method, _sample(route.path)))

    assert match.http_exception is None
    resource = match.route.resource
    assert resource is not None
    assert resource.canonical == open_path(route.path)


@pytest.mark.parametrize("path", sorted({route.path for route in ROUTES}))
async def test_path_is_itself_for_every_method(path: str) -> None:
    app = web.Application()
    add_routes(app.router, ROUTES)
    app.freeze()

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        match = await app.router.resolve(make_mocked_request(method, _sample(path)))
        resource = match.route.resource
        assert resource is not None
        assert resource.canonical == open_path(path)


class _Wanted(BaseModel):
    size: int = Field(ge=1, description="How large.")
    colour: str | None = None


async def _handle(call: Call) -> web.Response:
    return answer(call.query)


def _row(**changed: Any) -> Route:
    row: dict[str, Any] = {
        "method": "POST",
        "path": "/things/{number:[0-9]{1,3}}",
        "handler": _handle,
        "summary": "Make a thing",
        "tag": "Things",
        "access": Access.SUBMIT,
        "answers": {201: _Wanted},
    }
    return Route(**{**row, **changed})


def _operation(route: Route) -> dict[str, Any]:
    (item,) = build_document([route], title="Things")["paths"].values()
    (operation,) = item.values()
    return dict(operation)


def test_path_loses_its_pattern_and_its_parameter_keeps_it() -> None:
    document = build_document([_row()], title="Things")

    assert list(document["paths"]) == ["/things/{number}"]
    (number, *_) = _operation(_row())["parameters"]
    assert number["in"] == "path"
    assert number["required"]
    assert number["schema"]["pattern"] == "^(?:[0-9]{1,3})$"


def test_query_comes_from_its_model() -> None:
    operation = _operation(_row(query=_Wanted))

    by_name = {one["name"]: one for one in operation["parameters"] if one["in"] == "query"}
    assert by_name["size"]["required"]
    assert by_name["size"]["description"] == "How large."
    assert by_name["size"]["schema"]["minimum"] == 1
    assert not by_name["colour"].get("required", False)
    assert "namespace" in by_name


@pytest.mark.parametrize(
    ("changed", "statuses"),
    [
        pytest.param({"access": Access.OPEN}, set(), id="open"),
        pytest.param({"access": Access.READ}, {401, 403, 404, 429, 503}, id="read"),
        pytest.param({}, {401, 403, 404, 409, 422, 429, 503}, id="submit"),
        pytest.param(
            {"access": Access.OPEN, "body": _Wanted, "invalid": 400},
            {400, 408, 413, 415},
            id="body",
        ),
    ],
)
def test_problems_come_with_the_row(changed: dict[str, Any], statuses: set[int]) -> None:
    responses = _operation(_row(**changed))["responses"]

    assert responses.keys() == {"201"} | {str(status) for status in statuses}
    assert all(
        "application/problem+json" in one["content"]
        for status, one in responses.items()
        if status != "201"
    )


def test_busy_answers_say_when_to_ask_again() -> None:
    responses = _operation(_row())["responses"]

    assert "Retry-After" in responses["429"]["headers"]
    assert "Retry-After" in responses["503"]["headers"]
    assert "Retry-After" not in responses["404"]["headers"]


def test_streams_take_tickets_and_go_on_from_an_event() -> None:
    operation = _operation(_row(method="GET", access=Access.READ, answers={200: EVENT_STREAM}))

    assert {"ticket": []} in operation["security"]
    assert "Last-Event-ID" in {one["name"] for one in operation["parameters"]}
