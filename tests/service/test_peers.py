"""The address that a request comes from, with and without proxies of one's own on the way."""

import ipaddress

import pytest

from slides_operator.service.peers import bucket_of, peer_address

OURS = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("remote", "forwarded", "want"),
    [
        pytest.param("203.0.113.7", [], "203.0.113.7", id="direct"),
        pytest.param("203.0.113.7", ["1.2.3.4"], "203.0.113.7", id="a stranger's word"),
        pytest.param("10.0.0.1", ["203.0.113.7"], "203.0.113.7", id="one proxy"),
        pytest.param("10.0.0.1", ["1.2.3.4, 203.0.113.7"], "203.0.113.7", id="forged before"),
        pytest.param("10.0.0.1", ["203.0.113.7, 10.0.0.2"], "203.0.113.7", id="two proxies"),
        pytest.param("10.0.0.1", ["203.0.113.7", "10.0.0.2"], "203.0.113.7", id="two headers"),
        pytest.param("fd00::1", ["2001:4860::8"], "2001:4860::8", id="IPv6"),
        pytest.param("10.0.0.1", ["unknown"], "unknown", id="no address"),
        pytest.param("10.0.0.1", [], "10.0.0.1", id="a proxy that says nothing"),
        pytest.param("10.0.0.1", ["10.0.0.2"], "10.0.0.2", id="all are ours"),
        pytest.param(None, [], "", id="a socket without an address"),
    ],
)
def test_the_last_address_that_is_not_ours_counts(
    remote: str | None, forwarded: list[str], want: str
) -> None:
    assert peer_address(remote, forwarded, OURS) == want


@pytest.mark.parametrize(
    ("address", "want"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:4860:1:2:3:4:5:6", "2001:4860:1:2::/64"),
        ("", ""),
        ("x" * 100, "x" * 64),
    ],
)
def test_what_one_customer_can_use_counts_as_one(address: str, want: str) -> None:
    assert bucket_of(address) == want
