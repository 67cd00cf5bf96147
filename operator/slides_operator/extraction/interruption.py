"""When the operator itself ends an attempt that still runs.

Ordered checks; the outcome is recorded first, and the Job deleted because its row is closed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from slides_api.conditions import Reason, ReasonClass
from slides_operator.extraction.attempts import Attempt
from slides_operator.extraction.observe import Observation
from slides_operator.extraction.outcome import Evidence, Outcome, build_outcome
from slides_operator.extraction.requests import retry_due
from slides_operator.extraction.stuck import Stuck, find_stuck, has_started

SILENCE = timedelta(seconds=120)
"""How long a runner may be silent beyond the interval of its reports."""


@dataclass(frozen=True, slots=True)
class Case:
    """An attempt that runs, and what it is judged by."""

    seen: Observation
    attempt: Attempt
    evidence: Evidence

    @property
    def now(self) -> datetime:
        """The time of the decision."""
        return self.evidence.now

    @property
    def stuck(self) -> Stuck | None:
        """Why it has not started."""
        return find_stuck(self.seen, self.attempt, self.now)


def find_stop(seen: Observation, evidence: Evidence) -> Outcome | None:
    """Return why the spec does not want an attempt that may still run."""
    if seen.cancel:
        return _uncounted(evidence, Reason.CANCELLED, "Cancelled by spec.cancel.")
    if seen.suspend:
        return _uncounted(evidence, Reason.SUSPENDED, "Suspended by spec.suspend.")
    return None


def find_interruption(case: Case) -> Outcome | None:
    """Return why a running attempt has to end now although the spec wants it."""
    for check in CHECKS:
        if outcome := check(case):
            return outcome
    return None


def next_check(seen: Observation, attempt: Attempt) -> datetime | None:
    """Return when time alone could end the attempt."""
    if has_started(seen, attempt):
        return silent_at(seen, attempt)
    return start_deadline(seen, attempt)


def silent_at(seen: Observation, attempt: Attempt) -> datetime | None:
    """Return when the runner will have been silent for too long; None while none runs."""
    pod = attempt.pod
    if pod is None or pod.running_since is None or pod.ended:
        return None
    said = seen.run.updated_at if seen.run and seen.run.attempt == attempt.number else None
    heard = [pod.running_since, said, seen.world.heard_since]
    last = max(moment for moment in heard if moment)
    return last + SILENCE + timedelta(seconds=attempt.progress_s)


def start_deadline(seen: Observation, attempt: Attempt) -> datetime | None:
    """Return until when the runner must have started."""
    if seen.spec is None or seen.spec.start_deadline_seconds is None:
        return None
    return attempt.created_at + timedelta(seconds=seen.spec.start_deadline_seconds)


def _too_late(case: Case) -> Outcome | None:
    deadline = start_deadline(case.seen, case.attempt)
    if deadline is None or case.now < deadline or has_started(case.seen, case.attempt):
        return None
    why = case.stuck.message if case.stuck else ""
    message = f"The runner did not start within spec.startDeadlineSeconds. {why}"
    return build_outcome(case.evidence, Reason.START_DEADLINE_EXCEEDED, message)


def _made_anew(case: Case) -> Outcome | None:
    """End an attempt that cannot start when it is asked for again, or would be made otherwise."""
    stuck = case.stuck
    if stuck is None or not (retry_due(case.seen, case.now) or _outdated(case)):
        return None
    return _uncounted(
        case.evidence, stuck.reason, f"It had not started and is made anew. {stuck.message}"
    )


def _outdated(case: Case) -> bool:
    """Return whether podTemplate or the operator's settings changed since the Job was made."""
    now = case.seen.world.template
    known = case.seen.spec is not None and now and case.attempt.template_hash
    return bool(known) and case.attempt.template_hash != now


def _silent(case: Case) -> Outcome | None:
    silent = silent_at(case.seen, case.attempt)
    if silent is None or case.now < silent:
        return None
    message = (
        f"The runner said nothing for {SILENCE.seconds + case.attempt.progress_s} s although its "
        "pod runs. Its log may tell why; it is stopped and tried again."
    )
    return build_outcome(case.evidence, Reason.RUNNER_UNRESPONSIVE, message)


CHECKS: tuple[Callable[[Case], Outcome | None], ...] = (
    _too_late,
    _made_anew,
    _silent,
)


def _uncounted(evidence: Evidence, reason: Reason, message: str) -> Outcome:
    return build_outcome(evidence, reason, message, kind=ReasonClass.DISRUPTION)
