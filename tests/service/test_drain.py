"""How the service ends, by a clock that tests set."""

import asyncio

import pytest

from slides_operator.service.drain import RETRY_AFTER_S, SETTLE_S, Close, Drain
from slides_operator.service.problems import ProblemError


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def drain(clock: Clock) -> Drain:
    return Drain(clock)


def test_takes_work_until_it_starts(drain: Drain) -> None:
    drain.refuse_work()
    assert not drain.draining

    drain.start()

    with pytest.raises(ProblemError, match="Draining for shutdown") as refusal:
        drain.refuse_work()
    assert refusal.value.status == 503
    assert refusal.value.headers == {"Retry-After": str(RETRY_AFTER_S)}


def test_tells_each_stream_once(drain: Drain) -> None:
    told: list[str] = []
    drain.register(lambda: told.append("a"))
    forget = drain.register(lambda: told.append("b"))
    forget()

    drain.start()
    drain.start()

    assert told == ["a"]


def test_stream_that_comes_late_is_told_at_once(drain: Drain) -> None:
    told: list[str] = []
    drain.start()

    forget = drain.register(lambda: told.append("late"))

    assert told == ["late"]
    assert drain.streams == 1
    forget()
    assert drain.streams == 0


def test_stream_may_end_while_others_are_told(drain: Drain) -> None:
    told: list[str] = []
    forgets: list[Close] = []

    def end_all() -> None:
        told.append("x")
        for forget in forgets:
            forget()

    forgets.append(drain.register(end_all))
    forgets.append(drain.register(lambda: told.append("y")))

    drain.start()

    assert told == ["x", "y"]
    assert drain.streams == 0


async def test_settles_at_once_when_others_have_noticed_and_nothing_is_in_flight(
    drain: Drain, clock: Clock
) -> None:
    drain.start()
    clock.now += SETTLE_S

    async with asyncio.timeout(1):
        await drain.settle(30)


async def test_waits_for_what_is_in_flight(drain: Drain, clock: Clock) -> None:
    drain.start()
    clock.now += SETTLE_S
    with drain.request():
        settling = asyncio.create_task(drain.settle(30))
        await asyncio.sleep(0.05)
        assert not settling.done()

    async with asyncio.timeout(1):
        await settling


async def test_waits_no_longer_than_told(drain: Drain, clock: Clock) -> None:
    drain.start()
    clock.now += 30
    with drain.request():
        async with asyncio.timeout(1):
            await drain.settle(30)


async def test_gives_others_time_to_notice(drain: Drain) -> None:
    drain.start()
    settling = asyncio.create_task(drain.settle(30))

    await asyncio.sleep(0.05)

    assert not settling.done()
    settling.cancel()
