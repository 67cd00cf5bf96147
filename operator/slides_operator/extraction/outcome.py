"""How an attempt ended, from what its Job, its pod and its runner left behind.

Ordered checks: the first that explains the end decides. What the container says beats what the
Job says, since the Job knows less; an exit code's range alone says what follows (`exit_codes`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from slides_api.conditions import Reason, ReasonClass
from slides_api.exit_codes import EXIT_CODES, REASON_CLASS, ExitCode, reason_class
from slides_operator.extraction.attempts import Attempt, JobState, Pod
from slides_operator.extraction.last_words import Words, log_tail, parse_words, read_words
from slides_operator.extraction.observe import Run
from slides_operator.extraction.wording import clean

RESULT_GRACE = timedelta(seconds=15)
"""How long a result may come after its Job's end: chosen, several times a watch's delay."""
KILLED = 137
"""128 + SIGKILL: out of memory, or not gone when the grace period was over."""
NEVER_STARTED = frozenset({Reason.SECRET_MISSING, Reason.UNSCHEDULABLE})
"""What keeps a container from starting that is nobody's failure: waited for without an end."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended, and what follows."""

    reason: Reason
    kind: ReasonClass
    message: str
    at: datetime
    exit_code: int | None = None
    node: str = ""
    retry_after: datetime | None = None
    """Not to be tried again before, as the source or the runner says."""

    @property
    def counts(self) -> bool:
        """Whether it uses up one of the retries."""
        return self.kind in {ReasonClass.RETRYABLE, ReasonClass.PERMANENT}


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of one attempt."""

    attempt: Attempt | None
    """None when its Job is gone."""
    run: Run | None
    """What its own runner said; None when it never reported."""
    has_result: bool
    """Whether its own runner left a result."""
    stuck_on: str
    """Why it had not started, as the status said so far."""
    now: datetime

    @property
    def pod(self) -> Pod | None:
        """Its pod, while there is one."""
        return self.attempt.pod if self.attempt else None

    @property
    def exit_code(self) -> int | None:
        """The exit code of the container, else the one in the Job's condition."""
        return exit_code_of(self.attempt) if self.attempt else None

    @property
    def pod_taken_away(self) -> bool:
        """Whether somebody deleted the pod."""
        pod = self.pod
        return pod is None or pod.deleting

    @property
    def at(self) -> datetime:
        """When it ended, as far as can be told."""
        pod = self.pod
        of_pod = pod.exit.at if pod and pod.exit else None
        of_job = self.attempt.ended_at if self.attempt else None
        return of_pod or of_job or self.now


def find_outcome(evidence: Evidence) -> Outcome | None:
    """Return how the attempt ended; None while it runs, or while its result may still come."""
    if (evidence.attempt and evidence.attempt.active) or _awaiting_result(evidence):
        return None
    for explain in CHECKS:
        if outcome := explain(evidence):
            return outcome
    return None


def exit_code_of(attempt: Attempt) -> int | None:
    """Return the exit code of the container, else the one in the Job's condition."""
    if attempt.pod and attempt.pod.exit:
        return attempt.pod.exit.code
    return _code_in(attempt.end_message)


def describe_end(attempt: Attempt) -> str:
    """Return in a few words how a failed Job ended."""
    return clean(words_of(attempt).message or attempt.end_message or attempt.end_reason)


def words_of(attempt: Attempt) -> Words:
    """Return what the runner of a Job that ended left as termination message."""
    said = attempt.pod.exit.message if attempt.pod and attempt.pod.exit else ""
    return parse_words(said, attempt.ended_at) or log_tail(said)


def result_due(evidence: Evidence) -> datetime | None:
    """Return until when the result of a completed Job is waited for."""
    attempt = evidence.attempt
    if attempt and attempt.state is JobState.COMPLETE and not evidence.has_result:
        return (attempt.ended_at or evidence.now) + RESULT_GRACE
    return None


def _awaiting_result(evidence: Evidence) -> bool:
    due = result_due(evidence)
    return due is not None and evidence.now < due


def build_outcome(
    evidence: Evidence, reason: Reason, message: str, *, kind: ReasonClass | None = None
) -> Outcome:
    """Return an outcome of this reason, with where and when it happened."""
    pod = evidence.pod
    return Outcome(
        reason=reason,
        kind=kind or REASON_CLASS[reason],
        message=clean(message),
        at=evidence.at,
        exit_code=evidence.exit_code,
        node=pod.node if pod else "",
    )


def _gone(evidence: Evidence) -> Outcome | None:
    """Explain a Job that is no longer there: its runner's last words decide, if it left any."""
    if evidence.attempt:
        return None
    words = _words(evidence)
    code = EXIT_CODES.get(words.reason) if words.reason else None
    if code == ExitCode.OK and not evidence.has_result:
        code = None
    if code is not None and code != ExitCode.INTERRUPTED:
        return _ended_with(evidence, int(code), words)
    message = "The Job was deleted before its end was recorded."
    return build_outcome(evidence, Reason.JOB_DELETED, message)


