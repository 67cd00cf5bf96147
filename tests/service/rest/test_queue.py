"""Seed 003's view of all jobs, asked of a real service before a real API server."""

from typing import Any

import pytest

from tests.service.conftest import RunningService, StartService
from tests.service.rest.jobs003 import (
    JOBS,
    ask,
    cancelled,
    completed,
    failed,
    submit,
    working,
)

pytestmark = pytest.mark.api

PREFIXES = ["/api/v1/jobs", "/api/v1"]
BULK = f"{JOBS}bulk"


async def fill(service: RunningService) -> dict[str, str]:
    """Create a job of each kind, and return their ids by name."""
    states: dict[str, Any] = {
        "pending": {},
        "waiting": {"phase": "Pending"},
        "queued": {"phase": "Queued"},
        "processing": working(),
        "completed": completed(),
        "failed": failed(),
        "cancelled": cancelled(),
    }
    ids = {}
    for name, state in states.items():
        ids[name] = (await service.create(name=name))["metadata"]["uid"]
        if state:
            await service.set_status(name, state)
    return ids


async def lead(service: RunningService) -> None:
    """Renew the operators' Lease, as a leader does."""
    body = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "slides-operator"},
        "spec": {
            "holderIdentity": "one",
            "renewTime": service.parts.clock().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        },
    }
    place = f"/apis/coordination.k8s.io/v1/namespaces/{service.namespace}/leases"
    await service.api.request("POST", place, body=body)


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("prefix", PREFIXES)
async def test_the_queue_is_counted(service: RunningService, prefix: str, slash: str) -> None:
    await lead(service)
    await fill(service)
    assert await ask(service, "GET", f"{prefix}/queue/status{slash}") == (
        200,
        {
            "is_running": True,
            "total_jobs": 7,
            "pending_jobs": 2,
            "processing_jobs": 1,
            "completed_jobs": 1,
            "failed_jobs": 1,
            "cancelled_jobs": 1,
            "active_workers": 1,
            "queue_size": 3,
            "estimated_wait_time": 180.0,  # three wait for the one that works, a minute each
        },
    )


async def test_an_empty_queue_waits_for_nothing(service: RunningService) -> None:
    _, queue = await ask(service, "GET", f"{JOBS}queue/status")
    assert (queue["total_jobs"], queue["estimated_wait_time"]) == (0, 0.0)
    assert queue["is_running"] is False  # no operator has its Lease here


async def test_nobody_knows_how_long_the_first_jobs_wait(service: RunningService) -> None:
    await service.create()
    _, queue = await ask(service, "GET", f"{JOBS}queue/status")
    assert (queue["queue_size"], queue["estimated_wait_time"]) == (1, None)


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("prefix", PREFIXES)
async def test_statistics_are_shadowed_by_no_job(
    service: RunningService, prefix: str, slash: str
) -> None:
    await fill(service)
    assert await ask(service, "GET", f"{prefix}/statistics{slash}") == (
        200,
        {
            "total_jobs": 7,
            "by_status": {
                "pending": 2,
                "queued": 1,
                "processing": 1,
                "completed": 1,
                "failed": 1,
                "cancelled": 1,
            },
            "queue_running": False,
            "active_workers": 1,
        },
    )


async def cancel_wanted(service: RunningService) -> set[str]:
    """Return the names of what is to be cancelled."""
    found = await service.api.request("GET", service.path())
    return {one["metadata"]["name"] for one in found["items"] if one["spec"].get("cancel")}


@pytest.mark.parametrize("prefix", PREFIXES)
async def test_only_what_waits_and_came_by_rest_is_cleared(
    service: RunningService, prefix: str
) -> None:
    await fill(service)  # as kubectl does: none of them is cleared
    names = {}
    for number, state in enumerate([{}, working(), completed(), failed()]):
        job = await submit(service, youtube_url=f"youtube:dQw4w9WgXc{number}")
        record = service.parts.store.by_uid(job["id"])
        assert record is not None
        names[number] = record.name
        if state:
            await service.set_status(record.name, state)
    assert await ask(service, "DELETE", f"{prefix}/queue/clear") == (204, None)
    assert await cancel_wanted(service) == {names[0]}


async def test_another_namespace_is_not_cleared(
    service: RunningService, start_service: StartService
) -> None:
    await submit(service)
    async with start_service(pod_namespace="default", watch_namespaces="default") as other:
        assert await ask(other, "DELETE", f"{JOBS}queue/clear") == (204, None)
    assert await cancel_wanted(service) == set()


async def test_many_jobs_are_cancelled_and_each_has_a_row(service: RunningService) -> None:
    ids = await fill(service)
    wanted = ["pending", ids["processing"], "completed", "nobody"]
    status, answer = await ask(service, "POST", BULK, json={"job_ids": wanted, "action": "cancel"})
    assert status == 207
    assert [(row["job_id"], row["status"]) for row in answer["results"]] == list(
        zip(wanted, [200, 200, 400, 404], strict=True)
    )
    assert answer["results"][0]["message"] == "Job pending has been cancelled"
    assert answer["results"][3]["message"] == "Job not found: nobody"
    assert (answer["succeeded"], answer["failed"]) == (2, 2)
    assert await cancel_wanted(service) == {"pending", "processing"}


async def test_many_jobs_are_deleted(service: RunningService) -> None:
    await fill(service)
    wanted = ["completed", "failed", "cancelled", "pending", "completed"]
    status, answer = await ask(
        service, "POST", f"{BULK}/", json={"job_ids": wanted, "action": "delete"}
    )
    assert status == 207
    rows = {row["job_id"]: row["status"] for row in answer["results"]}
    assert rows == {"completed": 204, "failed": 204, "cancelled": 204, "pending": 400}
    left = (await service.api.request("GET", service.path()))["items"]
    assert {one["metadata"]["name"] for one in left} == {
        "pending",
        "waiting",
        "queued",
        "processing",
    }


async def test_many_jobs_are_retried(service: RunningService) -> None:
    await fill(service)
    status, answer = await ask(
        service, "POST", BULK, json={"job_ids": ["failed", "cancelled"], "action": "retry"}
    )
    assert status == 207
    assert [row["status"] for row in answer["results"]] == [200, 400]


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"job_ids": [], "action": "cancel"}, id="no job"),
        pytest.param({"job_ids": ["a"], "action": "suspend"}, id="no such action"),
        pytest.param({"job_ids": ["a", ""], "action": "cancel"}, id="no name"),
        pytest.param({"job_ids": ["a"] * 101, "action": "cancel"}, id="too many"),
    ],
)
async def test_a_wrong_bulk_request_is_422(service: RunningService, wanted: dict[str, Any]) -> None:
    assert (await ask(service, "POST", BULK, json=wanted))[0] == 422
