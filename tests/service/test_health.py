"""Health, readiness and liveness, on a service that is well, waits, or cannot see."""

from datetime import UTC, datetime, timedelta

import pytest

from slides_operator.kube.client import Client
from slides_operator.service.health import ASK_AGAIN_AFTER, FRESH, OperatorPulse
from tests.service.conftest import RunningService, StartService

pytestmark = pytest.mark.api


async def _get(service: RunningService, path: str) -> tuple[int, dict[str, object]]:
    async with service.stranger.get(service.url + path) as response:
        return response.status, await response.json(content_type=None)


async def _lease(api: Client, namespace: str, *, renewed: datetime, holder: str = "a") -> None:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
    body = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "slides-operator"},
        "spec": {
            "holderIdentity": holder,
            "renewTime": renewed.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "leaseDurationSeconds": 10,
        },
    }
    await api.request("POST", path, body=body)


async def test_is_ready_and_alive_once_all_is_listed(service: RunningService) -> None:
    assert await _get(service, "/healthz/ready") == (200, {"status": "ready"})
    assert await _get(service, "/healthz/live") == (200, {"status": "alive"})


async def test_is_not_ready_before(service: RunningService) -> None:
    service.parts.feed.ready.clear()

    status, problem = await _get(service, "/healthz/ready")

    assert status == 503
    assert problem["detail"] == "Resources are being listed."
    assert await _get(service, "/healthz/live") == (200, {"status": "alive"})


async def test_blind_service_wants_a_restart(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.parts.feed, "trouble", lambda: "the watch is dead")

    status, problem = await _get(service, "/healthz/live")

    assert status == 503
    assert problem["detail"] == "the watch is dead"
    assert (await _get(service, "/health"))[0] == 503


async def test_health_has_seed_003s_words(service: RunningService) -> None:
    await _lease(service.api, service.namespace, renewed=datetime.now(UTC))

    assert await _get(service, "/health") == (
        200,
        {"status": "healthy", "queue_running": True, "debug": False},
    )


async def test_health_tells_of_debug(start_service: StartService) -> None:
    async with start_service(debug=True) as service:
        assert (await _get(service, "/health"))[1]["debug"] is True


async def test_queue_does_not_run_without_an_operator(service: RunningService) -> None:
    status, health = await _get(service, "/health")

    assert status == 200
    assert health["queue_running"] is False


async def test_lease_that_nobody_renews_tells_that_nobody_works(
    api: Client, namespace: str
) -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    await _lease(api, namespace, renewed=now[0])
    pulse = OperatorPulse(api, namespace=namespace, clock=lambda: now[0])

    assert await pulse.is_running()
    now[0] += FRESH - timedelta(seconds=1)
    assert await pulse.is_running()
    now[0] += ASK_AGAIN_AFTER
    assert not await pulse.is_running()


async def test_lease_is_asked_for_now_and_then(api: Client, namespace: str) -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    pulse = OperatorPulse(api, namespace=namespace, clock=lambda: now[0])
    assert not await pulse.is_running()

    await _lease(api, namespace, renewed=now[0])

    assert not await pulse.is_running()
    now[0] += ASK_AGAIN_AFTER
    assert await pulse.is_running()


async def test_released_lease_is_nobodys(api: Client, namespace: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    await _lease(api, namespace, renewed=now, holder="")

    assert not await OperatorPulse(api, namespace=namespace, clock=lambda: now).is_running()
