"""The service's end: no new work, streams sent elsewhere, what is in flight done."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import structlog

from slides_operator.service.problems import ProblemError

RETRY_AFTER_S = 5
"""Chosen: by then load balancers have seen the readiness, and another replica is asked."""
SETTLE_S = 5.0
"""Chosen: how long load balancers may go on sending requests here; Kubernetes takes two or three
seconds to tell every node that a pod ends."""
SENTENCE = "Draining for shutdown"

Close = Callable[[], None]

log = structlog.get_logger()


class Drain:
    """Says whether the service is ending, and tells whoever holds a stream open."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.started = asyncio.Event()
        """Set once the service ends, for good."""
        self._clock = clock
        self._started_at = 0.0
        self._streams: dict[int, Close] = {}
        self._next = 0
        self._requests = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def draining(self) -> bool:
        """Whether the service is ending."""
        return self.started.is_set()

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    def start(self) -> None:
        """End: readiness is lost, new work is refused, each stream is told once."""
        if self.draining:
            return
        self._started_at = self._clock()
        self.started.set()
        log.info("draining", streams=self.streams, requests=self._requests)
        for close in list(self._streams.values()):
            close()

    def register(self, close: Close) -> Close:
        """Have `close` called once the service ends; return what a stream calls when it ends.

        `close` may not wait: it sets or queues something. Registered while the service ends, it
        is called at once.
        """
        number = self._next
        self._next += 1
        self._streams[number] = close
        if self.draining:
            close()

        def forget() -> None:
            self._streams.pop(number, None)

        return forget

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count a request in flight, streams among them."""
        self._requests += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._requests -= 1
            if not self._requests:
                self._idle.set()

    def refuse_work(self) -> None:
        """Raise ProblemError once the service is ending."""
        if self.draining:
            headers = {"Retry-After": str(RETRY_AFTER_S)}
            raise ProblemError(503, SENTENCE, headers=headers)

    async def settle(self, limit_s: float) -> None:
        """Wait until nobody sends requests here any more and all are done; at most so long."""
        left = self._started_at + min(SETTLE_S, limit_s) - self._clock()
        await asyncio.sleep(max(0.0, left))
        left = self._started_at + limit_s - self._clock()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), max(0.0, left))
        if self._requests:
            log.warning("requests are cut off", requests=self._requests, streams=self.streams)
