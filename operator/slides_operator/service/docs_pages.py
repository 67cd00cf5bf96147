"""The API's description, for programs as /openapi.json and for people as /docs and /redoc."""

import asyncio
import gzip
import html
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from aiohttp import hdrs, web

from slides_operator.service.openapi import build_document
from slides_operator.service.problems import ProblemError
from slides_operator.service.routes import JSON, Access, Call, Route

TAG = "Documentation"
STATIC = Path(__file__).parent / "static"
HTML = "text/html"
SCRIPT, STYLE = "text/javascript", "text/css"
ASSETS: dict[str, tuple[str, str]] = {
    "swagger-ui-bundle.js": ("vendor/swagger-ui/swagger-ui-bundle.js.gz", SCRIPT),
    "swagger-ui.css": ("vendor/swagger-ui/swagger-ui.css.gz", STYLE),
    "redoc.standalone.js": ("vendor/redoc/redoc.standalone.js.gz", SCRIPT),
    "swagger.js": ("docs/swagger.js", SCRIPT),
    "redoc.js": ("docs/redoc.js", SCRIPT),
    "page.css": ("docs/page.css", STYLE),
}
"""Files by the name that pages know them by, with what they are."""
MAX_AGE = "max-age=3600"
"""Chosen: a visit loads them once; an upgrade is seen within the hour."""
EMPTY_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
"""Of no text at all: ReDoc makes empty style elements, and fills them by the object model."""
REDOC_STYLE = "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='"
"""Of the one style that ReDoc brings as text, for its scroll bars: another with each version, and
the browser names it where it is wrong."""
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:;"
    f" style-src 'self' {EMPTY_STYLE} {REDOC_STYLE}; frame-ancestors 'none'; base-uri 'none';"
    " form-action 'none'"
)
PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
{styles}
</head>
<body>
<div id="docs"></div>
{scripts}
</body>
</html>
"""

DOCUMENT = web.AppKey("document", bytes)


def write_document(routes: Sequence[Route], *, title: str) -> bytes:
    """Return the document that `/openapi.json` answers with."""
    return json.dumps(build_document(routes, title=title)).encode()


async def read_document(call: Call) -> web.Response:
    """Answer the document."""
    return web.Response(body=call.request.app[DOCUMENT], content_type=JSON)


async def show_swagger(call: Call) -> web.Response:
    """Answer the page of Swagger UI."""
    return _page(call, styles=["swagger-ui.css"], scripts=["swagger-ui-bundle.js", "swagger.js"])


async def show_redoc(call: Call) -> web.Response:
    """Answer the page of ReDoc."""
    return _page(call, styles=["page.css"], scripts=["redoc.standalone.js", "redoc.js"])


def _page(call: Call, *, styles: Sequence[str], scripts: Sequence[str]) -> web.Response:
    text = PAGE.format(
        title=html.escape(call.service.settings.app_name),
        styles="\n".join(f'<link rel="stylesheet" href="docs/assets/{name}">' for name in styles),
        scripts="\n".join(f'<script src="docs/assets/{name}"></script>' for name in scripts),
    )
    return web.Response(text=text, content_type=HTML, headers={"Content-Security-Policy": POLICY})


async def read_asset(call: Call) -> web.Response:
    """Answer a file of the pages; what is kept compressed goes out so to whoever takes it."""
    found = ASSETS.get(call.path("name"))
    if found is None:
        raise ProblemError(404, "There is nothing at this path.")
    path, content_type = found
    content = _read(path)
    headers = {hdrs.CACHE_CONTROL: MAX_AGE, hdrs.VARY: hdrs.ACCEPT_ENCODING}
    if path.endswith(".gz"):
        if "gzip" in call.request.headers.get(hdrs.ACCEPT_ENCODING, ""):
            headers[hdrs.CONTENT_ENCODING] = "gzip"
        else:
            content = await asyncio.to_thread(gzip.decompress, content)
    return web.Response(body=content, content_type=content_type, charset="utf-8", headers=headers)


@cache
def _read(path: str) -> bytes:
    return (STATIC / path).read_bytes()


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/openapi.json",
        handler=read_document,
        summary="This description, as OpenAPI 3.1",
        tag=TAG,
        access=Access.OPEN,
        answers={200: JSON},
    ),
    Route(
        method="GET",
        path="/docs",
        handler=show_swagger,
        summary="This description as a page to try things on (Swagger UI)",
        tag=TAG,
        access=Access.OPEN,
        answers={200: HTML},
    ),
    Route(
        method="GET",
        path="/redoc",
        handler=show_redoc,
        summary="This description as a page to read (ReDoc)",
        tag=TAG,
        access=Access.OPEN,
        answers={200: HTML},
    ),
    Route(
        method="GET",
        path="/docs/assets/{name}",
        handler=read_asset,
        summary="A file of those pages",
        tag=TAG,
        access=Access.OPEN,
        answers={200: "*/*", 404: None},
    ),
)
