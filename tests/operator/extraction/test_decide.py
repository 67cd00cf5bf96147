"""The state that an extraction is in, given what there is."""

from datetime import timedelta
from typing import Any

import pytest

from slides_api.conditions import Reason
from slides_operator.extraction.decide import decide
from slides_operator.extraction.observe import Observation
from slides_operator.extraction.pod import template_hash
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
from tests.operator.worlds import (
    NOW,
    RESULT,
    SETTINGS,
    ago,
    build_condition,
    build_extraction,
    build_job,
    build_pod,
    build_row,
    build_run,
    build_settings,
    build_status,
    see,
)

Json = dict[str, Any]
FAILED_80 = build_job(1, "Failed", "PodFailurePolicy", "failed with exit code 80 matching")
FAILED_67 = build_job(1, "Failed", "PodFailurePolicy", "failed with exit code 67 matching")
DRAINED = build_job(1, "Failed", "PodFailurePolicy", "has condition DisruptionTarget matching")
OPEN = build_status(build_row())
ENDED_BADLY = build_status(
    build_row(1, "Removed"), reason="Removed", status="False", completionTime=ago(20)
)
STUCK_POD = build_pod(phase="Pending", unschedulable="0/1 nodes are available")


def having(status: Json | None = None, spec: Json | None = None, **more: Any) -> Json:
    return build_extraction(status=status, spec=spec, **more)


def refused(generation: int = 1) -> Json:
    status = build_status(reason="InvalidSpec", status="False", completionTime=ago(20))
    status["conditions"][1] = build_condition("Accepted", "False", "InvalidSpec", "No.")
    return having(status, generation=generation)


