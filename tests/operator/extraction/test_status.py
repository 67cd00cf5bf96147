"""What the status says: phase and conditions of every state, and that they stay while it does."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from slides_api.conditions import Reason
from slides_api.v1alpha1 import OperatorStatus
from slides_operator.extraction.decide import Decision, decide
from slides_operator.extraction.ledger import Ledger
from slides_operator.extraction.observe import Observation
from slides_operator.extraction.plan import plan, plan_hindrance, plan_refusal
from slides_operator.extraction.status import next_status, own_part, same_status
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
    build_status,
    see,
)

Json = dict[str, Any]
OPEN = build_status(build_row())
EXIT_80 = build_job(1, "Failed", "PodFailurePolicy", "failed with exit code 80 matching")
EXIT_67 = build_job(1, "Failed", "PodFailurePolicy", "failed with exit code 67 matching")
EXIT_96 = build_job(1, "Failed", "PodFailurePolicy", "failed with exit code 96 matching")


def running(stage: str) -> Observation:
    status = OPEN | {"run": build_run(stage=stage)}
    pods = [build_pod(running=50)]
    return see(build_extraction(status=status), jobs=[build_job()], pods=pods)


def ended(job: Json, *, counted: int = 0, **status: Any) -> Observation:
    status = build_status(build_row(), counted=counted) | status
    return see(build_extraction(status=status), jobs=[job])


def spec_of(**spec: Any) -> Observation:
    return see(build_extraction(spec=spec))


def written(seen: Observation) -> Json:
    """Return the status that a reconcile writes, or leaves as it is."""
    status = plan(seen, SETTINGS, NOW).status
    return own_part(seen.status) if status is None else status


DONE = ended(build_job(1, "Complete"), run=build_run(), result=RESULT)
STUCK = see(
    build_extraction(status=OPEN),
    jobs=[build_job()],
    pods=[build_pod(phase="Pending", unschedulable="0/1 nodes are available: 1 Insufficient cpu.")],
)

# phase, Succeeded, its reason, the other conditions that are True
CASES: dict[str, tuple[Observation, str, str, str, set[str]]] = {
    "new": (spec_of(), "Pending", "Unknown", "JobCreated", {"Accepted", "Reconciling"}),
    "starting": (
        running("Starting"), "Pending", "Unknown", "Starting",
        {"Accepted", "Running", "Reconciling"},
    ),
    "downloading": (
        running("Downloading"), "Downloading", "Unknown", "Downloading",
        {"Accepted", "Running", "Reconciling"},
    ),
    "extracting": (
        running("Extracting"), "Extracting", "Unknown", "Extracting",
        {"Accepted", "Running", "Reconciling"},
    ),
    "uploading": (
        running("Uploading"), "Uploading", "Unknown", "Uploading",
        {"Accepted", "Running", "Reconciling"},
    ),
    "a stage of a newer runner": (
        running("Transcribing"), "Extracting", "Unknown", "Extracting",
        {"Accepted", "Running", "Reconciling"},
    ),
    "no node": (STUCK, "Pending", "Unknown", "Unschedulable", {"Accepted", "Reconciling"}),
    "waits to retry": (
        ended(EXIT_80), "Pending", "Unknown", "Retrying", {"Accepted", "Reconciling"},
    ),
    "waits for the source": (
        ended(EXIT_96), "Pending", "Unknown", "LiveNotStarted", {"Accepted", "Reconciling"},
    ),
    "completed": (DONE, "Completed", "True", "Completed", {"Accepted", "Succeeded"}),
    "failed for good": (ended(EXIT_67), "Failed", "False", "Removed", {"Accepted", "Stalled"}),
    "failed too often": (
        ended(EXIT_80, counted=3), "Failed", "False", "NetworkError", {"Accepted", "Stalled"},
    ),
    "suspended": (
        spec_of(suspend=True), "Suspended", "Unknown", "Suspended", {"Accepted", "Suspended"},
    ),
    "cancelled": (spec_of(cancel=True), "Cancelled", "False", "Cancelled", {"Accepted"}),
    "refused": (
        spec_of(retry={"limit": -1}), "Failed", "False", "InvalidSpec", {"Stalled"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "phase", "succeeded", "reason", "true"), CASES.values(), ids=CASES
)
def test_states_are_told(
    seen: Observation, phase: str, succeeded: str, reason: str, true: set[str]
) -> None:
    status = written(seen)
    conditions = {one["type"]: one for one in status["conditions"]}
    assert status["phase"] == phase
    assert conditions["Succeeded"]["status"] == succeeded
    assert conditions["Succeeded"]["reason"] == reason
    assert {kind for kind, one in conditions.items() if one["status"] == "True"} == true
    final = phase in {"Completed", "Failed", "Cancelled"}
    assert ("completionTime" in status) == final


@pytest.mark.parametrize("name", CASES)
def test_every_status_is_one_that_the_crd_takes(name: str) -> None:
    status = written(CASES[name][0])
    read = OperatorStatus.model_validate(status, extra="forbid").to_wire()
    assert status == read | {"attempts": {k: v for k, v in read["attempts"].items() if v != []}}


@pytest.mark.parametrize("name", CASES)
def test_the_same_state_is_not_written_again(name: str) -> None:
    seen = CASES[name][0]
    after = build_extraction(
        spec=seen.raw_spec, status=dict(seen.status) | written(seen) | {"workClaim": None}
    )
    del after["status"]["workClaim"]
    jobs = seen.world.jobs or ([build_job()] if name == "new" else [])
    again = see(after, jobs=jobs, pods=seen.world.pods)
    later = NOW + timedelta(seconds=3)
    if name == "waits to retry":
        assert decide(again, later).outcome is None
    assert plan(again, SETTINGS, later).status is None


def test_kstatus_words_are_absent_rather_than_false() -> None:
    for seen, *_ in CASES.values():
        for one in written(seen)["conditions"]:
            assert one["status"] == "True" or one["type"] not in {"Reconciling", "Stalled"}


def test_given_up_names_both_the_failure_and_the_limit() -> None:
    status = written(ended(EXIT_80, counted=3))
    conditions = {one["type"]: one for one in status["conditions"]}
    assert conditions["Succeeded"]["reason"] == Reason.NETWORK_ERROR
    assert conditions["Stalled"]["reason"] == Reason.RETRY_LIMIT_EXCEEDED
    assert "after 4 failed attempts" in conditions["Succeeded"]["message"]
    assert "kubectl annotate slx/talk -n default" in conditions["Succeeded"]["message"]


def test_a_transition_time_changes_with_the_status_only() -> None:
    status = written(running("Downloading"))
    times = {one["type"]: one["lastTransitionTime"] for one in status["conditions"]}
    assert times["Succeeded"] == times["Accepted"] == ago(600)  # Unknown and True before
    assert times["Running"] == ago(0)
    ends = {one["type"]: one["lastTransitionTime"] for one in written(DONE)["conditions"]}
    assert ends["Succeeded"] == ago(0)
    assert ends["Accepted"] == ago(600)


def test_an_edit_of_what_ended_is_seen_by_every_condition() -> None:
    status = build_status(
        build_row(1, "Completed"), reason="Completed", status="True", completionTime=ago(9)
    )
    seen = see(build_extraction(status=status, generation=2, spec={"suspend": True}))
    after = written(seen)
    assert after["observedGeneration"] == 2
    assert {one["observedGeneration"] for one in after["conditions"]} == {2}
    assert after["completionTime"] == ago(9)
    assert after["phase"] == status["phase"]


def test_the_time_of_the_next_attempt_is_shown() -> None:
    status = written(ended(EXIT_80))
    assert "2027-01-01T12:00:0" in status["nextRetryTime"]
    message = next(one for one in status["conditions"] if one["type"] == "Succeeded")["message"]
    assert status["nextRetryTime"] in message
    assert "NetworkError" in message


def test_a_pod_that_will_not_end_is_named() -> None:
    status = build_status(build_row(1, "Suspended") | {"finishedAt": ago(61)})
    seen = see(build_extraction(status=status), pods=[build_pod(deleting=True)])
    succeeded = written(seen)["conditions"][0]
    assert succeeded["reason"] == Reason.RETRYING
    assert "talk-0a1b2c3d-1-abcde" in succeeded["message"]


def test_a_refused_job_is_shown_until_the_spec_is_edited() -> None:
    made = plan_refusal(see(), SETTINGS, NOW, message="affinity is nonsense.")
    assert made.status is not None
    assert made.job is None
    accepted = {one["type"]: one for one in made.status["conditions"]}["Accepted"]
    assert accepted["status"] == "False"
    assert "affinity is nonsense." in accepted["message"]
    again = see(build_extraction(status=made.status))
    assert plan(again, SETTINGS, NOW + timedelta(seconds=9)) == replace(
        plan(again, SETTINGS, NOW), status=None
    )


def test_a_used_up_quota_is_shown_and_waited_for() -> None:
    made = plan_hindrance(see(), SETTINGS, NOW, message="exceeded quota: talks")
    assert made.status is not None
    assert made.status["phase"] == "Pending"
    assert made.status["conditions"][0]["reason"] == Reason.POD_REFUSED
    again = plan(see(build_extraction(status=made.status)), SETTINGS, NOW)
    assert again.job is not None


def test_an_unreadable_request_is_answered() -> None:
    seen = see(build_extraction(retry_at="tomorrow"))
    accepted = {one["type"]: one for one in written(seen)["conditions"]}["Accepted"]
    assert "retry-at is no time" in accepted["message"]


@pytest.mark.parametrize("phase", ["Downloading", "Completed"])
def test_a_request_is_noted_even_where_it_changes_nothing(phase: str) -> None:
    seen = running("Downloading") if phase == "Downloading" else DONE
    extraction = dict(seen.world.extraction)
    extraction["metadata"] = extraction["metadata"] | {
        "annotations": {"slides-extractor.dev/retry-at": ago(1)}
    }
    after = written(see(extraction, jobs=seen.world.jobs, pods=seen.world.pods))
    assert after["lastRetryAt"] == ago(1)
    assert after["phase"] == phase


def test_conditions_have_no_order() -> None:
    one = {"conditions": [build_condition("A", "True", "X"), build_condition("B", "True", "X")]}
    assert same_status(one, {"conditions": one["conditions"][::-1]})
    assert not same_status(one, {"conditions": one["conditions"][:1]})


def test_a_start_is_told_once() -> None:
    decision = Decision(decide(see(), NOW).state, Ledger())
    assert "startTime" not in next_status(see(), decision, NOW)
    assert written(see())["startTime"] == ago(0)
    assert written(ended(EXIT_80, startTime=ago(500)))["startTime"] == ago(500)
