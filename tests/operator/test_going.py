"""Deleting an extraction, over an API in memory: what is asked of it, and what it may refuse."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slides_api.job_input import JobInput
from slides_api.names import storage_prefix
from slides_api.v1alpha1 import Outputs
from slides_api.wellknown import API_VERSION, OUTPUTS_FINALIZER
from slides_operator.errors import ApiError, ConflictError, RejectedError, UnreachableError
from slides_operator.kube.cache import Key, Kind
from tests.operator.fake_api import FakeApi
from tests.operator.mortal import MortalOperator

Json = dict[str, Any]
KEY = Key(Kind.EXTRACTION, "default", "talk")


class Going:
    """An extraction that somebody deletes, and the operator that sees it."""

    def __init__(self) -> None:
        self.time = datetime(2027, 1, 1, tzinfo=UTC)
        self.runner = asyncio.Runner()
        self.api = FakeApi(lambda: self.time)

    def apply(self, name: str = "talk", **status: Any) -> Json:
        body = {
            "apiVersion": API_VERSION,
            "metadata": {
                "name": name,
                "namespace": "default",
                "finalizers": [OUTPUTS_FINALIZER],
            },
            "spec": {
                "source": {"url": "https://example.com/talk.mp4"},
                "deletionPolicy": "Delete",
            },
            "status": status,
        }
        return self.api.create("slideextractions", body)

    def delete(self, extraction: Json) -> None:
        self.api.delete("slideextractions", extraction)

    def start(self) -> None:
        """Start the operator."""
        self.operator = MortalOperator(self.api, lambda: self.time)

    def look(self, *, after: float = 0) -> None:
        self.time += timedelta(seconds=after)
        self.api.deliver_all(self.operator.cache)
        self.operator.reconcile(self.runner, KEY)

    @property
    def gone(self) -> bool:
        return ("slideextractions", "default", "talk") not in self.api.objects

    def told(self) -> JobInput:
        """Return what the newest Job is told."""
        container = self.api.all("jobs")[-1]["spec"]["template"]["spec"]["containers"][0]
        env = {one["name"]: one.get("value") for one in container["env"]}
        return JobInput.model_validate_json(env["JOB_INPUT"])


@pytest.fixture
def going() -> Iterator[Going]:
    made = Going()
    with made.runner:
        yield made


def test_outputs_of_a_twin_are_kept_by_one_that_never_ended(going: Going) -> None:
    uri = f"s3://bucket/some/{storage_prefix('youtube-x', Outputs())}manifest.json"
    going.apply("twin", result={"manifestURI": uri})
    failed = going.apply("talk", phase="Failed", video={"key": "youtube-x"})

    going.delete(failed)
    going.start()
    going.look()

    assert going.told().keep == (uri,)


def test_a_full_quota_is_waited_for_and_told(going: Going) -> None:
    extraction = going.apply(video={"key": "youtube-x"})
    going.api.refusals["POST jobs"] = ApiError("exceeded quota: jobs", status=403)

    going.delete(extraction)
    going.start()
    going.look()

    (condition,) = extraction["status"]["conditions"]
    assert condition["reason"] == "Deleting"
    assert "exceeded quota" in condition["message"]
    going.api.refusals.clear()
    going.look(after=60)
    assert len(going.api.all("jobs")) == 1
    going.api.refusals["POST jobs"] = ApiError("exceeded quota: jobs", status=403)
    going.look(after=900)
    assert going.gone


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(RejectedError("a policy denied it", status=422), id="a policy"),
        pytest.param(ApiError("it is being terminated", status=403), id="the namespace ends"),
    ],
)
def test_a_job_that_is_refused_for_good_ends_the_deletion(going: Going, error: ApiError) -> None:
    extraction = going.apply(video={"key": "youtube-x"})
    going.api.refusals["POST jobs"] = error

    going.delete(extraction)
    going.start()
    going.look()

    assert going.gone


@pytest.mark.parametrize("what", ["PATCH slideextractions/talk/status", "DELETE jobs"])
def test_nothing_that_is_refused_holds_it_up(going: Going, what: str) -> None:
    extraction = going.apply(video={"key": "youtube-x"})
    going.api.refusals[what] = RejectedError("a policy denied it", status=403)

    going.delete(extraction)
    going.start()
    going.look()
    end_job(going.api)
    going.look()

    assert going.gone


def test_a_quota_and_a_refused_status_do_not_hold_it_for_ever(going: Going) -> None:
    extraction = going.apply(video={"key": "youtube-x"})
    going.api.refusals["POST jobs"] = ApiError("exceeded quota: jobs", status=403)
    going.api.refusals["PATCH slideextractions/talk/status"] = RejectedError("no", status=422)

    going.delete(extraction)
    going.time += timedelta(hours=1)
    going.start()
    going.look()
    assert not going.gone
    going.look(after=901)

    assert going.gone


def end_job(api: FakeApi) -> None:
    (job,) = api.all("jobs")
    job["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
    api.changed("jobs", job)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ApiError("it cannot patch resource", status=403), id="no right to"),
        pytest.param(UnreachableError("failed calling webhook", status=500), id="a broken webhook"),
    ],
)
@pytest.mark.parametrize("what", ["PATCH slideextractions/talk/status", "DELETE jobs"])
def test_nothing_that_fails_holds_it_for_ever(going: Going, what: str, error: ApiError) -> None:
    extraction = going.apply(video={"key": "youtube-x"})
    going.api.refusals[what] = error

    going.delete(extraction)
    going.start()
    for _ in range(20):
        going.look(after=60)

    assert going.gone


def test_a_status_that_changed_meanwhile_is_told_again(going: Going) -> None:
    extraction = going.apply(video={"key": "youtube-x"})
    going.delete(extraction)
    going.start()
    going.look()
    end_job(going.api)
    going.api.refusals["PATCH slideextractions/talk/status"] = ConflictError("changed", status=409)

    going.look()
    assert not going.gone
    going.api.refusals.clear()
    going.look()

    assert going.gone


def test_a_twin_that_is_uploading_is_waited_for(going: Going) -> None:
    uri = f"s3://bucket/some/{storage_prefix('youtube-x', Outputs())}manifest.json"
    run = {"attempt": 1, "stage": "Uploading"}
    twin = going.apply("twin", phase="Uploading", video={"key": "youtube-x"}, run=run)
    failed = going.apply("talk", phase="Failed", video={"key": "youtube-x"})

    going.delete(failed)
    going.start()
    going.look()
    waiting = [job["metadata"]["name"] for job in going.api.all("jobs")]
    going.api.report(twin, run=run | {"reason": "Completed"}, result={"manifestURI": uri})
    going.look(after=15)

    assert waiting == []
    assert going.told().keep == (uri,)
