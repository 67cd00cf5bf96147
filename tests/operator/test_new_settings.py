"""An operator that comes back with other settings: what is stuck on the old ones is made anew."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from slides_api.wellknown import API_VERSION
from slides_operator.kube.cache import Key, Kind
from tests.operator.fake_api import FakeApi
from tests.operator.fake_cluster import FakeCluster
from tests.operator.mortal import MortalOperator
from tests.operator.worlds import build_settings

Json = dict[str, Any]
KEY = Key(Kind.EXTRACTION, "default", "talk")


def image_of(job: Json) -> str:
    image: str = job["spec"]["template"]["spec"]["containers"][0]["image"]
    return image


def test_a_corrected_image_reaches_what_could_not_pull_the_wrong_one() -> None:
    time = datetime(2027, 1, 1, tzinfo=UTC)

    def now() -> datetime:
        return time

    api = FakeApi(now)
    cluster = FakeCluster(api, now)
    body = {
        "apiVersion": API_VERSION,
        "metadata": {"name": "talk", "namespace": "default"},
        "spec": {"source": {"url": "https://example.com/talk.mp4"}},
    }
    extraction = api.create("slideextractions", body)
    operator = MortalOperator(api, now)
    operator.settings = build_settings(runner_image="typo:1")
    operator.restart()
    with asyncio.Runner() as runner:
        operator.reconcile(runner, KEY)
        cluster.step_jobs()
        (pod,) = api.all("pods")
        waiting = {"reason": "ErrImagePull", "message": "no such image"}
        state = {"name": "runner", "state": {"waiting": waiting}}
        pod["status"]["containerStatuses"] = [state]
        api.changed("pods", pod)
        time += timedelta(seconds=30)
        api.deliver_all(operator.cache)
        operator.reconcile(runner, KEY)
        stuck = extraction["status"]["conditions"][0]["reason"]

        operator.settings = build_settings(runner_image="right:1")
        operator.restart()
        for _ in range(4):
            operator.reconcile(runner, KEY)
            cluster.step_jobs()
            cluster.finish_pods()
            cluster.step_jobs()
            api.deliver_all(operator.cache)
            time += timedelta(seconds=11)
        (job,) = api.all("jobs")

    assert stuck == "ImagePullFailed"
    assert (job["metadata"]["name"][-2:], image_of(job)) == ("-2", "right:1")
    assert extraction["status"]["attempts"]["counted"] == 0
