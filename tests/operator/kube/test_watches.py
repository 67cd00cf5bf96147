"""Watches of Jobs and Pods: what they bring, and what they outlive."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import pytest

from slides_api.wellknown import EXTRACTION_LABEL, MANAGED_BY_LABEL, OPERATOR_NAME
from slides_operator.errors import GoneError
from slides_operator.extraction.objects import job_has_ended
from slides_operator.kube import watches
from slides_operator.kube.cache import JOB, POD, Cache, Key, Kind
from slides_operator.kube.client import Client
from slides_operator.kube.follow import DEAD_AFTER_S
from slides_operator.kube.watches import Watch, build_watches
from slides_operator.metrics import Metrics
from tests.cluster.light import LightCluster
from tests.operator.objects import build_extraction

SOON_S = 20.0


@asynccontextmanager
async def _running(watch: Watch) -> AsyncIterator[None]:
    running = asyncio.create_task(watch.run())
    try:
        async with asyncio.timeout(SOON_S):
            await watch.synced.wait()
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON_S):
        while not holds():  # noqa: ASYNC110 - a test may look now and then
            await asyncio.sleep(0.05)


def _job(name: str, *, of: str = "x-1", managed_by: str = OPERATOR_NAME) -> str:
    labels = {MANAGED_BY_LABEL: managed_by, EXTRACTION_LABEL: of}
    container = {"name": "runner", "image": "runner:1"}
    return json.dumps(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name, "labels": labels},
            "spec": {
                "suspend": True,
                "template": {"spec": {"restartPolicy": "Never", "containers": [container]}},
            },
        }
    )


class Seen:
    """A cache that knows one extraction, and a queue that notes what comes."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.key = Key(Kind.EXTRACTION, namespace, "x-1")
        self.cache = Cache()
        self.cache.put(build_extraction("x-1", namespace=namespace))
        self.now: list[Key] = []
        self.soon: list[Key] = []

    def add(self, key: Key) -> None:
        self.now.append(key)

    def add_soon(self, key: Key) -> None:
        self.soon.append(key)

    def jobs(self) -> set[str]:
        return {job["metadata"]["name"] for job in self.cache.jobs_of(self.namespace, "x-1")}


@pytest.fixture
def seen(namespace: str) -> Seen:
    return Seen(namespace)


@pytest.fixture
def watch(client: Client, seen: Seen, namespace: str) -> Watch:
    return Watch(client, seen.cache, seen, kind=JOB, namespace=namespace)


@pytest.mark.api
async def test_lists_then_follows_what_is_ours(
    watch: Watch, seen: Seen, namespace: str, light_cluster: LightCluster
) -> None:
    def create(job: str) -> None:
        light_cluster.kubectl("create", "-n", namespace, "-f", "-", input=job)

    create(_job("before"))
    create(_job("foreign", managed_by="somebody"))
    async with _running(watch):
        assert seen.jobs() == {"before"}
        assert seen.soon == [seen.key]
        await asyncio.to_thread(create, _job("after"))
        await _until(lambda: seen.jobs() == {"before", "after"})
        await asyncio.to_thread(light_cluster.kubectl, "delete", "job", "before", "-n", namespace)
        await _until(lambda: seen.jobs() == {"after"})

    assert seen.now == [seen.key]


@pytest.mark.api
async def test_end_of_a_job_is_looked_at_now(
    watch: Watch, seen: Seen, namespace: str, light_cluster: LightCluster
) -> None:
    job = json.loads(_job("short"))
    job["spec"] |= {"suspend": False, "backoffLimit": 0}
    light_cluster.kubectl("wait", "--for=create", "sa/default", "-n", namespace, "--timeout=120s")
    async with _running(watch):
        await asyncio.to_thread(
            light_cluster.kubectl, "create", "-n", namespace, "-f", "-", input=json.dumps(job)
        )
        await _until(lambda: bool(seen.now))

    assert job_has_ended(seen.cache.jobs_of(namespace, "x-1")[0])
    assert seen.soon


@pytest.mark.api
async def test_reads_long_lists_in_pages(
    client: Client,
    seen: Seen,
    namespace: str,
    light_cluster: LightCluster,
    metrics: Metrics,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watches, "PAGE", 2)
    watch = Watch(client, seen.cache, seen, kind=JOB, namespace=namespace)
    jobs = "\n---\n".join(_job(f"job-{n}") for n in range(5))
    light_cluster.kubectl("create", "-n", namespace, "-f", "-", input=jobs)

    async with _running(watch):
        assert len(seen.jobs()) == 5

    labels = {"verb": "list", "code": "200"}
    assert metrics.registry.get_sample_value("slides_operator_api_requests_total", labels) == 3


