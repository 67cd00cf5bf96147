"""How often a caller may ask: counted by group and by caller, told in headers, shared by Redis."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from slides_operator.errors import SettingsError
from slides_operator.service.limits import Limits, parse_rules
from slides_operator.service.problems import ProblemError
from tests.cluster.tools import ToolMissingError
from tests.redis_server import RedisServer, run_redis_server

NOBODY_LISTENS = "redis://127.0.0.1:1/0"


@asynccontextmanager
async def limits_of(rule: str, redis_url: str = "") -> AsyncIterator[Limits]:
    limits = Limits(rule, redis_url=redis_url)
    try:
        yield limits
    finally:
        await limits.aclose()


async def refusal(limits: Limits, group: str, who: str) -> ProblemError:
    with pytest.raises(ProblemError) as caught:
        await limits.take(group, who)
    return caught.value


async def test_headers_count_down_and_then_the_caller_waits() -> None:
    async with limits_of("2/hour") as limits:
        first = await limits.take("submit", "ann")
        second = await limits.take("submit", "ann")
        problem = await refusal(limits, "submit", "ann")

    assert first == {
        "RateLimit-Limit": "2",
        "RateLimit-Remaining": "1",
        "RateLimit-Reset": "3600",
        "RateLimit-Policy": '"submit";q=2;w=3600',
        "RateLimit": '"submit";r=1;t=3600',
    }
    assert second["RateLimit-Remaining"] == "0"
    assert problem.status == 429
    assert problem.headers["RateLimit-Remaining"] == "0"
    assert 3590 <= int(problem.headers["Retry-After"]) <= 3600


async def test_one_caller_takes_nothing_from_another_nor_one_group_from_the_next() -> None:
    async with limits_of("1/hour, read:1/hour") as limits:
        await limits.take("submit", "ann")
        await limits.take("submit", "bob")
        await limits.take("read", "ann")

        assert (await refusal(limits, "submit", "ann")).status == 429
        assert (await refusal(limits, "read", "ann")).status == 429


async def passed(limits: Limits, who: str, *, tries: int) -> int:
    """Return how many of so many requests at once are let through."""
    sent = (limits.take("submit", who) for _ in range(tries))
    answers = await asyncio.gather(*sent, return_exceptions=True)
    assert all(isinstance(one, dict | ProblemError) for one in answers)
    return sum(isinstance(one, dict) for one in answers)


async def test_requests_at_once_are_counted_one_by_one() -> None:
    async with limits_of("10/hour") as limits:
        assert await passed(limits, "ann", tries=50) == 10


async def test_what_has_no_limit_is_never_refused() -> None:
    async with limits_of("1/hour") as limits:
        for _ in range(100):
            assert await limits.take("read", "ann") == {}


async def test_more_is_left_once_the_time_has_passed() -> None:
    async with limits_of("1/second") as limits:
        await limits.take("submit", "ann")
        problem = await refusal(limits, "submit", "ann")
        await asyncio.sleep(float(problem.headers["Retry-After"]) + 0.1)

        assert (await limits.take("submit", "ann"))["RateLimit-Limit"] == "1"


async def test_of_two_limits_the_tighter_is_told_and_a_refusal_costs_nothing() -> None:
    async with limits_of("1/second, 100/hour") as limits:
        headers = await limits.take("submit", "ann")
        for _ in range(5):
            await refusal(limits, "submit", "ann")
        await asyncio.sleep(1.1)
        later = await limits.take("submit", "ann")

    assert headers["RateLimit-Policy"] == '"submit";q=1;w=1, "submit";q=100;w=3600'
    assert headers["RateLimit-Limit"] == "1"
    assert later["RateLimit-Limit"] == "1"


@pytest.mark.parametrize("text", ["", "0", " 0 ", "submit:0", ","])
def test_zero_means_any_number(text: str) -> None:
    assert parse_rules(text) == {}


@pytest.mark.parametrize(
    "text", ["many", "100", "-1/hour", "0/hour", "100/fortnight", "delete:1/hour", "read:many"]
)
def test_what_is_no_limit_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(SettingsError, match="REQUEST_LIMIT"):
        Limits(text)


def test_an_address_of_something_else_than_redis_is_refused_at_the_start() -> None:
    with pytest.raises(SettingsError, match="REDIS_URL") as caught:
        Limits("1/hour", redis_url="http://ann:geheim@example.com")

    assert "geheim" not in str(caught.value)


async def test_guesses_from_one_address_end_after_thirty() -> None:
    async with limits_of("") as limits:
        for number in range(30):
            await limits.check_failures("203.0.113.7")
            await limits.note_failure("203.0.113.7", bytes([number]))

        with pytest.raises(ProblemError) as caught:
            await limits.check_failures("203.0.113.7")
        await limits.check_failures("203.0.113.8")

    assert caught.value.status == 429
    assert 1 <= int(caught.value.headers["Retry-After"]) <= 60


async def test_the_same_wrong_credentials_again_are_no_guess() -> None:
    async with limits_of("") as limits:
        for _ in range(1000):
            await limits.note_failure("203.0.113.7", b"expired")

        await limits.check_failures("203.0.113.7")


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """A real Redis server; the first use on a machine installs it."""
    try:
        with run_redis_server() as server:
            yield server
    except ToolMissingError as e:
        pytest.skip(str(e))


async def test_replicas_count_together_with_redis(redis: RedisServer) -> None:
    async with limits_of("3/hour", redis.url) as one, limits_of("3/hour", redis.url) as other:
        left = [
            int((await replica.take("submit", "carol"))["RateLimit-Remaining"])
            for replica in (one, other, one)
        ]

        assert left == [2, 1, 0]
        problem = await refusal(other, "submit", "carol")
        assert 3590 <= int(problem.headers["Retry-After"]) <= 3600


async def test_replicas_let_no_more_through_when_asked_at_once(redis: RedisServer) -> None:
    async with limits_of("10/hour", redis.url) as one, limits_of("10/hour", redis.url) as other:
        through = await asyncio.gather(
            passed(one, "erin", tries=32), passed(other, "erin", tries=32)
        )

    assert sum(through) == 10


async def test_redis_learns_no_names(redis: RedisServer) -> None:
    async with limits_of("3/hour", redis.url) as limits:
        await limits.take("submit", "user:dora@example.com")

    assert redis.keys()
    assert not re.search("dora|example", " ".join(redis.keys()))


async def test_requests_are_counted_here_while_redis_does_not_answer() -> None:
    async with limits_of("1/hour", NOBODY_LISTENS) as limits:
        headers = await limits.take("submit", "ann")
        problem = await refusal(limits, "submit", "ann")

    assert headers["RateLimit-Remaining"] == "0"
    assert problem.status == 429


async def test_a_redis_that_hangs_costs_one_caller_a_second() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    async with server, limits_of("9/hour", f"redis://127.0.0.1:{port}") as limits:
        begin = loop.time()
        await limits.take("submit", "ann")
        first_s = loop.time() - begin
        for _ in range(8):
            await limits.take("submit", "ann")

        assert 0.9 < first_s < 3
        assert loop.time() - begin - first_s < 0.5
