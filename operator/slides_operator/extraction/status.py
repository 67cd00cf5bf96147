"""What the status says of a state: phase, conditions, times and attempts, in pure functions."""

from datetime import datetime

from slides_api.conditions import ConditionType, Reason
from slides_api.names import claim_name
from slides_api.v1alpha1 import ConditionStatus
from slides_api.wellknown import RETRY_AT
from slides_operator.extraction.callback import next_callback
from slides_operator.extraction.conditions import Conditions, seen_again
from slides_operator.extraction.decide import Decision
from slides_operator.extraction.ledger import build_attempts
from slides_operator.extraction.objects import Json, find_condition, format_time, present
from slides_operator.extraction.observe import Observation
from slides_operator.extraction.requests import is_unreadable, requested_at, retry_due
from slides_operator.extraction.states import (
    Cancelled,
    Ended,
    Held,
    Hindered,
    Kept,
    Refused,
    State,
    Succeeded,
    Suspended,
    Waiting,
    Working,
)
from slides_operator.extraction.verdict import Verdict, describe
from slides_operator.extraction.wording import clean

OPERATOR_FIELDS = (
    "observedGeneration",
    "phase",
    "conditions",
    "startTime",
    "completionTime",
    "nextRetryTime",
    "lastRetryAt",
    "workClaim",
    "attempts",
    "callback",
)
"""The fields that the operator writes, all of them at once."""


def next_status(seen: Observation, decision: Decision, now: datetime) -> Json:
    """Return all that the operator's part of the status should say now."""
    if isinstance(decision.state, Kept):
        return _kept_status(seen, now)
    verdict = describe(seen, decision.state, now)
    ended = isinstance(decision.state, Ended | Refused)
    # What could not start when it was due keeps that time: startDeadlineSeconds runs from it.
    waiting = isinstance(decision.state, Waiting | Suspended | Refused | Hindered | Held)
    completion = _completion_time(seen, now) if ended else None
    return present(
        observedGeneration=seen.generation,
        phase=verdict.phase.value,
        conditions=_build_conditions(seen, decision.state, verdict, now),
        startTime=seen.status.get("startTime") or _start_time(decision),
        completionTime=completion,
        nextRetryTime=format_time(decision.retry_at) if waiting and decision.retry_at else None,
        lastRetryAt=_last_retry_at(seen, now),
        workClaim=_work_claim(seen, decision.state),
        attempts=build_attempts(decision.ledger),
        callback=next_callback(seen.telling, completion, now) if completion else None,
    )


def own_part(status: Json) -> Json:
    """Return what the operator has written of a status."""
    return {name: status[name] for name in OPERATOR_FIELDS if name in status}


def same_status(one: Json, other: Json) -> bool:
    """Return whether two statuses say the same; conditions have no order."""
    return _sorted(one) == _sorted(other)


def _sorted(status: Json) -> Json:
    conditions = status.get("conditions") or ()
    return {**status, "conditions": sorted(conditions, key=lambda one: str(one.get("type")))}


def _build_conditions(
    seen: Observation, state: State, verdict: Verdict, now: datetime
) -> list[Json]:
    before = seen.status.get("conditions")
    conditions = Conditions(before, generation=seen.generation, now=now)
    conditions.add(ConditionType.SUCCEEDED, verdict.succeeded, verdict.reason, verdict.message)
    if isinstance(state, Refused):
        conditions.add(
            ConditionType.ACCEPTED, ConditionStatus.FALSE, Reason.INVALID_SPEC, verdict.message
        )
    else:
        conditions.add(
            ConditionType.ACCEPTED, ConditionStatus.TRUE, Reason.ACCEPTED, _acceptance(seen)
        )
    running = ConditionStatus.TRUE if verdict.running else ConditionStatus.FALSE
    conditions.add(ConditionType.RUNNING, running, verdict.reason, "")
    if isinstance(state, Suspended):
        conditions.add(
            ConditionType.SUSPENDED, ConditionStatus.TRUE, Reason.SUSPENDED, verdict.message
        )
    if verdict.reconciling:
        conditions.add(
            ConditionType.RECONCILING, ConditionStatus.TRUE, verdict.reason, verdict.message
        )
    if verdict.stalled:
        conditions.add(
            ConditionType.STALLED, ConditionStatus.TRUE, verdict.stalled, verdict.message
        )
    return conditions.build()


def _acceptance(seen: Observation) -> str:
    """Return what is wrong with an accepted resource, for those who wonder why nothing happens."""
    if seen.spec is None:
        return clean(f"No other attempt can start as the spec is now: {seen.spec_error}")
    if is_unreadable(seen):
        return f"The annotation {RETRY_AT} is no time such as 2027-01-31T12:00:00Z: ignored."
    return ""


def _start_time(decision: Decision) -> str | None:
    rows = decision.ledger.rows
    return format_time(rows[0].started_at) if rows and rows[0].started_at else None


def _completion_time(seen: Observation, now: datetime) -> str:
    """Return when it ended; a refusal that is found again keeps its time."""
    before = seen.status.get("completionTime")
    return before if before and seen.refused else format_time(now)


def _last_retry_at(seen: Observation, now: datetime) -> str | None:
    asked = requested_at(seen)
    if asked and retry_due(seen, now):
        return format_time(asked)
    return seen.status.get("lastRetryAt")


def _work_claim(seen: Observation, state: State) -> str | None:
    """Return the name of the claim while there is one: until success, or what is never retried."""
    if isinstance(state, Succeeded | Cancelled):
        return None
    made = isinstance(state, Working) and claimed(seen)
    return claim_name(seen.name, seen.uid) if made else seen.status.get("workClaim")


def claimed(seen: Observation) -> bool:
    """Return whether the work is done on a claim of its own."""
    volume = seen.spec.work_volume if seen.spec else None
    return volume is not None and volume.claim is not None


def _kept_status(seen: Observation, now: datetime) -> Json:
    """Return the status of what ended before, about the spec as it is now."""
    status = own_part(seen.status)
    status["observedGeneration"] = seen.generation
    status["conditions"] = _kept_conditions(seen)
    return status | present(
        lastRetryAt=_last_retry_at(seen, now),
        callback=next_callback(seen.telling, status["completionTime"], now),
    )


def _kept_conditions(seen: Observation) -> list[Json]:
    conditions = seen_again(seen.status.get("conditions"), seen.generation)
    accepted = find_condition(conditions, ConditionType.ACCEPTED)
    if accepted:
        accepted["message"] = _acceptance(seen)
    return conditions
