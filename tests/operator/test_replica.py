"""A replica in this process: a watch that dies is noticed, one part that fails ends all."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

import aiohttp
import pytest

from slides_operator.errors import ApiError
from slides_operator.kube import census
from slides_operator.kube.cache import Key
from slides_operator.kube.client import Client, TokenBucket, open_api
from slides_operator.metrics import Metrics
from slides_operator.replica import Replica
from slides_operator.settings import OperatorSettings
from slides_operator.workqueue import Reconcile
from tests.cluster.light import LightCluster, free_ports
from tests.operator.process import apply

pytestmark = [pytest.mark.api, pytest.mark.slow]
LIMIT_S = 60.0


async def _do_nothing(key: Key) -> datetime | None:
    return None


@asynccontextmanager
async def _running(
    namespace: str,
    *,
    port: int = 0,
    others: tuple[str, ...] = (),
    client: type[Client] = Client,
    look: Reconcile = _do_nothing,
) -> AsyncIterator[tuple[asyncio.Task[None], str]]:
    """Run a replica that reconciles nothing, and yield its task and where its health is."""
    port = port or free_ports(1)[0]
    settings = OperatorSettings(
        runner_image="runner:1",
        health_port=port,
        pod_namespace=namespace,
        watch_namespaces=(*others, namespace),
    )
    metrics = Metrics()
    async with open_api() as api:
        replica = Replica(
            client(api, TokenBucket(1000, 1000), metrics),
            api.configuration,
            settings=settings,
            metrics=metrics,
            make_reconcile=lambda *_: look,
        )
        running = asyncio.create_task(replica.run(on_watching=lambda: None))
        try:
            yield running, f"http://127.0.0.1:{port}"
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def _wait_for(url: str, status: int) -> str:
    async with asyncio.timeout(LIMIT_S), aiohttp.ClientSession() as session:
        while True:
            with suppress(aiohttp.ClientConnectionError):
                async with session.get(url) as answer:
                    if answer.status == status:
                        return await answer.text()
            await asyncio.sleep(0.2)


@pytest.fixture(autouse=True)
def cluster_of_the_test(light_cluster: LightCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(light_cluster.kubeconfig))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


async def test_dead_watch_of_kopf_is_noticed(
    namespace: str, light_cluster: LightCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "PERIOD_S", 0.2)
    monkeypatch.setattr(census, "DEAD_AFTER_S", 2.0)
    async with _running(namespace) as (_, url):
        await _wait_for(f"{url}/readyz", 200)
        names = {task.get_name(): task for task in asyncio.all_tasks()}
        next(
            t for name, t in names.items() if name.startswith("watcher for slideextractions.")
        ).cancel()
        await asyncio.to_thread(apply, light_cluster, namespace, "unseen")

        text = await _wait_for(f"{url}/healthz", 503)

    assert "the watch of slideextractions has missed some" in text


class HalfBlind(Client):
    """A client that is refused whatever lies in the namespace `gone`."""

    async def request(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        if "/namespaces/gone/" in path:
            raise ApiError("it cannot list them", status=403)
        return await super().request(method, path, **more)


async def test_a_refused_namespace_stops_no_other(
    namespace: str, light_cluster: LightCluster
) -> None:
    looked: list[Key] = []

    async def look(key: Key) -> None:
        looked.append(key)

    light_cluster.kubectl("create", "namespace", "gone")
    for place in ("gone", namespace):
        apply(light_cluster, place, "talk")
    async with _running(namespace, others=("gone",), client=HalfBlind, look=look) as (_, url):
        await _wait_for(f"{url}/readyz", 200)
        async with asyncio.timeout(LIMIT_S):
            while not looked:  # noqa: ASYNC110 - a test may look now and then
                await asyncio.sleep(0.1)
        await asyncio.sleep(1)
    light_cluster.kubectl("delete", "namespace", "gone", "--wait=false")

    assert {key.namespace for key in looked} == {namespace}


async def test_signal_that_kopf_took_stops_the_replica(namespace: str) -> None:
    """Between kopf's start and the replica's own handlers, signals are kopf's."""
    async with _running(namespace) as (running, url):
        await _wait_for(f"{url}/readyz", 200)  # and here nobody took the signals back
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait([running], timeout=LIMIT_S)

        assert running.cancelled()


async def test_port_in_use_ends_the_replica(namespace: str) -> None:
    async with _running(namespace) as (_, url):
        await _wait_for(f"{url}/readyz", 200)
        port = int(url.rpartition(":")[2])

        with pytest.raises(OSError, match="in use"):
            async with _running(namespace, port=port) as (second, _):
                await second
