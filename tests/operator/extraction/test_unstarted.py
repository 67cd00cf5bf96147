"""spec.startDeadlineSeconds where no Job can be made: a full quota, pods that do not end."""

from typing import Any

import pytest

from slides_operator.extraction.decide import decide
from slides_operator.extraction.objects import find_condition
from slides_operator.extraction.observe import Observation
from slides_operator.extraction.plan import Plan, plan, plan_hindrance
from slides_operator.extraction.states import Held, Unstarted
from tests.operator.worlds import (
    NOW,
    SETTINGS,
    ago,
    build_condition,
    build_extraction,
    build_pod,
    build_row,
    build_status,
    see,
)

Json = dict[str, Any]
DEADLINE = {"startDeadlineSeconds": 60}


def waiting(
    *rows: Json, since: float, spec: Json | None = None, pods: Any = (), **status: Any
) -> Observation:
    """Return one that has gone on, without an attempt now, for so many seconds."""
    made = build_status(*rows, **status)
    condition = build_condition("Reconciling", "True", "PodRefused")
    made["conditions"].append(condition | {"lastTransitionTime": ago(since)})
    return see(build_extraction(status=made, spec=DEADLINE if spec is None else spec), pods=pods)


def hinder(seen: Observation) -> Plan:
    return plan_hindrance(seen, SETTINGS, NOW, message="exceeded quota: jobs")


def phase(made: Plan) -> str:
    assert made.status is not None
    return str(made.status["phase"])


@pytest.mark.parametrize(
    ("seen", "want"),
    [
        pytest.param(waiting(since=59), "Pending", id="in time"),
        pytest.param(waiting(since=61), "Failed", id="too late"),
        pytest.param(waiting(since=61, spec={}), "Pending", id="no deadline"),
        pytest.param(see(build_extraction(spec=DEADLINE)), "Pending", id="first look"),
        pytest.param(
            waiting(build_row(1, "NetworkError"), since=999), "Pending", id="an attempt ended since"
        ),
        pytest.param(
            waiting(build_row(1, "LiveNow", finishedAt=ago(9999)), since=9999,
                    nextRetryTime=ago(30)),
            "Pending", id="waited for its time before",
        ),
        pytest.param(
            waiting(build_row(1, "LiveNow", finishedAt=ago(9999)), since=9999,
                    nextRetryTime=ago(61)),
            "Failed", id="was due for too long",
        ),
    ],
)  # fmt: skip
def test_while_the_job_cannot_be_created(seen: Observation, want: str) -> None:
    assert phase(hinder(seen)) == want


def test_says_why_and_how_to_go_on() -> None:
    made = hinder(waiting(since=61))

    assert made.status is not None
    condition = find_condition(made.status["conditions"], "Succeeded")
    assert condition is not None
    assert (condition["status"], condition["reason"]) == ("False", "StartDeadlineExceeded")
    assert "exceeded quota" in condition["message"]
    assert "retry-at" in condition["message"]
    assert made.status["completionTime"]
    (event,) = made.events
    assert event.type == "Warning"


def test_a_job_is_tried_once_more_before_it_is_given_up() -> None:
    assert plan(waiting(since=61), SETTINGS, NOW).job is not None


def test_when_it_was_due_stays_known_while_it_cannot_start() -> None:
    made = hinder(
        waiting(build_row(1, "NetworkError", finishedAt=ago(50)), since=99, nextRetryTime=ago(30))
    )

    assert made.status is not None
    assert made.status["nextRetryTime"] == ago(30)


@pytest.mark.parametrize(
    ("since", "want"),
    [pytest.param(59, Held, id="in time"), pytest.param(61, Unstarted, id="too late")],
)
def test_while_pods_of_an_earlier_one_do_not_end(since: float, want: type) -> None:
    row = build_row(1, "Disrupted", finishedAt=ago(since))
    seen = waiting(row, since=999, pods=[build_pod(running=200, deleting=True)])

    assert isinstance(decide(seen, NOW).state, want)


def test_a_retry_by_hand_follows() -> None:
    seen = waiting(since=61)
    made = hinder(seen)
    again = build_extraction(status=made.status, spec=DEADLINE, retry_at=ago(1))

    status = plan(see(again), SETTINGS, NOW).status
    assert status is not None
    assert "completionTime" not in status
