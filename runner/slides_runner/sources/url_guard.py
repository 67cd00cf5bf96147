"""Refusing URLs that lead into private networks (server-side request forgery).

Three gates: the URL as text, every redirect target, and every address that a name resolves to. Our
own connections go to the very address that was checked, so a name that resolves differently a
moment later (DNS rebinding) gains nothing. Behind an egress proxy the proxy resolves: there the
text alone can be checked.
"""

import ipaddress
import socket
from dataclasses import dataclass
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
)
from urllib3.util import Url, parse_url
from urllib3.util.connection import create_connection

from slides_api.addresses import refused_address, refused_host
from slides_runner.errors import AddressRefusedError, BadUrlError
from slides_runner.sources.redaction import public_url

_HINT = "If this address is meant, set ALLOW_PRIVATE_ADDRESSES=true."


@dataclass(frozen=True)
class AddressGuard:
    """Decides which URLs, hosts and addresses may be connected to."""

    allow_private: bool = False

    def check_url(self, url: str) -> Url:
        """Return the parsed http(s) URL if it may be followed, as far as its text tells.

        Raises BadUrlError for another scheme or no host, AddressRefusedError for a private host.
        """
        parsed = _parse(url)
        if not self.allow_private and (why := refused_host(parsed.host or "")):
            raise _refusal(public_url(url), why)
        return parsed

    def resolve(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host, all of them checked.

        Raises AddressRefusedError when any is private, socket.gaierror when there is none.
        """
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
        for address in addresses if not self.allow_private else ():
            if why := refused_address(ipaddress.ip_address(address)):
                raise _refusal(host, f"it resolves to {address}, {why}")
        return addresses


def _parse(url: str) -> Url:
    try:
        parsed = parse_url(url)
    except LocationParseError as error:
        raise _bad_url(url) from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise _bad_url(url)
    return parsed


def _bad_url(url: str) -> BadUrlError:
    return BadUrlError(
        f"{public_url(url)!r} is not an http(s) URL.",
        hint="Give a whole URL: https://host/path.",
    )


def _refusal(what: str, why: str) -> AddressRefusedError:
    return AddressRefusedError(f"{what} is refused: {why}.", hint=_HINT)


def _connect(connection: HTTPConnection) -> socket.socket:
    """Open a socket to the first of the checked addresses that answers."""
    try:
        addresses = AddressGuard().resolve(connection.host, connection.port or 0)
    except (socket.gaierror, UnicodeError) as error:
        failure = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
        raise NameResolutionError(connection.host, connection, failure) from error
    return _first_to_answer(connection, addresses)


def _first_to_answer(connection: HTTPConnection, addresses: list[str]) -> socket.socket:
    failure: OSError = OSError("no address")
    for address in addresses:
        try:
            return create_connection(
                (address, connection.port or 0),
                connection.timeout,
                source_address=connection.source_address,
                socket_options=connection.socket_options,
            )
        except OSError as error:
            failure = error
    if isinstance(failure, TimeoutError):
        raise ConnectTimeoutError(connection, f"{connection.host} does not answer") from failure
    raise NewConnectionError(connection, f"no connection: {failure}") from failure


class GuardedHTTPConnection(HTTPConnection):
    """A connection that opens only to public addresses."""

    def _new_conn(self) -> socket.socket:
        return _connect(self)


class GuardedHTTPSConnection(HTTPSConnection):
    """A TLS connection that opens only to public addresses."""

    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _GuardedHTTPPool(HTTPConnectionPool):
    ConnectionCls: Any = GuardedHTTPConnection


class _GuardedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls: Any = GuardedHTTPSConnection


def guard_pools(manager: PoolManager) -> None:
    """Make a pool manager that connects directly open connections to public addresses only."""
    pools: dict[str, Any] = {"http": _GuardedHTTPPool, "https": _GuardedHTTPSPool}
    manager.pool_classes_by_scheme = pools
