"""The webhook of a batch: once all items ended, with its own time to live waiting for it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slides_api.names import child_name
from slides_api.v1alpha1 import SlideExtractionBatchStatus
from slides_api.wellknown import API_VERSION
from slides_operator.batch.observe import observe_batch
from slides_operator.batch.plan import BatchPlan, plan_batch
from slides_operator.extraction.callback import Delivery, Tried, delivery_id
from slides_operator.kube.cache import Key, Kind
from tests.operator.fake_api import FakeApi
from tests.operator.mortal import MortalOperator
from tests.operator.worlds import NOW, UID, ago, build_extraction

Json = dict[str, Any]
URL = "https://hooks.example.com/talks"
KEY = Key(Kind.BATCH, "default", "talks")


def build_batch(status: Json | None, **spec: Any) -> Json:
    """Return one whose one item ended, and was deleted since."""
    return {
        "metadata": {
            "name": "talks",
            "namespace": "default",
            "uid": UID,
            "resourceVersion": "7",
            "generation": 1,
        },
        "spec": {
            "items": [{"name": "one", "url": "https://example.com/talk.mp4"}],
            "callback": {"url": URL},
            **spec,
        },
        "status": {"items": [{"name": "one", "phase": "Completed"}]} | (status or {}),
    }


def make(status: Json | None = None, *, tried: Tried | None = None, **spec: Any) -> BatchPlan:
    batch = build_batch(status, **spec)
    return plan_batch(observe_batch(batch, (), tried), NOW)


def written(made: BatchPlan) -> Json:
    assert made.status is not None
    SlideExtractionBatchStatus.model_validate(made.status, extra="forbid")
    return made.status


def test_the_end_opens_the_delivery_and_the_next_look_makes_it() -> None:
    first = make()
    status = written(first)
    second = make(status)

    assert status["callback"]["attempts"] == 0
    assert (first.deliver, first.look_again_at) == (None, NOW)
    assert second.status is None
    assert second.deliver == Delivery(URL, delivery_id(UID, status["completionTime"]), 1)


def test_an_unfinished_batch_tells_nothing() -> None:
    made = make({"items": [{"name": "one", "phase": "Extracting"}]})

    assert "callback" not in written(made)
    assert made.deliver is None


def test_an_unreadable_batch_is_told_of_too() -> None:
    made = make(None, parallelism=0)

    assert written(made)["phase"] == "Failed"
    assert written(made)["callback"]["nextAttemptAt"]


@pytest.mark.parametrize("code", [200, 410])
def test_a_time_to_live_waits_for_the_delivery(code: int) -> None:
    status = written(make(ttlSecondsAfterFinished=0))
    before = make(status, ttlSecondsAfterFinished=0)
    assert before.deliver is not None
    error = "" if code == 200 else "The receiver answered 410."
    tried = Tried(before.deliver.id, 1, NOW, code=code, error=error, final=code == 410)
    after = make(status, tried=tried, ttlSecondsAfterFinished=0)

    assert not before.delete_resource
    assert after.delete_resource
    assert [event.reason for event in after.events] == (["CallbackFailed"] if error else [])


@pytest.mark.parametrize(
    ("callback", "want"),
    [
        pytest.param({"id": "msg_1", "attempts": 3, "nextAttemptAt": ago(-60)}, False, id="open"),
        pytest.param(None, False, id="not opened yet"),
        pytest.param({"id": "msg_1", "attempts": 1, "deliveredAt": ago(9)}, True, id="delivered"),
    ],
)
def test_a_time_to_live_waits_for_those_of_the_items(callback: Json | None, want: bool) -> None:
    """With the batch go its items, and with them what they have still to tell."""
    child = build_extraction(
        spec={"callback": {"url": URL}},
        status={"phase": "Completed", "completionTime": ago(5)}
        | ({"callback": callback} if callback else {}),
        annotations={"slides-extractor.dev/item": "one"},
    )
    child["metadata"]["name"] = child_name("talks", UID, "one")
    batch = build_batch(None, callback=None, ttlSecondsAfterFinished=0)
    first = plan_batch(observe_batch(batch, [child]), NOW)
    made = plan_batch(observe_batch(batch | {"status": first.status}, [child]), NOW)

    assert made.delete_resource is want


def test_it_is_told_whatever_crashes() -> None:
    time = datetime(2027, 1, 1, tzinfo=UTC)

    def now() -> datetime:
        return time

    for step in range(1, 12):
        api = FakeApi(now)
        body = {
            "apiVersion": API_VERSION,
            "metadata": {"name": "talks", "namespace": "default"},
            "spec": {
                "items": [{"name": "one", "url": "https://example.com/talk.mp4"}],
                "callback": {"url": URL},
            },
            "status": {"items": [{"name": "one", "phase": "Completed"}]},
        }
        batch = api.create("slideextractionbatches", body)
        operator = MortalOperator(api, now)
        with asyncio.Runner() as runner, api.crash_at(step):
            for _ in range(8):
                operator.reconcile(runner, KEY)
                operator.postbox.deliver_all(200 if operator.receiver.received else 500)
                time += timedelta(minutes=6)
        told = batch["status"]["callback"]
        assert told["id"] in operator.receiver.taken
        assert set(operator.receiver.received) == {told["id"]}
        assert "nextAttemptAt" not in told


def test_asked_again() -> None:
    status = written(make())
    callback = {"id": status["callback"]["id"], "attempts": 1, "deliveredAt": ago(50)}
    batch = observe_batch(
        {
            "metadata": {
                "name": "talks",
                "namespace": "default",
                "uid": UID,
                "resourceVersion": "8",
                "generation": 1,
                "annotations": {"slides-extractor.dev/redeliver-at": ago(2)},
            },
            "spec": {"items": [{"name": "one", "url": URL}], "callback": {"url": URL}},
            "status": status | {"callback": callback},
        },
        (),
    )

    again = written(plan_batch(batch, NOW))["callback"]

    assert (again["id"], again["attempts"]) == (callback["id"], 0)
    assert again["lastRedeliverAt"] == ago(2)
