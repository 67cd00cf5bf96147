"""The address that a request comes from. Pure."""

import ipaddress
from collections.abc import Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

ONE_CUSTOMER = 64
"""Bits that an IPv6 customer's addresses share (RFC 6177): each may use all the others."""


def peer_address(remote: str | None, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Return the last address on a request's way that is none of our own proxies.

    `forwarded` are its X-Forwarded-For headers. Anyone may write what stands left of the first
    address that is not ours.
    """
    way = [*(part.strip() for header in forwarded for part in header.split(",")), remote or ""]
    address = way.pop()
    while way and _is_one_of(address, trusted):
        address = way.pop()
    return address


def bucket_of(address: str) -> str:
    """Return what is counted as one address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed), ONE_CUSTOMER), strict=False))


def _is_one_of(address: str, networks: Sequence[Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
