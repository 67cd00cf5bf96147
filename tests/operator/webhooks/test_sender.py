"""POSTs over real HTTP: what is taken, what is refused, and where nothing is sent at all."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from slides_operator.errors import DeliveryError
from slides_operator.webhooks.sender import Sender, open_sender, read_retry_after
from tests.operator.webhooks.receiver import Receiver, run_receiver

BODY = b'{"type": "slideextraction.completed"}'


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with run_receiver() as made:
        yield made


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    """One that may send to this machine."""
    async with open_sender(allow_private=True, timeout_s=1) as made:
        yield made


async def fail(sender: Sender, url: str) -> DeliveryError:
    with pytest.raises(DeliveryError) as failed:
        await sender.post(url, BODY, {"webhook-id": "msg_1"})
    return failed.value


async def test_posts_the_body_with_its_headers(receiver: Receiver, sender: Sender) -> None:
    assert await sender.post(receiver.url, BODY, {"webhook-id": "msg_1"}) == 200

    ((headers, body),) = receiver.received
    assert body == BODY
    assert headers["webhook-id"] == "msg_1"
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"].startswith("slides-extractor/")


@pytest.mark.parametrize(
    ("status", "result", "message"),
    [
        pytest.param(400, "refused", "400 Bad Request", id="rejects"),
        pytest.param(500, "refused", "500 Internal Server Error", id="fails"),
        pytest.param(599, "refused", "answered 599.", id="has its own status"),
        pytest.param(410, "gone", "wants no more", id="is gone"),
        pytest.param(302, "redirect", "redirects are not followed", id="redirects"),
        pytest.param(304, "redirect", "304", id="has nothing new"),
    ],
)
async def test_what_is_not_taken(
    status: int, result: str, message: str, receiver: Receiver, sender: Sender
) -> None:
    elsewhere = {"Location": receiver.url.replace("/hook", "/elsewhere")} if status == 302 else {}
    receiver.answers = [(status, elsewhere)]

    error = await fail(sender, receiver.url)

    assert (error.kind, error.code) == (result, status)
    assert message in error.message
    assert len(receiver.received) == 1, "nothing follows a redirect"


async def test_patience_that_is_asked_for_is_read(receiver: Receiver, sender: Sender) -> None:
    receiver.answers = [(503, {"Retry-After": "120"})]

    assert (await fail(sender, receiver.url)).retry_after == timedelta(seconds=120)


@pytest.mark.parametrize(
    ("text", "want_s"),
    [
        pytest.param("", 0, id="nothing"),
        pytest.param("7", 7, id="seconds"),
        pytest.param("soon", 0, id="no time"),
        pytest.param("Fri, 01 Jan 2027 12:01:00 GMT", 60, id="a date"),
        pytest.param("Fri, 01 Jan 2027 11:00:00 GMT", 0, id="a date that is over"),
        pytest.param("9" * 30, 10**9, id="for ever"),
    ],
)
def test_retry_after(text: str, want_s: float) -> None:
    now = datetime(2027, 1, 1, 12, tzinfo=UTC)

    assert read_retry_after(text, now).total_seconds() == want_s


async def test_nobody_listens(receiver: Receiver, sender: Sender) -> None:
    error = await fail(sender, "http://127.0.0.1:1/hook?token=hidden")

    assert error.kind == "unreachable"
    assert "hidden" not in error.message


async def test_silence_ends_the_attempt(sender: Sender) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        error = await fail(sender, f"http://127.0.0.1:{port}/hook")

    assert error.kind == "timeout"


@pytest.mark.parametrize(
    ("host", "resolved"),
    [
        pytest.param("127.0.0.1", [], id="loopback, written out"),
        pytest.param("[::1]", [], id="loopback of IPv6, written out"),
        pytest.param("[::ffff:127.0.0.1]", [], id="IPv4 in IPv6"),
        pytest.param("127.1", ["127.0.0.1"], id="short notation"),
        pytest.param("2130706433", ["127.0.0.1"], id="a number"),
        pytest.param("localhost", ["127.0.0.1"], id="localhost"),
        pytest.param("hooks.example.com", ["127.0.0.1"], id="a name that leads here"),
        pytest.param("hooks.example.com", ["93.184.215.14", "10.0.0.7"], id="one private of two"),
        pytest.param("hooks.example.com", ["169.254.169.254"], id="a cloud's metadata"),
        pytest.param("receiver.default.svc", ["10.96.0.9"], id="a service of the cluster"),
    ],
)
async def test_private_addresses_are_refused(
    host: str, resolved: list[str], receiver: Receiver
) -> None:
    async def resolve(_: str) -> list[str]:
        return resolved

    async with open_sender(allow_private=False, resolve=resolve, timeout_s=1) as sender:
        error = await fail(sender, f"http://{host}:{receiver.port}/hook")

    assert error.kind == "address"
    assert "ALLOW_PRIVATE_CALLBACKS" in error.message
    if host == "hooks.example.com":
        assert not any(address in error.message for address in resolved), "nobody learns of these"
    assert receiver.received == []


async def test_connects_to_the_address_that_was_checked(receiver: Receiver) -> None:
    """A name that leads elsewhere a moment later gains nothing: it is asked for once."""
    asked: list[str] = []

    async def resolve(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    async with open_sender(allow_private=True, resolve=resolve) as sender:
        await sender.post(f"http://hooks.example.com:{receiver.port}/hook", BODY, {})

    ((headers, _),) = receiver.received
    assert asked == ["hooks.example.com"]
    assert headers["Host"].startswith("hooks.example.com")


@pytest.mark.parametrize("url", ["https://[::1/hook", "https://a.example:99999999/", "http://"])
async def test_what_is_no_url_after_all(url: str, sender: Sender) -> None:
    assert (await fail(sender, url)).kind == "unreachable"


async def test_unknown_name(receiver: Receiver) -> None:
    async def resolve(_: str) -> list[str]:
        raise OSError("no such name")

    async with open_sender(allow_private=False, resolve=resolve) as sender:
        error = await fail(sender, "https://hooks.example.com/hook")

    assert error.kind == "unreachable"
