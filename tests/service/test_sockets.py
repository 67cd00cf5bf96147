"""WebSockets of a real service before a real API server."""

import asyncio
import base64
import json
import os
import socket
import time
from typing import Any

import aiohttp
import pytest

from slides_operator.kube.cache import Kind
from tests.service.conftest import RunningService, StartService, until
from tests.service.hearing import BROADCAST, NOBODY, hear, hear_of, job_elsewhere, make_job
from tests.service.rest.jobs003 import END, ask, completed, working

pytestmark = pytest.mark.api


async def test_a_socket_tells_how_a_job_is_and_then_what_changes(service: RunningService) -> None:
    uid = await make_job(service)
    async with service.client.ws_connect(f"{service.url}/ws/{uid}") as ws:
        first = await hear(ws)
        assert first["type"] == "initial_status"
        assert set(first["data"]) == {"job_id", "status", "progress", "message", "timestamp"}
        assert first["data"]["job_id"] == uid
        assert (first["data"]["status"], first["data"]["progress"]) == ("pending", 0.0)
        await service.set_status("talk", working(45, "Looking at frame 1000"))
        assert await hear(ws) == {
            "type": "job_update",
            "data": {
                "job_id": uid,
                "status": "processing",
                "progress": 45.0,
                "message": "Looking at frame 1000",
                "timestamp": END,
            },
        }
        await service.set_status("talk", completed())
        last = (await hear(ws))["data"]
        assert (last["status"], last["progress"]) == ("completed", 100.0)


@pytest.mark.parametrize("wanted", ["talk", "dQw4w9WgXcQ"])
async def test_a_job_is_followed_by_name_and_by_video(service: RunningService, wanted: str) -> None:
    made = await service.create({"source": {"url": "youtube:dQw4w9WgXcQ"}}, name="talk")
    async with service.client.ws_connect(f"{service.url}/ws/{wanted}") as ws:
        assert (await hear(ws))["data"]["job_id"] == made["metadata"]["uid"]


async def test_updates_are_a_second_apart_and_the_last_is_not_lost(
    service: RunningService,
) -> None:
    uid = await make_job(service)
    async with service.client.ws_connect(f"{service.url}/ws/{uid}") as ws:
        await hear(ws)
        times, seen = [time.monotonic()], [0.0]

        async def work() -> None:
            for percent in range(1, 61):
                await service.set_status("talk", working(percent), wait=False)
                await asyncio.sleep(0.05)

        working_on = asyncio.create_task(work())
        while seen[-1] != 60:
            seen.append((await hear(ws))["data"]["progress"])
            times.append(time.monotonic())
        await working_on
    assert seen == sorted(seen)
    # From the first update to the last: what each of them takes on its way adds up to nothing.
    assert 3 <= len(times) - 2 <= times[-1] - times[1] + 0.5


async def test_what_changed_between_status_and_subscription_is_told(
    service: RunningService,
) -> None:
    uid = await make_job(service)
    async with service.client.ws_connect(f"{service.url}/ws/{uid}") as ws:
        await hear(ws)
        await service.set_status("talk", working(10))  # within the second after the first message
        assert (await hear(ws))["data"]["progress"] == 10


async def test_nothing_is_told_twice(service: RunningService) -> None:
    uid = await make_job(service)
    async with service.client.ws_connect(f"{service.url}/ws/{uid}") as ws:
        await hear(ws)
        await service.set_status("talk", working(10))
        await hear(ws)
        label = {"metadata": {"labels": {"seen": "yes"}}}  # nobody is told of labels
        await service.seen(
            await service.parts.gateway.merge_patch(
                Kind.EXTRACTION, service.namespace, "talk", label
            )
        )
        with pytest.raises(TimeoutError):
            await hear(ws, 2)


async def test_many_follow_one_job(service: RunningService) -> None:
    uid = await make_job(service)
    url = f"{service.url}/ws/{uid}"
    async with service.client.ws_connect(url) as one, service.client.ws_connect(url) as two:
        await hear(one), await hear(two)
        await service.set_status("talk", working())
        assert await hear(one) == await hear(two)


@pytest.mark.parametrize("wanted", [NOBODY, "nobody"])
async def test_an_unknown_job_closes_with_1008(service: RunningService, wanted: str) -> None:
    async with service.client.ws_connect(f"{service.url}/ws/{wanted}") as ws:
        message = await ws.receive(timeout=5)
        assert (message.type, message.data, message.extra) == (
            aiohttp.WSMsgType.CLOSE,
            1008,
            f"Job not found: {wanted}",
        )


async def test_a_broadcast_tells_of_every_job(service: RunningService) -> None:
    uids = [await make_job(service, name) for name in ("one", "two")]
    async with service.client.ws_connect(service.url + BROADCAST) as ws:
        for name, uid in zip(("one", "two"), uids, strict=True):
            await service.set_status(name, working())
            message = await hear_of(ws, uid)
            assert (message["type"], message["data"]["progress"]) == ("job_update", 45.0)
        new = await make_job(service, "three")
        assert (await hear_of(ws, new))["data"]["status"] == "pending"


async def test_a_broadcast_is_of_all_namespaces_or_of_one(
    start_service: StartService, namespace: str
) -> None:
    async with start_service(watch_namespaces=f"{namespace},default") as service:
        url = service.url + BROADCAST
        async with (
            service.client.ws_connect(url) as everywhere,
            service.client.ws_connect(f"{url}?namespace={namespace}") as here,
            job_elsewhere(service) as other,
        ):
            await hear_of(everywhere, other)
            own = await make_job(service)
            await hear_of(everywhere, own)
            assert (await hear(here))["data"]["job_id"] == own


