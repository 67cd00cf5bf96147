"""Answers that hold for a while: each question is asked once at a time, however many wait."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")
Question = Callable[[], Awaitable[tuple[Answer, float]]]
"""Gives an answer, and for how many seconds it holds."""


class Recent(Generic[Answer]):
    """The newest answers, no more than `size`."""

    def __init__(self, *, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._clock = clock
        self._known: dict[Hashable, tuple[Answer, float]] = {}
        self._asking: dict[Hashable, asyncio.Task[Answer]] = {}

    def holds(self, key: Hashable) -> bool:
        """Return whether the answer is known now."""
        known = self._known.get(key)
        return known is not None and known[1] > self._clock()

    async def get(self, key: Hashable, ask: Question[Answer]) -> Answer:
        """Return the answer, asked for unless it is known. What `ask` raises is not kept."""
        if self.holds(key):
            return self._known[key][0]
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._ask(key, ask))
        # A caller who leaves takes the answer from nobody else.
        return await asyncio.shield(task)

    async def _ask(self, key: Hashable, ask: Question[Answer]) -> Answer:
        try:
            answer, keep_s = await ask()
        finally:
            del self._asking[key]
        self._known.pop(key, None)
        self._known[key] = (answer, self._clock() + keep_s)
        while len(self._known) > self._size:
            del self._known[next(iter(self._known))]
        return answer
