"""Batches: what is created when, what is passed on, what their status says, whatever crashes."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from slides_api.names import child_name
from slides_api.v1alpha1 import SlideExtractionBatchStatus
from slides_api.wellknown import API_VERSION, ITEM
from slides_operator.batch.observe import observe_batch
from slides_operator.batch.plan import BURST, BatchPlan, plan_batch
from slides_operator.errors import RejectedError
from slides_operator.kube.cache import Key, Kind
from tests.operator.fake_api import FakeApi
from tests.operator.mortal import MortalOperator
from tests.operator.worlds import NOW, RESULT, ago, build_condition

Json = dict[str, Any]
UID = "0a1b2c3d-0000-4000-8000-000000000000"
URL = "https://example.com/talk.mp4"
KEY = Key(Kind.BATCH, "default", "talks")


def build_items(count: int) -> list[Json]:
    return [{"name": f"item-{n}", "url": URL} for n in range(count)]


def build_batch(count: int = 3, *, status: Json | None = None, **spec: Any) -> Json:
    return {
        "apiVersion": API_VERSION,
        "kind": "SlideExtractionBatch",
        "metadata": {
            "name": "talks",
            "namespace": "default",
            "uid": UID,
            "resourceVersion": "7",
            "generation": 1,
            "creationTimestamp": ago(99),
        },
        "spec": {"items": build_items(count)} | spec,
        "status": status or {},
    }


def build_child(
    item: int, phase: str = "", *, reason: str = "", uri: str = "", **spec: Any
) -> Json:
    ended = phase in {"Completed", "Failed", "Cancelled"}
    status: Json = {"phase": phase} if phase else {}
    if reason:
        status["conditions"] = [build_condition("Succeeded", "False", reason)]
    if ended:
        status["completionTime"] = ago(5)
    if uri:
        status["result"] = RESULT | {"manifestURI": uri}
    return {
        "metadata": {
            "name": child_name("talks", UID, f"item-{item}"),
            "resourceVersion": str(100 + item),
            "annotations": {ITEM: f"item-{item}"},
        },
        "spec": spec,
        "status": status,
    }


def make(batch: Json, children: Sequence[Json] = (), **more: Any) -> BatchPlan:
    return plan_batch(observe_batch(batch, children), NOW, **more)


def created(made: BatchPlan) -> list[str]:
    return [body["metadata"]["annotations"][ITEM] for body in made.creates]


def suspended(**status: Any) -> Json:
    conditions = [build_condition("Suspended", "True", "Suspended")]
    return {"conditions": conditions} | status


CREATED: dict[str, tuple[Json, list[Json], list[str]]] = {
    "all at once": (build_batch(), [], ["item-0", "item-1", "item-2"]),
    "two at a time": (build_batch(parallelism=2), [], ["item-0", "item-1"]),
    "two at a time, one works": (
        build_batch(parallelism=2), [build_child(0, "Downloading")], ["item-1"],
    ),
    "two at a time, one waits and one works": (
        build_batch(parallelism=2), [build_child(0), build_child(1, "Extracting")], [],
    ),
    "two at a time, one ended": (
        build_batch(parallelism=2), [build_child(0, "Failed"), build_child(1)], ["item-2"],
    ),
    "fewer than work are wanted": (
        build_batch(parallelism=1), [build_child(0), build_child(1)], [],
    ),
    "suspended": (build_batch(suspend=True), [], []),
    "cancelled": (build_batch(cancel=True), [], []),
    "ended one was deleted": (
        build_batch(status={"items": [{"name": "item-0", "phase": "Completed"}]}),
        [], ["item-1", "item-2"],
    ),
    "one that works was deleted": (
        build_batch(status={"items": [{"name": "item-0", "phase": "Extracting"}]}),
        [build_child(1), build_child(2)], ["item-0"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("batch", "children", "items"), CREATED.values(), ids=CREATED)
def test_extractions_are_created(batch: Json, children: list[Json], items: list[str]) -> None:
    assert created(make(batch, children)) == items


def test_many_are_created_in_bursts() -> None:
    assert len(make(build_batch(120)).creates) == BURST
    children = [build_child(n) for n in range(100)]
    assert len(make(build_batch(120), children).creates) == 20


def test_an_extraction_is_the_template_with_its_items_url() -> None:
    template = {
        "source": {"maxHeight": 720},
        "retry": {"limit": 1},
        "storage": {"s3": {"bucket": "talks"}},
    }
    (child, *_) = make(build_batch(template=template)).creates
    assert child["metadata"]["name"] == "talks-item-0-0a1b2c3d"
    assert child["metadata"]["ownerReferences"][0]["uid"] == UID
    assert child["spec"]["source"]["url"] == URL
    assert child["spec"]["source"]["maxHeight"] == 720
    assert child["spec"]["retry"]["limit"] == 1
    assert child["spec"]["storage"] == {"s3": {"bucket": "talks"}} | child["spec"]["storage"]


CHANGED: dict[str, tuple[Json, list[Json], dict[int, Json]]] = {
    "suspend": (
        build_batch(suspend=True),
        [build_child(0, "Extracting"), build_child(1, "Completed"), build_child(2, suspend=True)],
        {0: {"suspend": True}},
    ),
    "resume what it suspended": (
        build_batch(status=suspended()), [build_child(0, suspend=True), build_child(1)],
        {0: {"suspend": False}},
    ),
    "leave alone what a user suspended": (build_batch(), [build_child(0, suspend=True)], {}),
    "cancel": (
        build_batch(cancel=True),
        [build_child(0), build_child(1, "Failed"), build_child(2, cancel=True)],
        {0: {"cancel": True}},
    ),
    "cancel while suspended": (
        build_batch(cancel=True, suspend=True), [build_child(0)], {0: {"cancel": True}},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("batch", "children", "want"), CHANGED.values(), ids=CHANGED)
def test_changes_are_passed_on(batch: Json, children: list[Json], want: dict[int, Json]) -> None:
    got = {change.name: change.spec for change in make(batch, children).changes}
    assert got == {child_name("talks", UID, f"item-{n}"): spec for n, spec in want.items()}


def test_it_stays_suspended_until_all_are_resumed() -> None:
    made = make(build_batch(status=suspended()), [build_child(0, suspend=True)])
    assert made.status is not None
    assert any(one["type"] == "Suspended" for one in made.status["conditions"])


# children's phases -> phase, Succeeded, reason, Reconciling or Stalled
TOLD: dict[str, tuple[Json, list[str], tuple[str, str, str, set[str]]]] = {
    "nothing begun": ({}, ["", "", ""], ("Pending", "Unknown", "WaitingForItems", {"Reconciling"})),
    "some work": (
        {}, ["Extracting", "", ""], ("Extracting", "Unknown", "WaitingForItems", {"Reconciling"}),
    ),
    "some ended": (
        {}, ["Completed", "", ""], ("Extracting", "Unknown", "WaitingForItems", {"Reconciling"}),
    ),
    "suspended": (
        {"suspend": True}, ["Completed", "Suspended", "Suspended"],
        ("Suspended", "Unknown", "Suspended", set()),
    ),
    "all well": (
        {}, ["Completed"] * 3, ("Completed", "True", "AllSucceeded", set()),
    ),
    "some failed": (
        {}, ["Completed", "Failed", "Completed"],
        ("Failed", "False", "PartiallyFailed", {"Stalled"}),
    ),
    "all failed": ({}, ["Failed"] * 3, ("Failed", "False", "AllFailed", {"Stalled"})),
    "one cancelled": (
        {}, ["Completed", "Cancelled", "Completed"],
        ("Failed", "False", "PartiallyFailed", {"Stalled"}),
    ),
    "cancelled": (
        {"cancel": True}, ["Completed", "Cancelled", "Failed"],
        ("Cancelled", "False", "Cancelled", set()),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("spec", "phases", "want"), TOLD.values(), ids=TOLD)
def test_states_are_told(
    spec: Json, phases: list[str], want: tuple[str, str, str, set[str]]
) -> None:
    children = [build_child(n, phase) for n, phase in enumerate(phases)]
    status = make(build_batch(**spec), children).status
    assert status is not None
    conditions = {one["type"]: one for one in status["conditions"]}
    succeeded = conditions["Succeeded"]
    for_kstatus = {kind for kind in ("Reconciling", "Stalled") if kind in conditions}
    assert (status["phase"], succeeded["status"], succeeded["reason"], for_kstatus) == want
    assert sum(status["counts"].values()) == 2 * status["counts"]["total"] == 6
    assert SlideExtractionBatchStatus.model_validate(status, extra="forbid").to_wire() == status


def test_rows_say_what_their_extractions_say() -> None:
    children = [
        build_child(0, "Completed", uri="s3://b/m.json"),
        build_child(1, "Failed", reason="DRM"),
    ]
    status = make(build_batch(), children).status
    assert status is not None
    assert status["items"] == [
        {
            "name": "item-0", "extraction": "talks-item-0-0a1b2c3d", "phase": "Completed",
            "slideCount": 3, "manifestURI": "s3://b/m.json",
        },
        {
            "name": "item-1", "extraction": "talks-item-1-0a1b2c3d", "phase": "Failed",
            "reason": "DRM",
        },
        {"name": "item-2", "phase": "Pending"},
    ]  # fmt: skip


def test_an_item_that_cannot_be_created_fails_alone() -> None:
    made = make(build_batch(), [build_child(1), build_child(2)], refused=["item-0"])
    assert made.status is not None
    assert made.status["items"][0] == {
        "name": "item-0", "phase": "Failed", "reason": "InvalidSpec",
    }  # fmt: skip
    again = make(build_batch(status=made.status), [build_child(1), build_child(2)])
    assert not again.creates


def test_a_cancelled_batch_has_cancelled_what_was_never_begun() -> None:
    status = make(build_batch(cancel=True)).status
    assert status is not None
    assert status["counts"]["cancelled"] == 3
    assert "completionTime" in status


def test_a_foreign_extraction_with_the_label_is_no_item() -> None:
    child = build_child(0, "Completed")
    child["metadata"]["name"] = "somebody-elses"
    assert created(make(build_batch(), [child])) == ["item-0", "item-1", "item-2"]


@pytest.mark.parametrize("long", [False, True])
def test_a_thousand_items_fit_into_a_status(long: bool) -> None:
    uri = "s3://" + "x" * (900 if long else 90)
    children = [build_child(n, "Completed", uri=uri) for n in range(1000)]
    status = make(build_batch(1000), children).status
    assert status is not None
    assert len(json.dumps(status)) < 512 * 1024
    assert all(("manifestURI" in row) is not long for row in status["items"])


def test_a_ttl_deletes_a_batch_that_ended() -> None:
    done = {"completionTime": ago(100)}
    children = [build_child(n, "Completed") for n in range(3)]
    assert make(build_batch(status=done, ttlSecondsAfterFinished=99), children).delete_resource
    later = make(build_batch(status=done, ttlSecondsAfterFinished=160), children)
    assert not later.delete_resource
    assert later.look_again_at == NOW + timedelta(seconds=60)


def test_a_retry_of_an_item_opens_the_batch_again() -> None:
    children = [build_child(n, "Completed") for n in range(2)] + [build_child(2)]
    status = make(build_batch(status={"completionTime": ago(9)}), children).status
    assert status is not None
    assert "completionTime" not in status
    assert status["counts"]["pending"] == 1


def test_a_spec_that_cannot_be_read_stalls() -> None:
    status = make(build_batch(parallelism=0)).status
    assert status is not None
    assert {one["reason"] for one in status["conditions"]} == {"InvalidSpec"}


class Life:
    """A batch over the API in memory, with children that end as told."""

    def __init__(self, count: int, **spec: Any) -> None:
        self.time = datetime(2027, 1, 1, tzinfo=UTC)
        self.api = FakeApi(lambda: self.time)
        body = build_batch(count, **spec)
        del body["status"], body["metadata"]["uid"]
        self.batch = self.api.create("slideextractionbatches", body)
        self.operator = MortalOperator(self.api, lambda: self.time)
        self.most_at_once = 0

    @property
    def children(self) -> list[Json]:
        return self.api.all("slideextractions")

    @property
    def status(self) -> Json:
        status: Json = self.batch.get("status") or {}
        return status

    def end_children(self, phase: str = "Completed", most: int = 1000) -> None:
        working = [one for one in self.children if "completionTime" not in one.get("status", {})]
        self.most_at_once = max(self.most_at_once, len(working))
        for child in working[:most]:
            child["status"] = {"phase": phase, "completionTime": "2027-01-01T00:00:00Z"}
            self.api.changed("slideextractions", child)

    def steps(self, runner: asyncio.Runner, crashes: Sequence[int] = ()) -> Iterator[None]:
        for step in range(400):
            self.api.deliver_all(self.operator.cache)
            with self.api.crash_at(crashes[step] if step < len(crashes) else 0):
                self.operator.reconcile(runner, KEY)
            self.time += timedelta(seconds=3)
            yield
            if "completionTime" in self.status:
                return
        raise AssertionError("it never ends")


# Shrinking takes minutes and says little: what fails is read step by step anyway.
@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    count=st.integers(1, 120),
    parallelism=st.none() | st.integers(3, 60),
    crashes=st.lists(st.integers(0, 130), max_size=6),
)
def test_each_item_is_made_once_and_never_too_many_at_once(
    count: int, parallelism: int | None, crashes: list[int]
) -> None:
    life = Life(count, **({"parallelism": parallelism} if parallelism else {}))
    with asyncio.Runner() as runner:
        for _ in life.steps(runner, crashes):
            life.end_children(most=40)
        writes = len(life.api.writes)
        life.time += timedelta(seconds=3)
        life.operator.reconcile(runner, KEY)
    made = [place for place in life.api.created if place[0] == "slideextractions"]
    assert len(made) == len(set(made)) == count
    assert life.most_at_once <= (parallelism or count)
    assert life.status["counts"]["completed"] == count
    assert len(life.api.writes) == writes, "an unchanged batch is written"


def test_a_status_is_written_once_in_two_seconds_and_the_last_is_not_lost() -> None:
    life = Life(100, parallelism=10)
    with asyncio.Runner() as runner:
        life.operator.reconcile(runner, KEY)
        again = life.operator.reconcile(runner, KEY)
        writes = sum("status" in write for write in life.api.writes)
        for _ in range(20):
            life.end_children(most=1)
            life.api.deliver_all(life.operator.cache)
            again = life.operator.reconcile(runner, KEY)
            life.time += timedelta(milliseconds=50)
        assert sum("status" in write for write in life.api.writes) <= writes + 1
        assert again is not None
        life.time = again
        life.operator.reconcile(runner, KEY)
        life.operator.reconcile(runner, KEY)
    assert life.status["counts"]["completed"] == 20 - 10


def test_items_that_are_refused_say_why() -> None:
    life = Life(3)
    life.api.refusals["POST slideextractions/"] = RejectedError("the policy forbids it")
    with asyncio.Runner() as runner:
        life.operator.reconcile(runner, KEY)

    assert [row["phase"] for row in life.status["items"]] == ["Failed"] * 3
    (event,) = [one for one in life.api.events if one["reason"] == "InvalidSpec"]
    assert event["type"] == "Warning"
    assert event["message"] == (
        "The API server refuses the SlideExtractions of 3 items. item-0: the policy forbids it"
    )


def test_suspended_and_resumed_with_conflicts_on_the_way() -> None:
    life = Life(80)
    with asyncio.Runner() as runner:
        steps = life.steps(runner)
        next(steps), next(steps)
        assert len(life.children) == 80
        life.api.edit("slideextractionbatches", life.batch, suspend=True)
        for _ in range(3):
            next(steps)
        assert all(child["spec"]["suspend"] for child in life.children)
        assert life.status["phase"] == "Suspended"

        life.api.edit("slideextractionbatches", life.batch, suspend=False)
        life.api.deliver_all(life.operator.cache)
        for child in life.children[::2]:  # a runner wrote, and the watch is late
            life.api.changed("slideextractions", child)
        life.operator.reconcile(runner, KEY)
        for _ in range(3):
            next(steps)
        assert not any(child["spec"]["suspend"] for child in life.children)
        assert life.status["phase"] == "Pending"