def _completed(evidence: Evidence) -> Outcome | None:
    attempt = evidence.attempt
    if not attempt or attempt.state is not JobState.COMPLETE:
        return None
    if evidence.has_result:
        return _ended_with(evidence, ExitCode.OK, _words(evidence))
    message = (
        f"The runner ended well, but its result did not reach the status within "
        f"{RESULT_GRACE.seconds} s. The next attempt finds the output and reports it."
    )
    return build_outcome(evidence, Reason.RUNNER_FAILED, message)


def _disrupted(evidence: Evidence) -> Outcome | None:
    attempt, pod = evidence.attempt, evidence.pod
    if not attempt or not ((pod and pod.disrupted) or "DisruptionTarget" in attempt.end_message):
        return None
    why = (pod and pod.disruption) or "its node was drained, or the pod preempted"
    return build_outcome(evidence, Reason.DISRUPTED, f"The pod was disrupted: {why}")


def _deadline(evidence: Evidence) -> Outcome | None:
    attempt = evidence.attempt
    if not attempt or attempt.end_reason != "DeadlineExceeded":
        return None
    if evidence.run is None and evidence.stuck_on in NEVER_STARTED:
        message = "The deadline passed before the container could start; it is made anew."
        return build_outcome(evidence, Reason(evidence.stuck_on), message, kind=ReasonClass.WAITING)
    message = (
        "The attempt took longer than spec.activeDeadlineSeconds allows, waiting for a node and "
        "for the image included. Allow more for the next attempt if the video needs it."
    )
    return build_outcome(evidence, Reason.DEADLINE_EXCEEDED, message)


def _evicted(evidence: Evidence) -> Outcome | None:
    pod = evidence.pod
    if not pod or pod.reason != "Evicted":
        return None
    message = f"The node evicted the pod: {pod.message or 'it used more than it may'}"
    return build_outcome(evidence, Reason.EVICTED, f"{message} Give it a larger spec.workVolume.")


def _out_of_memory(evidence: Evidence) -> Outcome | None:
    pod = evidence.pod
    if not pod or not pod.exit or pod.exit.reason != "OOMKilled":
        return None
    message = (
        "The runner needed more memory than its limit. Raise "
        "spec.podTemplate.resources.limits.memory: the next attempt has it."
    )
    return build_outcome(evidence, Reason.OOM_KILLED, message)


def _never_ran(evidence: Evidence) -> Outcome | None:
    """Explain a failed Job of which no container ended: the pod was refused or taken away."""
    if evidence.exit_code is not None:
        return None
    pod = evidence.pod
    why = pod and (pod.message or pod.reason)
    message = f"The pod ended before its container did: {why or 'it was deleted'}"
    return build_outcome(evidence, Reason.DISRUPTED, message)


def _taken_away(evidence: Evidence) -> Outcome | None:
    """Explain a runner that was stopped from outside, with nothing else to explain it."""
    code, pod = evidence.exit_code, evidence.pod
    killed = code == KILLED and pod is not None and pod.deleting
    stopped = code == ExitCode.INTERRUPTED and evidence.pod_taken_away
    if not killed and not stopped:
        return None
    return build_outcome(evidence, Reason.DISRUPTED, "The pod was deleted while it worked.")


def _exited(evidence: Evidence) -> Outcome | None:
    return _ended_with(evidence, evidence.exit_code or 0, _words(evidence))


CHECKS: tuple[Callable[[Evidence], Outcome | None], ...] = (
    _gone,
    _completed,
    _disrupted,
    _deadline,
    _evicted,
    _out_of_memory,
    _never_ran,
    _taken_away,
    _exited,
)


def _ended_with(evidence: Evidence, code: int, words: Words) -> Outcome:
    """Return the outcome of an exit code, explained by the last words if they agree with it."""
    kind = reason_class(code)
    reason = words.reason if words.reason and _agrees(words.reason, code) else _reason_of(code)
    outcome = build_outcome(evidence, reason, words.message or _default_message(code), kind=kind)
    return Outcome(
        reason=outcome.reason,
        kind=kind,
        message=outcome.message,
        at=outcome.at,
        exit_code=code,
        node=outcome.node,
        retry_after=words.retry_after,
    )


def _agrees(reason: Reason, code: int) -> bool:
    return EXIT_CODES.get(reason) == code


def _reason_of(code: int) -> Reason:
    return next((reason for reason, own in EXIT_CODES.items() if own == code), Reason.RUNNER_FAILED)


def _default_message(code: int) -> str:
    if code == ExitCode.OK:
        return "Done."
    return f"The runner ended with exit code {code} and said nothing. Its log may tell more."


def _words(evidence: Evidence) -> Words:
    pod = evidence.pod
    message = pod.exit.message if pod and pod.exit else ""
    run = evidence.run
    of_run = read_words(run.reason, run.message, run.retry_after, evidence.at) if run else None
    return parse_words(message, evidence.at) or of_run or log_tail(message)


def _code_in(message: str) -> int | None:
    """Return N of a Job's "… failed with exit code N matching …"."""
    _, found, rest = message.partition("failed with exit code ")
    digits = rest.split(" ", 1)[0]
    return int(digits) if found and digits.isascii() and digits.isdecimal() else None
