"""Deleting an extraction: its outputs first, where that is asked for, and never for ever."""

from datetime import timedelta
from typing import Any

import pytest

from slides_operator.extraction.deletion import plan_abandonment, plan_deletion
from slides_operator.extraction.observe import Observation
from slides_operator.extraction.plan import Plan
from slides_operator.extraction.settled import is_settled
from tests.operator.worlds import (
    MANIFEST,
    NOW,
    RESULT,
    SETTINGS,
    ago,
    build_condition,
    build_extraction,
    build_job,
    build_pod,
    build_row,
    build_status,
    see,
)

Json = dict[str, Any]
FINALIZER = "slides-extractor.dev/outputs"
DONE = build_status(
    build_row(1, "Completed"),
    reason="Completed",
    status="True",
    completionTime=ago(99),
    video={"key": "youtube-x"},
    result=RESULT,
)
FAILED = "failed with exit code 89 matching"
DENIED = "failed with exit code 78 matching"


def going(
    status: Json | None = DONE,
    *,
    jobs: Any = (),
    pods: Any = (),
    since: float = 30,
    begun: float | None = None,
    policy: str = "Delete",
    finalizers: tuple[str, ...] = (FINALIZER,),
    kept: tuple[str, ...] = (),
    **spec: Any,
) -> Observation:
    if status and begun is not None:
        condition = build_condition("OutputsDeleted", "False", "Deleting")
        condition["lastTransitionTime"] = ago(begun)
        status = status | {"conditions": [*status["conditions"], condition]}
    extraction = build_extraction(
        status=status,
        spec={"deletionPolicy": policy} | spec,
        deletionTimestamp=ago(since),
        finalizers=list(finalizers),
    )
    return see(extraction, jobs=jobs, pods=pods, kept=kept)


def a_try(number: int = 1, end: str = "", message: str = "", **more: Any) -> Json:
    return build_job(number, end, "PodFailurePolicy", message, deletion=True, **more)


def step(made: Plan) -> str:
    """Return in a word what a plan does."""
    if made.release:
        return f"release {made.events[0].reason}" if made.events else "release"
    if made.job is not None:
        name: str = made.job["metadata"]["name"]
        return name.removeprefix("talk-0a1b2c3d-")
    if made.delete_jobs:
        return f"stop {len(made.delete_jobs)}"
    return "wait"


KEEPER = build_pod(
    1, "Succeeded", code=0, said={"reason": "OutputsKept", "message": "s3://b/m"}, deletion=True
)
CASES: dict[str, tuple[Observation, str]] = {
    "outputs there": (going(), "delete-1"),
    "only a video known": (going({"video": {"key": "youtube-x"}}), "delete-1"),
    "nothing was made": (going({}), "release"),
    "policy turned to Retain": (going(policy="Retain"), "release"),
    "held by others only": (going(finalizers=("a/b",)), "wait"),
    "held by others, still works": (going(finalizers=("a/b",), jobs=[build_job()]), "stop 1"),
    "still works": (going(jobs=[build_job()]), "stop 1"),
    "still ends": (going(pods=[build_pod(deleting=True)]), "wait"),
    "named by another": (going(kept=(MANIFEST,)), "release OutputsKept"),
    "of a video that another has": (going(kept=(f"{MANIFEST}.b",)), "delete-1"),
    "at work": (going(jobs=[a_try()]), "wait"),
    "kept by the runner": (
        going(jobs=[a_try(1, "Complete")], pods=[KEEPER]), "release OutputsKept",
    ),
    "deleted": (going(jobs=[a_try(1, "Complete")]), "release OutputsDeleted"),
    "failed just now": (going(jobs=[a_try(1, "Failed", FAILED, ended=5)]), "wait"),
    "failed": (going(jobs=[a_try(1, "Failed", FAILED, ended=16)]), "delete-2"),
    "failed twice just now": (
        going(jobs=[a_try(1, "Failed", FAILED), a_try(2, "Failed", FAILED, ended=59)]), "wait",
    ),
    "failed twice": (
        going(jobs=[a_try(1, "Failed", FAILED), a_try(2, "Failed", FAILED, ended=61)]), "delete-3",
    ),
    "failed three times": (
        going(jobs=[a_try(n, "Failed", FAILED) for n in (1, 2, 3)]), "release CleanupFailed",
    ),
    "denied": (going(jobs=[a_try(1, "Failed", DENIED)]), "release CleanupFailed"),
    "out of time": (going(jobs=[a_try()], begun=901), "release CleanupFailed"),
    "out of time, still works": (going(jobs=[build_job()], begun=901), "release CleanupFailed"),
    "out of time, but deleted": (
        going(jobs=[a_try(1, "Complete")], begun=901), "release OutputsDeleted",
    ),
    "not begun for long": (going(since=3600), "delete-1"),
    "a spec that cannot be read": (going(retry={"limit": -1}), "release CleanupFailed"),
}  # fmt: skip


@pytest.mark.parametrize(("seen", "want"), CASES.values(), ids=CASES)
def test_steps(seen: Observation, want: str) -> None:
    assert step(plan_deletion(seen, SETTINGS, NOW)) == want


@pytest.mark.parametrize("name", CASES)
def test_every_wait_has_an_end(name: str) -> None:
    seen = CASES[name][0]
    made = plan_deletion(seen, SETTINGS, NOW)
    held = FINALIZER in seen.finalizers
    if held and not made.release:
        assert made.look_again_at is not None
        assert NOW <= made.look_again_at <= NOW + timedelta(minutes=15)


def test_a_cleanup_that_failed_says_where_to_look() -> None:
    made = plan_deletion(CASES["denied"][0], SETTINGS, NOW)
    (event,) = made.events
    assert event.type == "Warning"
    assert MANIFEST in event.message
    assert "by hand" in event.message
    assert made.status is not None
    told = {one["type"]: one for one in made.status["conditions"]}
    assert told["OutputsDeleted"]["status"] == "False"
    assert told["OutputsDeleted"]["reason"] == "CleanupFailed"
    assert told["Succeeded"]["status"] == "True"


def test_the_first_try_is_told_and_timed_at_once() -> None:
    made = plan_deletion(going(), SETTINGS, NOW)
    assert made.status is not None
    told = {one["type"]: one for one in made.status["conditions"]}["OutputsDeleted"]
    assert told["reason"] == "Deleting"
    assert told["lastTransitionTime"] == ago(0)
    again = going(DONE | made.status, jobs=[a_try()])
    assert plan_deletion(again, SETTINGS, NOW).status is None


def test_jobs_that_deleted_leave_with_the_resource() -> None:
    jobs = [a_try(1, "Failed", FAILED), a_try(2, "Complete")]
    made = plan_deletion(going(jobs=jobs), SETTINGS, NOW)
    assert len(made.delete_jobs) == 2


def test_a_job_that_is_refused_ends_the_deletion() -> None:
    made = plan_abandonment(going(), SETTINGS, NOW, message="namespace is being terminated")
    assert step(made) == "release CleanupFailed"
    assert "being terminated" in made.events[0].message


def test_what_is_being_deleted_is_never_settled() -> None:
    assert not is_settled(going().world.extraction, [])
