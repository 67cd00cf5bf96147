"""Answers that hold for a while: asked once, forgotten in time, never more than agreed."""

import asyncio
from dataclasses import dataclass, field

import pytest

from slides_operator.service.recent import Recent

KEEP_S = 10.0


@dataclass
class Oracle:
    """Answers with how often it was asked, once it may."""

    asked: int = 0
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    fails: bool = False

    async def __call__(self) -> tuple[int, float]:
        self.asked += 1
        await self.may_answer.wait()
        if self.fails:
            raise OSError("no answer")
        return self.asked, KEEP_S


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def oracle() -> Oracle:
    ready = Oracle()
    ready.may_answer.set()
    return ready


async def test_an_answer_holds_for_its_time(oracle: Oracle) -> None:
    clock = Clock()
    recent: Recent[int] = Recent(size=10, clock=clock)

    assert await recent.get("a", oracle) == 1
    clock.now = KEEP_S - 1
    assert recent.holds("a")
    assert await recent.get("a", oracle) == 1
    clock.now = KEEP_S
    assert not recent.holds("a")
    assert await recent.get("a", oracle) == 2


async def test_many_who_wait_ask_once() -> None:
    oracle = Oracle()
    recent: Recent[int] = Recent(size=10)

    waiting = [asyncio.create_task(recent.get("a", oracle)) for _ in range(100)]
    await asyncio.sleep(0)
    oracle.may_answer.set()

    assert set(await asyncio.gather(*waiting)) == {1}
    assert oracle.asked == 1


async def test_one_who_leaves_takes_the_answer_from_nobody() -> None:
    oracle = Oracle()
    recent: Recent[int] = Recent(size=10)
    first = asyncio.create_task(recent.get("a", oracle))
    second = asyncio.create_task(recent.get("a", oracle))
    await asyncio.sleep(0)

    first.cancel()
    oracle.may_answer.set()

    assert await second == 1


async def test_a_failure_is_told_and_asked_again(oracle: Oracle) -> None:
    recent: Recent[int] = Recent(size=10)
    oracle.fails = True
    with pytest.raises(OSError, match="no answer"):
        await recent.get("a", oracle)

    oracle.fails = False
    assert await recent.get("a", oracle) == 2


async def test_the_oldest_goes_when_there_are_too_many(oracle: Oracle) -> None:
    recent: Recent[int] = Recent(size=2)

    for key in ("a", "b", "c"):
        await recent.get(key, oracle)

    assert [recent.holds(key) for key in ("a", "b", "c")] == [False, True, True]
