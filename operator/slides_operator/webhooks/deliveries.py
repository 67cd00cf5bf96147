"""The attempts that are under way: many at once, few to each host, never two for one resource.

They are made beside the work queue, so that no worker waits for a slow receiver. How each went is
kept until the next reconcile has written it down; an operator that dies before makes it once more.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from functools import partial

from yarl import URL

from slides_operator.extraction.callback import Delivery, Tried
from slides_operator.kube.cache import Key

PER_HOST = 4
"""Attempts to one host at once: chosen, so that one that hangs holds up its own webhooks alone."""
AT_ONCE = 64
"""Attempts at once: chosen, a few MiB at most."""

Deliver = Callable[[Key, Delivery], Awaitable[Tried | None]]
"""Makes an attempt; None where there is nothing to be told any more. Never raises."""


class Deliveries:
    """Makes the attempts that reconciles ask for, and wakes them when one is over."""

    def __init__(self, deliver: Deliver, *, wake: Callable[[Key], None]) -> None:
        self._deliver = deliver
        self._wake = wake
        self._waiting: dict[str, deque[tuple[Key, Delivery]]] = {}
        self._running: Counter[str] = Counter()
        self._taken: set[Key] = set()
        self._tried: dict[Key, Tried] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """Return how many wait or are under way."""
        return len(self._taken)

    def tried(self, key: Key) -> Tried | None:
        """Return the attempt of a resource that is over and not written down."""
        return self._tried.get(key)

    def recorded(self, key: Key, tried: Tried | None) -> None:
        """Note that this attempt is written down, or no longer matters."""
        if tried is not None and self._tried.get(key) is tried:
            del self._tried[key]

    def forget(self, key: Key) -> None:
        """Note that a resource is gone."""
        self._tried.pop(key, None)

    def start(self, key: Key, delivery: Delivery) -> None:
        """Make an attempt as soon as there is room; one that is under way is not made twice."""
        if key in self._taken or key in self._tried:
            return
        self._taken.add(key)
        host = _host(delivery.url)
        self._waiting.setdefault(host, deque()).append((key, delivery))
        self._fill(host)

    async def close(self) -> None:
        """Stop: what is under way is made again by whoever goes on."""
        self._waiting.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._taken.clear()

    def _fill(self, host: str) -> None:
        """Start as many attempts to a host as there is room for."""
        waiting = self._waiting.get(host, deque())
        while waiting and self._running[host] < PER_HOST and len(self._tasks) < AT_ONCE:
            key, delivery = waiting.popleft()
            self._running[host] += 1
            task = asyncio.create_task(self._run(key, delivery), name=f"webhook {key}")
            self._tasks.add(task)
            task.add_done_callback(partial(self._done, host))
        if not waiting:
            self._waiting.pop(host, None)

    async def _run(self, key: Key, delivery: Delivery) -> None:
        try:
            tried = await self._deliver(key, delivery)
        finally:
            self._taken.discard(key)
        if tried is not None:
            self._tried[key] = tried
        self._wake(key)

    def _done(self, host: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._running[host] -= 1
        if not self._running[host]:
            del self._running[host]
        if waiting := self._waiting.pop(host, None):
            self._waiting[host] = waiting  # its turn comes last
        for other in list(self._waiting):
            if len(self._tasks) >= AT_ONCE:
                break
            self._fill(other)


def _host(url: str) -> str:
    """Return the host of a URL; all that are none after all are one, whose attempts say so."""
    try:
        return URL(url).host or ""
    except ValueError:
        return ""