async def test_health_is_told_at_once(service: RunningService) -> None:
    async with service.client.ws_connect(f"{service.url}/ws/health") as ws:
        message = await hear(ws)
    assert message["type"] == "health"
    assert message["data"]["active_connections"] == 1
    assert message["data"]["queue_running"] is False  # no operator has its Lease here
    assert message["data"]["timestamp"].endswith("Z")


@pytest.mark.slow
async def test_health_is_told_every_30_seconds(service: RunningService) -> None:
    async with service.client.ws_connect(f"{service.url}/ws/health") as ws:
        await hear(ws)
        begin = time.monotonic()
        await hear(ws, 35)
    assert 29 < time.monotonic() - begin < 32


@pytest.mark.parametrize("path", ["/ws/connections/status", "/connections/status"])
async def test_sockets_are_counted_without_addresses(service: RunningService, path: str) -> None:
    uid = await make_job(service)
    ways = [f"/ws/{uid}", f"/ws/{uid}", BROADCAST, "/ws/health"]
    sockets = [await service.client.ws_connect(service.url + way) for way in ways]
    await hear(sockets[0])
    assert await ask(service, "GET", path) == (
        200,
        {
            "active_connections": 1,
            "total_connections": 4,
            "broadcast_connections": 1,
            "health_connections": 1,
            "jobs_with_connections": [uid],
            "queue_running": False,
        },
    )
    for ws in sockets:
        await ws.close()
    await until(lambda: service.parts.connections.total == 0, 1)
    _, counts = await ask(service, "GET", path)
    assert (counts["total_connections"], counts["jobs_with_connections"]) == (0, [])


async def upgrade(service: RunningService, path: str) -> socket.socket:
    """Return a connection that has asked for a socket, and that nobody reads."""
    host, _, port = service.url.removeprefix("http://").partition(":")
    loop = asyncio.get_running_loop()
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await loop.sock_connect(raw, (host, int(port)))
    key = base64.b64encode(os.urandom(16)).decode()
    request = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        f"Authorization: {service.headers['Authorization']}",
        "",
        "",
    ]
    await loop.sock_sendall(raw, "\r\n".join(request).encode())
    return raw


async def test_who_is_gone_without_a_word_is_forgotten_at_once(service: RunningService) -> None:
    uid = await make_job(service)
    raw = await upgrade(service, f"/ws/{uid}")
    await until(lambda: service.parts.connections.total == 1)
    raw.close()
    await until(lambda: service.parts.connections.total == 0, 1)
    assert service.parts.feed.subscriptions == 0


def change(number: int, version: int, namespace: str) -> dict[str, Any]:
    """Return a job with much to say."""
    return {
        "kind": "SlideExtraction",
        "metadata": {
            "namespace": namespace,
            "name": f"made-{number}",
            "uid": f"made-{number}",
            "resourceVersion": str(version),
            "creationTimestamp": END,
        },
        "spec": {"source": {"url": "https://example.com/talk.mp4"}},
        "status": working(message=f"{number} " + 4000 * "x"),
    }


async def test_who_does_not_read_costs_others_nothing_and_is_cut_off(
    service: RunningService,
) -> None:
    jobs, feed = 4000, service.parts.feed
    stuck = await upgrade(service, BROADCAST)
    async with service.client.ws_connect(service.url + BROADCAST, max_msg_size=0) as ws:
        await until(lambda: service.parts.connections.total == 2)
        for number in range(jobs):  # 16 MB: beyond what kernel and server hold for a client
            feed.note(change(number, 1, service.namespace))
        for _ in range(jobs):
            begin = time.monotonic()
            await hear(ws)
            assert time.monotonic() - begin < 2
        service.parts.drain.start()
        assert (await ws.receive(timeout=5)).data == 1012
    await until(lambda: service.parts.connections.total == 0, 8)
    stuck.close()
    for number in range(jobs):
        feed.forget(feed.note(change(number, 2, service.namespace)))


@pytest.mark.slow
async def test_who_answers_no_ping_is_cut_off_with_all_that_waits(
    service: RunningService,
) -> None:
    jobs, feed = 2000, service.parts.feed
    stuck = await upgrade(service, BROADCAST)
    await until(lambda: service.parts.connections.total == 1)
    for number in range(jobs):
        feed.note(change(number, 1, service.namespace))
    await until(lambda: service.parts.connections.total == 0, 60)
    assert feed.subscriptions == 0
    stuck.close()


async def test_a_drain_sends_sockets_elsewhere(service: RunningService) -> None:
    uid = await make_job(service)
    ways = [f"/ws/{uid}", BROADCAST, "/ws/health"]
    sockets = [await service.client.ws_connect(service.url + way) for way in ways]
    await until(lambda: service.parts.connections.total == 3)
    service.parts.drain.start()
    for ws in sockets:
        async with asyncio.timeout(5):
            while (message := await ws.receive()).type is not aiohttp.WSMsgType.CLOSE:
                pass
        assert message.data == 1012
        assert message.extra == "Draining for shutdown: connect again"
    await until(lambda: service.parts.connections.total == 0, 2)


async def test_a_client_that_talks_too_much_is_cut_off(service: RunningService) -> None:
    async with service.client.ws_connect(service.url + BROADCAST) as ws:
        await ws.send_str("ping")  # small talk is passed over
        await ws.send_str(json.dumps({"much": 5000 * "x"}))
        assert (await ws.receive(timeout=5)).data == 1009
