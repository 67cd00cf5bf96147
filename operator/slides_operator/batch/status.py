"""What the status of a batch says: counts and rows, phase and conditions, in pure functions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from slides_api.conditions import ConditionType, Reason
from slides_api.v1alpha1 import ConditionStatus, Phase
from slides_operator.batch.items import count_rows
from slides_operator.batch.observe import BatchObservation
from slides_operator.extraction.callback import next_callback
from slides_operator.extraction.conditions import Conditions
from slides_operator.extraction.objects import Json, format_time, present
from slides_operator.extraction.wording import clean

STATUS_LIMIT = 480 * 1024
"""Bytes of all rows beyond which they leave out where manifests lie: etcd takes 1.5 MB whole."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    phase: Phase
    succeeded: ConditionStatus
    reason: Reason
    message: str

    @property
    def ended(self) -> bool:
        return self.succeeded is not ConditionStatus.UNKNOWN


def _judge(seen: BatchObservation, counts: Mapping[str, int]) -> _Verdict:
    total, ended = counts["total"], sum(counts[one] for one in ("completed", "failed", "cancelled"))
    if ended < total:
        return _judge_unfinished(seen, counts, ended)
    message = f"{counts['completed']} of {total} items completed"
    if counts["completed"] == total:
        return _Verdict(Phase.COMPLETED, ConditionStatus.TRUE, Reason.ALL_SUCCEEDED, f"{message}.")
    message += f", {counts['failed']} failed, {counts['cancelled']} cancelled."
    if seen.cancel or counts["cancelled"] == total:
        return _Verdict(Phase.CANCELLED, ConditionStatus.FALSE, Reason.CANCELLED, message)
    whole = counts["failed"] == total
    reason = Reason.ALL_FAILED if whole else Reason.PARTIALLY_FAILED
    message += " status.items has their reasons; retry one by annotating its SlideExtraction."
    return _Verdict(Phase.FAILED, ConditionStatus.FALSE, reason, message)


def _judge_unfinished(seen: BatchObservation, counts: Mapping[str, int], ended: int) -> _Verdict:
    message = f"{ended} of {counts['total']} items ended, {counts['running']} are worked on."
    if seen.suspend and not seen.cancel:
        message += " Suspended: it goes on when spec.suspend is false."
        return _Verdict(Phase.SUSPENDED, ConditionStatus.UNKNOWN, Reason.SUSPENDED, message)
    begun = counts["running"] or ended
    phase = Phase.EXTRACTING if begun else Phase.PENDING
    return _Verdict(phase, ConditionStatus.UNKNOWN, Reason.WAITING_FOR_ITEMS, message)


def build_status(
    seen: BatchObservation, rows: Sequence[Json], now: datetime, *, resuming: bool
) -> Json:
    """Return the whole status of a batch; `resuming` while items are still to be resumed."""
    counts = count_rows(rows)
    verdict = _judge(seen, counts)
    before = seen.status
    started = before.get("startTime") or (seen.children and format_time(now))
    ended = (before.get("completionTime") or format_time(now)) if verdict.ended else None
    return present(
        observedGeneration=seen.generation,
        phase=verdict.phase.value,
        conditions=_build_conditions(seen, verdict, counts, now, resuming=resuming),
        startTime=started or None,
        completionTime=ended,
        counts=counts,
        items=_within_limit(rows),
        callback=next_callback(seen.telling, ended, now) if ended else None,
    )


def _build_conditions(
    seen: BatchObservation,
    verdict: _Verdict,
    counts: Mapping[str, int],
    now: datetime,
    *,
    resuming: bool,
) -> list[Json]:
    conditions = _conditions(seen, now)
    reason, message = verdict.reason, verdict.message
    conditions.add(ConditionType.SUCCEEDED, verdict.succeeded, reason, message)
    conditions.add(ConditionType.ACCEPTED, ConditionStatus.TRUE, Reason.ACCEPTED, "")
    running = ConditionStatus.TRUE if counts["running"] else ConditionStatus.FALSE
    conditions.add(ConditionType.RUNNING, running, reason, "")
    resting = verdict.reason is Reason.SUSPENDED
    if resting or resuming:
        conditions.add(ConditionType.SUSPENDED, ConditionStatus.TRUE, Reason.SUSPENDED, "")
    if not verdict.ended and not resting:
        conditions.add(ConditionType.RECONCILING, ConditionStatus.TRUE, reason, message)
    if reason in {Reason.PARTIALLY_FAILED, Reason.ALL_FAILED}:
        conditions.add(ConditionType.STALLED, ConditionStatus.TRUE, reason, message)
    return conditions.build()


def build_refusal(seen: BatchObservation, now: datetime) -> Json:
    """Return the status of a batch whose spec cannot be read."""
    message = clean(f"{seen.spec_error}. Correct the spec, or create the batch anew.")
    conditions = _conditions(seen, now)
    for kind in (ConditionType.SUCCEEDED, ConditionType.ACCEPTED):
        conditions.add(kind, ConditionStatus.FALSE, Reason.INVALID_SPEC, message)
    conditions.add(ConditionType.STALLED, ConditionStatus.TRUE, Reason.INVALID_SPEC, message)
    ended = seen.status.get("completionTime") or format_time(now)
    return {
        **seen.status,
        "observedGeneration": seen.generation,
        "phase": Phase.FAILED.value,
        "conditions": conditions.build(),
        "completionTime": ended,
    } | present(callback=next_callback(seen.telling, ended, now))


def _conditions(seen: BatchObservation, now: datetime) -> Conditions:
    return Conditions(seen.status.get("conditions"), generation=seen.generation, now=now)


def _within_limit(rows: Sequence[Json]) -> list[Json]:
    """Return rows that fit into a status: without the addresses, which the items have too."""
    if len(json.dumps(rows, ensure_ascii=False).encode()) <= STATUS_LIMIT:
        return list(rows)
    return [{name: value for name, value in row.items() if name != "manifestURI"} for row in rows]
