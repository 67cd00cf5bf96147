"""`python -m slides_operator serve` as a process on the light cluster: it works and ends well."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import pytest

from slides_operator.service.drain import SETTLE_S
from tests.cluster.light import LightCluster
from tests.service.conftest import RunningService
from tests.service.process import ServiceProcess, run_service

QUICK = {"GRACEFUL_SHUTDOWN_TIMEOUT_SECONDS": "2"}


def _run(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "slides_operator", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("--help",), ("serve", "--help")])
def test_help_teaches(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = _run(*arguments, folder=tmp_path)

    assert done.returncode == 0
    assert "--insecure" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        pytest.param((), {}, "API password is not configured", id="no key"),
        pytest.param(("--insecure",), {}, "ENVIRONMENT=development", id="insecure in production"),
        pytest.param((), {"API_KEY": "k", "SERVICE_PORT": "x"}, "SERVICE_PORT", id="no port"),
        pytest.param((), {"API_KEY": "k", "TRUSTED_PROXIES": "x"}, "TRUSTED_PROXIES", id="no net"),
        pytest.param((), {"API_KEY": "k", "REQUEST_LIMIT": "x"}, "REQUEST_LIMIT", id="no limit"),
        pytest.param((), {"API_KEY": "k", "SECRET_KEY": "short"}, "SECRET_KEY", id="short key"),
    ],
)
def test_refuses_what_it_cannot_use(
    arguments: tuple[str, ...], variables: dict[str, str], said: str, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text(
        "{clusters: [{name: t, cluster: {server: 'http://127.0.0.1:9'}}],"
        " contexts: [{name: t, context: {cluster: t, user: t}}],"
        " users: [{name: t, user: {}}], current-context: t}"
    )
    done = _run("serve", *arguments, folder=tmp_path, KUBECONFIG="config", **variables)

    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


async def _status(session: aiohttp.ClientSession, url: str) -> int:
    async with session.get(url) as response:
        return response.status


async def _until(session: aiohttp.ClientSession, service: ServiceProcess, readiness: int) -> None:
    url = f"{service.url}/healthz/ready"
    async with asyncio.timeout(20):
        while await _status(session, url) != readiness:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


@pytest.mark.api
@pytest.mark.slow
async def test_answers_and_ends_when_told(
    light_cluster: LightCluster, tmp_path: Path, namespace: str
) -> None:
    old = {"DATABASE_URL": "sqlite://", "CELERY_BROKER_URL": "x", "QUEUE_POLL_INTERVAL": "0.1"}
    variables = {"POD_NAMESPACE": namespace, **QUICK, **old}
    async with (
        run_service(light_cluster, tmp_path, **variables) as service,
        aiohttp.ClientSession() as session,
    ):
        async with session.get(f"{service.health_url}/metrics") as response:
            metrics = await response.text()
        assert await _status(session, f"{service.health_url}/readyz") == 200
        code, took_s = await service.stop()

    assert "slides_service_requests_total" in metrics
    (age_s,) = re.findall(
        r"^slides_service_watch_last_event_age_seconds (\S+)$", metrics, re.MULTILINE
    )
    assert 0 <= float(age_s) < 60
    assert code == 0
    assert took_s < SETTLE_S
    warnings = [line for line in service.lines() if "no effect" in line["event"]]
    assert [sorted(line["variables"]) for line in warnings] == [sorted(old)]
    assert service.lines()[-1]["event"] == "stopped"


@pytest.mark.api
@pytest.mark.slow
async def test_nothing_in_flight_is_lost(
    light_cluster: LightCluster, tmp_path: Path, namespace: str
) -> None:
    body = b'{"path": "/jobs/x/stream"}'
    async with (
        run_service(light_cluster, tmp_path, POD_NAMESPACE=namespace) as service,
        aiohttp.ClientSession() as session,
    ):
        port = int(service.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /tickets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\n"
            b"Content-Type: application/json\r\n"
            + f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body[:5]
        )
        await writer.drain()
        await asyncio.sleep(0.3)
        service.process.send_signal(signal.SIGTERM)
        await _until(session, service, 503)
        assert await _status(session, f"{service.url}/healthz/live") == 200
        writer.write(body[5:])
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        code = await asyncio.wait_for(service.process.wait(), 20)

    assert head.startswith(b"HTTP/1.1 201")
    assert b"connection: close" in head.lower()
    assert code == 0


@pytest.mark.api
@pytest.mark.slow
async def test_second_signal_ends_at_once(
    light_cluster: LightCluster, tmp_path: Path, namespace: str
) -> None:
    async with run_service(light_cluster, tmp_path, POD_NAMESPACE=namespace) as service:
        service.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.3)
        code, took_s = await service.stop(signal.SIGINT)

    assert code == 0
    assert took_s < SETTLE_S / 2


@pytest.mark.api
async def test_drained_service_takes_no_work_and_says_when_to_come_back(
    service: RunningService,
) -> None:
    async with service.client.post(f"{service.url}/drain") as response:
        assert response.status == 202
        assert await response.json() == {"status": "draining"}

    async with service.client.post(f"{service.url}/process/youtube/dQw4w9WgXcQ") as response:
        problem = await response.json(content_type=None)
        assert response.status == 503
        assert problem["detail"] == "Draining for shutdown"
        assert int(response.headers["Retry-After"]) > 0
        assert response.headers["Connection"] == "close"
    assert await _status(service.client, f"{service.url}/healthz/ready") == 503
    assert await _status(service.client, f"{service.url}/healthz/live") == 200
    assert await _status(service.client, f"{service.url}/progress") == 200


@pytest.mark.api
async def test_drain_needs_the_password(service: RunningService) -> None:
    async with service.stranger.post(f"{service.url}/drain") as response:
        assert response.status == 401

    assert not service.parts.drain.draining


@pytest.mark.api
async def test_streams_end_with_a_hint_when_the_service_drains(service: RunningService) -> None:
    made = await service.create()
    url = f"{service.url}/jobs/{made['metadata']['name']}/stream"
    async with service.client.get(url) as response:
        assert response.status == 200
        await response.content.readuntil(b"data:")

        service.parts.drain.start()

        async with asyncio.timeout(5):
            rest = await response.content.read()
    assert b"retry:" in rest or b"reconnect" in rest
    assert b"event: error" not in rest


@pytest.mark.api
async def test_sockets_close_with_a_hint_when_the_service_drains(
    service: RunningService,
) -> None:
    made = await service.create()
    async with service.client.ws_connect(f"{service.url}/ws/{made['metadata']['name']}") as socket:
        await socket.receive_json()

        service.parts.drain.start()

        async with asyncio.timeout(5):
            message = await socket.receive()
    assert message.type is aiohttp.WSMsgType.CLOSE
    assert message.data == aiohttp.WSCloseCode.SERVICE_RESTART
    assert "connect again" in str(message.extra)


@pytest.mark.api
async def test_drain_ends_in_time_though_a_client_never_reads(service: RunningService) -> None:
    made = await service.create()
    port = int(service.url.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    path = f"/jobs/{made['metadata']['name']}/stream"
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\n\r\n"
    writer.write(head.encode())
    await asyncio.sleep(0.2)

    began = time.monotonic()
    service.stop.set()
    service.parts.drain.start()
    async with asyncio.timeout(5):
        while service.parts.drain.streams:  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.05)

    assert time.monotonic() - began < 5
    writer.close()
