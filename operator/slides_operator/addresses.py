"""Where a host that a caller names leads to: all of its addresses, or why none may be used."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable

from slides_api.addresses import refused_address, refused_host

LookUp = Callable[[str], Awaitable[list[str]]]
"""Gives all addresses of a name. Raises OSError where there is none."""
LOOK_UP_LIMIT_S = 5.0
"""Chosen: one lost packet and its repetition; a caller waits for the answer."""


class HostRefusedError(Exception):
    """A host leads into a private network; the message says how, without naming the host."""


class HostUnknownError(Exception):
    """A host has no address now."""


async def look_up(host: str) -> list[str]:
    """Return all addresses of a name, as this machine resolves it. Raises OSError."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOK_UP_LIMIT_S):
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as e:  # a label that is empty or too long for DNS
        raise OSError(str(e)) from e
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def public_addresses(
    host: str, *, allow_private: bool = False, resolve: LookUp = look_up
) -> list[str]:
    """Return the addresses that a host may be reached at: connect to these, and never ask again.

    One private address among them refuses the host. Raises HostRefusedError, HostUnknownError.
    """
    host = host.strip("[]")
    if not allow_private and (why := refused_host(host)):
        raise HostRefusedError(why)
    try:
        addresses = await resolve(host)
    except OSError as e:  # TimeoutError is one
        raise HostUnknownError(str(e) or "no answer in time") from e
    for address in addresses if not allow_private else ():
        if why := refused_address(ipaddress.ip_address(address)):
            raise HostRefusedError(f"it resolves to {address}, {why}")
    return addresses