CASES: dict[str, tuple[Observation, type[State]]] = {
    "new": (see(), Ready),
    "new and suspended": (see(having(spec={"suspend": True})), Suspended),
    "new and cancelled": (see(having(spec={"cancel": True})), Cancelled),
    "spec that cannot be read": (see(having(spec={"retry": {"limit": -1}})), Refused),
    "Job made, status not written": (see(jobs=[build_job()]), Working),
    "Job made": (see(having(OPEN), jobs=[build_job()]), Working),
    "Job runs, spec edited to nonsense": (
        see(having(OPEN, {"retry": {"limit": -1}}), jobs=[build_job()]), Working,
    ),
    "Job complete": (
        see(
            having(OPEN | {"run": build_run(), "result": RESULT}),
            jobs=[build_job(1, "Complete")],
        ),
        Succeeded,
    ),
    "Job complete and cancelled": (
        see(
            having(OPEN | {"run": build_run(), "result": RESULT}, {"cancel": True}),
            jobs=[build_job(1, "Complete")],
        ),
        Succeeded,
    ),
    "Job complete, result on its way": (
        see(having(OPEN), jobs=[build_job(1, "Complete")]), Working,
    ),
    "permanent failure": (see(having(OPEN), jobs=[FAILED_67]), Failed),
    "retryable failure": (see(having(OPEN), jobs=[FAILED_80]), Waiting),
    "retryable failure, none left": (
        see(having(build_status(build_row(), counted=3)), jobs=[FAILED_80]), Failed,
    ),
    "retryable failure, no retries wanted": (
        see(having(OPEN, {"retry": {"limit": 0}}), jobs=[FAILED_80]), Failed,
    ),
    "disruption, none left": (
        see(having(build_status(build_row(), counted=3)), jobs=[DRAINED]), Waiting,
    ),
    "failure of what was cancelled": (
        see(having(OPEN, {"cancel": True}), jobs=[FAILED_80]), Cancelled,
    ),
    "failure of what was suspended": (
        see(having(OPEN, {"suspend": True}), jobs=[FAILED_80]), Suspended,
    ),
    "permanent failure of what was suspended": (
        see(having(OPEN, {"suspend": True}), jobs=[FAILED_67]), Failed,
    ),
    "waits": (
        see(having(build_status(build_row(1, "NetworkError"), nextRetryTime=ago(-5)))), Waiting,
    ),
    "waited long enough": (
        see(having(build_status(build_row(1, "NetworkError"), nextRetryTime=ago(5)))), Ready,
    ),
    "waits, asked for now": (
        see(
            having(
                build_status(build_row(1, "NetworkError"), nextRetryTime=ago(-5)), retry_at=ago(1)
            )
        ),
        Asked,
    ),
    "waits, asked for before": (
        see(
            having(
                build_status(
                    build_row(1, "NetworkError"), nextRetryTime=ago(-5), lastRetryAt=ago(1)
                ),
                retry_at=ago(1),
            )
        ),
        Waiting,
    ),
    "earlier pod still ends": (
        see(having(build_status(build_row(1, "Suspended"))), pods=[build_pod(deleting=True)]), Held,
    ),
    "earlier pod of an attempt never written down": (see(pods=[build_pod()]), Held),
    "earlier Job is being deleted": (
        see(having(build_status(build_row(1, "Suspended"))), jobs=[build_job(deleting=True)]), Held,
    ),
    "earlier pod has ended": (
        see(having(build_status(build_row(1, "Disrupted"))), pods=[build_pod(phase="Failed")]),
        Ready,
    ),
    "resumed": (see(having(build_status(build_row(1, "Suspended")))), Ready),
    "suspended while it runs": (
        see(having(OPEN, {"suspend": True}), jobs=[build_job()]), Suspended,
    ),
    "cancelled while it runs": (
        see(having(OPEN, {"cancel": True}), jobs=[build_job()]), Cancelled,
    ),
    "cancelled while its Job is new and unseen": (
        see(having(build_status(build_row(started=3)), {"cancel": True})), Cancelled,
    ),
    "Job new and unseen": (see(having(build_status(build_row(started=3)))), Working),
    "Job gone": (see(having(OPEN)), Waiting),
    "Job deleted in the foreground": (
        see(having(OPEN), jobs=[build_job(deleting=True)]), Working,
    ),
    "runner silent": (
        see(having(OPEN), jobs=[build_job()], pods=[build_pod(running=131)]), Waiting,
    ),
    "runner silent for not long enough": (
        see(having(OPEN), jobs=[build_job()], pods=[build_pod(running=129)]), Working,
    ),
    "runner spoke": (
        see(
            having(OPEN | {"run": build_run(said=100)}),
            jobs=[build_job()],
            pods=[build_pod(running=600)],
        ),
        Working,
    ),
    "runner spoke of an earlier attempt": (
        see(
            having(OPEN | {"run": build_run(7, said=5)}),
            jobs=[build_job()],
            pods=[build_pod(running=600)],
        ),
        Waiting,
    ),
    "runner silent, and nobody could have heard it": (
        see(
            having(OPEN),
            jobs=[build_job()],
            pods=[build_pod(running=600)],
            heard_since=NOW - timedelta(seconds=60),
        ),
        Working,
    ),
    "no start in time": (
        see(having(OPEN, {"startDeadlineSeconds": 60}), jobs=[build_job()], pods=[STUCK_POD]),
        Failed,
    ),
    "no start yet": (
        see(having(OPEN, {"startDeadlineSeconds": 61}), jobs=[build_job()], pods=[STUCK_POD]),
        Working,
    ),
    "started before the deadline for that": (
        see(
            having(OPEN, {"startDeadlineSeconds": 30}),
            jobs=[build_job()],
            pods=[build_pod(running=10)],
        ),
        Working,
    ),
    "stuck": (see(having(OPEN), jobs=[build_job()], pods=[STUCK_POD]), Working),
    "stuck, asked for again": (
        see(having(OPEN, retry_at=ago(1)), jobs=[build_job()], pods=[STUCK_POD]), Waiting,
    ),
    "stuck, podTemplate edited": (
        see(
            having(OPEN, {"podTemplate": {"image": "other:1"}}),
            jobs=[build_job(template=template_hash({}, SETTINGS))],
            pods=[STUCK_POD],
            template=template_hash({"podTemplate": {"image": "other:1"}}, SETTINGS),
        ),
        Waiting,
    ),
    "stuck, made by other settings": (
        see(
            having(OPEN),
            jobs=[build_job(template=template_hash({}, build_settings(runner_image="typo:1")))],
            pods=[STUCK_POD],
            template=template_hash({}, SETTINGS),
        ),
        Waiting,
    ),
    "stuck, all as it was": (
        see(
            having(OPEN),
            jobs=[build_job(template=template_hash({}, SETTINGS))],
            pods=[STUCK_POD],
            template=template_hash({}, SETTINGS),
        ),
        Working,
    ),
    "runs, made by other settings": (
        see(
            having(OPEN),
            jobs=[build_job(template="00000000")],
            pods=[build_pod(running=9)],
            template=template_hash({}, SETTINGS),
        ),
        Working,
    ),
    "runs, asked for again": (
        see(having(OPEN, retry_at=ago(1)), jobs=[build_job()], pods=[build_pod(running=9)]),
        Working,
    ),
    "ended": (see(having(ENDED_BADLY)), Kept),
    "ended, retries raised": (see(having(ENDED_BADLY, {"retry": {"limit": 9}})), Kept),
    "ended, cancelled afterwards": (see(having(ENDED_BADLY, {"cancel": True})), Kept),
    "failed, asked for again": (see(having(ENDED_BADLY, retry_at=ago(1))), Asked),
    "failed, to be asked for later": (see(having(ENDED_BADLY, retry_at=ago(-60))), Kept),
    "failed, asked for in no words": (see(having(ENDED_BADLY, retry_at="please")), Kept),
    "completed, asked for again": (
        see(
            having(
                build_status(
                    build_row(1, "Completed"),
                    reason="Completed",
                    status="True",
                    completionTime=ago(9),
                ),
                retry_at=ago(1),
            )
        ),
        Kept,
    ),
    "Job refused": (see(refused()), Refused),
    "Job refused, then edited": (see(refused(generation=2)), Ready),
}  # fmt: skip


