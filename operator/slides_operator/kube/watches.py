"""Watches of Jobs and Pods: only ours, in pages, resumed where they broke off.

kopf watches the project's own kinds; it knows neither selectors that the API server applies nor
what was deleted between two lists, and both matter for what is many and short-lived.
"""

import asyncio
import math
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

import structlog

from slides_api.wellknown import MANAGED_BY_LABEL, OPERATOR_NAME
from slides_operator.core.objects import job_has_ended
from slides_operator.errors import FORBIDDEN, ApiError, GoneError
from slides_operator.kube.cache import JOB, POD, Cache, Key
from slides_operator.kube.client import Client, Json
from slides_operator.metrics import Metrics

SELECTOR = f"{MANAGED_BY_LABEL}={OPERATOR_NAME}"
PAGE = 100
"""Objects of one list: measured, 500 Pods take 25 MB while they are read, and Jobs as much."""
SERVER_TIMEOUT_S = 300
SILENCE_S = 90.0
"""Chosen: the API server sends a bookmark a minute where nothing else happens."""
DEAD_AFTER_S = 180.0
"""Without event, bookmark or as much as an attempt to connect: two silences; chosen."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
LIST_TIMEOUT_S = 60.0

SOURCES = {JOB: ("batch/v1", "/apis/batch/v1", "jobs"), POD: ("v1", "/api/v1", "pods")}


class Queue(Protocol):
    """Where keys go that have to be looked at."""

    def add(self, key: Key) -> None:
        """Look at it now."""

    def add_soon(self, key: Key) -> None:
        """Look at it in a moment: what changed ends nothing."""


log = structlog.get_logger()


class Watch:
    """Keeps the cache in step with one kind, in one namespace or in all."""

    def __init__(
        self,
        client: Client,
        cache: Cache,
        queue: Queue,
        *,
        kind: str,
        namespace: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._cache = cache
        self._queue = queue
        self.kind = kind
        self.namespace = namespace
        self._api_version, root, plural = SOURCES[kind]
        where = f"/namespaces/{namespace}" if namespace else ""
        self._path = f"{root}{where}/{plural}"
        self._clock = clock
        self._moved_at = math.inf  # not running yet
        self.heard_at = clock()
        self.name = f"{plural}/{namespace}" if namespace else plural
        self.synced, self.settled = asyncio.Event(), asyncio.Event()

    def trouble(self) -> str | None:
        """Return what is wrong with this watch, if anything."""
        silent_s = self._clock() - self._moved_at
        if silent_s < DEAD_AFTER_S:
            return None
        return f"the watch of {self.name} has not moved for {silent_s:.0f} s"

    async def run(self) -> None:
        """Follow the kind until cancelled."""
        pause = FIRST_PAUSE_S
        self._moved_at = self._clock()
        while True:
            began_at = self._clock()
            try:
                version = await self._list()
                self.synced.set()
                self.settled.set()
                await self.follow(version)
            except GoneError:
                log.info("watch starts anew", watch=self.name)
                if self._clock() - began_at > LONGEST_PAUSE_S:
                    pause = FIRST_PAUSE_S  # it was of use in between
            except ApiError as e:
                log.warning("list failed", watch=self.name, error=e.message)
                if self.namespace and e.status == FORBIDDEN:
                    self.settled.set()
            # A place that is forgotten at once would else make lists without end.
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
            self._moved_at = self._clock()

    async def _list(self) -> str:
        query = {"labelSelector": SELECTOR, "limit": PAGE}
        uids: set[str] = set()
        more: str | None = ""
        version = ""
        while more is not None:
            page = await self._client.request(
                "GET",
                self._path,
                verb="list",
                query=query | ({"continue": more} if more else {}),
                timeout_s=LIST_TIMEOUT_S,
            )
            self._hear()
            for item in page["items"] or ():
                uids.add(item["metadata"]["uid"])
                self._store(item)
            version = page["metadata"]["resourceVersion"]
            more = page["metadata"].get("continue") or None
        self._forget_others(uids, int(version))
        return version

    def _forget_others(self, uids: set[str], version: int) -> None:
        concerned = self._cache.retain(self.kind, uids, version=version, namespace=self.namespace)
        for key in concerned:
            self._queue.add(key)

    async def follow(self, version: str) -> None:
        """Watch from `version` on, through any number of connections; raise GoneError at last."""
        pause = FIRST_PAUSE_S
        while True:
            before = version
            try:
                version = await self._connect(version)
            except GoneError:
                raise
            except ApiError as e:
                log.info("watch interrupted", watch=self.name, error=e.message)
                version = self._reached
                pause = FIRST_PAUSE_S if version != before else min(pause * 2, LONGEST_PAUSE_S)
                await asyncio.sleep(pause)
            self._moved_at = self._clock()

    async def _connect(self, version: str) -> str:
        query = {
            "watch": "true",
            "labelSelector": SELECTOR,
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": SERVER_TIMEOUT_S,
        }
        self._reached = version
        stream = self._client.stream(self._path, query=query, silence_s=SILENCE_S)
        async with stream as events:
            async for event in events:
                self._hear()
                self._take(event)
                self._reached = event["object"]["metadata"]["resourceVersion"]
        return self._reached

    def _take(self, event: Json) -> None:
        obj = event["object"]
        match event["type"]:
            case "ADDED" | "MODIFIED":
                self._store(obj)
            case "DELETED":
                for key in self._cache.keys_concerned(obj):
                    self._queue.add(key)
                self._cache.drop(obj)
            case "ERROR":
                raise GoneError(f"watch of {self.name}: {obj.get('message')}")

    def _store(self, obj: Json) -> None:
        obj["kind"], obj["apiVersion"] = self.kind, self._api_version  # not in a list's items
        if not self._cache.put(obj):
            return
        add = self._queue.add if self.kind == JOB and job_has_ended(obj) else self._queue.add_soon
        for key in self._cache.keys_concerned(obj):
            add(key)

    def _hear(self) -> None:
        self._moved_at = self.heard_at = self._clock()


def build_watches(
    client: Client,
    cache: Cache,
    queue: Queue,
    *,
    namespaces: tuple[str, ...],
    metrics: Metrics,
) -> list[Watch]:
    """Return a watch for Jobs and one for Pods, of each namespace or of all."""
    watches = [
        Watch(client, cache, queue, kind=kind, namespace=namespace)
        for kind in SOURCES
        for namespace in namespaces or (None,)
    ]
    for kind, (_, _, plural) in SOURCES.items():
        of_kind = [watch for watch in watches if watch.kind == kind]
        metrics.watch_age.labels(plural).set_function(partial(_oldest_s, of_kind))
    return watches


def _oldest_s(watches: list[Watch]) -> float:
    return time.monotonic() - min(watch.heard_at for watch in watches)
