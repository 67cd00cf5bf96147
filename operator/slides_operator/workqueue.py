"""Keys that wait to be reconciled: each once, those that failed after growing pauses."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime

import structlog

from slides_operator.errors import ApiError, OperatorError
from slides_operator.kube.cache import Key
from slides_operator.metrics import Metrics

Reconcile = Callable[[Key], Awaitable[datetime | None]]
"""Brings one resource closer to what it should be, and returns when to look again."""

MOMENT_S = 0.5
"""Chosen: a Job that starts changes five times within it, and nothing waits for that."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
RECONCILE_TIMEOUT_S = 120.0
"""Chosen: beyond any reconcile whose requests are answered within their own timeouts."""

log = structlog.get_logger()


class WorkQueue:
    """Hands each key to one worker at a time; nothing is added while nobody works."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._ready: asyncio.Queue[Key] = asyncio.Queue()
        self._waiting: dict[Key, float] = {}
        self._working: set[Key] = set()
        self._again: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._open = False
        metrics.workqueue_depth.set_function(lambda: len(self._waiting))
        metrics.workqueue_oldest.set_function(self._oldest_s)

    def add(self, key: Key) -> None:
        """Have a key reconciled as soon as a worker is free."""
        if not self._open or key in self._waiting:
            return
        if key in self._working:
            self._again.add(key)
            return
        self._waiting[key] = time.monotonic()
        self._ready.put_nowait(key)

    def add_soon(self, key: Key) -> None:
        """Have a key reconciled in a moment, once for all that happens until then."""
        timer = self._timers.get(key)
        if key in self._working:
            self._again.add(key)  # its end would take back the timer
        elif key not in self._waiting and not (timer and self._is_due_within(timer, MOMENT_S)):
            self._add_in(key, MOMENT_S)

    def add_after(self, key: Key, when: datetime) -> None:
        """Have a key reconciled at that time, instead of any other time said before."""
        self._add_in(key, (when - datetime.now(UTC)).total_seconds())

    async def run(self, reconcile: Reconcile, *, keys: Iterable[Key], workers: int) -> None:
        """Reconcile these keys and all that are added, until cancelled."""
        self._open = True
        try:
            for key in keys:
                self.add(key)
            async with asyncio.TaskGroup() as group:
                for n in range(workers):
                    group.create_task(self._work(reconcile), name=f"worker-{n}")
        finally:
            self._close()

    async def _work(self, reconcile: Reconcile) -> None:
        while True:
            key = await self._ready.get()
            self._waiting.pop(key)
            self._working.add(key)
            try:
                await self._reconcile(reconcile, key)
            finally:
                self._working.discard(key)
            if key in self._again:
                self._again.discard(key)
                self.add(key)

    async def _reconcile(self, reconcile: Reconcile, key: Key) -> None:
        started = time.monotonic()
        try:
            async with asyncio.timeout(RECONCILE_TIMEOUT_S):
                when = await reconcile(key)
        except Exception as e:  # noqa: BLE001 - the boundary of a worker: the others go on
            self._failed(key, e)
        else:
            self._succeeded(key, when)
        self._metrics.reconcile_duration.observe(time.monotonic() - started)

    def _succeeded(self, key: Key, when: datetime | None) -> None:
        self._metrics.reconciles.labels("ok").inc()
        self._failures.pop(key, None)
        if when is None:
            self._cancel_timer(key)
        else:
            self.add_after(key, when)

    def _failed(self, key: Key, error: Exception) -> None:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        pause = pause_s(failures, error)
        self._add_in(key, pause)
        if isinstance(error, OperatorError):
            self._metrics.reconciles.labels(error.result).inc()
            say = log.info if failures == 1 else log.warning
            say("reconcile failed", key=str(key), error=str(error), again_in_s=round(pause, 1))
        else:
            self._metrics.reconciles.labels("bug").inc()
            log.error("reconcile broke", key=str(key), again_in_s=round(pause, 1), exc_info=error)

    def _add_in(self, key: Key, seconds: float) -> None:
        self._cancel_timer(key)
        if self._open:
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(max(0.0, seconds), self._due, key)

    @staticmethod
    def _is_due_within(timer: asyncio.TimerHandle, seconds: float) -> bool:
        return timer.when() <= asyncio.get_running_loop().time() + seconds

    def _due(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def _cancel_timer(self, key: Key) -> None:
        if timer := self._timers.pop(key, None):
            timer.cancel()

    def _close(self) -> None:
        self._open = False
        with suppress(asyncio.QueueEmpty):
            while True:
                self._ready.get_nowait()
        for timer in self._timers.values():
            timer.cancel()
        for kept in (self._waiting, self._working, self._again, self._timers, self._failures):
            kept.clear()

    def _oldest_s(self) -> float:
        first = next(iter(self._waiting.values()), None)
        return 0.0 if first is None else time.monotonic() - first


def pause_s(failures: int, error: Exception) -> float:
    """Return the doubled pause, spread by a tenth lest keys that failed together meet again."""
    pause = min(FIRST_PAUSE_S * 2.0 ** min(failures - 1, 10), LONGEST_PAUSE_S)
    asked = (error.retry_after or 0.0) if isinstance(error, ApiError) else 0.0
    spread: float = random.uniform(1, 1.1)  # noqa: S311 - no secret hangs on it
    return max(pause, asked) * spread
