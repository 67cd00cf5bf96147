"""What to do about an extraction that is being deleted: its outputs first, where that is asked for.

Outputs are deleted by a Job with the resource's own credentials. A few tries, some time, then the
resource goes all the same: a store that is gone must not keep a namespace from ending.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from slides_api.conditions import ConditionType, Reason, ReasonClass
from slides_api.exit_codes import reason_class
from slides_api.v1alpha1 import ConditionStatus, DeletionPolicy
from slides_api.wellknown import OUTPUTS_FINALIZER
from slides_operator.extraction.attempts import Attempt, JobState
from slides_operator.extraction.conditions import Conditions, seen_again
from slides_operator.extraction.job import build_deletion_job
from slides_operator.extraction.objects import Json, find_condition, parse_time
from slides_operator.extraction.observe import Observation
from slides_operator.extraction.outcome import describe_end, exit_code_of, words_of
from slides_operator.extraction.plan import Event, Plan
from slides_operator.extraction.status import own_part, same_status
from slides_operator.extraction.wording import clean
from slides_operator.settings import OperatorSettings

TRIES = 3
"""Chosen: a store that is down for a moment is back, one that is gone stays so."""
FIRST_DELAY = timedelta(seconds=15)
DELAY_FACTOR = 4
TIME_LIMIT = timedelta(minutes=15)
"""When a deletion ends at the latest: chosen, three tries of five minutes each."""
SOON = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Case:
    """A resource that is being deleted."""

    seen: Observation
    settings: OperatorSettings
    now: datetime

    @property
    def last_try(self) -> Attempt | None:
        """The newest Job that was to delete the outputs."""
        return self.seen.deletions[max(self.seen.deletions)] if self.seen.deletions else None

    @property
    def begun_at(self) -> datetime:
        """When the operator first looked at it: it may have been away when it was deleted."""
        told = find_condition(self.seen.status.get("conditions"), ConditionType.OUTPUTS_DELETED)
        if told and (begun := parse_time(told["lastTransitionTime"])):
            return begun
        # What cannot be told, as the status is refused, must not take for ever either.
        return self.seen.world.going_since or self.now

    @property
    def ends_at(self) -> datetime:
        """When the deletion is given up at the latest."""
        return self.begun_at + TIME_LIMIT

    @property
    def place(self) -> str:
        """Where the outputs are, for people."""
        result = self.seen.status.get("result") or {}
        return result.get("manifestURI") or "the bucket"


def plan_deletion(seen: Observation, settings: OperatorSettings, now: datetime) -> Plan:
    """Return what to do about an extraction that is being deleted."""
    if OUTPUTS_FINALIZER not in seen.finalizers:
        return Plan(delete_jobs=_active(seen.attempts))
    case = Case(seen, settings, now)
    for check in CHECKS:
        if step := check(case):
            return step
    return Plan(look_again_at=case.ends_at)


def plan_abandonment(
    seen: Observation, settings: OperatorSettings, now: datetime, *, message: str
) -> Plan:
    """Return what to do when the API server refuses the Job that would delete the outputs."""
    case = Case(seen, settings, now)
    return _given_up(case, f"the Job for it is refused: {message}")


def plan_delay(
    seen: Observation, settings: OperatorSettings, now: datetime, *, message: str
) -> Plan:
    """Return what to do when the API server refuses that Job for now."""
    case = Case(seen, settings, now)
    told = clean(f"The Job that deletes the outputs is refused, and tried again: {message}")
    return Plan(status=_status(case, Reason.DELETING, told))


def _kept_by_policy(case: Case) -> Plan | None:
    if case.seen.raw_spec.get("deletionPolicy") == DeletionPolicy.DELETE:
        return None
    return Plan(delete_jobs=_active(case.seen.attempts), release=True)


def _out_of_time(case: Case) -> Plan | None:
    if case.now < case.ends_at:
        return None
    if case.seen.world.twins:
        return _kept(case, f"{case.seen.world.twins[0]} is at work on the same video")
    return _given_up(case, f"{TIME_LIMIT.seconds // 60} minutes did not suffice")


def _work_first(case: Case) -> Plan | None:
    """Wait until nothing can write outputs any more."""
    seen = case.seen
    if not seen.live_attempts and not seen.lingering:
        return None
    return Plan(
        delete_jobs=_active(seen.attempts),
        status=_status(case, Reason.DELETING, "The attempt that runs is stopped first."),
        look_again_at=_soon(case),
    )


def _nothing_to_delete(case: Case) -> Plan | None:
    status = case.seen.status
    if status.get("video") or status.get("result"):
        return None
    return Plan(release=True)


def _named_by_another(case: Case) -> Plan | None:
    result = case.seen.status.get("result") or {}
    if result.get("manifestURI") not in case.seen.world.kept:
        return None
    return _kept(case, f"the result of another extraction names {case.place} too")


def _kept(case: Case, why: str) -> Plan:
    message = clean(f"The outputs are kept: {why}.")
    active = (*_active(case.seen.attempts), *_active(case.seen.deletions))
    event = Event("Normal", Reason.OUTPUTS_KEPT, message)
    return Plan(delete_jobs=active, release=True, events=(event,))


def _twin_at_work(case: Case) -> Plan | None:
    """Wait for another that may be writing there: whether it names the outputs is known then."""
    return _twin_first(case) if case.seen.world.twins else None


def _twin_first(case: Case) -> Plan:
    """Return the plan that waits, and stops a Job which could delete what that one uploads."""
    message = f"{case.seen.world.twins[0]} is at work on the same video: it ends first."
    return Plan(
        delete_jobs=_active(case.seen.deletions),
        status=_status(case, Reason.DELETING, clean(message)),
        look_again_at=_soon(case),
    )


def _soon(case: Case) -> datetime:
    return min(case.now + SOON, case.ends_at)


def _deleted(case: Case) -> Plan | None:
    last = case.last_try
    if last is None or last.state is not JobState.COMPLETE:
        return None
    reason, message = Reason.OUTPUTS_DELETED, f"The outputs at {case.place} are deleted."
    words = words_of(last)
    if words.reason is Reason.OUTPUTS_KEPT:
        reason, message = Reason.OUTPUTS_KEPT, clean(f"The outputs are kept: {words.message}")
    return Plan(
        status=_status(case, reason, message),
        delete_jobs=tuple(one.job for one in case.seen.deletions.values()),
        release=True,
        events=(Event("Normal", reason, message),),
    )


def _at_work(case: Case) -> Plan | None:
    last = case.last_try
    if last is None or not last.active:
        return None
    if case.seen.world.twins:
        return _twin_first(case)
    # No event tells of a twin that comes.
    return Plan(status=_deleting_status(case, last.job), look_again_at=_soon(case))


def _hopeless(case: Case) -> Plan | None:
    last = case.last_try
    if last is None:
        return None
    code = exit_code_of(last)
    permanent = code is not None and reason_class(code) is ReasonClass.PERMANENT
    if last.number < TRIES and not permanent:
        return None
    return _given_up(case, f"try {last.number} failed: {describe_end(last)}")


def _next_try(case: Case) -> Plan | None:
    last = case.last_try
    number = last.number + 1 if last else 1
    due = _due(last, case.now) if last else case.now
    if case.now < due:
        message = f"Try {number - 1} to delete the outputs failed; the next follows."
        return Plan(
            status=_status(case, Reason.DELETING, message),
            look_again_at=min(due, case.ends_at),
        )
    if case.seen.spec is None:
        return _given_up(case, f"the spec cannot be read: {case.seen.spec_error}")
    job = build_deletion_job(case.seen, case.seen.spec, number, case.settings)
    return Plan(
        job=job,
        status=_deleting_status(case, job["metadata"]["name"]),
        look_again_at=case.ends_at,
    )


def _due(last: Attempt, now: datetime) -> datetime:
    delay: timedelta = FIRST_DELAY * DELAY_FACTOR ** (last.number - 1)
    return (last.ended_at or now) + delay


CHECKS: tuple[Callable[[Case], Plan | None], ...] = (
    _kept_by_policy,
    _deleted,
    _out_of_time,
    _work_first,
    _nothing_to_delete,
    _named_by_another,
    _at_work,
    _hopeless,
    _twin_at_work,
    _next_try,
)


def _given_up(case: Case, why: str) -> Plan:
    """Return the plan that lets the resource go although its outputs may remain."""
    message = clean(
        f"The outputs at {case.place} may remain, since {why}. Delete them there by hand."
    )
    return Plan(
        status=_status(case, Reason.CLEANUP_FAILED, message),
        delete_jobs=(*_active(case.seen.attempts), *_active(case.seen.deletions)),
        release=True,
        events=(Event("Warning", Reason.CLEANUP_FAILED, message),),
    )


def _active(attempts: Mapping[int, Attempt]) -> tuple[str, ...]:
    return tuple(one.job for one in attempts.values() if one.active and not one.deleting)


def _deleting_status(case: Case, job: str) -> Json | None:
    message = f"The outputs at {case.place} are being deleted by Job {job}."
    return _status(case, Reason.DELETING, message)


def _status(case: Case, reason: Reason, message: str) -> Json | None:
    """Return the status with the condition OutputsDeleted; None where it says so already."""
    seen = case.seen
    before = own_part(seen.status)
    conditions = Conditions(before.get("conditions"), generation=seen.generation, now=case.now)
    done = reason is Reason.OUTPUTS_DELETED
    conditions.add(
        ConditionType.OUTPUTS_DELETED,
        ConditionStatus.TRUE if done else ConditionStatus.FALSE,
        reason,
        message,
    )
    others = [
        one
        for one in seen_again(before.get("conditions"), seen.generation)
        if one["type"] != ConditionType.OUTPUTS_DELETED
    ]
    status = {
        **before,
        "observedGeneration": seen.generation,
        "conditions": [*others, *conditions.build()],
    }
    return None if same_status(status, before) else status
