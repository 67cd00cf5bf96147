"""What to do about one extraction: what to create, the status to write, what to clean up."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from slides_api.conditions import ConditionType, Reason, ReasonClass
from slides_api.exit_codes import REASON_CLASS
from slides_api.v1alpha1 import DeletionPolicy, SlideExtractionSpec
from slides_api.wellknown import OUTPUTS_FINALIZER
from slides_operator.extraction.callback import (
    GIVEN_UP,
    Delivery,
    due_delivery,
    is_open,
    next_moments,
    was_given_up,
)
from slides_operator.extraction.claim import build_claim
from slides_operator.extraction.decide import Decision, create_attempt, decide, gather_evidence
from slides_operator.extraction.interruption import next_check
from slides_operator.extraction.job import build_job
from slides_operator.extraction.objects import Json, find_condition, parse_time
from slides_operator.extraction.observe import Observation
from slides_operator.extraction.outcome import result_due
from slides_operator.extraction.requests import requested_at
from slides_operator.extraction.states import (
    Asked,
    Cancelled,
    Held,
    Hindered,
    Kept,
    Ready,
    Refused,
    State,
    Succeeded,
    Waiting,
    Working,
)
from slides_operator.extraction.status import next_status, own_part, same_status
from slides_operator.extraction.stuck import PATIENCE, has_started, patient_until
from slides_operator.extraction.unstarted import find_unstarted
from slides_operator.settings import OperatorSettings

SOON = timedelta(seconds=5)
"""When to look again at what an event should have told: chosen, short and cheap."""
PUZZLED = timedelta(seconds=30)
"""When to look again at Events about a pod that does not start: chosen; each look is a list."""


@dataclass(frozen=True, slots=True)
class Event:
    """A transition, told to those who describe the resource."""

    type: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All that one reconcile does, in the order in which it is done."""

    finalizers: tuple[str, ...] | None = None
    """What metadata.finalizers should be; None as they are."""
    claim: Json | None = None
    job: Json | None = None
    drop_claim: str = ""
    """Name of a claim to delete; before the status says that there is none."""
    status: Json | None = None
    """The operator's part of the status; None as it is."""
    delete_jobs: tuple[str, ...] = ()
    expire_jobs: tuple[str, ...] = ()
    """Jobs whose outcome is recorded, to be given a TTL."""
    delete_resource: bool = False
    release: bool = False
    """Whether to take our finalizer away, last of all."""
    events: tuple[Event, ...] = ()
    deliver: Delivery | None = None
    """The attempt to deliver the webhook that is due; made beside all else."""
    look_again_at: datetime | None = None


def plan(
    seen: Observation, settings: OperatorSettings, now: datetime, *, progress_s: int = 1
) -> Plan:
    """Return what to do about an extraction that is not being deleted.

    `progress_s` is how often the runner of a new attempt may report.
    """
    decision = decide(seen, now)
    job = claim = None
    if isinstance(decision.state, Ready) and seen.spec:
        number = decision.state.number
        job = build_job(seen, seen.spec, number, settings, progress_s=progress_s)
        claim = _build_claim(seen, seen.spec, settings)
        decision = create_attempt(seen, decision, number, now)
    return replace(_follow(seen, decision, settings, now), job=job, claim=claim)


def plan_refusal(
    seen: Observation, settings: OperatorSettings, now: datetime, *, message: str
) -> Plan:
    """Return what to do when the API server refuses the Job for good, until the spec is edited."""
    state = Refused(f"The Job is refused: {message} Correct spec.podTemplate.")
    return _follow(seen, replace(decide(seen, now), state=state), settings, now)


def plan_hindrance(
    seen: Observation, settings: OperatorSettings, now: datetime, *, message: str
) -> Plan:
    """Return what to do when the API server refuses the Job for now."""
    decision = decide(seen, now)
    last, due = decision.ledger.last, decision.retry_at
    state = find_unstarted(seen, last, due, now, why=f"The Job cannot be created: {message}")
    hindered = Hindered(f"The Job cannot be created, and is tried again: {message}")
    return _follow(seen, replace(decision, state=state or hindered), settings, now)


def _follow(
    seen: Observation, decision: Decision, settings: OperatorSettings, now: datetime
) -> Plan:
    """Return the plan for a state, Jobs and claims that are to be created apart."""
    drop_claim = _claim_to_drop(seen, decision.state, settings, now)
    status = next_status(seen, decision, now)
    if drop_claim:
        status.pop("workClaim", None)
    changed = not same_status(status, own_part(seen.status))
    return Plan(
        finalizers=_finalizers(seen),
        drop_claim=drop_claim,
        status=status if changed else None,
        delete_jobs=tuple(_jobs_to_delete(seen, decision)),
        expire_jobs=tuple(_jobs_to_expire(seen, decision)),
        delete_resource=_is_expired(seen, decision.state, status, now),
        events=(*_events(seen, status), *_callback_events(seen, status)),
        deliver=due_delivery(seen.telling, status.get("callback"), now),
        look_again_at=_look_again_at(seen, decision, status, settings, now),
    )


def _build_claim(
    seen: Observation, spec: SlideExtractionSpec, settings: OperatorSettings
) -> Json | None:
    if not spec.work_volume or not spec.work_volume.claim:
        return None
    return build_claim(seen, spec.work_volume.claim, settings)


