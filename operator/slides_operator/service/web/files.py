"""What pages load: their own files, and pictures and downloads out of the bucket.

Outputs come through the service: the store may be one that no browser reaches, links to it expire
while a page is open, and the page's policy can then name nobody else. What is large is sent away
to the store all the same.
"""

import mimetypes
from pathlib import PurePosixPath

from aiohttp import hdrs, web
from pydantic import BaseModel, Field

from slides_operator.kube.cache import Kind
from slides_operator.service.manifests import Finished
from slides_operator.service.problems import ProblemError
from slides_operator.service.records import Record
from slides_operator.service.routes import Access, Call, Route
from slides_operator.service.web.render import FOR_GOOD, HOME, assets, digest, see_other
from slides_operator.service.web.session import TAG

PICTURES = frozenset({"image/webp", "image/png", "image/jpeg"})
"""What is shown in a page; anything else is a download, since anybody may have edited it."""
PROXIED_BYTES = 8 * 1024 * 1024
"""Of a file that comes through the service; chosen: the PDF of a long talk is smaller."""
LINK_S = 300
"""How long a link to the store holds; chosen: a browser follows it at once."""
KEPT_BY_BROWSER = "private, max-age=86400, immutable"
"""Cache-Control of outputs whose address has their digest; a day, since they are somebody's."""
COVER_KEPT = "private, max-age=300"
NOTHING_RUNS = "default-src 'none'; frame-ancestors 'none'; sandbox"
"""Content-Security-Policy of what others wrote."""


class FileQuery(BaseModel):
    """Which version of a file is asked for."""

    v: str = Field(default="", description="Digest of the file: with it a browser may keep it.")


def find_talk(call: Call) -> Record:
    """Return the talk of the path. Raises ProblemError 404."""
    wanted = call.path("id")
    record = call.service.store.get(Kind.EXTRACTION, call.namespace, wanted)
    if record is None:
        raise ProblemError(404, f"There is no talk {wanted} in namespace {call.namespace}.")
    return record


async def show_asset(call: Call) -> web.Response:
    """Answer a file that pages load; kept for good under the digest that this version has."""
    asset = assets().get(call.path("name"))
    if asset is None:
        raise ProblemError(404, "There is no such file.")
    is_ours = call.path("digest") == digest()
    return web.Response(
        body=asset.body,
        content_type=asset.media_type,
        charset="utf-8",
        headers={hdrs.CACHE_CONTROL: FOR_GOOD} if is_ours else None,
    )


async def show_cover(call: Call) -> web.Response:
    """Answer the picture of the first slide."""
    await call.allow("get")
    finished = await call.service.manifests.of(find_talk(call))
    if not finished.manifest.slides:
        raise ProblemError(404, "The talk has no slides.")
    return await _send(call, finished, finished.manifest.slides[0].image.key, COVER_KEPT)


async def show_file(call: Call) -> web.Response:
    """Answer a picture or a download."""
    await call.allow("get")
    finished = await call.service.manifests.of(find_talk(call))
    return await _send(call, finished, call.path("key"), KEPT_BY_BROWSER if call.query.v else "")


async def _send(call: Call, finished: Finished, key: str, kept: str) -> web.Response:
    media_type, outputs = finished.media_type(key), call.service.outputs
    if finished.size_bytes(key) > PROXIED_BYTES:
        links = await outputs.links(finished.place, [key], expires_s=LINK_S)
        return see_other(links[key])
    body = await outputs.read(finished.place, key)
    headers = {"Content-Security-Policy": NOTHING_RUNS}
    if kept:
        headers[hdrs.CACHE_CONTROL] = kept
    if media_type not in PICTURES:
        name = PurePosixPath(key).name.encode("ascii", "replace").decode().replace('"', "_")
        headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="{name}"'
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return web.Response(body=body, content_type=media_type, headers=headers)


MISSING = {404: None, 409: None, 501: None, 502: None}
"""Where there is no result yet, it is kept elsewhere, or its store does not answer."""
ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path=f"{HOME}/static/{{digest}}/{{name}}",
        handler=show_asset,
        summary="Get a file of the page's own",
        tag=TAG,
        access=Access.OPEN,
        answers={200: "*/*", 404: None},
    ),
    Route(
        method="GET",
        path=f"{HOME}/talks/{{id}}/cover",
        handler=show_cover,
        summary="Get the picture of a talk's first slide",
        tag=TAG,
        access=Access.READ,
        answers={200: "image/*", **MISSING},
    ),
    Route(
        method="GET",
        path=f"{HOME}/talks/{{id}}/files/{{key:.+}}",
        handler=show_file,
        summary="Get a picture or a download of a talk",
        tag=TAG,
        access=Access.READ,
        query=FileQuery,
        answers={200: "*/*", 303: None, **MISSING},
    ),
)
