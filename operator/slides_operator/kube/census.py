"""Counts what the API server has, to notice when kopf's watch of it is dead.

kopf says neither when its first list is complete, nor which objects vanished while it was not
watching, nor that a watch hangs. A list of one object costs little and says how many there are.
"""

import asyncio
import itertools
import math
import time
from collections.abc import Callable
from functools import partial

import structlog

from slides_api.wellknown import API_VERSION
from slides_operator.errors import FORBIDDEN, ApiError
from slides_operator.kube.cache import PLURALS, Cache, Key, Kind
from slides_operator.kube.client import Client, Json
from slides_operator.kube.echoes import Echoes
from slides_operator.metrics import Metrics

PERIOD_S = 10.0
DEAD_AFTER_S = 90.0
"""Chosen: kopf leaves a silent watch after 70 s; what it has not brought then, it never will."""
LATE_S = 30.0
"""When a write that was not seen back is asked about: chosen, far beyond any watch's delay, and
well before it counts as one that is dead."""
SYNC_PERIOD_S = 0.5
SERVED_PERIOD_S = 2.0
PAGE = 500
NAMES_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

log = structlog.get_logger()


class Census:
    """Compares the cache with the API server, for one kind in one namespace or in all."""

    def __init__(
        self,
        client: Client,
        cache: Cache,
        enqueue: Callable[[Key], None],
        *,
        kind: Kind,
        echoes: Echoes,
        namespace: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._cache = cache
        self._enqueue = enqueue
        self._echoes = echoes
        self.kind = kind
        self.namespace = namespace
        self._clock = clock
        self._missing_since: float | None = None
        self._extra = False
        where = f"/namespaces/{namespace}" if namespace else ""
        self._path = f"/apis/{API_VERSION}{where}/{PLURALS[kind]}"
        self._searched_at = -math.inf
        self.heard_at = clock()
        self.synced, self.settled = asyncio.Event(), asyncio.Event()

    def hear(self) -> None:
        """Note that the watch gave an event."""
        self.heard_at = self._clock()
        self._missing_since = None

    def trouble(self) -> str | None:
        """Return what is wrong with the watch, if anything."""
        if self._missing_since is None:
            return None
        missing_s = self._clock() - self._missing_since
        if missing_s < DEAD_AFTER_S:
            return None
        return f"the watch of {PLURALS[self.kind]} has missed some for {missing_s:.0f} s"

    async def run(self) -> None:
        """Count until cancelled: often until the first list is complete, then now and then."""
        while True:
            try:
                await self.count()
            except ApiError as e:
                log.warning("census failed", kind=self.kind, error=e.message)
                self._missing_since = None  # nobody hears anything now: no watch is to blame
                if self.namespace and e.status == FORBIDDEN:
                    self.settled.set()
                else:
                    self._echoes.pardon()
            await asyncio.sleep(PERIOD_S if self.settled.is_set() else SYNC_PERIOD_S)

    async def count(self) -> None:
        """Compare once. Raises ApiError."""
        page = await self._list(limit=1)
        there = len(page["items"] or ()) + int(page["metadata"].get("remainingItemCount") or 0)
        await asyncio.sleep(SYNC_PERIOD_S)  # what was counted is on its way
        here = self._cache.count(self.kind, namespace=self.namespace)
        if here >= there:
            self.synced.set()
            self.settled.set()
            self._missing_since = None
        elif self._missing_since is None and self.synced.is_set():
            self._missing_since = self._clock()
        if (here > there and self._extra) or self._is_write_late():
            await self._forget_ghosts()
        self._extra = here > there

    def _is_write_late(self) -> bool:
        """Return whether an own write may be missing because its object vanished; now and then."""
        searched_s = self._clock() - self._searched_at
        return self._echoes.oldest_s() > LATE_S and searched_s > LATE_S

    async def _forget_ghosts(self) -> None:
        self._searched_at = self._clock()
        uids: set[str] = set()
        more: str | None = ""
        version = 0
        while more is not None:
            page = await self._list(limit=PAGE, **({"continue": more} if more else {}))
            uids.update(item["metadata"]["uid"] for item in page["items"] or ())
            version = int(page["metadata"]["resourceVersion"])
            more = page["metadata"].get("continue") or None
        keys = self._cache.retain(self.kind, uids, version=version, namespace=self.namespace)
        self._echoes.forget_all_but(self._cache.key_of)
        for key in keys:
            self._enqueue(key)
        if keys:
            log.info("forgot deleted resources", kind=self.kind, count=len(keys))

    async def _list(self, **query: str | int) -> Json:
        return await self._client.request(
            "GET", self._path, verb="list", query=query, accept=NAMES_ONLY
        )


async def wait_until_served(client: Client, namespaces: tuple[str, ...]) -> None:
    """Wait until the API server knows the kinds: kopf looks for them once.

    Any namespace tells: one of several may be gone, with the right to look there.
    """
    places = [f"/namespaces/{namespace}" for namespace in namespaces] or [""]
    for kind, plural in PLURALS.items():
        for where in itertools.cycle(places):
            path = f"/apis/{API_VERSION}{where}/{plural}"
            try:
                await client.request("GET", path, verb="list", query={"limit": 1})
                break
            except ApiError as e:
                log.warning("kind not served yet; is its CRD installed?", kind=kind, error=str(e))
            await asyncio.sleep(SERVED_PERIOD_S)


def build_censuses(
    client: Client,
    cache: Cache,
    enqueue: Callable[[Key], None],
    *,
    echoes: Echoes,
    namespaces: tuple[str, ...],
    metrics: Metrics,
) -> list[Census]:
    """Return a census of each kind, of each namespace or of all."""
    censuses = [
        Census(client, cache, enqueue, kind=kind, echoes=echoes, namespace=namespace)
        for kind in Kind
        for namespace in namespaces or (None,)
    ]
    for kind, plural in PLURALS.items():
        of_kind = [census for census in censuses if census.kind == kind]
        metrics.watch_age.labels(plural).set_function(partial(_oldest_s, of_kind))
    return censuses


def _oldest_s(censuses: list[Census]) -> float:
    return time.monotonic() - min(census.heard_at for census in censuses)
