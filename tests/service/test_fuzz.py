"""Whatever the API's description allows is answered as the description says."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.light import LightCluster
from tests.service.conftest import PASSWORD, RunningService
from tests.service.fuzzing import fuzz
from tests.service.process import run_service

pytestmark = [pytest.mark.api, pytest.mark.slow]

PER_OPERATION = 5
LEAST_CASES = 1000
"""Far below what they come to: a run that was cut short proves nothing."""


async def test_nothing_is_answered_that_is_not_described(
    light_cluster: LightCluster, service: RunningService, tmp_path: Path
) -> None:
    conditions = [
        {
            "type": "Succeeded",
            "status": "True",
            "reason": "Completed",
            "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
    ]
    statuses: dict[str, dict[str, Any]] = {
        "done": {"phase": "Completed", "conditions": conditions},
        "waits": {"phase": "Pending"},
    }
    for name, status in statuses.items():
        await service.create(name=name)
        await service.set_status(name, status)
    variables = {
        "POD_NAMESPACE": service.namespace,
        "WATCH_NAMESPACES": service.namespace,
        "REQUEST_LIMIT": "0",
    }
    async with run_service(light_cluster, tmp_path, **variables) as process:
        done = await asyncio.to_thread(
            fuzz,
            process.url,
            tmp_path,
            password=PASSWORD,
            per_operation=PER_OPERATION,
            ids=("done", "waits"),
        )
        failed = [line for line in process.lines() if line["event"] == "request failed"]

    assert done.failures == (), done.said
    assert failed == []
    assert done.cases >= LEAST_CASES
