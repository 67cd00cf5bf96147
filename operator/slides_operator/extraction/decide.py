"""What state an extraction is in: its attempts are recorded, then the first that holds decides."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from slides_api.conditions import ConditionType, Reason, ReasonClass
from slides_api.names import job_name
from slides_api.v1alpha1 import Retry
from slides_operator.extraction.attempts import Attempt
from slides_operator.extraction.delays import next_retry
from slides_operator.extraction.interruption import Case, find_interruption, find_stop
from slides_operator.extraction.ledger import Ledger, Row, read_ledger
from slides_operator.extraction.objects import find_condition, parse_time
from slides_operator.extraction.observe import Observation
from slides_operator.extraction.outcome import Evidence, Outcome, find_outcome
from slides_operator.extraction.requests import retry_due
from slides_operator.extraction.states import (
    Asked,
    Cancelled,
    Failed,
    Held,
    Kept,
    Ready,
    Refused,
    State,
    Succeeded,
    Suspended,
    Waiting,
    Working,
)
from slides_operator.extraction.stuck import find_stuck
from slides_operator.extraction.unstarted import find_unstarted

GONE_GRACE = timedelta(seconds=10)
"""How long a new Job may be unknown: chosen, far beyond a watch's delay behind another's writes."""
SUDDEN = frozenset({Reason.DISRUPTED, Reason.JOB_DELETED})
"""Ends that are nobody's failure and are followed at once, unless they come one upon the other."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The state, and what was recorded on the way to it."""

    state: State
    ledger: Ledger
    outcome: Outcome | None = None
    """How the newest attempt ended, if that was not recorded before."""
    retry_at: datetime | None = None
    """When the next attempt may start, if that is not now."""


def decide(seen: Observation, now: datetime) -> Decision:
    """Return the state of an extraction that is not being deleted."""
    before = read_ledger(seen.status)
    if seen.finished:
        if retry_due(seen, now) and _has_failed(seen):
            return Decision(Asked(), before.started_over())
        return Decision(Kept(), before)
    ledger, outcome = record(seen, before, now)
    retry_at = _retry_at(seen, ledger, outcome)
    state = _find_state(seen, ledger, outcome, retry_at, now)
    if isinstance(state, Asked):
        return Decision(state, ledger.started_over(), outcome)
    return Decision(state, ledger, outcome, retry_at)


def record(seen: Observation, ledger: Ledger, now: datetime) -> tuple[Ledger, Outcome | None]:
    """Return the ledger with what Jobs say beyond it, and how the newest attempt ended just now."""
    outcome = None
    for number in _unrecorded(seen, ledger):
        ledger = _opened(seen, ledger, number)
        outcome = _find_end(seen, ledger.rows[-1], now)
        if outcome is None:
            return _located(seen, ledger, number), None
        ledger = ledger.closed(outcome)
    return ledger, outcome


def _unrecorded(seen: Observation, ledger: Ledger) -> Iterator[int]:
    """Yield the attempts whose end is not written down: the open one, and Jobs beyond it."""
    if ledger.open_row:
        yield ledger.open_row.attempt
    yield from (number for number in seen.attempts if number > ledger.current)


def _opened(seen: Observation, ledger: Ledger, number: int) -> Ledger:
    if ledger.open_row and ledger.open_row.attempt == number:
        return ledger
    attempt = seen.attempts[number]
    return ledger.opened(Row(number, attempt.job, attempt.created_at))


def _located(seen: Observation, ledger: Ledger, number: int) -> Ledger:
    """Return the ledger with the node, once the runner's own report makes a write due anyway."""
    attempt = seen.attempts.get(number)
    reported = seen.run is not None and seen.run.attempt == number
    if not reported or not attempt or not attempt.pod:
        return ledger
    return ledger.on_node(attempt.pod.node)


def _find_end(seen: Observation, row: Row, now: datetime) -> Outcome | None:
    attempt = seen.attempts.get(row.attempt)
    evidence = gather_evidence(seen, row.attempt, now)
    if attempt is None and row.started_at and now < row.started_at + GONE_GRACE:
        return find_stop(seen, evidence)
    if attempt and attempt.active:
        return find_stop(seen, evidence) or _interrupted(seen, attempt, evidence)
    return find_outcome(evidence)


def _interrupted(seen: Observation, attempt: Attempt, evidence: Evidence) -> Outcome | None:
    return None if attempt.deleting else find_interruption(Case(seen, attempt, evidence))


