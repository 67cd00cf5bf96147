"""A route as aiohttp's handler: who calls is asked, what is sent is read, then its own answers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import UnionType
from typing import Union, get_args, get_origin

from aiohttp import web
from multidict import MultiDictProxy
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from slides_operator.service.access import ANONYMOUS, Caller
from slides_operator.service.audit import Actor, acting_for, refusals_told
from slides_operator.service.parts import SERVICE, Service
from slides_operator.service.problems import ProblemError, of_invalid
from slides_operator.service.routes import Access, Call, Route

REQUEST_ID = web.RequestKey("request_id", str)
ROUTE = web.RequestKey("route", Route)
CALLER = web.RequestKey("caller", Caller)
EXTRA_HEADERS = web.RequestKey("extra_headers", dict[str, str])
"""What an answer carries besides, whatever it says: how many submissions are left."""
BODY_S = 30.0
"""Chosen: a body of the greatest size takes a phone a few seconds."""
UNREADABLE_FORM = {400: None, 408: None, 413: None}
"""What a route answers besides, whose form `receive_form` reads."""
LISTS = (list, tuple, set, frozenset)

Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_endpoint(route: Route) -> Endpoint:
    """Return aiohttp's handler of a route."""

    async def endpoint(request: web.Request) -> web.StreamResponse:
        request[ROUTE] = route
        service = request.app[SERVICE]
        with _acting(request, ANONYMOUS):
            caller = await _identify(request, service, route)
        request[CALLER] = caller
        with _acting(request, caller):
            return await route.handler(await _admit(request, service, route, caller))

    return endpoint


async def _admit(request: web.Request, service: Service, route: Route, caller: Caller) -> Call:
    """Return the call of a request that is well-formed and within its limits."""
    call = Call(
        request=request,
        service=service,
        caller=caller,
        namespace=_namespace(request, service, route),
        query=_read_query(request, route),
        body=await _read_body(request, route),
    )
    if route.access is Access.SUBMIT:
        service.drain.refuse_work()
    if route.access is not Access.OPEN:
        request[EXTRA_HEADERS] = await service.limits.take(route.access, caller.identity)
    return call


async def _identify(request: web.Request, service: Service, route: Route) -> Caller:
    if route.access is Access.OPEN:
        return ANONYMOUS
    return await service.gatekeeper.identify(request, streams=route.streams)


@contextmanager
def _acting(request: web.Request, caller: Caller) -> Iterator[None]:
    """Tell the audit log whose writes and refusals those of the block are."""
    address = caller.address or request.app[SERVICE].gatekeeper.address_of(request)
    actor = Actor(caller.name, caller.kind, address, request[REQUEST_ID])
    with acting_for(actor), refusals_told(request.method, request.path):
        yield


def _namespace(request: web.Request, service: Service, route: Route) -> str:
    namespace = request.query.get("namespace") or service.settings.default_namespace
    if route.access is not Access.OPEN and not service.settings.serves(namespace):
        raise ProblemError(404, f"Namespace {namespace} is not served here.")
    return namespace


def _read_query(request: web.Request, route: Route) -> BaseModel | None:
    """Return what the route's model makes of the query; names that it lacks are ignored."""
    if route.query is None:
        return None
    sent = {
        name: values if is_list(field) else values[-1]
        for field_name, field in route.query.model_fields.items()
        if (values := request.query.getall(name := field.alias or field_name, []))
    }
    return _validated(lambda model: model.model_validate(sent), route.query, route.invalid)


def is_list(field: FieldInfo) -> bool:
    """Return whether a field takes several values."""
    kinds = [field.annotation]
    if get_origin(field.annotation) in {Union, UnionType}:
        kinds = list(get_args(field.annotation))
    return any(get_origin(kind) in LISTS for kind in kinds)


async def _read_body(request: web.Request, route: Route) -> BaseModel | None:
    """Return what the route's model makes of the body; nothing sent counts as {}."""
    if route.body is None:
        return None
    content = await _receive(request)
    if content and not _is_json(request.content_type):
        raise ProblemError(415, "Send the body as Content-Type: application/json.")
    sent = content or b"{}"
    return _validated(lambda model: model.model_validate_json(sent), route.body, route.invalid)


async def _receive(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_S):
            return await request.read()
    except TimeoutError:
        raise ProblemError(408, "The body did not arrive in time.") from None


async def receive_form(
    request: web.Request,
) -> MultiDictProxy[str | bytes | bytearray | web.FileField]:
    """Return what a page's form sends. Raises ProblemError 400, 408, 413."""
    try:
        async with asyncio.timeout(BODY_S):
            return await request.post()
    except TimeoutError:
        raise ProblemError(408, "The form did not arrive in time.") from None
    except (ValueError, LookupError) as e:  # LookupError: an encoding that there is not
        raise ProblemError(400, "The form cannot be read.") from e


def _is_json(content_type: str) -> bool:
    return content_type == "application/json" or content_type.endswith("+json")


def _validated(
    read: Callable[[type[BaseModel]], BaseModel], model: type[BaseModel], status: int
) -> BaseModel:
    try:
        return read(model)
    except ValidationError as e:
        raise of_invalid(e, status) from None  # its cause would show what was sent
