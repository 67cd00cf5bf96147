"""What the operator remembers of its own calls, over an API in memory."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import pytest

from slides_api.wellknown import API_VERSION
from slides_operator.extraction.objects import format_time
from slides_operator.kube.cache import Cache, Key, Kind
from slides_operator.kube.cluster import Cluster
from slides_operator.kube.echoes import Echoes
from slides_operator.kube.transitions import Transitions
from slides_operator.metrics import Metrics
from tests.operator.fake_api import FakeApi
from tests.operator.mortal import MortalOperator
from tests.operator.worlds import SETTINGS

if TYPE_CHECKING:
    from slides_operator.kube.client import Client

KEY = Key(Kind.EXTRACTION, "default", "talk")


class Calls:
    """A Cluster, the API that it calls, and a clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.api = FakeApi(lambda: datetime(2027, 1, 1, tzinfo=UTC))
        self.cache = Cache()
        self.cluster = Cluster(
            cast("Client", self.api),  # its one method that is called
            self.cache,
            SETTINGS,
            echoes=Echoes(),
            transitions=Transitions(Metrics()),
            clock=lambda: self.seconds,
        )

    def end_namespace(self) -> None:
        """Take away what the namespace held; one of its name may follow."""
        self.api.objects.clear()

    @property
    def accounts(self) -> list[str]:
        return [account["metadata"]["name"] for account in self.api.all("serviceaccounts")]


@pytest.fixture
def calls() -> Calls:
    return Calls()


async def test_access_is_granted_again_when_it_was_long_ago(calls: Calls) -> None:
    await calls.cluster.ensure_runner_access("default")
    calls.end_namespace()

    calls.seconds = 299
    await calls.cluster.ensure_runner_access("default")
    assert calls.accounts == []

    calls.seconds = 300
    await calls.cluster.ensure_runner_access("default")
    assert calls.accounts == ["slides-runner"]


def test_access_is_granted_again_to_a_job_that_makes_no_pod() -> None:
    time = datetime(2027, 1, 1, tzinfo=UTC)
    api = FakeApi(lambda: time)
    meta = {"name": "talk", "namespace": "default"}
    spec = {"source": {"url": "https://example.com/talk.mp4"}}
    api.create("slideextractions", {"apiVersion": API_VERSION, "metadata": meta, "spec": spec})
    operator = MortalOperator(api, lambda: time)
    with asyncio.Runner() as runner:
        operator.reconcile(runner, KEY)
        (job,) = api.all("jobs")
        job["status"] = {"startTime": format_time(time)}
        api.changed("jobs", job)
        account = api.get("serviceaccounts", "default", "slides-runner")
        api.remove("serviceaccounts", account)
        api.deliver_all(operator.cache)

        time += timedelta(seconds=11)
        operator.reconcile(runner, KEY)

    assert api.all("serviceaccounts")


async def test_a_claim_that_ends_is_not_remembered(calls: Calls) -> None:
    held = {"name": "talk-work", "namespace": "default", "finalizers": ["kubernetes.io/pvc"]}
    await calls.cluster.create_claim("default", {"kind": "PersistentVolumeClaim", "metadata": held})

    await calls.cluster.delete_claim("default", "talk-work")

    assert calls.cache.count("PersistentVolumeClaim") == 0
