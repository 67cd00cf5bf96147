"""What is done about a state: what is created, cleaned up and told, and when time decides."""

from datetime import timedelta
from typing import Any

import pytest

from slides_operator.extraction.objects import find_condition
from slides_operator.extraction.observe import Observation
from slides_operator.extraction.plan import Plan, plan
from slides_operator.extraction.settled import is_settled
from tests.operator.worlds import (
    NOW,
    RESULT,
    SETTINGS,
    ago,
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
OPEN = build_status(build_row())
REPORTED = OPEN | {"run": build_run(), "result": RESULT}
EXIT_80 = build_job(1, "Failed", "PodFailurePolicy", "failed with exit code 80 matching")
COMPLETE = build_job(1, "Complete")
CLAIM: Json = {"workVolume": {"claim": {}}}
WORK = "talk-0a1b2c3d-work"


def of(
    status: Json | None = None,
    spec: Json | None = None,
    *,
    jobs: Any = (),
    pods: Any = (),
    **m: Any,
) -> Observation:
    return see(build_extraction(status=status, spec=spec, **m), jobs=jobs, pods=pods)


def done(reason: str = "Completed", status: str = "True", **more: Any) -> Json:
    return build_status(
        build_row(1, reason), reason=reason, status=status, completionTime=ago(100), **more
    )


def make(seen: Observation) -> Plan:
    return plan(seen, SETTINGS, NOW, progress_s=7)


def test_the_first_attempt_is_made() -> None:
    made = make(of())
    assert made.job is not None
    assert made.job["metadata"]["name"] == "talk-0a1b2c3d-1"
    assert made.job["metadata"]["annotations"]["slides-extractor.dev/progress-seconds"] == "7"
    assert made.claim is None
    assert made.events == ()


def test_the_claim_comes_with_every_attempt_and_stays_known() -> None:
    made = make(of(build_status(build_row(1, "Disrupted"), workClaim=WORK), CLAIM))
    assert made.claim is not None
    assert made.status is not None
    assert made.status["workClaim"] == made.claim["metadata"]["name"] == WORK


DELETED: dict[str, tuple[Observation, set[str]]] = {
    "suspended": (of(OPEN, {"suspend": True}, jobs=[build_job()]), {"talk-0a1b2c3d-1"}),
    "cancelled": (of(OPEN, {"cancel": True}, jobs=[build_job()]), {"talk-0a1b2c3d-1"}),
    "silent": (of(OPEN, jobs=[build_job()], pods=[build_pod(running=999)]), {"talk-0a1b2c3d-1"}),
    "recorded before, still active": (
        of(done("Cancelled", "False"), {"cancel": True}, jobs=[build_job()]), {"talk-0a1b2c3d-1"},
    ),
    "an earlier one beside the next": (
        of(
            build_status(build_row(1, "Suspended"), build_row(2)),
            jobs=[build_job(1), build_job(2)],
        ),
        {"talk-0a1b2c3d-1"},
    ),
    "being deleted already": (of(OPEN, {"suspend": True}, jobs=[build_job(deleting=True)]), set()),
    "runs": (of(OPEN, jobs=[build_job()]), set()),
    "ended": (of(OPEN, jobs=[EXIT_80]), set()),
}  # fmt: skip


@pytest.mark.parametrize(("seen", "names"), DELETED.values(), ids=DELETED)
def test_jobs_are_deleted(seen: Observation, names: set[str]) -> None:
    assert set(make(seen).delete_jobs) == names


EXPIRED: dict[str, tuple[Observation, set[str]]] = {
    "recorded with this plan": (of(OPEN, jobs=[EXIT_80]), {"talk-0a1b2c3d-1"}),
    "recorded before": (
        of(build_status(build_row(1, "Removed")), jobs=[EXIT_80]), {"talk-0a1b2c3d-1"},
    ),
    "has its TTL": (
        of(build_status(build_row(1, "Removed")), jobs=[build_job(1, "Failed", ttl=9)]), set(),
    ),
    "result still to come": (of(OPEN, jobs=[COMPLETE]), set()),
    "runs": (of(OPEN, jobs=[build_job()]), set()),
}  # fmt: skip


@pytest.mark.parametrize(("seen", "names"), EXPIRED.values(), ids=EXPIRED)
def test_jobs_get_a_ttl_once_their_outcome_is_recorded(seen: Observation, names: set[str]) -> None:
    assert set(make(seen).expire_jobs) == names


DROPPED: dict[str, tuple[Observation, str]] = {
    "success": (
        of(REPORTED | {"workClaim": WORK}, CLAIM, jobs=[COMPLETE]), WORK,
    ),
    "cancelled": (of(build_status(workClaim=WORK), {"cancel": True}), WORK),
    "failure, lately": (of(done("Removed", "False", workClaim=WORK), CLAIM), ""),
    "failure, long ago": (
        of(done("Removed", "False", workClaim=WORK) | {"completionTime": ago(86_400)}, CLAIM), WORK,
    ),
    "waits for a retry": (
        of(
            build_status(build_row(1, "NetworkError"), workClaim=WORK, nextRetryTime=ago(-5)),
            CLAIM,
        ),
        "",
    ),
    "suspended": (of(build_status(workClaim=WORK), CLAIM | {"suspend": True}), ""),
}  # fmt: skip


@pytest.mark.parametrize(("seen", "claim"), DROPPED.values(), ids=DROPPED)
def test_claims_are_dropped(seen: Observation, claim: str) -> None:
    made = make(seen)
    assert made.drop_claim == claim
    if claim:
        assert made.status is not None
        assert "workClaim" not in made.status


OURS = "slides-extractor.dev/outputs"
FINALIZERS: dict[str, tuple[Observation, tuple[str, ...] | None]] = {
    "nothing to keep": (of(), None),
    "outputs to delete": (
        of(spec={"deletionPolicy": "Delete"}, finalizers=["a/b"]), ("a/b", OURS),
    ),
    "there already": (
        of(spec={"deletionPolicy": "Delete"}, finalizers=["slides-extractor.dev/outputs"]), None,
    ),
    "outputs to keep after all": (of(finalizers=["slides-extractor.dev/outputs", "a/b"]), ("a/b",)),
    "ended, outputs to delete after all": (
        of(done(), {"deletionPolicy": "Delete"}), ("slides-extractor.dev/outputs",),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("seen", "want"), FINALIZERS.values(), ids=FINALIZERS)
def test_finalizers(seen: Observation, want: tuple[str, ...] | None) -> None:
    assert make(seen).finalizers == want


LOOKS: dict[str, tuple[Observation, float | None]] = {
    "just made": (of(), 10),
    "not started": (of(OPEN, jobs=[build_job(created=4)]), 6),
    "not started, nobody says why": (of(OPEN, jobs=[build_job()]), 30),
    "start deadline": (of(OPEN, {"startDeadlineSeconds": 70}, jobs=[build_job()]), 10),
    "silence": (of(OPEN, jobs=[build_job()], pods=[build_pod(running=30)]), 100),
    "result on its way": (of(OPEN, jobs=[build_job(1, "Complete", ended=4)]), 11),
    "waits": (of(build_status(build_row(1, "NetworkError"), nextRetryTime=ago(-5))), 5),
    "disrupted": (of(OPEN, jobs=[build_job(1, "Failed")]), 0),
    "earlier pod ends": (of(build_status(build_row(1, "Suspended")), pods=[build_pod()]), 5),
    "suspended": (of(spec={"suspend": True}), None),
    "ended": (of(done()), None),
    "ended with a TTL": (of(done(), {"ttlSecondsAfterFinished": 160}), 60),
    "ended with a claim": (of(done("Removed", "False", workClaim=WORK)), 86_300),
    "refused": (of(spec={"retry": {"limit": -1}}), None),
    "to be asked for again": (of(done("Removed", "False"), retry_at=ago(-60)), 60),
    "asked for again": (of(done("Removed", "False"), retry_at=ago(5)), 0),
}


@pytest.mark.parametrize(("seen", "seconds"), LOOKS.values(), ids=LOOKS)
def test_is_looked_at_again(seen: Observation, seconds: float | None) -> None:
    when = make(seen).look_again_at
    assert (when and (when - NOW).total_seconds()) == seconds


UNBUILDABLE: Json = {"podTemplate": {"affinity": {"nodeAffinity": "near"}}}
"""Of a CRD that once took any affinity."""


def test_an_attempt_that_cannot_be_made_anew_stays() -> None:
    pod = build_pod(phase="Pending", unschedulable="0/1 nodes are available")
    made = make(of(OPEN, UNBUILDABLE, jobs=[build_job(template="01234567")], pods=[pod]))
    assert not made.delete_jobs


def test_a_spec_of_which_no_job_can_be_built_is_refused() -> None:
    made = make(of(spec=UNBUILDABLE))
    assert made.job is None
    assert made.status is not None
    accepted = find_condition(made.status["conditions"], "Accepted")
    assert accepted is not None
    assert accepted["status"] == "False"
    assert "nodeAffinity" in accepted["message"]


def test_an_ancient_request_is_noted_as_the_api_server_reads_times() -> None:
    ancient = "0001-01-01T00:00:00Z"
    seen = of(done("Removed", "False"), retry_at=ancient)
    status = make(seen).status
    assert status is not None
    assert status["lastRetryAt"] == ancient


TOLD: dict[str, tuple[Observation, list[tuple[str, str]]]] = {
    "made": (of(), []),
    "downloads": (
        of(OPEN | {"run": build_run()}, jobs=[build_job()], pods=[build_pod(running=9)]), [],
    ),
    "done": (
        of(OPEN | {"run": build_run(), "result": RESULT}, jobs=[COMPLETE]),
        [("Normal", "Completed")],
    ),
    "retries": (of(OPEN, jobs=[EXIT_80]), [("Warning", "Retrying")]),
    "failed": (
        of(build_status(build_row(), counted=3), jobs=[EXIT_80]), [("Warning", "NetworkError")],
    ),
    "suspended": (of(spec={"suspend": True}), [("Normal", "Suspended")]),
    "cancelled": (of(spec={"cancel": True}), [("Normal", "Cancelled")]),
    "refused": (of(spec={"retry": {"limit": -1}}), [("Warning", "InvalidSpec")]),
    "no node": (
        of(OPEN, jobs=[build_job()], pods=[build_pod(phase="Pending", unschedulable="0/1")]),
        [("Warning", "Unschedulable")],
    ),
    "told before": (of(done(), generation=2), []),
}  # fmt: skip


@pytest.mark.parametrize(("seen", "want"), TOLD.values(), ids=TOLD)
def test_transitions_are_told(seen: Observation, want: list[tuple[str, str]]) -> None:
    assert [(event.type, event.reason) for event in make(seen).events] == want


@pytest.mark.parametrize(("ttl", "deleted"), [(99, True), (101, False), (None, False)])
def test_a_ttl_deletes_what_ended(ttl: int | None, deleted: bool) -> None:
    assert make(of(done(), {"ttlSecondsAfterFinished": ttl})).delete_resource is deleted


def test_an_end_is_written_down_before_a_ttl_of_nothing_deletes_it() -> None:
    status = OPEN | {"run": build_run(), "result": RESULT}
    made = make(of(status, {"ttlSecondsAfterFinished": 0}, jobs=[COMPLETE]))
    assert not made.delete_resource
    assert made.look_again_at == NOW
    assert make(of(done(), {"ttlSecondsAfterFinished": 0})).delete_resource


def test_a_whole_life_costs_two_writes_of_status() -> None:
    first = make(of())
    assert first.status is not None
    runs = of(first.status, jobs=[build_job(created=1)], pods=[build_pod(running=1, created=1)])
    assert make(runs).status is None
    later = NOW + timedelta(seconds=60)
    assert plan(runs, SETTINGS, later).status is None
    ended = of(first.status | {"run": build_run(), "result": RESULT}, jobs=[COMPLETE])
    last = make(ended)
    assert last.status is not None
    kept = of(last.status | {"result": RESULT}, jobs=[build_job(1, "Complete", ttl=3600)])
    assert make(kept) == Plan()


SETTLED: dict[str, tuple[Json, list[Json], bool]] = {
    "ended": (build_extraction(status=done()), [build_job(1, "Complete", ttl=9)], True),
    "ended, no Job left": (build_extraction(status=done()), [], True),
    "Job without TTL": (build_extraction(status=done()), [COMPLETE], False),
    "Job that works": (build_extraction(status=done()), [build_job(ttl=9)], False),
    "new": (build_extraction(), [], False),
    "edited": (build_extraction(status=done(), generation=2), [], False),
    "asked for again": (build_extraction(status=done(), retry_at=ago(1)), [], False),
    "asked for before": (
        build_extraction(status=done(lastRetryAt=ago(1)), retry_at=ago(1)), [], True,
    ),
    "with a TTL": (
        build_extraction(status=done(), spec={"ttlSecondsAfterFinished": 9}), [], False,
    ),
    "with a claim": (build_extraction(status=done(workClaim=WORK)), [], False),
    "without its finalizer": (
        build_extraction(status=done(), spec={"deletionPolicy": "Delete"}), [], False,
    ),
    "being deleted": (build_extraction(status=done(), deletionTimestamp=ago(1)), [], False),
}  # fmt: skip


@pytest.mark.parametrize(("extraction", "jobs", "settled"), SETTLED.values(), ids=SETTLED)
def test_what_is_settled_needs_no_plan(extraction: Json, jobs: list[Json], settled: bool) -> None:
    assert is_settled(extraction, jobs) is settled
    if settled:
        assert plan(see(extraction, jobs=jobs), SETTINGS, NOW) == Plan()


def test_retention_is_a_setting() -> None:
    seen = of(done("Removed", "False", workClaim=WORK), CLAIM)
    made = plan(seen, build_settings(download_retention_hours=0), NOW)
    assert made.drop_claim == WORK
