"""One reconcile of a batch: create and change its SlideExtractions, then write its status.

A batch hears of every change of every item, so it is looked at once in a while only: its status
is written at most so often, and the last change is never lost since it is looked at again.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from slides_api.conditions import Reason
from slides_api.wellknown import ITEM
from slides_operator.batch.observe import BatchObservation, observe_batch
from slides_operator.batch.plan import BatchPlan, Change, plan_batch
from slides_operator.errors import ApiError, NotFoundError, RejectedError
from slides_operator.extraction.objects import Json
from slides_operator.extraction.wording import clean
from slides_operator.kube.cache import Cache, Key, Kind
from slides_operator.kube.cluster import Cluster
from slides_operator.webhooks import Deliveries

PERIOD = timedelta(seconds=2)
"""Least time between two looks at a batch, and so between two writes of its status."""

log = structlog.get_logger()


@dataclass(slots=True)
class Answers:
    """What the API server said to a burst of requests."""

    refused: dict[str, str] = field(default_factory=dict)
    """Items whose SlideExtraction it would not take, and why."""
    errors: list[ApiError] = field(default_factory=list)


class BatchReconciler:
    """Brings batches closer to what they should be."""

    def __init__(
        self,
        cluster: Cluster,
        cache: Cache,
        deliveries: Deliveries,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._cluster = cluster
        self._cache = cache
        self._deliveries = deliveries
        self._now = now
        self._quiet_until: dict[Key, datetime] = {}
        self._written_at: dict[Key, datetime] = {}

    async def reconcile(self, key: Key) -> datetime | None:
        """Do what is to be done about a batch; return when to look again, if time decides.

        Raises ApiError when the API server did not do its part: try again later.
        """
        now = self._now()
        if (quiet := self._quiet_until.get(key)) and now < quiet:
            return quiet
        seen = self._observe(key)
        if seen is None or seen.deleting:
            self._forget(key)
            return None
        made = plan_batch(seen, now)
        if not made.creates and not made.changes:
            return await self._settle(key, seen, made, now)
        answers = await self._burst(seen.namespace, made)
        if (seen := self._observe(key)) is not None:
            made = plan_batch(seen, now, refused=tuple(answers.refused))
            if answers.refused or self._may_write(key, now):
                await self._write(key, seen, made, now)
            await self._tell_refusals(seen, answers.refused)
        if answers.errors:
            raise answers.errors[0]
        return now

    def _observe(self, key: Key) -> BatchObservation | None:
        batch = self._cache.batch(key)
        if batch is None:
            return None
        children = self._cache.children_of(key.namespace, batch["metadata"]["uid"])
        return observe_batch(batch, children, self._deliveries.tried(key))

    async def _settle(
        self, key: Key, seen: BatchObservation, made: BatchPlan, now: datetime
    ) -> datetime | None:
        """Write the status of a batch that has all the SlideExtractions that it may have."""
        await self._write(key, seen, made, now)
        self._deliveries.recorded(key, seen.telling.tried)
        if made.delete_resource:
            await self._cluster.delete_extraction(key, seen.uid)
        if made.deliver is not None:
            self._deliveries.start(key, made.deliver)
        self._quiet_until[key] = now + PERIOD
        return made.look_again_at

    def _may_write(self, key: Key, now: datetime) -> bool:
        """Return whether the status may be written although more is to come."""
        written = self._written_at.get(key)
        return written is None or now >= written + PERIOD

    async def _write(
        self, key: Key, seen: BatchObservation, made: BatchPlan, now: datetime
    ) -> None:
        if made.status is None:
            return
        version = seen.batch["metadata"]["resourceVersion"]
        await self._cluster.apply_status(key, made.status, resource_version=version)
        self._written_at[key] = now
        for event in made.events:
            await self._cluster.post_event(
                seen.batch, type=event.type, reason=event.reason, message=event.message
            )

    async def _tell_refusals(self, seen: BatchObservation, refused: Mapping[str, str]) -> None:
        """Say why items fail that have no SlideExtraction to say it."""
        for item, why in refused.items():
            log.warning(
                "item refused", namespace=seen.namespace, batch=seen.name, item=item, error=why
            )
        if refused:
            count, (item, why) = len(refused), next(iter(refused.items()))
            told = f"The API server refuses the SlideExtractions of {count} items. {item}: {why}"
            await self._cluster.post_event(
                seen.batch, type="Warning", reason=Reason.INVALID_SPEC, message=clean(told)
            )

    async def _burst(self, namespace: str, made: BatchPlan) -> Answers:
        """Send all requests side by side; one that fails does not hold up the others."""
        answers = Answers()
        async with asyncio.TaskGroup() as group:
            for body in made.creates:
                group.create_task(self._create(namespace, body, answers))
            for change in made.changes:
                group.create_task(self._change(namespace, change, answers))
        return answers

    async def _create(self, namespace: str, body: Json, answers: Answers) -> None:
        try:
            await self._cluster.create_extraction(namespace, body)
        except RejectedError as e:
            answers.refused[body["metadata"]["annotations"][ITEM]] = e.message
        except ApiError as e:
            answers.errors.append(e)

    async def _change(self, namespace: str, change: Change, answers: Answers) -> None:
        key = Key(Kind.EXTRACTION, namespace, change.name)
        version = change.resource_version
        try:
            await self._cluster.patch_spec(key, change.spec, resource_version=version)
        except NotFoundError:
            return  # its end comes through the watch
        except ApiError as e:
            answers.errors.append(e)

    def _forget(self, key: Key) -> None:
        self._deliveries.forget(key)
        self._quiet_until.pop(key, None)
        self._written_at.pop(key, None)