@pytest.mark.parametrize(("seen", "want"), CASES.values(), ids=CASES)
def test_states(seen: Observation, want: type[State]) -> None:
    assert type(decide(seen, NOW).state) is want


def test_each_failure_counts_once() -> None:
    seen = see(having(build_status(build_row(), counted=1)), jobs=[FAILED_80])
    assert decide(seen, NOW).ledger.counted == 2
    again = see(having(build_status(build_row(1, "NetworkError"), counted=2)), jobs=[FAILED_80])
    assert decide(again, NOW).ledger.counted == 2


@pytest.mark.parametrize("job", [DRAINED, build_job(1, "Complete")], ids=["drained", "complete"])
def test_other_ends_do_not_count(job: Json) -> None:
    status = OPEN | {"run": build_run(), "result": RESULT}
    assert decide(see(having(status), jobs=[job]), NOW).ledger.counted == 0


def test_a_retry_by_hand_starts_to_count_anew() -> None:
    status = ENDED_BADLY | {"attempts": ENDED_BADLY["attempts"] | {"counted": 4}}
    decision = decide(see(having(status, retry_at=ago(1))), NOW)
    assert decision.ledger.counted == 0
    assert decision.ledger.current == 1


def test_history_keeps_five_attempts() -> None:
    rows = [build_row(n, "NetworkError") for n in range(1, 6)]
    job = build_job(6, "Failed", "PodFailurePolicy", "failed with exit code 80 matching")
    ledger = decide(see(having(build_status(*rows)), jobs=[job]), NOW).ledger
    assert [row.attempt for row in ledger.rows] == [2, 3, 4, 5, 6]
    assert ledger.current == 6
    assert ledger.rows[-1].reason == Reason.NETWORK_ERROR


def test_an_outcome_is_recorded_before_the_next_attempt_is_made() -> None:
    decision = decide(see(having(OPEN), jobs=[DRAINED]), NOW)
    assert isinstance(decision.state, Waiting)
    assert decision.state.until is None


def test_the_number_of_an_attempt_is_never_given_twice() -> None:
    reported = {"run": build_run(4)}
    state = decide(see(having(reported)), NOW).state
    assert state == Ready(5)


def test_a_job_of_another_name_is_no_attempt() -> None:
    job = build_job(1, "Failed", "PodFailurePolicy", "failed with exit code 67 matching")
    job["metadata"]["name"] = "somebody-elses"
    assert decide(see(jobs=[job]), NOW).state == Ready(1)
