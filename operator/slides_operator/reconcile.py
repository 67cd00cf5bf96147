"""One reconcile: gather what there is, plan, apply. All I/O is in the two ends.

Each write leaves a state from which the next reconcile goes on, so it may end after any of them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

import structlog

from slides_api.wellknown import OUTPUTS_FINALIZER
from slides_operator.batch.reconcile import BatchReconciler
from slides_operator.errors import (
    FORBIDDEN,
    ApiError,
    ConflictError,
    NotFoundError,
    RejectedError,
    UnreachableError,
)
from slides_operator.extraction.deletion import plan_abandonment, plan_delay, plan_deletion
from slides_operator.extraction.job import progress_seconds
from slides_operator.extraction.objects import Json
from slides_operator.extraction.observe import Observation, World, observe
from slides_operator.extraction.plan import Plan, plan, plan_hindrance, plan_refusal
from slides_operator.extraction.pod import template_hash
from slides_operator.extraction.settled import is_settled
from slides_operator.extraction.stuck import needs_events
from slides_operator.extraction.twins import find_twins, manifests_at_stake, video_at_stake
from slides_operator.kube.cache import Cache, Key, Kind
from slides_operator.kube.cluster import Cluster
from slides_operator.settings import OperatorSettings
from slides_operator.webhooks import Deliveries

AGAIN = timedelta(seconds=1)
"""Least time until an unchanged resource is looked at again: no decision is worth a busy loop."""
STUCK_GRANT_S = 10.0
"""Age of runners' access at which it may be what a stuck Job lacks: chosen, as a Job is patient."""
NAMESPACE_ENDS = "being terminated"
"""What the API server says of whatever is created in such a namespace."""

log = structlog.get_logger()


