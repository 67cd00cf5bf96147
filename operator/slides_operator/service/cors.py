"""Which pages of other origins may call, by CORS_ORIGINS."""

from collections.abc import Collection

from aiohttp import hdrs, web

METHODS = "GET, POST, DELETE"
REQUEST_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-API-Key, X-Request-ID"
)
EXPOSED_HEADERS = (
    "Location, RateLimit, RateLimit-Limit, RateLimit-Policy, RateLimit-Remaining, RateLimit-Reset,"
    " Retry-After, X-Request-ID"
)
MAX_AGE_S = 600
"""Chosen: most browsers keep a preflight no longer than ten minutes."""
ANY = "*"


def is_preflight(request: web.BaseRequest) -> bool:
    """Return whether a browser asks what a page may do."""
    asked = hdrs.ORIGIN in request.headers
    named = hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    return request.method == hdrs.METH_OPTIONS and asked and named


def build_preflight() -> web.Response:
    """Return the answer to a preflight; `add_headers` says for which origin."""
    return web.Response(
        status=204,
        headers={
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: METHODS,
            hdrs.ACCESS_CONTROL_ALLOW_HEADERS: REQUEST_HEADERS,
            hdrs.ACCESS_CONTROL_MAX_AGE: str(MAX_AGE_S),
        },
    )


def add_headers(
    request: web.BaseRequest, response: web.StreamResponse, origins: Collection[str]
) -> None:
    """Let a page of an allowed origin read the answer; cookies are never taken from one."""
    if not origins:
        return
    if ANY not in origins:
        response.headers.add(hdrs.VARY, hdrs.ORIGIN)
    origin = request.headers.get(hdrs.ORIGIN)
    if not origin or not allows(origin, origins):
        return
    response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = ANY if ANY in origins else origin
    response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = EXPOSED_HEADERS


def allows(origin: str, origins: Collection[str]) -> bool:
    """Return whether pages of an origin may call."""
    return ANY in origins or origin in origins
