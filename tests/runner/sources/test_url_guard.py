"""Which hosts and addresses are refused, and that connections go where was looked."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from slides_runner.errors import AddressRefusedError, BadUrlError
from slides_runner.sources.url_guard import (
    AddressGuard,
    guard_pools,
)

PUBLIC = "93.184.215.14"


@pytest.mark.parametrize("url", ["ftp://example.com/x", "http://", "https:///x", "//x/y", "x"])
def test_what_is_no_web_address_is_a_bad_url(url: str) -> None:
    with pytest.raises(BadUrlError):
        AddressGuard().check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://talks.example@127.0.0.1/",
        "http://talks.example#@127.0.0.1/",
        "http://127.0.0.1\\@talks.example/",
        "http://[::ffff:7f00:1]:80/",
    ],
)
def test_urls_that_hide_their_host_are_refused_or_lead_to_the_public_one(url: str) -> None:
    try:
        parsed = AddressGuard().check_url(url)
    except (AddressRefusedError, BadUrlError):
        return
    assert parsed.host == "talks.example"


def test_everything_passes_when_it_is_allowed() -> None:
    assert AddressGuard(allow_private=True).check_url("http://localhost:1/x").host == "localhost"


def test_a_refusal_shows_no_credentials() -> None:
    with pytest.raises(AddressRefusedError) as caught:
        AddressGuard().check_url("http://ann:geheim@10.0.0.1/?token=geheim")

    assert "geheim" not in str(caught.value)


def test_a_name_that_resolves_to_a_private_address_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolver = FakeDns(["127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", resolver)

    with pytest.raises(AddressRefusedError, match="resolves to 127"):
        _get("http://rebind.example:9/")


def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", FakeDns([PUBLIC, "10.0.0.1"]))

    with pytest.raises(AddressRefusedError):
        AddressGuard().resolve("rebind.example", 80)


def test_the_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that is public when looked at and private a moment later gains nothing."""
    dns = FakeDns([PUBLIC], then=["127.0.0.1"])
    tried: list[object] = []

    def connect(_: socket.socket, address: object) -> None:
        tried.append(address)
        raise ConnectionRefusedError

    with _listening() as port:
        monkeypatch.setattr(socket, "getaddrinfo", dns)
        monkeypatch.setattr(socket.socket, "connect", connect)
        with pytest.raises(urllib3.exceptions.NewConnectionError):
            _get(f"http://rebind.example:{port}/")

    assert tried == [(PUBLIC, port)]


def _get(url: str) -> None:
    with urllib3.PoolManager() as pools:
        guard_pools(pools)
        pools.request("GET", url, retries=False)


@contextlib.contextmanager
def _listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


class FakeDns:
    """The outside world's name service, which may change its mind."""

    def __init__(self, first: list[str], *, then: list[str] | None = None) -> None:
        self._answers = first
        self._then = then or first
        self._real = socket.getaddrinfo

    def __call__(self, host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if not str(host).endswith(".example"):
            return self._real(host, port, *args, **options)
        answers, self._answers = self._answers, self._then
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, int(port))) for address in answers
        ]
