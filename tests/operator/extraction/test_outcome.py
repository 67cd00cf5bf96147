"""How attempts end: what Jobs, pods and runners leave behind, and what follows from it."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slides_api.conditions import Reason, ReasonClass
from slides_api.exit_codes import EXIT_CODES, reason_class
from slides_operator.extraction.decide import gather_evidence
from slides_operator.extraction.outcome import find_outcome
from tests.operator.worlds import (
    NOW,
    RESULT,
    ago,
    build_extraction,
    build_job,
    build_pod,
    build_row,
    build_run,
    build_status,
    see,
)

Json = dict[str, Any]
DISRUPTED, RETRYABLE = ReasonClass.DISRUPTION, ReasonClass.RETRYABLE
PERMANENT, WAITING, SUCCESS = ReasonClass.PERMANENT, ReasonClass.WAITING, ReasonClass.SUCCESS


@dataclass
class Left:
    """What an attempt left behind."""

    job: Json | None
    pod: Json | None = None
    run: Json = field(default_factory=dict)
    result: bool = False
    stuck_on: str = "JobCreated"


def failed_with(code: int) -> Json:
    message = (
        f"Container runner for pod default/talk-x failed with exit code {code} matching FailJob"
    )
    return build_job(1, "Failed", "PodFailurePolicy", message)


def failed(reason: str = "BackoffLimitExceeded", message: str = "Job has reached it") -> Json:
    return build_job(1, "Failed", reason, message)


DEADLINE = failed("DeadlineExceeded", "Job was active longer than specified deadline")
DRAINED = failed(
    "PodFailurePolicy", "Pod default/x has condition DisruptionTarget matching FailJob"
)
COMPLETE = build_job(1, "Complete", "CompletionsReached")
TRACE = "Traceback …\nKeyError: 'x'\n"
SAID = {"reason": "BotCheck", "message": "The site asks.", "retryAfter": "2027-01-01T13:00:00Z"}

CASES: dict[str, tuple[Left, Reason, ReasonClass, int | None]] = {
    "exit 0 with its result": (
        Left(COMPLETE, build_pod(code=0, phase="Succeeded"), build_run(), result=True),
        Reason.COMPLETED, SUCCESS, 0,
    ),
    "exit 0 that found nothing": (
        Left(
            COMPLETE,
            build_pod(code=0, phase="Succeeded", said={"reason": "NoSlidesFound"}),
            build_run(),
            result=True,
        ),
        Reason.NO_SLIDES_FOUND, SUCCESS, 0,
    ),
    "exit 0, pod gone, last words in the status": (
        Left(COMPLETE, None, build_run(reason="AlreadyCompleted"), result=True),
        Reason.ALREADY_COMPLETED, SUCCESS, 0,
    ),
    "exit 0 without a result in time": (
        Left(build_job(1, "Complete", ended=16), build_pod(code=0), build_run()),
        Reason.RUNNER_FAILED, RETRYABLE, 0,
    ),
    "a result of an earlier attempt is not its own": (
        Left(build_job(1, "Complete", ended=16), build_pod(code=0), build_run(7), result=True),
        Reason.RUNNER_FAILED, RETRYABLE, 0,
    ),
    "permanent": (
        Left(failed_with(67), build_pod(code=67, phase="Failed", said={"reason": "Removed"})),
        Reason.REMOVED, PERMANENT, 67,
    ),
    "retryable": (
        Left(failed_with(83), build_pod(code=83, phase="Failed", said=SAID)),
        Reason.BOT_CHECK, RETRYABLE, 83,
    ),
    "waiting": (
        Left(failed_with(96), build_pod(code=96, phase="Failed")),
        Reason.LIVE_NOT_STARTED, WAITING, 96,
    ),
    "pod gone: the Job's condition has the code": (
        Left(failed_with(85)), Reason.FORBIDDEN, RETRYABLE, 85,
    ),
    "pod gone: the status has the last words": (
        Left(failed_with(78), None, build_run(reason="OutputConflict", message="Taken.")),
        Reason.OUTPUT_CONFLICT, PERMANENT, 78,
    ),
    "last words of another attempt do not count": (
        Left(failed_with(78), None, build_run(3, reason="OutputConflict")),
        Reason.UPLOAD_DENIED, PERMANENT, 78,
    ),
    "words that contradict the code do not count": (
        Left(failed_with(80), build_pod(code=80, phase="Failed", said={"reason": "Removed"})),
        Reason.NETWORK_ERROR, RETRYABLE, 80,
    ),
    "words of a newer runner": (
        Left(failed_with(94), build_pod(code=94, phase="Failed", said={"reason": "Solar"})),
        Reason.RUNNER_FAILED, RETRYABLE, 94,
    ),
    "a bug": (
        Left(failed_with(1), build_pod(code=1, phase="Failed", said=TRACE)),
        Reason.INTERNAL_ERROR, RETRYABLE, 1,
    ),
    "out of memory": (
        Left(failed_with(137), build_pod(code=137, phase="Failed", why="OOMKilled")),
        Reason.OOM_KILLED, RETRYABLE, 137,
    ),
    "killed, nobody knows why": (
        Left(failed_with(137), build_pod(code=137, phase="Failed")),
        Reason.RUNNER_FAILED, RETRYABLE, 137,
    ),
    "killed since the pod was deleted": (
        Left(failed_with(137), build_pod(code=137, phase="Failed", deleting=True)),
        Reason.DISRUPTED, DISRUPTED, 137,
    ),
    "emptyDir full": (
        Left(
            failed(),
            build_pod(code=143, phase="Failed", reason="Evicted", message="Usage of EmptyDir"),
        ),
        Reason.EVICTED, RETRYABLE, 143,
    ),
    "drained, pod still there": (
        Left(DRAINED, build_pod(code=143, phase="Failed", disrupted="preempting to make room")),
        Reason.DISRUPTED, DISRUPTED, 143,
    ),
    "drained, pod gone": (Left(DRAINED), Reason.DISRUPTED, DISRUPTED, None),
    "pod deleted, gone": (Left(failed_with(143)), Reason.DISRUPTED, DISRUPTED, 143),
    "pod deleted, still there": (
        Left(failed_with(143), build_pod(code=143, phase="Failed", deleting=True)),
        Reason.DISRUPTED, DISRUPTED, 143,
    ),
    "interrupted by nobody": (
        Left(failed_with(143), build_pod(code=143, phase="Failed")),
        Reason.INTERRUPTED, RETRYABLE, 143,
    ),
    "pod deleted before it ran": (Left(failed()), Reason.DISRUPTED, DISRUPTED, None),
    "node refused the pod": (
        Left(failed(), build_pod(phase="Failed", reason="OutOfcpu", message="Node had no cpu")),
        Reason.DISRUPTED, DISRUPTED, None,
    ),
    "deadline": (
        Left(DEADLINE, None, build_run()), Reason.DEADLINE_EXCEEDED, RETRYABLE, None,
    ),
    "deadline while a Secret was missing": (
        Left(DEADLINE, stuck_on="SecretMissing"), Reason.SECRET_MISSING, WAITING, None,
    ),
    "deadline without room": (
        Left(DEADLINE, stuck_on="Unschedulable"), Reason.UNSCHEDULABLE, WAITING, None,
    ),
    "deadline without an image": (
        Left(DEADLINE, stuck_on="ImagePullFailed"), Reason.DEADLINE_EXCEEDED, RETRYABLE, None,
    ),
    "Job gone without a word": (Left(None), Reason.JOB_DELETED, DISRUPTED, None),
    "Job gone, runner said why it failed": (
        Left(None, None, build_run(reason="PrivateVideo")), Reason.PRIVATE_VIDEO, PERMANENT, 66,
    ),
    "Job gone, runner was done": (
        Left(None, None, build_run(reason="Completed"), result=True), Reason.COMPLETED, SUCCESS, 0,
    ),
    "Job gone, runner said done and left nothing": (
        Left(None, None, build_run(reason="Completed")), Reason.JOB_DELETED, DISRUPTED, None,
    ),
    "Job gone, runner was interrupted": (
        Left(None, None, build_run(reason="Interrupted")), Reason.JOB_DELETED, DISRUPTED, None,
    ),
}  # fmt: skip


def evidence_of(left: Left) -> Any:
    status = build_status(build_row(), reason=left.stuck_on)
    status |= {"run": left.run} if left.run else {}
    status |= {"result": RESULT} if left.result else {}
    seen = see(
        build_extraction(status=status),
        jobs=[left.job] if left.job else [],
        pods=[left.pod] if left.pod else [],
    )
    return gather_evidence(seen, 1, NOW)


@pytest.mark.parametrize(("left", "reason", "kind", "code"), CASES.values(), ids=CASES)
def test_ends(left: Left, reason: Reason, kind: ReasonClass, code: int | None) -> None:
    outcome = find_outcome(evidence_of(left))
    assert outcome is not None
    assert (outcome.reason, outcome.kind, outcome.exit_code) == (reason, kind, code)
    assert outcome.counts == (kind in {RETRYABLE, PERMANENT})
    assert outcome.message


def test_an_attempt_that_runs_has_no_outcome() -> None:
    assert find_outcome(evidence_of(Left(build_job(), build_pod(running=30)))) is None


def test_a_result_is_waited_for() -> None:
    left = Left(build_job(1, "Complete", ended=14), build_pod(code=0), build_run())
    assert find_outcome(evidence_of(left)) is None


def test_last_words_are_kept() -> None:
    outcome = find_outcome(evidence_of(CASES["retryable"][0]))
    assert outcome is not None
    assert outcome.message == "The site asks."
    assert outcome.retry_after is not None
    assert outcome.retry_after.hour == 13
    assert outcome.node == "node-1"


def test_a_crash_shows_the_last_line_of_its_log() -> None:
    outcome = find_outcome(evidence_of(CASES["a bug"][0]))
    assert outcome is not None
    assert outcome.message == "The runner failed: KeyError: 'x'"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [(90, 90), ("2027-01-01T12:00:58Z", 60), ("soon", None), (True, 1), (1e300, None), (-5, 0)],
)
def test_retry_after_is_a_time_or_seconds(said: object, seconds: int | None) -> None:
    words = {"reason": "RateLimited", "message": "", "retryAfter": said}
    left = Left(failed_with(84), build_pod(code=84, phase="Failed", said=words))
    outcome = find_outcome(evidence_of(left))
    assert outcome is not None
    if seconds is None:
        assert outcome.retry_after is None
    else:
        assert outcome.retry_after is not None
        assert (outcome.retry_after - outcome.at).total_seconds() == seconds


@given(st.sampled_from(sorted(EXIT_CODES)))
def test_each_reason_of_a_runner_survives(reason: Reason) -> None:
    code = int(EXIT_CODES[reason])
    if code in {0, 143}:
        return
    left = Left(failed_with(code), build_pod(code=code, phase="Failed", said={"reason": reason}))
    outcome = find_outcome(evidence_of(left))
    assert outcome is not None
    assert (outcome.reason, outcome.kind) == (reason, reason_class(code))


@given(
    st.text()
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(json.dumps)
    | st.builds(
        lambda reason, message, retry: json.dumps(
            {"reason": reason, "message": message, "retryAfter": retry}
        ),
        st.text(),
        st.text() | st.none() | st.integers(),
        st.floats() | st.text() | st.integers() | st.datetimes().map(str),
    )
    | st.just("[" * 4096)
)
def test_whatever_a_container_says_makes_one_short_line(said: str) -> None:
    left = Left(failed_with(80), build_pod(code=80, phase="Failed", said=said))
    outcome = find_outcome(evidence_of(left))
    assert outcome is not None
    assert len(outcome.message) <= 1024
    assert "\n" not in outcome.message
    outcome.message.encode()


def test_an_end_before_it_was_seen_to_run_has_a_time() -> None:
    outcome = find_outcome(evidence_of(Left(None)))
    assert outcome is not None
    assert outcome.at == NOW
    assert ago(0) == "2027-01-01T12:00:00Z"
