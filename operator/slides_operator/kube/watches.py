"""Watches of Jobs and Pods: only ours, in pages, resumed where they broke off.

kopf watches the project's own kinds; it knows neither selectors that the API server applies nor
what was deleted between two lists, and both matter for what is many and short-lived.
"""

import time
from collections.abc import Callable, Collection
from functools import partial
from typing import Protocol

from slides_api.wellknown import MANAGED_BY_LABEL, OPERATOR_NAME
from slides_operator.extraction.objects import job_has_ended
from slides_operator.kube.cache import JOB, POD, Cache, Key
from slides_operator.kube.client import Client, Json
from slides_operator.kube.follow import Follower
from slides_operator.metrics import Metrics

SELECTOR = f"{MANAGED_BY_LABEL}={OPERATOR_NAME}"
PAGE = 100
"""Objects of one list: measured, 500 Pods take 25 MB while they are read, and Jobs as much."""

SOURCES = {JOB: ("batch/v1", "/apis/batch/v1", "jobs"), POD: ("v1", "/api/v1", "pods")}


class Queue(Protocol):
    """Where keys go that have to be looked at."""

    def add(self, key: Key) -> None:
        """Look at it now."""

    def add_soon(self, key: Key) -> None:
        """Look at it in a moment: what changed ends nothing."""


class Watch(Follower):
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
        self.kind = kind
        api_version, root, plural = SOURCES[kind]
        where = f"/namespaces/{namespace}" if namespace else ""
        super().__init__(
            client,
            f"{root}{where}/{plural}",
            _Looked(cache, queue, kind, api_version),
            page=PAGE,
            selector=SELECTOR,
            namespace=namespace,
            clock=clock,
        )


class _Looked:
    """Puts objects of one kind into the cache, and what they concern into the queue."""

    def __init__(self, cache: Cache, queue: Queue, kind: str, api_version: str) -> None:
        self._cache = cache
        self._queue = queue
        self._kind = kind
        self._api_version = api_version

    def put(self, obj: Json) -> None:
        obj["kind"], obj["apiVersion"] = self._kind, self._api_version  # not in a list's items
        if not self._cache.put(obj):
            return
        ended = self._kind == JOB and job_has_ended(obj)
        add = self._queue.add if ended else self._queue.add_soon
        for key in self._cache.keys_concerned(obj):
            add(key)

    def drop(self, obj: Json) -> None:
        for key in self._cache.keys_concerned(obj):
            self._queue.add(key)
        self._cache.drop(obj)

    def retain(self, uids: Collection[str], *, version: int, namespace: str | None) -> None:
        concerned = self._cache.retain(self._kind, uids, version=version, namespace=namespace)
        for key in concerned:
            self._queue.add(key)


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
