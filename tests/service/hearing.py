"""What tests of WebSockets share: what is heard, and of which jobs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.service.conftest import RunningService

NOBODY = "550e8400-e29b-41d4-a716-446655440000"
BROADCAST = "/ws/jobs/broadcast"
Socket = aiohttp.ClientWebSocketResponse


async def hear(ws: Socket, limit_s: float = 5) -> dict[str, Any]:
    """Return the next message."""
    message: dict[str, Any] = await ws.receive_json(timeout=limit_s)
    return message


async def hear_of(ws: Socket, job_id: str) -> dict[str, Any]:
    """Return the next message about a job."""
    while (message := await hear(ws))["data"]["job_id"] != job_id:
        pass
    return message


async def make_job(service: RunningService, name: str = "talk") -> str:
    uid: str = (await service.create(name=name))["metadata"]["uid"]
    return uid


@asynccontextmanager
async def job_elsewhere(service: RunningService) -> AsyncIterator[str]:
    """Give the id of a job in the namespace `default`."""
    place = service.path().replace(service.namespace, "default")
    body = {
        "apiVersion": "slides-extractor.dev/v1alpha1",
        "kind": "SlideExtraction",
        "metadata": {"generateName": "elsewhere-"},
        "spec": {"source": {"url": "https://example.com/elsewhere.mp4"}},
    }
    made = await service.api.request("POST", place, body=body)
    try:
        yield made["metadata"]["uid"]
    finally:
        await service.api.request("DELETE", f"{place}/{made['metadata']['name']}")
