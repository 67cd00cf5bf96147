"""The items of a batch: one row each, from its SlideExtraction, or from what was known of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from slides_api.conditions import ConditionType, Reason
from slides_api.names import child_name
from slides_api.v1alpha1 import Phase
from slides_api.wellknown import ITEM
from slides_operator.extraction.callback import owes_callback
from slides_operator.extraction.objects import Json, find_condition, present

ENDED = frozenset({Phase.COMPLETED, Phase.FAILED, Phase.CANCELLED})
AT_WORK = frozenset({Phase.DOWNLOADING, Phase.EXTRACTING, Phase.UPLOADING})


@dataclass(frozen=True, slots=True)
class Child:
    """The SlideExtraction of an item."""

    item: str
    name: str
    resource_version: str
    suspend: bool
    cancel: bool
    phase: str
    reason: str
    ended: bool
    result: Json
    owes_callback: bool
    """Whether its own webhook is still to be delivered."""

    def row(self) -> Json:
        """Return what the batch's status says of it."""
        return {"name": self.item} | present(
            extraction=self.name,
            phase=self.phase,
            reason=self.reason,
            slideCount=self.result.get("slideCount"),
            manifestURI=self.result.get("manifestURI"),
        )


def observe_children(batch: str, uid: str, extractions: Iterable[Json]) -> dict[str, Child]:
    """Return the batch's own SlideExtractions by item; one that only bears its label is none."""
    children = {}
    for extraction in extractions:
        child = _observe_child(extraction)
        if child.name == child_name(batch, uid, child.item):
            children[child.item] = child
    return children


def _observe_child(extraction: Json) -> Child:
    meta, spec = extraction["metadata"], extraction.get("spec") or {}
    status = extraction.get("status") or {}
    succeeded = find_condition(status.get("conditions"), ConditionType.SUCCEEDED) or {}
    return Child(
        item=(meta.get("annotations") or {}).get(ITEM, ""),
        name=meta["name"],
        resource_version=meta["resourceVersion"],
        suspend=spec.get("suspend") is True,
        cancel=spec.get("cancel") is True,
        phase=status.get("phase") or Phase.PENDING.value,
        reason=succeeded.get("reason") or "",
        ended=bool(status.get("completionTime")),
        result=status.get("result") or {},
        owes_callback=owes_callback(extraction),
    )


def build_rows(
    items: Sequence[str],
    children: Mapping[str, Child],
    before: Iterable[Json],
    *,
    cancelled: bool,
    refused: Iterable[str] = (),
) -> list[Json]:
    """Return one row per item, in their order.

    What ended stays known when its SlideExtraction is deleted. `refused` are the items whose
    SlideExtraction the API server would not take.
    """
    known = {row["name"]: row for row in before if row.get("phase") in ENDED}
    known |= {name: _ended_row(name, Phase.FAILED, Reason.INVALID_SPEC) for name in refused}
    rows = []
    for name in items:
        if child := children.get(name):
            rows.append(child.row())
        elif row := known.get(name):
            rows.append(row)
        elif cancelled:
            rows.append(_ended_row(name, Phase.CANCELLED, Reason.CANCELLED))
        else:
            rows.append({"name": name, "phase": Phase.PENDING.value})
    return rows


def _ended_row(name: str, phase: Phase, reason: Reason) -> Json:
    return {"name": name, "phase": phase.value, "reason": reason.value}


def count_rows(rows: Sequence[Json]) -> dict[str, int]:
    """Return how many items are where."""
    phases = [row["phase"] for row in rows]
    counts = {
        "total": len(rows),
        "running": sum(phase in AT_WORK for phase in phases),
        "completed": phases.count(Phase.COMPLETED),
        "failed": phases.count(Phase.FAILED),
        "cancelled": phases.count(Phase.CANCELLED),
    }
    return counts | {"pending": 2 * counts["total"] - sum(counts.values())}
