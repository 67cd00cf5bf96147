"""GET /jobs/{id}/stream, as clients see it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from slides_operator.kube.cache import Kind
from slides_operator.service import audience
from tests.service.conftest import PASSWORD, RunningService, StartService, until
from tests.service.objects import PHASES

pytestmark = pytest.mark.api

LIMIT_S = 30.0


@dataclass
class Event:
    """A server-sent event."""

    kind: str = "message"
    id: str = ""
    data: str = ""

    @property
    def state(self) -> dict[str, Any]:
        """The job's state."""
        state: dict[str, Any] = json.loads(self.data)
        return state


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[Event]:
    """Yield the events of a stream until it is closed, as the HTML specification reads them."""
    event = Event()
    async for line in response.content:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name == "" and not value:
            if event.data:
                yield event
            event = Event()
        elif name in {"id", "data"}:
            setattr(event, name, value)
        elif name == "event":
            event.kind = value


def status(phase: str, **more: Any) -> dict[str, Any]:
    """A status of this phase."""
    return {"phase": phase, "conditions": [PHASES[phase]], **more}


def at_work(frame: int) -> dict[str, Any]:
    """A status of an attempt at work."""
    run = {"attempt": 1, "message": f"Frame {frame} of 2400", "percent": 42}
    attempts = {"current": 1}
    run |= {"frameCount": 2400, "currentFrame": frame, "updatedAt": "2026-11-21T12:00:07Z"}
    return status("Extracting", attempts=attempts, run=run)


@pytest.fixture
async def job(service: RunningService) -> str:
    """The name of a job that is pending."""
    made = await service.create()
    name: str = made["metadata"]["name"]
    await service.set_status(name, status("Pending"))
    return name


def stream(
    service: RunningService, job: str, *, last: str = "", query: str = ""
) -> "aiohttp.client._RequestContextManager":
    """Open a stream."""
    headers = {"Last-Event-ID": last} if last else {}
    timeout = aiohttp.ClientTimeout(total=LIMIT_S)
    url = f"{service.url}/jobs/{job}/stream{query}"
    return service.client.get(url, headers=headers, timeout=timeout)


async def test_a_job_is_followed_to_its_end(service: RunningService, job: str) -> None:
    seen: list[Event] = []
    async with stream(service, job) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert "no-store" in response.headers["Cache-Control"]
        async for event in events(response):
            seen.append(event)
            match event.state["status"]:
                case "pending":
                    await service.set_status(job, at_work(120))
                case "extracting":
                    await service.set_status(job, status("Completed"))

    assert [event.state["status"] for event in seen] == ["pending", "extracting", "completed"]
    assert (seen[1].state["current_frame"], seen[1].state["progress"]) == (120, 42)
    assert [int(event.id) for event in seen] == sorted(int(event.id) for event in seen)
    assert all(event.kind == "message" for event in seen)


async def test_a_stream_says_when_to_come_back(service: RunningService, job: str) -> None:
    async with stream(service, job) as response:
        assert await response.content.readline() == b"retry: 2000\n"


@pytest.mark.parametrize("by", ["header", "query"])
async def test_who_comes_back_hears_what_changed(
    service: RunningService, job: str, by: str
) -> None:
    async with stream(service, job) as response:
        first = await anext(events(response))
    await service.set_status(job, status("Failed"))

    last = {"last": first.id} if by == "header" else {"query": f"?lastEventId={first.id}"}
    async with stream(service, job, **last) as response:
        seen = [event async for event in events(response)]

    assert [event.state["error"] for event in seen] == [PHASES["Failed"]["message"]]


async def test_who_knows_how_it_is_hears_nothing_until_it_changes(
    service: RunningService, job: str
) -> None:
    async with stream(service, job) as response:
        first = await anext(events(response))

    async with stream(service, job, last=first.id) as response:
        following = events(response)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await anext(following)


@pytest.mark.parametrize("last", ["x", "-1", "1e3", "9" * 30, "²"])
async def test_an_id_that_is_none_is_as_if_not_sent(
    service: RunningService, job: str, last: str
) -> None:
    async with stream(service, job, query=f"?lastEventId={last}") as response:
        assert (await anext(events(response))).state["status"] == "pending"


async def test_who_knows_the_end_need_not_come_back(service: RunningService, job: str) -> None:
    await service.set_status(job, status("Completed"))
    async with stream(service, job) as response:
        (end,) = [event async for event in events(response)]

    async with stream(service, job, last=end.id) as response:
        assert (response.status, await response.read()) == (204, b"")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_an_unknown_job_is_not_found(service: RunningService, method: str) -> None:
    url = f"{service.url}/jobs/nothing/stream"
    async with service.client.request(method, url) as response:
        assert response.status == 404
        assert response.content_type == "application/problem+json"
        if method == "GET":
            assert (await response.json())["detail"] == "Job not found: nothing"


async def test_strangers_hear_nothing(service: RunningService, job: str) -> None:
    async with service.stranger.get(f"{service.url}/jobs/{job}/stream") as response:
        assert response.status == 401
    assert len(service.parts.audience) == 0


async def test_a_head_is_answered_at_once(service: RunningService, job: str) -> None:
    async with service.client.head(f"{service.url}/jobs/{job}/stream") as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        assert await response.read() == b""
    assert len(service.parts.audience) == 0


