"""Own writes that the watch has not shown yet: what proves that a watch is alive, or dead."""

import time
from collections.abc import Callable

DEAD_AFTER_S = 90.0
"""Chosen: kopf leaves a silent watch after 70 s; what it has not brought then, it never will."""


class Echoes:
    """Expects each written version of an object to come back through the watch."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._expected: dict[str, tuple[int, float]] = {}

    def expect(self, uid: str, version: int) -> None:
        """Expect this version, or a later one; the time runs from the first unseen write."""
        _, since = self._expected.get(uid, (0, self._clock()))
        self._expected[uid] = (version, since)

    def seen(self, uid: str, version: int) -> None:
        """Note what the watch showed."""
        expected = self._expected.get(uid)
        if expected and version >= expected[0]:
            del self._expected[uid]
        elif expected:  # late, yet alive
            self._expected[uid] = (expected[0], self._clock())

    def gone(self, uid: str) -> None:
        """Note that an object was deleted, and expect nothing more of it."""
        self._expected.pop(uid, None)

    def forget_all_but(self, known: Callable[[str], object]) -> None:
        """Expect nothing more of objects that are not known: what vanished unseen stays unseen."""
        self._expected = {uid: one for uid, one in self._expected.items() if known(uid)}

    def pardon(self) -> None:
        """Start the time anew: the API server does not answer, so nothing could be seen."""
        now = self._clock()
        self._expected = {uid: (version, now) for uid, (version, _) in self._expected.items()}

    def pending(self) -> int:
        """Return how many objects' writes have not been seen back."""
        return len(self._expected)

    def trouble(self) -> str | None:
        """Return what is wrong with the watch, if anything."""
        unseen_s = self.oldest_s()
        if unseen_s < DEAD_AFTER_S:
            return None
        return f"a write of {unseen_s:.0f} s ago was never seen in the watch"

    def oldest_s(self) -> float:
        """Return for how long the first of them has not been seen back."""
        now = self._clock()
        return now - min((since for _, since in self._expected.values()), default=now)
