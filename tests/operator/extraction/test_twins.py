"""Others that may be writing where outputs are to be deleted."""

from typing import Any

import pytest

from slides_operator.extraction.deletion import plan_deletion
from slides_operator.extraction.twins import find_twins
from slides_operator.kube.cache import Cache
from tests.operator.worlds import (
    NOW,
    RESULT,
    SETTINGS,
    ago,
    build_condition,
    build_extraction,
    build_job,
    build_run,
    build_status,
    see,
)

Json = dict[str, Any]
VIDEO = {"key": "youtube-x"}
AT_WORK = {"video": VIDEO, "run": build_run(stage="Uploading")}


def at_work(status: Json | None = None, *, uid: str = "twin", spec: Json | None = None) -> Json:
    obj = build_extraction(status=AT_WORK if status is None else status, spec=spec)
    obj["metadata"] |= {"uid": uid, "name": uid}
    return obj


def s3(**place: str) -> Json:
    return {"storage": {"s3": place}}


def seen(**spec: Any) -> Any:
    return see(build_extraction(status={"video": VIDEO}, spec=spec))


CASES: dict[str, tuple[Any, Json, bool]] = {
    "the same": (seen(), at_work(), True),
    "other outputs": (
        seen(), at_work(spec={"outputs": {"slides": {"sensitivity": "high"}}}), False,
    ),
    "the same outputs, written out": (
        seen(), at_work(spec={"outputs": {"slides": {"sensitivity": "normal"}}}), True,
    ),
    "another bucket": (seen(**s3(bucket="talks-a")), at_work(spec=s3(bucket="talks-b")), False),
    "the namespace's bucket": (seen(), at_work(spec=s3(bucket="talks-b")), True),
    "another prefix": (
        seen(**s3(bucket="talks-a", prefix="x")),
        at_work(spec=s3(bucket="talks-a", prefix="y")), False,
    ),
    "unreadable": (seen(), at_work(spec={"outputs": {"slides": 3}}), False),
}  # fmt: skip


@pytest.mark.parametrize(("mine", "other", "want"), CASES.values(), ids=CASES)
def test_who_may_share_the_place(mine: Any, other: Json, want: bool) -> None:
    assert bool(find_twins(mine, [other])) is want


def test_one_is_not_its_own_twin() -> None:
    mine = seen()

    assert find_twins(mine, [mine.world.extraction]) == ()


@pytest.mark.parametrize(
    ("status", "meta", "want"),
    [
        pytest.param(AT_WORK, {}, 1, id="at work"),
        pytest.param({"video": VIDEO}, {}, 0, id="not reported"),
        pytest.param(AT_WORK | {"completionTime": ago(1)}, {}, 0, id="ended"),
        pytest.param(
            AT_WORK | {"run": build_run(reason="NetworkError")}, {}, 0, id="said its last words"
        ),
        pytest.param(AT_WORK, {"deletionTimestamp": ago(1)}, 0, id="being deleted itself"),
        pytest.param({"video": {"key": "other"}, "run": build_run()}, {}, 0, id="another video"),
    ],
)
def test_who_is_at_work(status: Json, meta: Json, want: int) -> None:
    cache = Cache()
    obj = at_work(status)
    obj["metadata"] |= meta
    cache.put(obj)

    assert len(cache.at_work_on("youtube-x")) == want


def going(begun: float, **world: Any) -> Any:
    condition = build_condition("OutputsDeleted", "False", "Deleting")
    status = build_status(reason="Completed", status="True", completionTime=ago(999), video=VIDEO)
    status |= {"result": RESULT}
    status["conditions"].append(condition | {"lastTransitionTime": ago(begun)})
    extraction = build_extraction(
        status=status,
        spec={"deletionPolicy": "Delete"},
        deletionTimestamp=ago(begun),
        finalizers=["slides-extractor.dev/outputs"],
    )
    return see(extraction, **world)


def test_a_deletion_waits_for_its_twin() -> None:
    made = plan_deletion(going(30, twins=("default/twin",)), SETTINGS, NOW)

    assert (made.job, made.release) == (None, False)
    assert made.status is not None
    told = [one["message"] for one in made.status["conditions"] if one["type"] == "OutputsDeleted"]
    assert "default/twin is at work" in told[0]
    assert made.look_again_at is not None


def test_a_deletion_stops_when_a_twin_comes() -> None:
    """It would list, and delete, what that one has just uploaded."""
    job = build_job(1, deletion=True)
    made = plan_deletion(going(30, jobs=[job], twins=("default/twin",)), SETTINGS, NOW)
    ending = build_job(1, deletion=True, deleting=True)
    then = plan_deletion(going(30, jobs=[ending], twins=("default/twin",)), SETTINGS, NOW)
    after = plan_deletion(going(30, jobs=[ending]), SETTINGS, NOW)

    assert made.delete_jobs == (job["metadata"]["name"],)
    assert (then.delete_jobs, then.job, then.release) == ((), None, False)
    assert after.job is None, "the one before has to be gone"
    assert after.look_again_at is not None


def test_and_keeps_the_outputs_when_that_takes_too_long() -> None:
    made = plan_deletion(going(901, twins=("default/twin",)), SETTINGS, NOW)

    assert made.release
    (event,) = made.events
    assert (event.reason, "default/twin" in event.message) == ("OutputsKept", True)


def test_and_goes_on_without_one() -> None:
    assert plan_deletion(going(30), SETTINGS, NOW).job is not None
