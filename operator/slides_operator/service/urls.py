"""Checks of the URLs that callers name, before anybody connects to them (SSRF).

What connects looks again: the runner at each redirect, the operator at each delivery of a webhook.
Here the caller is told at once, and no Job starts.
"""

import asyncio
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from slides_api.v1alpha1.callback import LONGEST_CALLBACK_URL
from slides_api.v1alpha1.source import LONGEST_URL
from slides_operator.addresses import (
    HostRefusedError,
    HostUnknownError,
    LookUp,
    look_up,
    public_addresses,
)
from slides_operator.service.problems import ProblemError

LOOK_UPS = 16
"""Names that are looked up at once for one request: chosen, half of the threads that do it."""
WEB = ("http", "https")
HINT = "Give an http(s) URL, s3://bucket/key, youtube:ID or instagram:CODE."

# What parsers disagree about, so that a host could be hidden from one of them.
_ODD = re.compile(r"[\x00-\x20\x7f\\\u0080-\u00a0\u2028\u2029]")
_SHORTHANDS = re.compile(
    r"youtube:[A-Za-z0-9_-]{11}|instagram:[A-Za-z0-9_-]{5,64}"
    r"|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^\x00-\x1f\x7f]+"
)


async def check_url(
    url: str,
    *,
    allow_private: bool = False,
    resolve: LookUp = look_up,
    status: int = 422,
    web_only: bool = False,
) -> None:
    """Raise ProblemError unless a URL may be followed.

    `web_only` is for callbacks, where no shorthand means anything. A name that nobody resolves
    passes: behind an egress proxy only the proxy may know it, and whoever connects checks again.
    """
    longest = LONGEST_CALLBACK_URL if web_only else LONGEST_URL
    host = check_text(url, status=status, web_only=web_only, longest=longest)
    if host:
        await _check_host(url, host, allow_private=allow_private, resolve=resolve, status=status)


async def check_urls(
    urls: Iterable[str],
    *,
    allow_private: bool = False,
    resolve: LookUp = look_up,
    status: int = 422,
) -> None:
    """Raise ProblemError unless all sources may be followed; each host is looked up once."""
    hosts: dict[str, str] = {}
    for url in urls:
        hosts.setdefault(check_text(url, status=status), url)
    hosts.pop("", None)
    gate = asyncio.Semaphore(LOOK_UPS)

    async def check(host: str, url: str) -> None:
        async with gate:
            await _check_host(
                url, host, allow_private=allow_private, resolve=resolve, status=status
            )

    try:
        async with asyncio.TaskGroup() as group:
            for host, url in hosts.items():
                group.create_task(check(host, url))
    except* ProblemError as refusals:
        raise _first(refusals) from None


def check_text(
    url: str, *, status: int = 422, web_only: bool = False, longest: int = LONGEST_URL
) -> str:
    """Return the host that a URL leads to; empty for a shorthand. Raises ProblemError."""
    if len(url) > longest:
        raise ProblemError(status, f"A URL has at most {longest} characters.")
    if not web_only and _SHORTHANDS.fullmatch(url):
        return ""
    parts = _split(url)
    if parts is None or parts.scheme not in WEB or not parts.hostname:
        hint = "Give an http(s) URL." if web_only else HINT
        raise ProblemError(status, f"{shown(url)} cannot be followed. {hint}")
    if "@" in parts.netloc:
        raise ProblemError(
            status, f"{shown(url)} carries a user or password: those belong into a Secret."
        )
    return parts.hostname


def shown(url: str) -> str:
    """Return as much of a URL as may be repeated: no user, no password, no query."""
    plain = _ODD.sub("?", url)
    scheme, separator, rest = plain.partition("://")
    host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    return repr(f"{scheme}{separator}{host}"[:100])


def _split(url: str) -> SplitResult | None:
    if _ODD.search(url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is none
    except ValueError:
        return None
    return parts


async def _check_host(
    url: str, host: str, *, allow_private: bool, resolve: LookUp, status: int
) -> None:
    try:
        await public_addresses(host, allow_private=allow_private, resolve=resolve)
    except HostRefusedError as e:
        raise ProblemError(status, f"{shown(url)} is refused: {e}.") from e
    except HostUnknownError:
        return


def _first(group: BaseExceptionGroup[ProblemError]) -> ProblemError:
    one = group.exceptions[0]
    return _first(one) if isinstance(one, BaseExceptionGroup) else one
