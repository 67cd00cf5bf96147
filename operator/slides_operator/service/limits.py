"""How often a caller may ask, by route group, and how often an address may fail to say who it is.

Counted here, or with REDIS_URL by all replicas together; while Redis does not answer, here again.
"""

import asyncio
import hashlib
import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from limits import RateLimitItem, parse_many
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter
from limits.errors import StorageError
from redis.asyncio import BlockingConnectionPool, ConnectionPool

from slides_operator.errors import SettingsError
from slides_operator.service.problems import ProblemError

SUBMIT = "submit"
GROUPS = frozenset({SUBMIT, "write", "read"})
"""The groups that REQUEST_LIMIT may speak of; without a word it means submissions."""
FAILURES = "30/minute"
"""Wrong credentials from one address: chosen; far more than a person's typing errors, and at this
rate a password of eight random letters holds out for thousands of years."""
GUESSES = 10_000
"""Chosen: wrong credentials that are remembered, 2 MB."""
REDIS_LIMIT_S = 1.0
"""Measured: 4 ms for one request, 0.5 s for 200 at once with every core busy; and whoever submits
waits so long at most."""
REST_S = 30.0
"""Chosen: how long Redis is left alone after it failed."""
CONNECTIONS = 32
"""Chosen: to Redis at once; who comes then waits for one, as long as for Redis itself."""
TOO_MANY = "Too many requests. Try again later."
TOO_MANY_FAILURES = "Too many failed attempts to authenticate. Try again later."

_GROUP = re.compile(r"\s*(?:([a-z]+)\s*:)?(.*)", re.DOTALL)

log = structlog.get_logger("slides_operator.service.limits")

Rules = Mapping[str, tuple[RateLimitItem, ...]]


@dataclass(frozen=True, slots=True)
class State:
    """What is left of a limit."""

    limit: int
    window_s: int
    remaining: int
    reset_s: int
    """Until more is left."""


def parse_rules(text: str) -> Rules:
    """Return the limits by group: `100/hour`, or `submit:100/hour, read:600/minute`; 0 is none.

    Raises SettingsError.
    """
    rules: dict[str, tuple[RateLimitItem, ...]] = {}
    for part in text.split(","):
        match = _GROUP.fullmatch(part)
        group, limit = (match[1] or SUBMIT, match[2].strip()) if match else ("", "")
        if limit in ("", "0"):
            continue
        if group not in GROUPS:
            raise SettingsError(f"REQUEST_LIMIT: {group} is none of {', '.join(sorted(GROUPS))}")
        rules[group] = (*rules.get(group, ()), *_parse_limit(limit))
    return rules


def _parse_limit(text: str) -> list[RateLimitItem]:
    try:
        items = parse_many(text)
    except ValueError:
        items = []
    if not items or min(item.amount for item in items) < 1:
        raise SettingsError(f"REQUEST_LIMIT: {text!r} is no limit such as 100/hour")
    return items


