"""Templates as HTML, the files beside them, and the headers that hold for both."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aiohttp import hdrs, web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

FOLDER = Path(__file__).parent
HOME = "/ui"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy of every page: nothing from elsewhere, nothing inline."""
HTML = "text/html"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOR_GOOD = "public, max-age=31536000, immutable"
"""Cache-Control of what has its digest in its address; a year is what HTTP's authors advise."""
DIGEST_DIGITS = 12


@dataclass(frozen=True)
class Asset:
    """A file that pages load."""

    body: bytes
    media_type: str


@dataclass(frozen=True)
class Site:
    """What every page shows around its own content."""

    name: str
    home: str = HOME
    new: str = f"{HOME}/new"
    person: bool = False
    """Whether somebody is signed in, or nobody has to be."""
    may_sign_out: bool = False


@cache
def assets() -> Mapping[str, Asset]:
    """Return the files by name."""
    return {
        path.name: Asset(path.read_bytes(), MEDIA_TYPES[path.suffix])
        for path in sorted((FOLDER / "static").iterdir())
        if path.suffix in MEDIA_TYPES
    }


@cache
def digest() -> str:
    """Return what changes whenever any of the files does: modules import each other."""
    content = b"".join(asset.body for asset in assets().values())
    return hashlib.sha256(content).hexdigest()[:DIGEST_DIGITS]


def asset_path(name: str) -> str:
    """Return the address of a file."""
    return f"{HOME}/static/{digest()}/{name}"


@cache
def environment() -> Environment:
    """Return the templates; all that they are given is escaped."""
    return Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(template: str, site: Site, *, status: int = 200, **content: object) -> web.Response:
    """Return a page."""
    text = (
        environment()
        .get_template(template)
        .render(site=site, asset=asset_path, status=status, **content)
    )
    body = text.encode(errors="replace")  # titles may hold half a surrogate pair
    return web.Response(
        body=body,
        status=status,
        content_type=HTML,
        charset="utf-8",
        headers={"Content-Security-Policy": POLICY, hdrs.CACHE_CONTROL: "no-store"},
    )


def unchanged(mark: str) -> web.Response:
    """Return the answer to a browser that has the page as it is: it costs no rendering."""
    return web.Response(status=304, headers=marks(mark))


def marks(mark: str) -> dict[str, str]:
    """Return the headers of a page that browsers keep and ask about again."""
    # A 304's headers replace those that the browser has kept, the policy too.
    return {
        hdrs.ETAG: mark,
        hdrs.CACHE_CONTROL: "private, no-cache",
        "Content-Security-Policy": POLICY,
    }


def see_other(place: str) -> web.Response:
    """Return the answer to a form that was obeyed: a browser reads the place, and may reload it."""
    return web.Response(status=303, headers={hdrs.LOCATION: place})
