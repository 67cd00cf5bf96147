"""What WebSockets need to know of each other, and of what their clients were told."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from slides_operator.kube.cache import Kind
from slides_operator.kube.quickjson import to_json
from slides_operator.service.feed import Change
from slides_operator.service.records import Record
from slides_operator.service.words import seed003

KEPT_UPDATES = 1024
"""Messages kept for other sockets that send the same; chosen: more jobs than run at once."""

Channel = tuple[str, str]
"""What a socket is about: a job's namespace and UID, or one of the next two."""
BROADCAST: Channel = ("", "broadcast")
HEALTH: Channel = ("", "health")


class Backlog:
    """What a socket has not told its client yet: the newest state of each job, nothing older."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._is_filled = asyncio.Event()

    def add(self, change: Change) -> None:
        """Take what became of a job; what was not told of it before is forgotten."""
        if change.record.kind is Kind.EXTRACTION and not change.gone:
            self._records[change.record.uid] = change.record
            self._is_filled.set()

    async def take(self) -> Record:
        """Wait for news, and return the job that has waited longest."""
        while not self._records:
            self._is_filled.clear()
            await self._is_filled.wait()
        return self._records.pop(next(iter(self._records)))


class Connections:
    """The sockets that are open, by what they are about, and the messages that they share."""

    def __init__(self) -> None:
        self.counts: Counter[Channel] = Counter()
        self._updates: dict[str, tuple[int, str]] = {}

    @property
    def total(self) -> int:
        """How many are open."""
        return self.counts.total()

    def jobs(self) -> list[Channel]:
        """Return the jobs that are followed."""
        return [channel for channel in self.counts if channel not in {BROADCAST, HEALTH}]

    @contextmanager
    def on(self, channel: Channel) -> Iterator[None]:
        """Count a socket while it is open."""
        self.counts[channel] += 1
        try:
            yield
        finally:
            self.counts[channel] -= 1
            if not self.counts[channel]:
                del self.counts[channel]

    def update(self, record: Record) -> str:
        """Return the message that a job changed: written once for all that send it."""
        version, text = self._updates.get(record.uid, (0, ""))
        if version == record.version:
            return text
        text = build_message("job_update", record)
        self._updates.pop(record.uid, None)
        self._updates[record.uid] = record.version, text
        if len(self._updates) > KEPT_UPDATES:
            del self._updates[next(iter(self._updates))]
        return text


def build_message(kind: str, record: Record) -> str:
    """Return what a client is told of a job."""
    data = {
        "job_id": record.uid,
        "status": seed003(record.phase),
        "progress": float(record.percent),
        "message": record.message,
        "timestamp": record.updated,
    }
    return to_json({"type": kind, "data": data}).decode()
