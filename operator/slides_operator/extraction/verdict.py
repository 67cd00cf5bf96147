"""How a state is told: the phase, the condition Succeeded, and the words for people."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from slides_api.conditions import Reason, ReasonClass
from slides_api.exit_codes import REASON_CLASS
from slides_api.v1alpha1 import ConditionStatus, Phase
from slides_api.wellknown import RETRY_AT
from slides_operator.extraction.ledger import Row
from slides_operator.extraction.objects import format_time
from slides_operator.extraction.observe import Observation
from slides_operator.extraction.states import (
    Asked,
    Cancelled,
    Failed,
    Held,
    Hindered,
    Kept,
    Ready,
    Refused,
    State,
    Succeeded,
    Suspended,
    Unstarted,
    Waiting,
    Working,
)
from slides_operator.extraction.wording import clean

STAGES = {
    "Downloading": (Phase.DOWNLOADING, Reason.DOWNLOADING),
    "Extracting": (Phase.EXTRACTING, Reason.EXTRACTING),
    "Uploading": (Phase.UPLOADING, Reason.UPLOADING),
}
"""The runner's stages; any other, of a newer runner or of further outputs, shows as Extracting."""
USUAL_END = timedelta(seconds=60)
"""How long an earlier pod may take to end before the status names it: twice a grace period."""


_WAITED_FOR = frozenset(
    reason for reason, kind in REASON_CLASS.items() if kind is ReasonClass.WAITING
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A state as conditions tell it."""

    phase: Phase
    succeeded: ConditionStatus
    reason: Reason | str
    message: str
    running: bool = False
    reconciling: bool = False
    stalled: Reason | None = None


def describe(seen: Observation, state: State, now: datetime) -> Verdict:  # noqa: C901, PLR0912 - one line for each state
    """Return how a state is told."""
    match state:
        case Working():
            return _describe_work(seen, state)
        case Ready(number):
            return _going_on(Reason.STARTING, f"Attempt {number} is about to start.")
        case Hindered(message):
            return _going_on(Reason.POD_REFUSED, clean(message))
        case Waiting():
            return _describe_wait(state)
        case Held():
            return _describe_hold(state, now)
        case Asked():
            return _going_on(Reason.RETRYING, "Another attempt was asked for and follows at once.")
        case Refused(message):
            return _refusal(message)
        case Suspended():
            message = "Suspended. It goes on when spec.suspend is false."
            return Verdict(Phase.SUSPENDED, ConditionStatus.UNKNOWN, Reason.SUSPENDED, message)
        case Succeeded(row):
            return Verdict(Phase.COMPLETED, ConditionStatus.TRUE, row.reason, row.message)
        case Failed():
            return _describe_failure(seen, state)
        case Unstarted(message):
            return _describe_unstarted(seen, message)
        case Cancelled():
            message = "Cancelled by spec.cancel. Create a new SlideExtraction to do it after all."
            return Verdict(Phase.CANCELLED, ConditionStatus.FALSE, Reason.CANCELLED, message)
        case Kept():
            raise AssertionError("what is kept is not described anew")
        case _:
            assert_never(state)


def _going_on(reason: Reason | str, message: str, phase: Phase = Phase.PENDING) -> Verdict:
    return Verdict(phase, ConditionStatus.UNKNOWN, reason, message, reconciling=True)


def _describe_work(seen: Observation, state: Working) -> Verdict:
    if state.stuck:
        return _going_on(state.stuck.reason, state.stuck.message)
    run = seen.run
    if run is None or run.attempt != state.number:
        message = f"Attempt {state.number} was created as Job {state.job}."
        return _going_on(Reason.JOB_CREATED, message)
    phase, reason = STAGES.get(run.stage, (Phase.EXTRACTING, Reason.EXTRACTING))
    if run.stage in {"", "Starting"}:
        phase, reason = Phase.PENDING, Reason.STARTING
    message = f"Attempt {state.number} is {reason.lower()}; status.run says how far it is."
    return Verdict(phase, ConditionStatus.UNKNOWN, reason, message, running=True, reconciling=True)


def _describe_wait(state: Waiting) -> Verdict:
    row = state.row
    follows = f"at {format_time(state.until)}" if state.until else "at once"
    message = f"Attempt {row.attempt} ended with {row.reason}: {row.message}"
    return _going_on(_wait_reason(row), f"{message} The next attempt follows {follows}.")


def _wait_reason(row: Row) -> Reason | str:
    """Return what is waited for, where that has a name, rather than that it is waited."""
    waiting = row.reason in _WAITED_FOR
    return row.reason if waiting else Reason.RETRYING


def _describe_hold(state: Held, now: datetime) -> Verdict:
    row = state.row
    if row and row.finished_at and now < row.finished_at + USUAL_END:
        return _describe_wait(Waiting(row, None))
    message = (
        f"The next attempt waits for {', '.join(state.pods[:3])} of an earlier one to end. If its "
        "node is lost for good, delete the node, or the pod with --force."
    )
    return _going_on(Reason.RETRYING, message)


def _refusal(message: str) -> Verdict:
    return Verdict(
        Phase.FAILED,
        ConditionStatus.FALSE,
        Reason.INVALID_SPEC,
        clean(message),
        stalled=Reason.INVALID_SPEC,
    )


def _describe_unstarted(seen: Observation, message: str) -> Verdict:
    reason = Reason.START_DEADLINE_EXCEEDED
    told = f"{clean(message)} {_again(seen)}"
    return Verdict(Phase.FAILED, ConditionStatus.FALSE, reason, told, stalled=reason)


def _again(seen: Observation) -> str:
    return (
        f"To try again: kubectl annotate slx/{seen.name} -n {seen.namespace} --overwrite "
        f"{RETRY_AT}=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    )


def _describe_failure(seen: Observation, state: Failed) -> Verdict:
    row = state.row
    gave_up = f" Given up after {state.counted} failed attempts." if state.limit_reached else ""
    return Verdict(
        Phase.FAILED,
        ConditionStatus.FALSE,
        row.reason,
        f"{row.message}{gave_up} {_again(seen)}",
        stalled=Reason.RETRY_LIMIT_EXCEEDED if state.limit_reached else Reason(row.reason),
    )
