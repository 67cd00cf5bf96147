"""One watch of each kind feeds the store and everybody who listens.

Of one resource listeners hear no more than one change a second, and always the last.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from slides_api.wellknown import API_VERSION
from slides_operator.kube.cache import PLURALS, Kind
from slides_operator.kube.client import Client, Json
from slides_operator.kube.follow import Follower
from slides_operator.service.records import Record, record_of
from slides_operator.service.store import Store

PAGE = 500
PERIOD_S = 1.0
"""Between two changes of one resource: the seeds' clients are told so."""
EARLY_S = 0.1
"""How much sooner one may come, as long as it is a second in the long run: else a runner that
reports each second is behind for minutes after one report that was late on its way. Chosen."""
MOST_PACES = 1_024
"""Resources heard of lately, beyond which those that were not are forgotten. Chosen."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is new of a resource."""

    record: Record
    gone: bool = False
    """Whether it was deleted; the record is what was last known."""


Listener = Callable[[Change], None]
"""Is called with each change, and may not wait."""


@dataclass(slots=True)
class _Pace:
    """When a resource may be told of again."""

    due: float = 0.0
    waiting: Change | None = None


class Feed:
    """Keeps a store in step with the API server, and tells listeners of changes."""

    def __init__(
        self,
        client: Client,
        store: Store,
        *,
        namespaces: tuple[str, ...] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self._listeners: dict[str | None, dict[object, Listener]] = {}
        self._paces: dict[str, _Pace] = {}
        self._followers = [
            Follower(
                client,
                _path(kind, namespace),
                _KindSink(self, kind),
                page=PAGE,
                namespace=namespace,
                clock=clock,
            )
            for kind in Kind
            for namespace in namespaces or (None,)
        ]
        self.ready = asyncio.Event()
        """Set once all that there was is in the store."""

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as group:
            for follower in self._followers:
                group.create_task(follower.run())
            for follower in self._followers:
                await follower.settled.wait()
            self.ready.set()

    def trouble(self) -> str | None:
        """Return what is wrong with the watches, if anything."""
        troubles = (follower.trouble() for follower in self._followers)
        return next((trouble for trouble in troubles if trouble), None)

    def silent_s(self) -> float:
        """Return for how long the watch that was heard least lately has said nothing."""
        return self._clock() - min(follower.heard_at for follower in self._followers)

    def subscribe(self, uid: str | None, listener: Listener) -> Callable[[], None]:
        """Have a listener told of a resource, or of all; return what ends that."""
        token = object()
        self._listeners.setdefault(uid, {})[token] = listener

        def unsubscribe() -> None:
            listeners = self._listeners.get(uid, {})
            listeners.pop(token, None)
            if not listeners:
                self._listeners.pop(uid, None)

        return unsubscribe

    @property
    def subscriptions(self) -> int:
        """How many listeners there are."""
        return sum(map(len, self._listeners.values()))

    def note(self, obj: Json) -> Record:
        """Take the API server's answer to an own write at once, and return its record.

        Whoever reads next finds what was written, before the watch brings it.
        """
        record = record_of(obj)
        if self._store.put(record):
            self._tell(Change(record))
        return record

    def forget(self, record: Record) -> None:
        """Take a resource that is gone, and tell of it."""
        if known := self._store.drop(record.uid):
            self._tell(Change(known, gone=True))

    def retain(
        self, kind: Kind, uids: Collection[str], *, version: int, namespace: str | None
    ) -> None:
        """Forget what a list as of `version` no longer has."""
        for record in self._store.iterate(kind):
            here = namespace in {None, record.namespace}
            if here and record.version <= version and record.uid not in uids:
                self.forget(record)

    def _tell(self, change: Change) -> None:
        uid = change.record.uid
        if uid not in self._listeners and None not in self._listeners:
            return
        pace = self._paces.get(uid) or self._new_pace(uid)
        late_s = self._clock() - (pace.due - EARLY_S)
        if change.gone:
            self._tell_waiting(uid, pace)
            self._deliver(change, pace)
        elif pace.waiting:
            pace.waiting = change
        elif late_s >= 0:
            self._deliver(change, pace)
        else:
            pace.waiting = change
            asyncio.get_running_loop().call_later(-late_s, self._tell_waiting, uid, pace)

    def _tell_waiting(self, _uid: str, pace: _Pace) -> None:
        if change := pace.waiting:
            pace.waiting = None
            self._deliver(change, pace)

    def _deliver(self, change: Change, pace: _Pace) -> None:
        pace.due = max(pace.due, self._clock()) + PERIOD_S
        for key in (change.record.uid, None):
            for listener in tuple(self._listeners.get(key, {}).values()):
                listener(change)

    def _new_pace(self, uid: str) -> _Pace:
        if len(self._paces) >= MOST_PACES:
            now = self._clock()
            self._paces = {u: p for u, p in self._paces.items() if p.waiting or p.due > now}
        return self._paces.setdefault(uid, _Pace())


@dataclass(frozen=True, slots=True)
class _KindSink:
    """Takes objects of one kind: the items of a list do not say which they are."""

    feed: Feed
    kind: Kind

    def put(self, obj: Json) -> None:
        obj["kind"] = self.kind
        self.feed.note(obj)

    def drop(self, obj: Json) -> None:
        obj["kind"] = self.kind
        self.feed.forget(self.feed.note(obj))

    def retain(self, uids: Collection[str], *, version: int, namespace: str | None) -> None:
        self.feed.retain(self.kind, uids, version=version, namespace=namespace)


def _path(kind: Kind, namespace: str | None) -> str:
    where = f"/namespaces/{namespace}" if namespace else ""
    return f"/apis/{API_VERSION}{where}/{PLURALS[kind]}"