@pytest.mark.api
@pytest.mark.slow
async def test_outlives_the_api_server_and_what_it_missed(
    watch: Watch, seen: Seen, namespace: str, light_cluster: LightCluster
) -> None:
    def change() -> None:
        light_cluster.kubectl("create", "-n", namespace, "-f", "-", input=_job("new"))
        light_cluster.kubectl("delete", "job", "old", "-n", namespace)

    light_cluster.kubectl("create", "-n", namespace, "-f", "-", input=_job("old"))
    async with _running(watch):
        await asyncio.to_thread(light_cluster.restart_apiserver, kill=True)
        await asyncio.to_thread(change)
        await _until(lambda: seen.jobs() == {"new"})
        assert watch.trouble() is None


@pytest.mark.api
@pytest.mark.slow
async def test_lists_again_when_its_place_is_forgotten(
    watch: Watch, seen: Seen, namespace: str, light_cluster: LightCluster
) -> None:
    """A new API server knows nothing of what was before it: the old place answers 410."""
    light_cluster.kubectl("create", "-n", namespace, "-f", "-", input=_job("old"))
    async with _running(watch):
        assert seen.jobs() == {"old"}
    await asyncio.to_thread(light_cluster.kubectl, "delete", "job", "old", "-n", namespace)
    await asyncio.to_thread(light_cluster.restart_apiserver)

    with pytest.raises(GoneError):
        await watch.follow("1")
    async with _running(watch):
        await _until(lambda: seen.jobs() == set())


@pytest.mark.api
async def test_pod_concerns_its_extraction(
    client: Client, seen: Seen, namespace: str, light_cluster: LightCluster
) -> None:
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "one",
            "labels": {MANAGED_BY_LABEL: OPERATOR_NAME, EXTRACTION_LABEL: "x-1"},
        },
        "spec": {
            "serviceAccountName": "one",
            "containers": [{"name": "runner", "image": "runner:1"}],
        },
    }
    # Its own: the default one comes late from controllers whose API server was just restarted.
    light_cluster.kubectl("create", "serviceaccount", "one", "-n", namespace)
    watch = Watch(client, seen.cache, seen, kind=POD, namespace=namespace)
    async with _running(watch):
        await asyncio.to_thread(
            light_cluster.kubectl, "create", "-n", namespace, "-f", "-", input=json.dumps(pod)
        )
        await _until(lambda: bool(seen.cache.pods_of(namespace, "x-1")))

    assert seen.key in seen.soon


@pytest.mark.api
async def test_watches_each_namespace_or_all(client: Client, metrics: Metrics) -> None:
    def names(*namespaces: str) -> list[str]:
        built = build_watches(client, Cache(), Seen("a"), namespaces=namespaces, metrics=Metrics())
        return [watch.name for watch in built]

    assert names() == ["jobs", "pods"]
    assert names("a", "b") == ["jobs/a", "jobs/b", "pods/a", "pods/b"]


@pytest.mark.api
async def test_watch_that_no_longer_moves_is_trouble(
    client: Client, seen: Seen, namespace: str
) -> None:
    now = [1000.0]
    watch = Watch(client, seen.cache, seen, kind=JOB, namespace=namespace, clock=lambda: now[0])
    now[0] += DEAD_AFTER_S
    assert watch.trouble() is None  # it has not begun
    async with _running(watch):
        assert watch.trouble() is None

        now[0] += DEAD_AFTER_S

        assert "has not moved" in (watch.trouble() or "")


class Forgetful:
    """A client whose lists are answered, and whose every place to watch from is forgotten."""

    def __init__(self) -> None:
        self.lists = 0

    async def request(self, *_: object, **__: object) -> dict[str, Any]:
        self.lists += 1
        return {"metadata": {"resourceVersion": "1"}, "items": []}

    @asynccontextmanager
    async def stream(self, *_: object, **__: object) -> AsyncIterator[None]:
        if self.lists:
            raise GoneError("too old")
        yield


async def test_a_place_that_is_always_forgotten_makes_no_storm_of_lists() -> None:
    client = Forgetful()
    watch = Watch(cast("Client", client), Cache(), Seen("a"), kind=JOB, namespace="a")
    async with _running(watch):
        await asyncio.sleep(1.2)

    assert client.lists <= 3
