"""The elector: one leads, the next follows, nobody works without the Lease."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from slides_operator.kube.client import Client
from slides_operator.leader import LEASE_S, RENEW_WITHIN_S, RETRY_S, Elector
from slides_operator.metrics import Metrics
from tests.cluster.light import LightCluster

pytestmark = [pytest.mark.api, pytest.mark.slow]
CANDIDATE = """
import asyncio, signal, sys
from slides_operator.kube.client import Client, TokenBucket, open_api
from slides_operator.leader import Elector
from slides_operator.metrics import Metrics

async def lead():
    print("works", flush=True)
    await asyncio.Event().wait()

async def main():
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    metrics = Metrics()
    async with open_api() as api:
        client = Client(api, TokenBucket(100, 100), metrics)
        elector = Elector(client, namespace=sys.argv[1], identity=sys.argv[2], metrics=metrics)
        await elector.run(lead)

try:
    asyncio.run(main())
except asyncio.CancelledError:
    pass
"""
HANDOVER_S = 20.0


class Work:
    """Notes when it leads and when it stops."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.stopped = asyncio.Event()

    async def __call__(self) -> None:
        self.stopped.clear()
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.started.clear()
            self.stopped.set()


@asynccontextmanager
async def _candidate(
    client: Client, namespace: str, identity: str, work: Work
) -> AsyncIterator[None]:
    elector = Elector(client, namespace=namespace, identity=identity, metrics=Metrics())
    running = asyncio.create_task(elector.run(work))
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_leads_makes_its_lease_and_gives_it_back(
    client: Client, namespace: str, light_cluster: LightCluster
) -> None:
    work = Work()
    holder = "jsonpath={.spec.holderIdentity}"
    lease = ("get", "lease", "slides-operator", "-n", namespace, "-o", holder)

    async with _candidate(client, namespace, "one", work):
        async with asyncio.timeout(RETRY_S * 2):
            await work.started.wait()
        held_by = await asyncio.to_thread(light_cluster.kubectl, *lease)

    assert held_by == "one"
    assert light_cluster.kubectl(*lease) == ""
    assert work.stopped.is_set()


async def test_second_follows_at_once_when_the_first_gives_way(
    client: Client, namespace: str
) -> None:
    first, second = Work(), Work()
    async with _candidate(client, namespace, "one", first):
        await first.started.wait()
        follower = _candidate(client, namespace, "two", second)
        await follower.__aenter__()
        await asyncio.sleep(RETRY_S * 1.5)
        assert not second.started.is_set()

    async with asyncio.timeout(RETRY_S * 2):
        await second.started.wait()
    await follower.__aexit__(None, None, None)


async def test_replica_with_a_known_name_leads_at_once_again(
    client: Client, namespace: str
) -> None:
    lease = {
        "metadata": {"name": "slides-operator"},
        "spec": {
            "holderIdentity": "one",
            "leaseDurationSeconds": 10,
            "renewTime": "2026-01-01T00:00:00.000000Z",
        },
    }
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    await client.request("POST", path, body=lease)
    work = Work()

    async with _candidate(client, namespace, "one", work), asyncio.timeout(RETRY_S):
        await work.started.wait()


@pytest.mark.parametrize(
    ("how", "within_s"),
    [
        pytest.param(signal.SIGTERM, RETRY_S * 2 + 3, id="SIGTERM"),
        pytest.param(signal.SIGKILL, HANDOVER_S, id="SIGKILL"),
    ],
)
async def test_follower_leads_after(
    how: signal.Signals,
    within_s: float,
    client: Client,
    namespace: str,
    light_cluster: LightCluster,
    tmp_path: Path,
) -> None:
    script = tmp_path / "candidate.py"
    script.write_text(CANDIDATE)
    leader = subprocess.Popen(  # noqa: ASYNC220 - a moment, in a test
        [sys.executable, script, namespace, "one"],
        env=os.environ | {"KUBECONFIG": str(light_cluster.kubeconfig)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert leader.stdout
    try:
        while await asyncio.to_thread(leader.stdout.readline) != "works\n":  # among its logs
            assert leader.poll() is None
        work = Work()
        async with _candidate(client, namespace, "two", work):
            await asyncio.sleep(RETRY_S * 1.5)
            assert not work.started.is_set()
            leader.send_signal(how)
            killed_at = time.monotonic()
            async with asyncio.timeout(within_s):
                await work.started.wait()
            took_s = time.monotonic() - killed_at
    finally:
        leader.kill()
        leader.wait()
        leader.stdout.close()
    if how is signal.SIGKILL:
        assert took_s > LEASE_S - RETRY_S - 1  # not while it might still work


async def test_work_stops_before_another_may_lead_and_resumes(
    client: Client, namespace: str, light_cluster: LightCluster
) -> None:
    work = Work()
    async with _candidate(client, namespace, "one", work):
        await work.started.wait()
        light_cluster.stop("kube-apiserver")
        stopped_at = time.monotonic()
        try:
            async with asyncio.timeout(LEASE_S):
                await work.stopped.wait()
            took_s = time.monotonic() - stopped_at
        finally:
            await asyncio.to_thread(light_cluster.restart_apiserver)
        async with asyncio.timeout(HANDOVER_S):
            await work.started.wait()

    assert took_s <= RENEW_WITHIN_S + 1


async def test_work_that_fails_ends_the_elector(client: Client, namespace: str) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    elector = Elector(client, namespace=namespace, identity="one", metrics=Metrics())

    with pytest.raises(ZeroDivisionError):
        await elector.run(fail)
