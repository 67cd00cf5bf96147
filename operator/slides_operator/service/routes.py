"""One row per route: routing, validation, access and the OpenAPI document come from it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from pydantic_core import to_json

from slides_operator.kube.cache import Kind
from slides_operator.service.access import Caller
from slides_operator.service.parts import Service
from slides_operator.service.problems import ProblemError

JSON = "application/json"
EVENT_STREAM = "text/event-stream"

Answers = Mapping[int, type[BaseModel] | str | None]
"""What a route answers by status: a model as JSON, a media type, or nothing."""


class Access(StrEnum):
    """What a caller has to be."""

    OPEN = "open"
    """Anybody."""
    READ = "read"
    """Somebody."""
    WRITE = "write"
    """Somebody; it is written to the audit log."""
    SUBMIT = "submit"
    """As WRITE, and it makes work: REQUEST_LIMIT counts it, and a draining service refuses it."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """A method and a path, what they take, and what answers."""

    method: str
    path: str
    handler: "Callable[[Call], Awaitable[web.StreamResponse]]"
    summary: str
    tag: str
    access: Access
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    answers: Answers
    invalid: int = 422
    """Status for a body or a query that does not validate."""
    error_key: bool = False
    """Whether problems repeat their sentence as `error`."""

    @property
    def streams(self) -> bool:
        """Whether an answer stays open: events, or a WebSocket."""
        return 101 in self.answers or EVENT_STREAM in self.answers.values()  # noqa: PLR2004 - HTTP: Switching Protocols


@dataclass(slots=True)
class Call:
    """A request that was let through, with what was read of it."""

    request: web.Request
    service: Service
    caller: Caller
    namespace: str
    """That of ?namespace=, else the default one; the service serves it."""
    query: Any
    """What the route's model made of the query; None without one."""
    body: Any
    """What the route's model made of the body; None without one."""

    def path(self, name: str) -> str:
        """Return a part of the path."""
        return self.request.match_info[name]

    async def allow(
        self, verb: str, kind: Kind = Kind.EXTRACTION, namespace: str | None = None
    ) -> None:
        """Raise ProblemError 403 unless the caller may do this to resources of a namespace."""
        place = namespace or self.namespace
        if not await self.service.gatekeeper.may(self.caller, verb, kind, place):
            raise ProblemError(403, f"You may not {verb} {kind} in namespace {place}.")


def answer(
    content: BaseModel | object,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """Return JSON, nulls kept and models by their aliases."""
    body = to_json(content, by_alias=True)
    return web.Response(body=body, status=status, content_type=JSON, headers=headers)
