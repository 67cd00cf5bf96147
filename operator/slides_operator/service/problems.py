"""What went wrong, as RFC 9457 has it: application/problem+json.

`type` is a URN per kind of problem, `detail` the sentence for this case, and on the routes that
had it before, `error` repeats it.
"""

import json
import math
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slides_operator.errors import (
    ApiError,
    ConflictError,
    NotFoundError,
    RejectedError,
    ThrottledError,
    UnreachableError,
)

MEDIA_TYPE = "application/problem+json"
URN = "urn:slides-extractor:problem:"
TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}
"""RFC 9110's words where Python versions differ: a problem's type is made of them."""
RETRY_AFTER_S = 2
"""Chosen: an API server that fails over is back within seconds."""


class ProblemError(Exception):
    """A request that is answered with a problem."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        title: str = "",
        headers: Mapping[str, str] | None = None,
        **members: Any,  # noqa: ANN401 - whatever JSON a kind of problem adds
    ) -> None:
        """Take the HTTP status, the sentence for this case, and what else the answer carries."""
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.title = title or title_of(status)
        self.headers = dict(headers or {})
        self.members = members


def title_of(status: int) -> str:
    """Return a status in words."""
    return TITLES.get(status) or HTTPStatus(status).phrase


def build_problem(problem: ProblemError, *, instance: str, request_id: str) -> dict[str, Any]:
    """Return the document."""
    return {
        "type": URN + problem.title.lower().replace(" ", "-"),
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": instance,
        "request_id": request_id,
        **problem.members,
    }


def problem_response(
    problem: ProblemError, request: web.BaseRequest, *, request_id: str, error_key: bool = False
) -> web.Response:
    """Return the answer; `error_key` repeats the sentence as `error`."""
    document = build_problem(problem, instance=request.path, request_id=request_id)
    if error_key:
        document["error"] = problem.detail
    return web.Response(
        status=problem.status,
        body=json.dumps(document).encode(),
        content_type=MEDIA_TYPE,
        headers=problem.headers,
    )


def of_api_error(error: ApiError) -> ProblemError:
    """Return what a caller is told when the API server did not do what was asked.

    Its own words reach them where they say what is wrong with the request.
    """
    match error:
        case NotFoundError():
            return ProblemError(404, "No such resource.")
        case ConflictError():
            return ProblemError(409, "The resource changed meanwhile, or exists already.")
        case RejectedError():
            return ProblemError(422, words_of_server(error.message))
        case ThrottledError() | UnreachableError():
            seconds = math.ceil(error.retry_after or RETRY_AFTER_S)
            return ProblemError(
                503,
                "The Kubernetes API does not answer. Ask again.",
                headers={"Retry-After": str(seconds)},
            )
    # A full quota, rights that the service lacks, a namespace that ends.
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return ProblemError(503, words_of_server(error.message), headers=headers)


def words_of_server(message: str) -> str:
    """Return an error's message without the request that it starts with."""
    return message.partition(": ")[2] or message


def of_http_error(error: web.HTTPException) -> ProblemError:
    """Return the problem that an answer of aiohttp itself stands for: 404, 405, 413 …."""
    detail, headers = error.reason, {}
    if isinstance(error, web.HTTPMethodNotAllowed):
        detail = f"{error.method} is not allowed here."
        headers = {"Allow": ", ".join(sorted(error.allowed_methods))}
    elif isinstance(error, web.HTTPNotFound):
        detail = "There is nothing at this path."
    elif isinstance(error, web.HTTPRequestEntityTooLarge):
        detail = "The body is larger than MAX_BODY_BYTES allows."
    return ProblemError(error.status, detail, headers=headers)


def of_invalid(error: ValidationError, status: int) -> ProblemError:
    """Return what is wrong with a body or a query, part by part; never what was sent."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    parts = [{"loc": list(one["loc"]), "msg": one["msg"], "type": one["type"]} for one in errors]
    return ProblemError(status, "; ".join(_sentences(parts)), errors=parts)


def _sentences(parts: list[dict[str, Any]]) -> Iterator[str]:
    for part in parts:
        where = ".".join(str(one) for one in part["loc"])
        what = part["msg"].removeprefix("Value error, ")
        yield what if part["type"] == "value_error" or not where else f"{where}: {what}"


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(extra="allow", title="Problem")

    type: str = Field(description="A URN for each kind.", examples=[URN + "not-found"])
    title: str = Field(description="The kind in words.", examples=["Not Found"])
    status: int = Field(description="The HTTP status again.", examples=[404])
    detail: str = Field(description="This case in a sentence.", examples=["Job not found: talk-1"])
    instance: str = Field(description="The path that was asked for.", examples=["/jobs/talk-1"])
    request_id: str = Field(description="Also in X-Request-ID and in the service's log.")


class WrongPart(BaseModel):
    """A part of a body or a query that does not validate."""

    loc: list[str | int] = Field(description="The way to it.", examples=[["items", 0, "code"]])
    msg: str = Field(description="What is wrong with it.")
    type: str = Field(description="What kind of error this is, in pydantic's words.")


class InvalidProblem(Problem):
    """What is wrong with a body or a query."""

    model_config = ConfigDict(extra="allow", title="InvalidProblem")

    errors: list[WrongPart] = Field(default=[], description="Each part that does not validate.")
