"""What holds for every request: its id, its line in the log, its problems, its headers."""

import re
import time
import uuid

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from slides_operator.errors import ApiError
from slides_operator.service import cors
from slides_operator.service.endpoint import EXTRA_HEADERS, REQUEST_ID, ROUTE
from slides_operator.service.parts import SERVICE
from slides_operator.service.problems import (
    ProblemError,
    of_api_error,
    of_http_error,
    problem_response,
)

ID_HEADER = "X-Request-ID"
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""What of a caller's own id is taken: nothing that could forge a line of the log."""
QUIET = ("/healthz/", "/health")
"""Asked every few seconds by machines; logged at DEBUG."""
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
NOTHING_LOADS = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""Content-Security-Policy of what is no page."""
UNAVAILABLE = 503
NO_STORE = "no-store"
"""Cache-Control where a handler says nothing: answers are of this moment and for this caller."""

log = structlog.get_logger("slides_operator.service")


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give a request its id, a line in the log and its place in the metrics."""
    begin = time.monotonic()
    request[REQUEST_ID] = _request_id(request)
    with request.app[SERVICE].drain.request():
        try:
            response = await handler(request)
        except BaseException:  # the client left, or the server ends
            _record(request, 0, time.monotonic() - begin)
            raise
    _record(request, response.status, time.monotonic() - begin)
    return response


def _request_id(request: web.BaseRequest) -> str:
    sent = request.headers.get(ID_HEADER, "")
    return sent if _ID.fullmatch(sent) else uuid.uuid4().hex


def _record(request: web.Request, status: int, duration_s: float) -> None:
    """Write the line. The query stays out of it: it may hold a ticket."""
    route = request.get(ROUTE)
    service = request.app[SERVICE]
    metrics = service.metrics
    name = route.path if route else ""
    metrics.requests.labels(name, _method(request), str(status)).inc()
    if route and not route.streams:
        metrics.request_duration.labels(name).observe(duration_s)
    tell = log.debug if request.path.startswith(QUIET) else log.info
    tell(
        "request",
        method=request.method,
        path=request.path,
        status=status,
        duration_s=round(duration_s, 4),
        remote=service.gatekeeper.address_of(request),
        request_id=request[REQUEST_ID],
    )


def _method(request: web.BaseRequest) -> str:
    """Return a method that is one of few: callers may send any word."""
    return request.method if request.method in hdrs.METH_ALL else "other"


@web.middleware
async def answer_preflights(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell browsers what pages of other origins may do; whether this one may, `finish` says."""
    if request.app[SERVICE].settings.cors_origins and cors.is_preflight(request):
        return cors.build_preflight()
    return await handler(request)


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever is raised into a problem; what nobody foresaw shows in the log alone."""
    try:
        return await handler(request)
    except ProblemError as e:
        problem = e
    except ApiError as e:
        problem = of_api_error(e)
        tell = log.warning if problem.status == UNAVAILABLE else log.info
        tell("the API server refused", error=e.message, request_id=request[REQUEST_ID])
    except web.HTTPException as e:
        if e.status < 400:  # noqa: PLR2004 - HTTP's own range: a redirect is no problem
            raise
        problem = of_http_error(e)
    except ConnectionError:  # the client left while it was answered
        raise
    except Exception:
        log.exception("request failed", path=request.path, request_id=request[REQUEST_ID])
        problem = ProblemError(500, "Something went wrong here; the log has this request's id.")
    return _respond(request, problem)


def _respond(request: web.Request, problem: ProblemError) -> web.Response:
    if request.get(BEGUN):
        # An answer is on its way already: all that is left is to break it off.
        if request.transport:
            request.transport.close()
        raise ConnectionResetError(problem.detail)
    route = request.get(ROUTE)
    return problem_response(
        problem,
        request,
        request_id=request[REQUEST_ID],
        error_key=route is not None and route.error_key,
    )


BEGUN = web.RequestKey("begun", bool)
"""Whether the head of an answer was sent."""


async def finish(request: web.Request, response: web.StreamResponse) -> None:
    """Set the headers that every answer has, streams' too, before its head is sent."""
    request[BEGUN] = True
    service = request.app[SERVICE]
    headers = response.headers
    for name, value in {**SECURITY, **request.get(EXTRA_HEADERS, {})}.items():
        headers.setdefault(name, value)
    headers.setdefault("Content-Security-Policy", NOTHING_LOADS)
    headers.setdefault(hdrs.CACHE_CONTROL, NO_STORE)
    headers[ID_HEADER] = request[REQUEST_ID] if REQUEST_ID in request else _request_id(request)
    headers.popall(hdrs.SERVER, None)
    cors.add_headers(request, response, service.settings.cors_origins)
    if service.drain.draining and not isinstance(response, web.WebSocketResponse):
        # The next request of this connection belongs to another replica.
        response.force_close()
        headers[hdrs.CONNECTION] = "close"