def gather_evidence(seen: Observation, number: int, now: datetime) -> Evidence:
    """Return all that is known of one attempt."""
    succeeded = find_condition(seen.status.get("conditions"), ConditionType.SUCCEEDED) or {}
    reported = seen.run is not None and seen.run.attempt == number
    return Evidence(
        attempt=seen.attempts.get(number),
        run=seen.run if reported else None,
        has_result=reported and bool(seen.status.get("result")),
        stuck_on=succeeded.get("reason") or "",
        now=now,
    )


def _retry_at(seen: Observation, ledger: Ledger, outcome: Outcome | None) -> datetime | None:
    """Return when the next attempt may start: decided once, when one ends, and then kept."""
    if ledger.last is None or ledger.open_row:
        return None
    if outcome is None:
        return parse_time(seen.status.get("nextRetryTime"))
    return next_retry(
        outcome,
        seen.spec.retry if seen.spec else Retry(),
        uid=seen.uid,
        attempt=ledger.current,
        counted=ledger.counted,
        disruptions=_sudden_ends(ledger),
    )


def _sudden_ends(ledger: Ledger) -> int:
    """Return how many of the newest attempts in a row were ended from outside."""
    count = 0
    for row in reversed(ledger.rows):
        if row.reason not in SUDDEN:
            break
        count += 1
    return count


def _find_state(
    seen: Observation,
    ledger: Ledger,
    outcome: Outcome | None,
    retry_at: datetime | None,
    now: datetime,
) -> State:
    if outcome and outcome.kind is ReasonClass.SUCCESS:
        return Succeeded(ledger.rows[-1])
    if row := ledger.open_row:
        return _working(seen, row, now)
    if seen.cancel:
        return Cancelled()
    if outcome and (failed := _given_up(seen, ledger, outcome)):
        return failed
    if seen.suspend:
        return Suspended()
    if refused := _refused(seen, now):
        return refused
    return _between_attempts(seen, ledger, outcome, retry_at, now)


def _working(seen: Observation, row: Row, now: datetime) -> Working:
    attempt = seen.attempts.get(row.attempt)
    stuck = find_stuck(seen, attempt, now) if attempt and attempt.active else None
    return Working(row.attempt, row.job, attempt, stuck)


def _given_up(seen: Observation, ledger: Ledger, outcome: Outcome) -> Failed | None:
    retry = seen.spec.retry if seen.spec else Retry()
    row = ledger.rows[-1]
    if outcome.kind is ReasonClass.PERMANENT:
        return Failed(row, ledger.counted, limit_reached=False)
    if outcome.kind is ReasonClass.RETRYABLE and ledger.counted > retry.limit:
        return Failed(row, ledger.counted, limit_reached=True)
    return None


def _refused(seen: Observation, now: datetime) -> Refused | None:
    if seen.spec is None:
        return Refused(f"{seen.spec_error}. Correct the spec, or create the resource anew.")
    accepted = find_condition(seen.status.get("conditions"), ConditionType.ACCEPTED)
    if not accepted or accepted["status"] != "False" or retry_due(seen, now):
        return None
    if accepted.get("observedGeneration") != seen.generation:
        return None  # edited since
    return Refused(accepted.get("message") or "")


def _between_attempts(
    seen: Observation,
    ledger: Ledger,
    outcome: Outcome | None,
    retry_at: datetime | None,
    now: datetime,
) -> State:
    row = ledger.last
    if row and outcome:
        return Waiting(row, retry_at)
    if row and retry_at and retry_at > now:
        return Asked() if retry_due(seen, now) else Waiting(row, retry_at)
    if pods := _not_ended(seen):
        why = f"{', '.join(pods[:3])} of an earlier one did not end."
        return find_unstarted(seen, row, retry_at, now, why=why) or Held(row, pods)
    return Ready(_next_number(seen, ledger))


def _not_ended(seen: Observation) -> tuple[str, ...]:
    jobs = tuple(attempt.job for attempt in seen.live_attempts)
    return seen.lingering or jobs


def _next_number(seen: Observation, ledger: Ledger) -> int:
    """Return a number that no attempt had, even one whose Job went before it was written down."""
    reported = seen.run.attempt if seen.run else 0
    return max(ledger.current, reported) + 1


def _has_failed(seen: Observation) -> bool:
    succeeded = find_condition(seen.status.get("conditions"), ConditionType.SUCCEEDED)
    return (
        succeeded is not None
        and succeeded["status"] == "False"
        and succeeded["reason"] != Reason.CANCELLED
    )


def create_attempt(seen: Observation, decision: Decision, number: int, now: datetime) -> Decision:
    """Return the decision as it stands once the attempt that is ready has its Job."""
    job = job_name(seen.name, seen.uid, number)
    ledger = decision.ledger.opened(Row(number, job, now))
    return replace(decision, state=Working(number, job, None), ledger=ledger, retry_at=None)
