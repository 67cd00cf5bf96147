"""One replica of the operator: its parts put together."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

import structlog
from kubernetes.aio.client import Configuration

from slides_api.v1alpha1 import Phase
from slides_operator.handlers import build_registry, run_kopf
from slides_operator.health import serve_health
from slides_operator.kube.cache import Cache, Key, Kind
from slides_operator.kube.census import build_censuses, wait_until_served
from slides_operator.kube.client import Client
from slides_operator.kube.cluster import Cluster
from slides_operator.kube.echoes import Echoes
from slides_operator.kube.transitions import Transitions
from slides_operator.kube.watches import build_watches
from slides_operator.leader import Elector
from slides_operator.metrics import Metrics
from slides_operator.settings import OperatorSettings
from slides_operator.webhooks import Deliveries, open_deliveries
from slides_operator.workqueue import Reconcile, WorkQueue

UNSEEN_PERIOD = timedelta(seconds=5)
"""Until a namespace that is not shown is asked about again: chosen, as lists are tried."""
MakeReconcile = Callable[[Cluster, Cache, OperatorSettings, Deliveries], Reconcile]


class Follower(Protocol):
    """What keeps the cache in step with a part of the cluster."""

    namespace: str | None
    """Which it follows; None: all."""
    synced: asyncio.Event
    """Set once the cache holds all that there was."""
    settled: asyncio.Event
    """Set then too, or once this namespace is refused: the others need not wait for it."""

    def trouble(self) -> str | None:
        """Return what is wrong with it, if anything."""

    async def run(self) -> None:
        """Follow until cancelled."""


log = structlog.get_logger()


class Replica:
    """Watches all the time, and reconciles while it leads."""

    def __init__(
        self,
        client: Client,
        configuration: Configuration,
        *,
        settings: OperatorSettings,
        metrics: Metrics,
        make_reconcile: MakeReconcile,
    ) -> None:
        self._client = client
        self._configuration = configuration
        self._settings = settings
        self._metrics = metrics
        self._cache = Cache()
        self._echoes = Echoes()
        self._queue = WorkQueue(metrics)
        self._cluster = cluster = Cluster(
            client,
            self._cache,
            settings,
            echoes=self._echoes,
            transitions=Transitions(metrics),
        )
        self._make_reconcile = partial(make_reconcile, cluster, self._cache, settings)
        for phase in Phase:
            metrics.extractions.labels(phase).set_function(partial(self._cache.in_phase, phase))
        namespaces = settings.watch_namespaces
        watches = build_watches(
            client, self._cache, self._queue, namespaces=namespaces, metrics=metrics
        )
        self._censuses = build_censuses(
            client,
            self._cache,
            self._queue.add,
            echoes=self._echoes,
            namespaces=namespaces,
            metrics=metrics,
        )
        self._followers: list[Follower] = [*watches, *self._censuses]
        self._elector = Elector(
            client,
            namespace=settings.pod_namespace,
            identity=settings.pod_name,
            metrics=metrics,
        )

    async def run(self, *, on_watching: Callable[[], None]) -> None:
        """Work until cancelled; `on_watching` is called once kopf has taken the signals.

        Raises ExceptionGroup when a part fails that cannot go on.
        """
        alive = [*(part.trouble for part in self._followers), self._echoes.trouble]
        async with serve_health(
            self._settings.health_port,
            alive=alive,
            ready=[self._not_synced],
            registry=self._metrics.registry,
        ):
            port = self._settings.health_port
            log.info("started", health_port=port, identity=self._settings.pod_name)
            await wait_until_served(self._client, self._settings.watch_namespaces)
            await self._run_parts(on_watching)

    async def _run_parts(self, on_watching: Callable[[], None]) -> None:
        this = asyncio.current_task()
        assert this is not None  # noqa: S101 - it runs in a task
        async with asyncio.TaskGroup() as group:
            # Before kopf's: kopf, when it ends, cancels every task that is younger than itself.
            leading = group.create_task(self._lead(), name="leading")
            for part in self._followers:
                group.create_task(part.run())
            group.create_task(self._watch_own_kinds(on_watching, stop=this.cancel), name="kopf")
            try:
                await asyncio.Event().wait()  # until cancelled
            finally:
                leading.cancel()  # first of all, so that another replica can go on
                await asyncio.wait([leading])

    async def _watch_own_kinds(
        self, on_watching: Callable[[], None], *, stop: Callable[[], object]
    ) -> None:
        registry = build_registry(
            self._cache,
            self._queue.add,
            echoes=self._echoes,
            hear=self._hear,
            configuration=self._configuration,
        )
        await run_kopf(registry, self._settings.watch_namespaces, on_started=on_watching)
        stop()  # a signal came while kopf had the signals for itself

    async def _lead(self) -> None:
        for part in self._followers:
            await part.settled.wait()
        log.info("caches filled", extractions=self._cache.count(Kind.EXTRACTION))
        await self._elector.run(self._work)

    async def _work(self) -> None:
        keys = self._cache.keys()
        log.info("reconciling all", resources=len(keys))
        async with open_deliveries(
            self._cluster, self._cache, self._settings, self._metrics, wake=self._queue.add
        ) as deliveries:
            # Anew: while nobody led, the API server may have been away, and no runner could report.
            reconcile = partial(self._reconcile_seen, self._make_reconcile(deliveries))
            await self._queue.run(reconcile, keys=keys, workers=self._settings.workers)

    async def _reconcile_seen(self, reconcile: Reconcile, key: Key) -> datetime | None:
        """Reconcile what lies where all was seen: a Job that only is not shown is not gone."""
        places = {None, key.namespace}
        if all(part.synced.is_set() for part in self._followers if part.namespace in places):
            return await reconcile(key)
        return datetime.now(UTC) + UNSEEN_PERIOD

    def _hear(self, kind: Kind, namespace: str) -> None:
        for census in self._censuses:
            if census.kind == kind and census.namespace in {None, namespace}:
                census.hear()

    def _not_synced(self) -> str | None:
        filled = all(part.settled.is_set() for part in self._followers)
        return None if filled else "caches are being filled"
