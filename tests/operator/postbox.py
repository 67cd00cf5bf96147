"""Deliveries in memory, for operators that die: attempts are made when a test says so."""

from collections.abc import Callable
from datetime import datetime

from slides_operator.extraction.callback import Delivery, Tried
from slides_operator.kube.cache import Key


class Receiver:
    """Whoever the webhooks go to; it outlives every operator."""

    def __init__(self) -> None:
        self.received: list[str] = []
        """The ids of all attempts, in their order."""
        self.taken: list[str] = []
        """Those that it took."""

    def answer(self, delivery: Delivery, code: int, now: datetime) -> Tried:
        self.received.append(delivery.id)
        if code == 200:
            self.taken.append(delivery.id)
        error = "" if code == 200 else f"The receiver answered {code}."
        return Tried(delivery.id, delivery.attempt, now, code=code, error=error, final=code == 410)


class Postbox:
    """Stands in for `Deliveries`: the same methods, and `deliver_all` for a test."""

    def __init__(self, receiver: Receiver, now: Callable[[], datetime]) -> None:
        self.receiver = receiver
        self.now = now
        self.waiting: dict[Key, Delivery] = {}
        self._tried: dict[Key, Tried] = {}

    def tried(self, key: Key) -> Tried | None:
        return self._tried.get(key)

    def recorded(self, key: Key, tried: Tried | None) -> None:
        if tried is not None and self._tried.get(key) is tried:
            del self._tried[key]

    def forget(self, key: Key) -> None:
        self._tried.pop(key, None)

    def start(self, key: Key, delivery: Delivery) -> None:
        if key not in self._tried:
            self.waiting.setdefault(key, delivery)

    def deliver_all(self, code: int = 200) -> None:
        """Make all attempts that wait."""
        for key, delivery in self.waiting.items():
            self._tried[key] = self.receiver.answer(delivery, code, self.now())
        self.waiting.clear()
