"""What to do about a batch: the SlideExtractions to create and to change, and its status."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from slides_api.conditions import ConditionType, Reason
from slides_api.names import child_name
from slides_api.v1alpha1 import BatchItem, SlideExtractionBatchSpec
from slides_api.wellknown import (
    API_VERSION,
    BATCH_KIND,
    BATCH_LABEL,
    EXTRACTION_KIND,
    ITEM,
    MANAGED_BY_LABEL,
    OPERATOR_NAME,
)
from slides_operator.batch.items import ENDED, build_rows
from slides_operator.batch.observe import BatchObservation
from slides_operator.batch.status import build_refusal, build_status
from slides_operator.extraction.callback import (
    Delivery,
    due_delivery,
    is_open,
    next_moments,
    was_given_up,
)
from slides_operator.extraction.objects import Json, find_condition, parse_time
from slides_operator.extraction.plan import Event, callback_event

BURST = 50
"""SlideExtractions created or changed at once: chosen, so that a large batch shares the API."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a SlideExtraction's spec."""

    name: str
    spec: Json
    resource_version: str


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """All that one reconcile of a batch does, in the order in which it is done."""

    creates: tuple[Json, ...] = ()
    changes: tuple[Change, ...] = ()
    status: Json | None = None
    """The whole status; None as it is. Decided anew once something was created or changed."""
    events: tuple[Event, ...] = ()
    """The transitions that are worth an Event."""
    delete_resource: bool = False
    deliver: Delivery | None = None
    """The attempt to deliver the webhook that is due."""
    look_again_at: datetime | None = None

    @property
    def ends(self) -> bool:
        """Whether the status says that the batch ended."""
        return self.status is not None and "completionTime" in self.status


def plan_batch(seen: BatchObservation, now: datetime, *, refused: Sequence[str] = ()) -> BatchPlan:
    """Return what to do about a batch; `refused` items were just not taken by the API server."""
    if seen.deleting:
        return BatchPlan()
    if seen.spec is None:
        return _with_status(seen, build_refusal(seen, now), now)
    rows = build_rows(
        [item.name for item in seen.spec.items],
        seen.children,
        seen.status.get("items") or (),
        cancelled=seen.cancel,
        refused=refused,
    )
    creates = tuple(_creates(seen, seen.spec, rows))
    changes = tuple(islice(_changes(seen), BURST))
    resuming = seen.was_suspended and not seen.suspend and bool(changes)
    status = build_status(seen, rows, now, resuming=resuming)
    return replace(_with_status(seen, status, now), creates=creates, changes=changes)


def _creates(
    seen: BatchObservation, spec: SlideExtractionBatchSpec, rows: Sequence[Json]
) -> Iterator[Json]:
    """Yield the SlideExtractions that may be created now, a burst at most."""
    if seen.suspend or seen.cancel:
        return
    active = sum(not child.ended for child in seen.children.values())
    room = min((spec.parallelism or len(spec.items)) - active, BURST)
    for item, row in zip(spec.items, rows, strict=True):
        if room <= 0:
            return
        if item.name not in seen.children and row["phase"] not in ENDED:
            room -= 1
            yield build_child(seen, spec, item)


def build_child(seen: BatchObservation, spec: SlideExtractionBatchSpec, item: BatchItem) -> Json:
    """Return the SlideExtraction of an item."""
    owner = {
        "apiVersion": API_VERSION,
        "kind": BATCH_KIND,
        "name": seen.name,
        "uid": seen.uid,
        "controller": True,
    }
    return {
        "apiVersion": API_VERSION,
        "kind": EXTRACTION_KIND,
        "metadata": {
            "name": child_name(seen.name, seen.uid, item.name),
            "namespace": seen.namespace,
            "labels": {BATCH_LABEL: seen.uid, MANAGED_BY_LABEL: OPERATOR_NAME},
            "annotations": {ITEM: item.name},
            "ownerReferences": [owner],
        },
        "spec": spec.extraction_spec(item).to_wire(),
    }


def _changes(seen: BatchObservation) -> Iterator[Change]:
    """Yield what has to be passed on to SlideExtractions that have not ended.

    One that its user suspended is left alone: only what the batch itself suspended is resumed.
    """
    for child in seen.children.values():
        if child.ended:
            continue
        if seen.cancel:
            if not child.cancel:
                yield Change(child.name, {"cancel": True}, child.resource_version)
        elif seen.suspend:
            if not child.suspend:
                yield Change(child.name, {"suspend": True}, child.resource_version)
        elif child.suspend and seen.was_suspended:
            yield Change(child.name, {"suspend": False}, child.resource_version)


def _with_status(seen: BatchObservation, status: Json, now: datetime) -> BatchPlan:
    expiry, callback = _expiry(seen, status), status.get("callback")
    ended_before = bool(seen.status.get("completionTime"))
    moments = (expiry, *next_moments(seen.telling, callback, now))
    return BatchPlan(
        status=None if status == seen.status else status,
        events=tuple(_events(seen, status)),
        delete_resource=ended_before and expiry is not None and expiry <= now,
        deliver=due_delivery(seen.telling, callback, now),
        look_again_at=min((one for one in moments if one), default=None),
    )


def _expiry(seen: BatchObservation, status: Json) -> datetime | None:
    """Return when the batch and its items are to be deleted: not before all is told."""
    owing = any(child.owes_callback for child in seen.children.values())
    if owing or is_open(status.get("callback")):
        return None
    ended = parse_time(status.get("completionTime"))
    ttl = seen.spec.ttl_seconds_after_finished if seen.spec else None
    return ended + timedelta(seconds=ttl) if ended and ttl is not None else None


def _events(seen: BatchObservation, status: Json) -> Iterator[Event]:
    """Yield the end of a batch, and that of its webhook, as Events."""
    if was_given_up(seen.telling.told, status.get("callback")):
        yield callback_event(status["callback"])
    before = find_condition(seen.status.get("conditions"), ConditionType.SUCCEEDED) or {}
    after = find_condition(status["conditions"], ConditionType.SUCCEEDED) or {}
    if after["status"] == "Unknown" or after["reason"] == before.get("reason"):
        return
    kind = "Normal" if after["reason"] in {Reason.ALL_SUCCEEDED, Reason.CANCELLED} else "Warning"
    yield Event(kind, after["reason"], after["message"])