def _finalizers(seen: Observation) -> tuple[str, ...] | None:
    """Return the finalizers that deletionPolicy asks for; None where they are there."""
    if seen.spec is None:
        return None
    wanted = seen.spec.deletion_policy is DeletionPolicy.DELETE
    if wanted == (OUTPUTS_FINALIZER in seen.finalizers):
        return None
    if wanted:
        return (*seen.finalizers, OUTPUTS_FINALIZER)
    return tuple(one for one in seen.finalizers if one != OUTPUTS_FINALIZER)


def _jobs_to_delete(seen: Observation, decision: Decision) -> Iterator[str]:
    """Yield Jobs that still work although their attempt is over: cancelled, suspended, silent."""
    working = decision.ledger.open_row
    for attempt in seen.attempts.values():
        over = attempt.number <= decision.ledger.current
        mine = working is not None and attempt.number == working.attempt
        if over and not mine and attempt.active and not attempt.deleting:
            yield attempt.job


def _jobs_to_expire(seen: Observation, decision: Decision) -> Iterator[str]:
    """Yield ended Jobs whose outcome this plan writes down, or an earlier one did."""
    working = decision.ledger.open_row
    for attempt in seen.attempts.values():
        mine = working is not None and attempt.number == working.attempt
        recorded = attempt.number <= decision.ledger.current and not mine
        if recorded and not attempt.active and not attempt.expires and not attempt.deleting:
            yield attempt.job


def _claim_to_drop(
    seen: Observation, state: State, settings: OperatorSettings, now: datetime
) -> str:
    """Return the claim's name when nothing will read it any more."""
    claim: str = seen.status.get("workClaim") or ""
    if isinstance(state, Succeeded | Cancelled):
        return claim
    due = _claim_due(seen.status, settings) if isinstance(state, Kept | Refused) else None
    return claim if due and due <= now else ""


def _claim_due(status: Json, settings: OperatorSettings) -> datetime | None:
    """Return until when the claim of what ended is kept for a retry by hand."""
    ended = parse_time(status.get("completionTime"))
    if not ended or not status.get("workClaim"):
        return None
    return ended + timedelta(hours=settings.download_retention_hours)


def _expiry(seen: Observation, status: Json) -> datetime | None:
    """Return when an extraction that ended is to be deleted: not before its webhook is told."""
    if is_open(status.get("callback")):
        return None
    ended = parse_time(status.get("completionTime"))
    ttl = seen.spec.ttl_seconds_after_finished if seen.spec else None
    return ended + timedelta(seconds=ttl) if ended and ttl is not None else None


def _is_expired(seen: Observation, state: State, status: Json, now: datetime) -> bool:
    """Return whether the TTL of what is written down as ended is over."""
    if is_open(status.get("callback")):
        return False
    due = _expiry(seen, seen.status) if isinstance(state, Kept | Refused) else None
    return due is not None and due <= now


def _events(seen: Observation, status: Json) -> Iterator[Event]:
    """Yield the transition that the status makes, if it is one worth an Event.

    The usual course of an attempt is not: the status tells it, and Events cost a write each.
    """
    before = find_condition(seen.status.get("conditions"), ConditionType.SUCCEEDED) or {}
    after = find_condition(status["conditions"], ConditionType.SUCCEEDED) or {}
    reason = after["reason"]
    if reason == before.get("reason") and after["status"] == before.get("status"):
        return
    usual = reason in QUIET and after["status"] == "Unknown"
    if usual:
        return
    good = after["status"] == "True" or reason in {Reason.CANCELLED, Reason.SUSPENDED}
    yield Event("Normal" if good else "Warning", reason, after["message"])


def _callback_events(seen: Observation, status: Json) -> Iterator[Event]:
    if was_given_up(seen.telling.told, status.get("callback")):
        yield callback_event(status["callback"])


def callback_event(callback: Json) -> Event:
    """Return what tells that a webhook is given up."""
    message = f"The webhook is not tried again: {callback['lastError']}"
    return Event("Warning", GIVEN_UP, message)


QUIET = frozenset(
    reason for reason, kind in REASON_CLASS.items() if kind is ReasonClass.PROGRESS
) - {Reason.RETRYING}


def _look_again_at(
    seen: Observation, decision: Decision, status: Json, settings: OperatorSettings, now: datetime
) -> datetime | None:
    """Return when time alone may change the decision; None when only an event can."""
    moments = (
        requested_at(seen),
        _expiry(seen, status),
        _claim_due(status, settings),
        *next_moments(seen.telling, status.get("callback"), now),
        *_times_of(seen, decision.state, now),
    )
    soonest = min((one for one in moments if one), default=None)
    return soonest and max(soonest, now)


def _times_of(seen: Observation, state: State, now: datetime) -> Iterator[datetime | None]:
    match state:
        case Working():
            yield from _times_of_work(seen, state, now)
        case Waiting(_, until):
            yield until or now
        case Asked():
            yield now
        case Hindered() | Held():
            yield now + SOON


def _times_of_work(seen: Observation, work: Working, now: datetime) -> Iterator[datetime | None]:
    attempt = work.attempt
    if attempt is None:
        yield now + PATIENCE
    elif not attempt.active:
        yield result_due(gather_evidence(seen, attempt.number, now))
    elif attempt.deleting:
        yield now + SOON
    else:
        yield next_check(seen, attempt)
        if not has_started(seen, attempt):
            patient = patient_until(attempt)
            yield patient if patient > now else now + PUZZLED