class Reconciler:
    """Brings resources closer to what they should be, one step at a time."""

    def __init__(
        self,
        cluster: Cluster,
        cache: Cache,
        settings: OperatorSettings,
        deliveries: Deliveries,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._settings = settings
        self._deliveries = deliveries
        self._now = now
        self._heard_since = now()
        self._going: dict[Key, tuple[str, datetime]] = {}
        self._batches = BatchReconciler(cluster, cache, deliveries, now=now)

    async def reconcile(self, key: Key) -> datetime | None:
        """Do what is to be done about a resource; return when to look again, if time decides.

        Raises ApiError when the API server did not do its part: try again later.
        """
        try:
            match key.kind:
                case Kind.EXTRACTION:
                    return await self._reconcile_extraction(key)
                case Kind.BATCH:
                    return await self._batches.reconcile(key)
                case _:
                    assert_never(key.kind)
        except NotFoundError:
            return None  # deleted meanwhile: its end comes through the watch
        except UnreachableError:
            self._heard_since = self._now()  # nor did runners reach it
            raise

    async def _reconcile_extraction(self, key: Key) -> datetime | None:
        extraction = self._cache.extraction(key)
        if extraction is None:
            self._deliveries.forget(key)
            self._going.pop(key, None)
            return None
        jobs = self._cache.jobs_of(key.namespace, extraction["metadata"]["uid"])
        if is_settled(extraction, jobs):
            return None
        now = self._now()
        seen = await self._gather(key, extraction, jobs, now)
        if seen.deleted_at:
            return await self._delete(key, seen, now)
        return await self._pursue(key, seen, now)

    async def _gather(
        self, key: Key, extraction: Json, jobs: list[Json], now: datetime
    ) -> Observation:
        """Return what there is; Events are read only about what is stuck without a word."""
        meta = extraction["metadata"]
        world = World(
            extraction,
            jobs,
            self._cache.pods_of(meta["namespace"], meta["uid"]),
            heard_since=self._heard_since,
            template=template_hash(extraction.get("spec") or {}, self._settings),
            tried=self._deliveries.tried(key),
        )
        seen = observe(world)
        if seen.deleted_at:
            kept = self._cache.manifests_like(manifests_at_stake(seen), but_not=meta["uid"])
            twins = find_twins(seen, self._cache.at_work_on(video_at_stake(seen)))
            since = self._going_since(key, seen.uid, now)
            return observe(replace(world, kept=kept, twins=twins, going_since=since))
        about = {needs_events(seen, attempt, now) for attempt in seen.attempts.values()} - {""}
        if not about:
            return seen
        with suppress(ApiError):  # a namespace that was made anew lacks what its pods need
            await self._cluster.ensure_runner_access(seen.namespace, within_s=STUCK_GRANT_S)
        events = await self._cluster.events_of(seen.namespace, about.pop())
        return observe(replace(world, events=events))

    def _going_since(self, key: Key, uid: str, now: datetime) -> datetime:
        known, since = self._going.get(key, ("", now))
        if known != uid:
            since = now
        self._going[key] = uid, since
        return since

    async def _delete(self, key: Key, seen: Observation, now: datetime) -> datetime | None:
        made = plan_deletion(seen, self._settings, now)
        try:
            await self._create(seen, made)
        except ApiError as e:
            if not _is_hopeless(e):
                if _is_refused(e):
                    delay = plan_delay(seen, self._settings, now, message=e.message)
                    await self._apply(key, seen, delay, now)
                raise
            made = plan_abandonment(seen, self._settings, now, message=e.message)
        return await self._apply(key, seen, made, now)

    async def _pursue(self, key: Key, seen: Observation, now: datetime) -> datetime | None:
        progress_s = progress_seconds(self._cache.active_jobs())
        made = plan(seen, self._settings, now, progress_s=progress_s)
        if made.finalizers is not None:
            await self._set_finalizers(key, made.finalizers)
            return now
        try:
            await self._create(seen, made)
        except RejectedError as e:
            made = plan_refusal(seen, self._settings, now, message=e.message)
        except ApiError as e:
            if _is_refused(e):
                hindered = plan_hindrance(seen, self._settings, now, message=e.message)
                await self._apply(key, seen, hindered, now)
            raise
        return await self._apply(key, seen, made, now)

    async def _create(self, seen: Observation, made: Plan) -> None:
        """Create what comes before the status: a Job that it does not name is found again."""
        if made.job is None:
            return
        await self._cluster.ensure_runner_access(seen.namespace)
        if made.claim is not None:
            await self._cluster.create_claim(seen.namespace, made.claim)
        await self._cluster.create_job(seen.namespace, made.job)

    async def _apply(
        self, key: Key, seen: Observation, made: Plan, now: datetime
    ) -> datetime | None:
        """Write the status, once, then clean up what it no longer needs."""
        cluster, namespace = self._cluster, seen.namespace
        if made.drop_claim:
            with _unless_refused(seen):
                await cluster.delete_claim(namespace, made.drop_claim)
        if made.status is not None:
            version = seen.world.extraction["metadata"]["resourceVersion"]
            with _unless_going(seen, made):
                await cluster.apply_status(key, made.status, resource_version=version)
        self._deliveries.recorded(key, seen.telling.tried)
        if made.deliver is not None:
            self._deliveries.start(key, made.deliver)
        for job in made.delete_jobs:
            with _unless_going(seen, made):
                await cluster.delete_job(namespace, job)
        for job in made.expire_jobs:
            ttl = {"spec": {"ttlSecondsAfterFinished": self._settings.job_history_seconds}}
            await cluster.patch_job(namespace, job, ttl)
        if made.delete_resource:
            await cluster.delete_extraction(key, seen.uid)
        if made.release:
            await self._release(key)
        for event in made.events:
            await cluster.post_event(
                seen.world.extraction,
                type=event.type,
                reason=event.reason,
                message=event.message,
            )
        return _next_look(made, now)

    async def _release(self, key: Key) -> None:
        extraction = self._cache.extraction(key)
        if extraction is not None:
            finalizers = extraction["metadata"].get("finalizers") or ()
            rest = tuple(one for one in finalizers if one != OUTPUTS_FINALIZER)
            await self._set_finalizers(key, rest)

    async def _set_finalizers(self, key: Key, finalizers: tuple[str, ...]) -> None:
        extraction = self._cache.extraction(key)
        if extraction is not None:
            version = extraction["metadata"]["resourceVersion"]
            metadata = {"finalizers": list(finalizers)}
            await self._cluster.patch_metadata(key, metadata, resource_version=version)


@contextmanager
def _unless_refused(seen: Observation) -> Iterator[None]:
    """Let what the API server will not have deleted hold up no end: its owner takes it along."""
    try:
        yield
    except ApiError as e:
        if not _is_refused(e):
            raise
        _log_refusal(seen, e)


@contextmanager
def _unless_going(seen: Observation, made: Plan) -> Iterator[None]:
    """Let no refusal of what is merely good to have hold up a deletion, and no failure its end."""
    try:
        yield
    except ConflictError:
        raise  # what changed meanwhile is looked at, and decided anew
    except ApiError as e:
        if not seen.deleted_at or not (made.release or _is_refused(e)):
            raise
        _log_refusal(seen, e)


def _log_refusal(seen: Observation, error: ApiError) -> None:
    log.warning("refused", namespace=seen.namespace, name=seen.name, error=error.message)


def _is_hopeless(error: ApiError) -> bool:
    """Return whether the API server will never have it; a namespace that ends takes no Jobs."""
    return isinstance(error, RejectedError) or NAMESPACE_ENDS in error.message


def _is_refused(error: ApiError) -> bool:
    """Return whether the API server will not have it: now (quota, rights) or ever."""
    return isinstance(error, RejectedError) or error.status == FORBIDDEN


def _next_look(made: Plan, now: datetime) -> datetime | None:
    if made.look_again_at is None:
        return None
    changed = made.status is not None or made.job is not None
    return max(made.look_again_at, now if changed else now + AGAIN)
