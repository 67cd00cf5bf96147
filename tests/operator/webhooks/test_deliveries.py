"""Attempts side by side: one for each resource, few to a host, and none that outlives its end."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pytest

from slides_operator.extraction.callback import Delivery, Tried
from slides_operator.kube.cache import Key, Kind
from slides_operator.webhooks import Deliveries
from slides_operator.webhooks.deliveries import AT_ONCE, PER_HOST

NOW = datetime(2027, 1, 1, tzinfo=UTC)


class Post:
    """Makes attempts that end when a test says so."""

    def __init__(self) -> None:
        self.started: list[Key] = []
        self.running: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.release = asyncio.Event()

    async def deliver(self, key: Key, delivery: Delivery) -> Tried | None:
        host = delivery.url
        self.started.append(key)
        self.running[host] += 1
        self.most[host] = max(self.most[host], self.running[host])
        try:
            await self.release.wait()
        finally:
            self.running[host] -= 1
        return Tried(delivery.id, delivery.attempt, NOW, code=200)


def key(n: int) -> Key:
    return Key(Kind.EXTRACTION, "default", f"talk-{n}")


def to(host: str, attempt: int = 1) -> Delivery:
    return Delivery(f"https://{host}/hook", "msg_1", attempt)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_one_attempt_for_each_resource() -> None:
    post, woken = Post(), list[Key]()
    deliveries = Deliveries(post.deliver, wake=woken.append)

    deliveries.start(key(1), to("a.example"))
    deliveries.start(key(1), to("a.example"))
    await settle()
    post.release.set()
    await settle()
    deliveries.start(key(1), to("a.example", 2))  # the first is not written down yet
    await settle()

    assert post.started == [key(1)]
    assert woken == [key(1)]
    tried = deliveries.tried(key(1))
    assert tried is not None
    deliveries.recorded(key(1), tried)
    deliveries.start(key(1), to("a.example", 2))
    await settle()
    assert post.started == [key(1), key(1)]
    await deliveries.close()


@pytest.mark.parametrize("url", ["https://[::1/hook", "https://a:99999999/hook", "https://%zz/"])
async def test_what_is_no_url_after_all_is_an_attempt_like_any(url: str) -> None:
    post = Post()
    deliveries = Deliveries(post.deliver, wake=lambda _: None)

    deliveries.start(key(1), Delivery(url, "msg_1", 1))
    await settle()

    assert post.started == [key(1)]
    await deliveries.close()


async def test_a_slow_host_holds_up_itself_alone() -> None:
    post = Post()
    deliveries = Deliveries(post.deliver, wake=lambda _: None)

    for n in range(1000):
        deliveries.start(key(n), to("slow.example"))
    deliveries.start(key(1000), to("other.example"))
    await settle()

    assert len(post.started) == PER_HOST + 1
    assert key(1000) in post.started
    assert len(deliveries) == 1001
    await deliveries.close()


async def test_no_more_than_that_at_once_and_all_in_the_end() -> None:
    post, woken = Post(), list[Key]()
    deliveries = Deliveries(post.deliver, wake=woken.append)

    for n in range(3 * AT_ONCE):
        deliveries.start(key(n), to(f"{n % 100}.example"))
    await settle()
    assert len(post.started) == AT_ONCE
    post.release.set()
    async with asyncio.timeout(10):
        while len(woken) < 3 * AT_ONCE:  # noqa: ASYNC110 - a test may look again and again
            await asyncio.sleep(0)

    assert len(set(post.started)) == 3 * AT_ONCE
    assert max(post.most.values()) <= PER_HOST
    assert len(deliveries) == 0


async def test_closing_ends_what_is_under_way() -> None:
    post = Post()
    deliveries = Deliveries(post.deliver, wake=lambda _: None)
    for n in range(10):
        deliveries.start(key(n), to("a.example"))
    await settle()

    await deliveries.close()

    assert sum(post.running.values()) == 0
    assert deliveries.tried(key(0)) is None


@pytest.mark.parametrize("how", ["forgotten", "recorded"])
async def test_what_is_done_with_is_not_kept(how: str) -> None:
    post = Post()
    post.release.set()
    deliveries = Deliveries(post.deliver, wake=lambda _: None)
    deliveries.start(key(1), to("a.example"))
    await settle()

    if how == "forgotten":
        deliveries.forget(key(1))
    else:
        deliveries.recorded(key(1), deliveries.tried(key(1)))

    assert deliveries.tried(key(1)) is None
