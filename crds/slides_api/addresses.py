"""Which hosts and addresses of the network lead to the public, and which into a private network.

Pure: nothing is looked up here. Runner and operator both ask before they connect to what a caller
named (server-side request forgery).
"""

import ipaddress
import re
import unicodedata

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NUMERIC_PART = re.compile(r"(?i)(0x[0-9a-f]*|\d+)\Z")
# RFC 6761 (localhost), RFC 6762 (.local), and .internal, which ICANN reserved for private use in
# 2024 and under which clouds publish their metadata service.
_PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".home.arpa", ".svc")
_PROTOCOLS = ipaddress.IPv4Network("192.0.0.0/24")  # RFC 6890; Oracle's metadata is in it
_CGNAT = ipaddress.IPv4Network("100.64.0.0/10")  # RFC 6598
_AZURE = ipaddress.IPv4Address(
    "168.63.129.16"
)  # every Azure machine's platform, by a public number
_UNICAST = ipaddress.IPv6Network("2000::/3")  # RFC 4291: all that IANA gives out to the public
_COMPATIBLE = ipaddress.IPv6Network("::/96")  # RFC 4291 2.5.5.1, deprecated
_EXAMPLES = ipaddress.IPv6Network("3fff::/20")  # RFC 9637, which older Pythons do not know
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address


def refused_host(host: str) -> str | None:
    """Return why a host, as text, must not be connected to; None if nothing speaks against it."""
    plain = unicodedata.normalize("NFKC", host).replace("\u3002", ".").strip("[]").lower()
    plain = plain.rstrip(".").partition("%")[0]
    try:
        return refused_address(ipaddress.ip_address(plain))
    except ValueError:
        pass
    if _NUMERIC_PART.match(plain.rpartition(".")[2]):
        return "an IP address in an unusual notation"
    return _refused_name(plain)


def _refused_name(name: str) -> str | None:
    if name.endswith(_PRIVATE_SUFFIXES):
        return "a name of a private network"
    if "." not in name:
        return "a name without a domain, which only a private network resolves"
    return None


def refused_address(address: Address) -> str | None:
    """Return why an address must not be connected to; None for a public one."""
    if isinstance(address, ipaddress.IPv6Address) and (inner := _embedded(address)):
        return refused_address(inner)
    if address.is_loopback:
        return "a loopback address"
    if address.is_link_local:
        return "a link-local address, where clouds keep their metadata"
    if address == _AZURE:
        return "the address of a cloud's own platform"
    if address.is_multicast:
        return "a multicast address"
    if isinstance(address, ipaddress.IPv4Address) and address in _CGNAT:
        return "a carrier's private address"
    if address.is_reserved or address.is_unspecified:
        return "a reserved address"
    return None if address.is_global and _is_given_out(address) else "a private address"


def _is_given_out(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return address not in _PROTOCOLS
    return address in _UNICAST and address not in _EXAMPLES


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 one stands for, in any of the known notations."""
    if inner := address.ipv4_mapped or address.sixtofour:
        return inner
    if address.teredo:
        return address.teredo[1]
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None
