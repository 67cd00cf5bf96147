"""What the API server will not have cleaned up holds up neither an end nor its webhook."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slides_api.wellknown import API_VERSION
from slides_operator.errors import ApiError, RejectedError
from slides_operator.kube.cache import Key, Kind
from tests.operator.fake_api import FakeApi
from tests.operator.fake_cluster import FakeCluster
from tests.operator.mortal import MortalOperator

Json = dict[str, Any]
KEY = Key(Kind.EXTRACTION, "default", "talk")


class Ending:
    """An extraction on a claim of its own, whose one attempt ends well."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self.time = datetime(2027, 1, 1, tzinfo=UTC)
        self.runner = runner
        self.api = FakeApi(lambda: self.time)
        self.cluster = FakeCluster(self.api, lambda: self.time)
        body = {
            "apiVersion": API_VERSION,
            "metadata": {"name": "talk", "namespace": "default"},
            "spec": {
                "source": {"url": "https://example.com/talk.mp4"},
                "workVolume": {"claim": {"size": "1Gi"}},
                "callback": {"url": "https://hooks.example.com/talks"},
            },
        }
        self.extraction = self.api.create("slideextractions", body)
        self.operator = MortalOperator(self.api, lambda: self.time)

    def run(self) -> None:
        """Take it to its end, and let its webhook be delivered."""
        for _ in range(6):
            self.operator.reconcile(self.runner, KEY)
            self.operator.postbox.deliver_all()
            self.cluster.step_jobs()
            for pod in self.cluster.live_pods():
                self.cluster.start(pod)
                self.cluster.end(pod, 0)
            self.cluster.step_jobs()
            self.api.deliver_all(self.operator.cache)
            self.time += timedelta(seconds=2)


@pytest.fixture
def ending() -> Iterator[Ending]:
    with asyncio.Runner() as runner:
        yield Ending(runner)


@pytest.mark.parametrize("what", ["DELETE persistentvolumeclaims", "PATCH jobs"])
@pytest.mark.parametrize(
    "error",
    [
        pytest.param(RejectedError("a policy denied it", status=403), id="by a policy"),
        pytest.param(ApiError("it cannot delete", status=403), id="for lack of a right"),
    ],
)
def test_it_ends_and_is_told_all_the_same(ending: Ending, what: str, error: ApiError) -> None:
    ending.api.refusals[what] = error

    ending.run()

    status: Json = ending.extraction["status"]
    assert status["phase"] == "Completed"
    assert "deliveredAt" in status["callback"]
    assert len(ending.operator.receiver.taken) == 1
