"""What a replica does each time that it comes to lead."""

import asyncio
from datetime import datetime

from kubernetes.aio.client import ApiClient, Configuration

from slides_operator.kube.cache import Key
from slides_operator.kube.client import Client, TokenBucket
from slides_operator.metrics import Metrics
from slides_operator.replica import Replica
from slides_operator.workqueue import Reconcile
from tests.operator.worlds import SETTINGS


async def test_a_reconciler_forgets_what_was_before_nobody_led() -> None:
    """While the Lease is lost nobody notices that runners cannot report; they get their time."""
    made: list[Reconcile] = []

    def make_reconcile(*_: object) -> Reconcile:
        async def reconcile(_: Key) -> datetime | None:
            return None

        made.append(reconcile)
        return reconcile

    async with ApiClient(Configuration(host="http://127.0.0.1:1")) as api:
        metrics = Metrics()
        replica = Replica(
            Client(api, TokenBucket(1, 1), metrics),
            api.configuration,
            settings=SETTINGS,
            metrics=metrics,
            make_reconcile=make_reconcile,
        )
        for _ in range(2):
            leading = asyncio.create_task(replica._work())  # noqa: SLF001 - what the elector calls
            await asyncio.sleep(0)
            leading.cancel()
            await asyncio.wait([leading])

    assert len(made) == 2
