"""One attempt: what it says, with which key it is signed, and when nothing is sent."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest
from standardwebhooks import Webhook

from slides_operator.errors import ApiError, NotFoundError, UnreachableError
from slides_operator.extraction.callback import Delivery
from slides_operator.kube.cache import Cache, Key, Kind
from slides_operator.metrics import Metrics
from slides_operator.webhooks.postman import Postman
from slides_operator.webhooks.sender import open_sender
from tests.operator.webhooks.receiver import Receiver, run_receiver
from tests.operator.worlds import (
    ago,
    build_extraction,
    build_row,
    build_settings,
    build_status,
)

if TYPE_CHECKING:
    from slides_operator.kube.cluster import Cluster

Json = dict[str, Any]
KEY = Key(Kind.EXTRACTION, "default", "talk")
SIGNING_KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
SECRET = {"webhook-secret": base64.b64encode(SIGNING_KEY.encode()).decode()}
USUAL = "slides-extractor-webhook"


class Secrets:
    """Stands in for `Cluster`: its one method that is called."""

    def __init__(self, **secrets: Json | ApiError) -> None:
        self.secrets = secrets
        self.asked: list[str] = []

    async def secret(self, namespace: str, name: str) -> Json:
        self.asked.append(name)
        found = self.secrets.get(name.replace("-", "_"), NotFoundError("no such Secret"))
        if isinstance(found, ApiError):
            raise found
        return found


class World:
    """A resource that ended, its receiver, and the Secrets of its namespace."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.cache = Cache()
        self.metrics = Metrics()
        self.delivery = Delivery(receiver.url, "msg_1", 1)
        self.secrets = Secrets()
        self.readable: tuple[str, ...] = (USUAL,)

    def put(self, secret: str = "", **meta: Any) -> None:
        ref = {"secretRef": {"name": secret}} if secret else {}
        told = {"id": "msg_1", "attempts": 0, "nextAttemptAt": ago(1)}
        row = build_row(1, "Completed")
        status = build_status(
            row, reason="Completed", status="True", completionTime=ago(9), callback=told
        )
        status["phase"] = "Completed"
        spec = {"callback": {"url": self.receiver.url} | ref}
        self.cache.put(build_extraction(spec=spec, status=status, **meta))

    async def deliver(self) -> Any:
        settings = build_settings(webhook_secret_names=self.readable)
        async with open_sender(allow_private=True) as sender:
            postman = Postman(
                sender,
                cast("Cluster", self.secrets),
                self.cache,
                settings,
                self.metrics,
                now=lambda: datetime.now(UTC),
            )
            return await postman.deliver(KEY, self.delivery)

    def counted(self, result: str) -> float | None:
        labels = {"result": result}
        return self.metrics.registry.get_sample_value(
            "slides_operator_webhook_attempts_total", labels
        )


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with run_receiver() as receiver:
        yield World(receiver)


async def test_the_end_is_told_and_signed(world: World) -> None:
    world.secrets.secrets[USUAL.replace("-", "_")] = SECRET
    world.put()

    tried = await world.deliver()

    ((headers, body),) = world.receiver.received
    told = Webhook(SIGNING_KEY).verify(body, headers)
    assert (told["type"], told["data"]["name"]) == ("slideextraction.completed", "talk")
    assert headers["webhook-id"] == "msg_1"
    assert (tried.id, tried.attempt, tried.code, tried.error) == ("msg_1", 1, 200, "")
    assert world.counted("delivered") == 1


async def test_a_named_secret_is_taken(world: World) -> None:
    world.readable = (USUAL, "mine")
    world.secrets.secrets["mine"] = SECRET
    world.put(secret="mine")

    assert (await world.deliver()).error == ""
    assert world.secrets.asked == ["mine"]
    assert "webhook-signature" in {name.lower() for name, _ in headers_of(world)}


def headers_of(world: World) -> list[tuple[str, str]]:
    ((headers, _),) = world.receiver.received
    return list(headers.items())


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(NotFoundError("no such Secret", status=404), id="absent"),
        pytest.param(ApiError("it cannot get secrets", status=403), id="not for the operator"),
    ],
)
async def test_without_the_usual_secret_it_is_sent_unsigned(answer: ApiError, world: World) -> None:
    world.secrets.secrets[USUAL.replace("-", "_")] = answer
    world.put()

    assert (await world.deliver()).error == ""
    assert "webhook-signature" not in {name.lower() for name, _ in headers_of(world)}


@pytest.mark.parametrize(
    ("name", "answer", "message"),
    [
        pytest.param("mine", NotFoundError("no such Secret"), "cannot be read", id="absent"),
        pytest.param("mine", {}, "it has no webhook-secret", id="without the key"),
        pytest.param("db-password", SECRET, "WEBHOOK_SECRET_NAMES", id="none that may be read"),
        pytest.param("", UnreachableError("no answer"), "cannot be read", id="no answer"),
    ],
)
async def test_what_should_be_signed_is_never_sent_without(
    name: str, answer: Json | ApiError, message: str, world: World
) -> None:
    world.readable = (USUAL, "mine")
    world.secrets.secrets[(name or USUAL).replace("-", "_")] = answer
    world.put(secret=name)

    tried = await world.deliver()

    assert message in tried.error
    assert world.receiver.received == []
    assert world.counted("secret") == 1
    assert "db-password" not in world.secrets.asked


async def test_one_that_is_being_deleted_is_not_told_of(world: World) -> None:
    world.put(deletionTimestamp=ago(1))

    assert await world.deliver() is None
    assert world.receiver.received == []


async def test_another_end_is_not_told_of(world: World) -> None:
    world.put()
    world.delivery = Delivery(world.receiver.url, "msg_2", 1)

    assert await world.deliver() is None
    assert world.receiver.received == []


async def test_a_receiver_that_is_gone_wants_no_other_attempt(world: World) -> None:
    world.receiver.answers = [(410, {})]
    world.put()

    tried = await world.deliver()

    assert (tried.final, tried.code) == (True, 410)


async def test_a_bug_counts_as_an_attempt(world: World) -> None:
    world.put()
    obj = world.cache.extraction(KEY)
    assert obj is not None
    del obj["status"]["phase"]
    obj["metadata"]["resourceVersion"] = "8"
    world.cache.put(obj)

    assert "see its log" in (await world.deliver()).error
    assert world.counted("bug") == 1


async def test_what_is_sent_is_json(world: World) -> None:
    world.put()
    await world.deliver()

    ((_, body),) = world.receiver.received
    assert json.loads(body)["data"]["job_id"]
