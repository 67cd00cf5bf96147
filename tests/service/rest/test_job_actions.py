"""What seed 003's interface does to a job, before a real API server."""

from typing import Any

import pytest

from tests.service.conftest import RunningService
from tests.service.rest.jobs003 import (
    JOBS,
    ask,
    cancelled,
    completed,
    failed,
    resource_of,
    working,
)

pytestmark = pytest.mark.api


@pytest.mark.parametrize(
    "state", [completed(), failed(), cancelled()], ids=["completed", "failed", "cancelled"]
)
async def test_a_job_that_ended_is_deleted(service: RunningService, state: dict[str, Any]) -> None:
    made = await service.create(name="over")
    await service.set_status("over", state)
    assert await ask(service, "DELETE", JOBS + made["metadata"]["uid"]) == (204, None)
    assert not (await service.api.request("GET", service.path()))["items"]


@pytest.mark.parametrize("state", [{}, working()], ids=["pending", "processing"])
async def test_a_job_that_has_not_ended_is_not_deleted(
    service: RunningService, state: dict[str, Any]
) -> None:
    await service.create(name="busy")
    await service.set_status("busy", state)
    status, problem = await ask(service, "DELETE", f"{JOBS}busy")
    assert status == 400
    assert "cancel it first" in problem["detail"]
    await service.api.request("GET", f"{service.path()}/busy")


@pytest.mark.parametrize("state", [{}, working()], ids=["pending", "processing"])
async def test_a_job_is_cancelled_with_a_reason(
    service: RunningService, state: dict[str, Any]
) -> None:
    made = await service.create(name="busy")
    await service.set_status("busy", state)
    uid = made["metadata"]["uid"]
    answer = await ask(service, "POST", f"{JOBS}{uid}/cancel", json={"reason": "Wrong video"})
    assert answer == (200, {"message": f"Job {uid} has been cancelled", "reason": "Wrong video"})
    resource = await resource_of(service, uid)
    assert resource["spec"]["cancel"] is True
    assert resource["metadata"]["annotations"] == {
        "slides-extractor.dev/cancel-reason": "Wrong video"
    }


async def test_a_job_is_cancelled_without_a_body(service: RunningService) -> None:
    await service.create(name="busy")
    status, answer = await ask(service, "POST", f"{JOBS}busy/cancel/")
    assert (status, answer["reason"]) == (200, "Cancelled by user")


@pytest.mark.parametrize(
    ("state", "word"),
    [(completed(), "completed"), (failed(), "failed"), (cancelled(), "cancelled")],
)
async def test_what_ended_cannot_be_cancelled(
    service: RunningService, state: dict[str, Any], word: str
) -> None:
    made = await service.create(name="over")
    await service.set_status("over", state)
    status, problem = await ask(service, "POST", f"{JOBS}over/cancel")
    assert status == 400
    assert problem["detail"] == f"Job {made['metadata']['uid']} is {word}: nothing to cancel"
    assert (
        "cancel" not in (await resource_of(service, made["metadata"]["uid"]))["spec"]
        or not (await resource_of(service, made["metadata"]["uid"]))["spec"]["cancel"]
    )


async def test_a_failed_job_is_retried(service: RunningService) -> None:
    made = await service.create(name="over")
    await service.set_status("over", failed())
    status, job = await ask(service, "POST", f"{JOBS}over/retry")
    assert (status, job["id"], job["retry_count"]) == (200, made["metadata"]["uid"], 1)
    annotations = (await resource_of(service, job["id"]))["metadata"]["annotations"]
    assert set(annotations) == {"slides-extractor.dev/retry-at", "slides-extractor.dev/retries"}


async def test_a_job_is_retried_three_times_and_then_only_by_force(service: RunningService) -> None:
    await service.create(name="over")
    await service.set_status("over", failed())
    for count in (1, 2, 3):
        status, job = await ask(service, "POST", f"{JOBS}over/retry", json={})
        assert (status, job["retry_count"]) == (200, count)
    status, problem = await ask(service, "POST", f"{JOBS}over/retry", json={"force": False})
    assert status == 400
    assert '{"force": true}' in problem["detail"]
    status, job = await ask(service, "POST", f"{JOBS}over/retry", json={"force": True})
    assert (status, job["retry_count"]) == (200, 4)


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        pytest.param({}, "is pending: only failed jobs can be retried", id="pending"),
        pytest.param(working(), "is processing: only failed", id="processing"),
        pytest.param(completed(), "is completed: only failed", id="completed"),
        pytest.param(cancelled(), "is cancelled, and stays so", id="cancelled"),
    ],
)
async def test_only_failed_jobs_are_retried(
    service: RunningService, state: dict[str, Any], sentence: str
) -> None:
    made = await service.create(name="one")
    await service.set_status("one", state)
    status, problem = await ask(service, "POST", f"{JOBS}one/retry", json={"force": True})
    assert status == 400
    assert sentence in problem["detail"]
    assert "annotations" not in (await resource_of(service, made["metadata"]["uid"]))["metadata"]
