"""A host that a caller names is used only if every address of it is public."""

import pytest

from slides_operator.addresses import (
    HostRefusedError,
    HostUnknownError,
    LookUp,
    look_up,
    public_addresses,
)

PUBLIC = "93.184.215.14"


def dns(*addresses: str) -> LookUp:
    """Return a resolver that answers so to every name."""

    async def resolve(_host: str) -> list[str]:
        return list(addresses)

    return resolve


async def test_a_public_host_gives_all_its_addresses() -> None:
    found = await public_addresses("talks.example", resolve=dns(PUBLIC, "2606:4700::1111"))

    assert found == [PUBLIC, "2606:4700::1111"]


@pytest.mark.parametrize("private", ["127.0.0.1", "10.0.0.1", "fd00::1", "::ffff:169.254.169.254"])
async def test_one_private_address_among_public_ones_is_enough(private: str) -> None:
    with pytest.raises(HostRefusedError, match=f"resolves to {private}"):
        await public_addresses("rebind.example", resolve=dns(PUBLIC, private))


async def test_a_private_notation_is_not_even_looked_up() -> None:
    async def resolve(host: str) -> list[str]:
        raise AssertionError(host)

    with pytest.raises(HostRefusedError, match="unusual notation"):
        await public_addresses("0x7f.1", resolve=resolve)


async def test_private_addresses_pass_when_they_are_allowed() -> None:
    assert await public_addresses("127.0.0.1", allow_private=True) == ["127.0.0.1"]
    assert "127.0.0.1" in await public_addresses("localhost", allow_private=True)


async def test_a_name_that_nobody_knows_says_so() -> None:
    """`.invalid` never resolves (RFC 6761)."""
    with pytest.raises(HostUnknownError):
        await public_addresses("nobody.invalid")


@pytest.mark.parametrize("host", ["a..example.com", f"{'a' * 64}.example"])
async def test_what_is_no_name_is_an_unknown_host(host: str) -> None:
    with pytest.raises(OSError, match=r".+"):
        await look_up(host)