class Limits:
    """Counts requests by caller and group, and failures by address."""

    def __init__(self, request_limit: str, *, redis_url: str = "") -> None:
        """Take REQUEST_LIMIT and REDIS_URL. Raises SettingsError."""
        self._rules = parse_rules(request_limit)
        self._here = MovingWindowRateLimiter(MemoryStorage())
        # Addresses are many: a moving window would hold a list for each.
        self._failures = FixedWindowRateLimiter(MemoryStorage())
        self._failure_rule = parse_many(FAILURES)[0]
        self._guesses: dict[tuple[str, bytes], None] = {}
        self._pool = _open_pool(redis_url) if redis_url else None
        self._shared = _share(self._pool, redis_url) if self._pool else None
        self._rests_until = 0.0

    async def take(self, group: str, who: str) -> dict[str, str]:
        """Count one request, and return the headers that say what is left.

        Raises ProblemError 429, with the same headers, when nothing is.
        """
        rules = self._rules.get(group, ())
        if not rules:
            return {}
        name = hashlib.sha256(who.encode(errors="surrogateescape")).hexdigest()[:32]
        passed, states = await self._count(rules, f"{group}:{name}")
        headers = build_headers(group, states)
        if not passed:
            wait_s = max(state.reset_s for state in states if not state.remaining)
            raise ProblemError(429, TOO_MANY, headers={**headers, "Retry-After": str(wait_s)})
        return headers

    async def check_failures(self, address: str) -> None:
        """Raise ProblemError 429 where an address has failed too often."""
        if await self._failures.test(self._failure_rule, address):
            return
        stats = await self._failures.get_window_stats(self._failure_rule, address)
        wait = str(_seconds_until(stats.reset_time))
        raise ProblemError(429, TOO_MANY_FAILURES, headers={"Retry-After": wait})

    async def note_failure(self, address: str, credential: bytes) -> None:
        """Count wrong credentials, by their hash: the same ones again are no further guess.

        So a client that goes on with a token that has expired locks out nobody beside it.
        """
        guess = (address, credential)
        if guess in self._guesses:
            return
        self._guesses[guess] = None
        if len(self._guesses) > GUESSES:
            del self._guesses[next(iter(self._guesses))]
        await self._failures.hit(self._failure_rule, address)

    async def aclose(self) -> None:
        """Close the connections to Redis."""
        if self._pool:
            await self._pool.aclose()

    async def _count(self, rules: Sequence[RateLimitItem], name: str) -> tuple[bool, list[State]]:
        if self._shared and time.monotonic() >= self._rests_until:
            try:
                async with asyncio.timeout(REDIS_LIMIT_S):
                    return await _count(self._shared, rules, name)
            except (StorageError, TimeoutError) as e:
                self._rests_until = time.monotonic() + REST_S
                cause = e.storage_error if isinstance(e, StorageError) else e
                log.warning("Redis does not answer: counting here", error=type(cause).__name__)
        return await _count(self._here, rules, name)


async def _count(
    limiter: MovingWindowRateLimiter, rules: Sequence[RateLimitItem], name: str
) -> tuple[bool, list[State]]:
    # What one rule refuses is not taken from another; of one alone nobody has to be asked twice.
    passed = len(rules) == 1 or all([await limiter.test(rule, name) for rule in rules])
    if passed:
        passed = all([await limiter.hit(rule, name) for rule in rules])
    return passed, [await _state(limiter, rule, name) for rule in rules]


async def _state(limiter: MovingWindowRateLimiter, rule: RateLimitItem, name: str) -> State:
    stats = await limiter.get_window_stats(rule, name)
    return State(
        limit=rule.amount,
        window_s=rule.get_expiry(),
        remaining=max(0, stats.remaining),
        reset_s=_seconds_until(stats.reset_time),
    )


def _seconds_until(moment: float) -> int:
    return max(1, math.ceil(moment - time.time()))


def build_headers(group: str, states: Sequence[State]) -> dict[str, str]:
    """Return the headers that say what is left.

    Those of draft-ietf-httpapi-ratelimit-headers, 07 (three, which clients read) and 10 (two).
    """
    tightest = min(states, key=lambda state: (state.remaining, -state.reset_s))
    policies = [f'"{group}";q={state.limit};w={state.window_s}' for state in states]
    return {
        "RateLimit-Limit": str(tightest.limit),
        "RateLimit-Remaining": str(tightest.remaining),
        "RateLimit-Reset": str(tightest.reset_s),
        "RateLimit-Policy": ", ".join(policies),
        "RateLimit": f'"{group}";r={tightest.remaining};t={tightest.reset_s}',
    }


def _open_pool(url: str) -> ConnectionPool:
    try:
        return BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=REDIS_LIMIT_S,
            socket_connect_timeout=REDIS_LIMIT_S,
            socket_timeout=REDIS_LIMIT_S,
        )
    except ValueError as e:  # its message repeats no password
        raise SettingsError(f"REDIS_URL: {e}") from e


def _share(pool: ConnectionPool, url: str) -> MovingWindowRateLimiter:
    options: dict[str, Any] = {"connection_pool": pool}  # documented, and not in the types
    storage = RedisStorage(
        f"async+{url}",
        wrap_exceptions=True,
        implementation="redispy",
        key_prefix="slides",
        **options,
    )
    return MovingWindowRateLimiter(storage)
