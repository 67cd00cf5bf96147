"""One POST to an address that a user named: checked, bounded in time, and never redirected."""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from ipaddress import ip_address

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from slides_api import __version__
from slides_operator.addresses import (
    HostRefusedError,
    HostUnknownError,
    LookUp,
    look_up,
    public_addresses,
)
from slides_operator.errors import DeliveryError

TIMEOUT_S = 10.0
"""Chosen, in the range that Standard Webhooks recommends: name, connection and answer together."""
HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": f"slides-extractor/{__version__}",
}
GONE = "gone"
"""What an answer counts as that wants no other attempt."""
HINT = "The operator's ALLOW_PRIVATE_CALLBACKS allows private ones."


class _Resolver(AbstractResolver):
    """Gives only addresses that were checked: aiohttp connects to these very ones."""

    def __init__(self, *, allow_private: bool, resolve: LookUp) -> None:
        self._allow_private = allow_private
        self._resolve = resolve

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - aiohttp's signature
    ) -> list[ResolveResult]:
        """Return all addresses of a host. Raises HostRefusedError, HostUnknownError."""
        try:
            found = await public_addresses(
                host, allow_private=self._allow_private, resolve=self._resolve
            )
        except HostRefusedError as e:
            # Whoever may only name a URL is not to learn the addresses of a private network.
            raise HostRefusedError("its name leads into a private network") from e
        return [_result(host, port, address) for address in found]

    async def close(self) -> None:
        """Nothing is open."""


def _result(host: str, port: int, address: str) -> ResolveResult:
    version = ip_address(address).version
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET if version == 4 else socket.AF_INET6,  # noqa: PLR2004 - IP's own
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST,
    )


class Sender:
    """Posts to whoever a resource names."""

    def __init__(self, session: aiohttp.ClientSession, *, allow_private: bool) -> None:
        self._session = session
        self._allow_private = allow_private

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the status with which the receiver took it.

        Raises DeliveryError when it did not.
        """
        try:
            await self._check_text(url)
            async with self._session.post(
                url, data=body, headers={**HEADERS, **headers}, allow_redirects=False
            ) as answer:
                return _judge(answer)
        except TimeoutError as e:
            raise DeliveryError(
                f"There was no answer within {TIMEOUT_S:.0f} s.", result="timeout"
            ) from e
        except HostRefusedError as e:
            raise DeliveryError(f"The address is refused: {e}. {HINT}", result="address") from e
        except HostUnknownError as e:
            raise DeliveryError(f"The host's name is not known: {e}.", result="unreachable") from e
        except (aiohttp.ClientError, OSError, ValueError) as e:  # ValueError: no URL after all
            raise DeliveryError(
                f"The receiver cannot be reached: {_name(e)}.", result="unreachable"
            ) from e

    async def _check_text(self, url: str) -> None:
        """Refuse a private host by its name, and an address: no resolver is asked about those."""
        await public_addresses(
            URL(url).host or "", allow_private=self._allow_private, resolve=_as_it_is
        )


async def _as_it_is(_: str) -> list[str]:
    return []


def _name(error: Exception) -> str:
    """Return what kind of error it is; its text may repeat the URL, with what only users know."""
    cause = getattr(error, "os_error", None)
    strerror = getattr(cause or error, "strerror", None)
    return f"{type(error).__name__}, {strerror}" if strerror else type(error).__name__


def _judge(answer: aiohttp.ClientResponse) -> int:
    code = answer.status
    if HTTPStatus.OK <= code < HTTPStatus.MULTIPLE_CHOICES:
        return code
    said = f"The receiver answered {code} {_phrase(code)}".rstrip()
    if code == HTTPStatus.GONE:
        raise DeliveryError(f"{said}: it wants no more.", result=GONE, code=code)
    if HTTPStatus.MULTIPLE_CHOICES <= code < HTTPStatus.BAD_REQUEST:
        raise DeliveryError(f"{said}: redirects are not followed.", result="redirect", code=code)
    raise DeliveryError(
        f"{said}.",
        result="refused",
        code=code,
        retry_after=read_retry_after(answer.headers.get("Retry-After", ""), datetime.now(UTC)),
    )


def _phrase(code: int) -> str:
    return HTTPStatus(code).phrase if code in set(HTTPStatus) else ""


def read_retry_after(text: str, now: datetime) -> timedelta:
    """Return how long a receiver asks for patience; nothing where it says nothing readable."""
    if text.isdecimal():
        return timedelta(seconds=min(int(text), 10**9))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return timedelta()
    return max(timedelta(), moment.replace(tzinfo=moment.tzinfo or UTC) - now)


@asynccontextmanager
async def open_sender(
    *, allow_private: bool, resolve: LookUp = look_up, timeout_s: float = TIMEOUT_S
) -> AsyncIterator[Sender]:
    """Open what all attempts are posted with; each gets a connection of its own."""
    connector = aiohttp.TCPConnector(
        resolver=_Resolver(allow_private=allow_private, resolve=resolve),
        use_dns_cache=False,
        force_close=True,
        limit=0,  # the deliveries bound themselves
    )
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,  # behind a proxy, which resolves anew, nothing could be checked
    ) as session:
        yield Sender(session, allow_private=allow_private)