async def test_a_batch_is_followed_too(service: RunningService) -> None:
    items = [{"name": "one", "url": "https://example.com/one.mp4"}]
    made = await service.create({"items": items}, kind=Kind.BATCH)
    name = made["metadata"]["name"]
    counts = {"total": 1, "completed": 1}
    await service.set_status(name, status("Completed", counts=counts), kind=Kind.BATCH)

    async with stream(service, name) as response:
        (end,) = [event async for event in events(response)]

    assert (end.state["status"], end.state["progress"]) == ("completed", 100)


async def test_a_deleted_job_is_an_error(service: RunningService, job: str) -> None:
    async with stream(service, job) as response:
        following = events(response)
        await anext(following)
        await service.delete(job)
        *_, last = [event async for event in following]

    assert (last.kind, last.state) == ("error", {"error": f"Job {job} was deleted"})


async def test_each_second_at_most_and_the_last_in_any_case(
    service: RunningService, job: str
) -> None:
    clock = asyncio.get_running_loop().time
    times: list[float] = []

    async def work() -> None:
        for frame in range(40):
            await service.set_status(job, at_work(frame), wait=False)
        await service.set_status(job, status("Completed"), wait=False)

    async with stream(service, job) as response:
        working = asyncio.create_task(work())
        async for event in events(response):
            times.append(clock())
            last = event
        await working

    assert last.state["status"] == "completed"
    assert all(later - earlier > 0.85 for earlier, later in pairwise(times))


async def test_a_connection_serves_on_after_a_stream(service: RunningService, job: str) -> None:
    await service.set_status(job, status("Completed"))
    head = f"Host: x\r\nAuthorization: Bearer {PASSWORD}\r\n\r\n"
    request = f"GET /jobs/{job}/stream HTTP/1.1\r\n{head}".encode()
    host, port = service.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    for _ in range(3):
        writer.write(request)
        async with asyncio.timeout(LIMIT_S):
            answer = await reader.readuntil(b"\r\n0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b'"status":"completed"' in answer

    writer.close()
    await writer.wait_closed()


async def test_a_client_of_http_1_0_gets_plain_lines(service: RunningService, job: str) -> None:
    await service.set_status(job, status("Completed"))
    host, port = service.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    writer.write(f"GET /jobs/{job}/stream HTTP/1.0\r\nX-API-Key: key\r\n\r\n".encode())
    async with asyncio.timeout(LIMIT_S):
        _, _, body = (await reader.read()).partition(b"\r\n\r\n")

    assert body.startswith(b"retry: 2000\n\nid: ")
    assert body.endswith(b"}\n\n")
    writer.close()
    await writer.wait_closed()


async def test_nothing_stays_of_clients_that_leave(service: RunningService, job: str) -> None:
    before = service.parts.feed.subscriptions
    for _ in range(3):
        async with stream(service, job) as response:
            await anext(events(response))
            response.close()
    assert service.parts.feed.subscriptions >= before

    await until(lambda: len(service.parts.audience) == 0)

    assert service.parts.feed.subscriptions == before
    assert service.parts.drain.streams == 0
    assert service.parts.metrics.streams.labels("sse")._value.get() == 0  # noqa: SLF001 - the library has no reader


async def test_a_silent_attempt_ends_the_stream_a_waiting_job_does_not(
    service: RunningService, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience, "SILENT_S", 1.0)
    monkeypatch.setattr(audience, "HEARTBEAT_S", 0.6)
    waiting = await service.create()
    await service.set_status(job, at_work(1))
    async with stream(service, job) as response:
        *_, last = [event async for event in events(response)]

    assert (last.kind, last.state) == (
        "error",
        {"error": f"No updates for job {job} in the last 1 seconds"},
    )
    async with stream(service, waiting["metadata"]["name"]) as response:
        for _ in range(2):
            assert await response.content.readuntil(b": alive\n\n")


async def test_a_service_that_ends_sends_clients_elsewhere(
    start_service: StartService,
) -> None:
    async with start_service() as service:
        job = (await service.create())["metadata"]["name"]
        async with stream(service, job) as response:
            await anext(events(response))

            service.stop.set()
            rest = (await response.content.read()).decode()

    assert rest.startswith(": this replica ends")
    assert "\nretry: " in rest


@pytest.mark.slow
async def test_no_end_is_missed_while_the_service_restarts(start_service: StartService) -> None:
    async with start_service() as service:
        job = (await service.create())["metadata"]["name"]
        await service.set_status(job, at_work(1))
        async with stream(service, job) as response:
            first = await anext(events(response))
        await service.set_status(job, status("Completed"))

    async with start_service() as service, stream(service, job, last=first.id) as response:
        assert [event.state["status"] async for event in events(response)] == ["completed"]


@pytest.mark.slow
async def test_no_end_is_missed_while_the_api_server_restarts(
    service: RunningService, job: str
) -> None:
    await service.set_status(job, at_work(1))
    async with stream(service, job) as response:
        following = events(response)
        await anext(following)
        await asyncio.to_thread(service.cluster.restart_apiserver, kill=True)
        async with asyncio.timeout(LIMIT_S):
            while True:
                with suppress(Exception):
                    await service.set_status(job, status("Completed"), wait=False)
                    break
                await asyncio.sleep(0.2)
        *_, last = [event async for event in following]

    assert last.state["status"] == "completed"
