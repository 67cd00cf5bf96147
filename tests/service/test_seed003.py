"""Seed 003's own examples, run as they stand but for the service's address and the job's id."""

import asyncio
import json
import shutil
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.conftest import RunningService, StartService
from tests.service.rest.jobs003 import completed, working

pytestmark = pytest.mark.api

EXAMPLES = Path(__file__).parents[1] / "data" / "seed003"
HOST = "localhost:8000"
JOB = "550e8400-e29b-41d4-a716-446655440000"
LIMIT_S = 20.0


@pytest.fixture
async def service(start_service: StartService) -> AsyncIterator[RunningService]:
    """A service for clients that send no key, as that seed's do."""
    async with start_service(insecure=True, api_password=None, api_key=None) as running:
        yield running


def example(name: str, service: RunningService, **changes: str) -> str:
    """Return an example that asks this service."""
    text = (EXAMPLES / name).read_text()
    for old, new in {HOST: service.url.removeprefix("http://"), **changes}.items():
        assert old in text
        text = text.replace(old, new)
    return text


def expected(name: str) -> dict[str, Any]:
    """Return the answer that the seed shows."""
    answer: dict[str, Any] = json.loads((EXAMPLES / name).read_text())
    return answer


async def run(*command: str, text: str = "") -> str:
    """Return what a program prints. Raises AssertionError if it fails."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(LIMIT_S):
        out, err = await process.communicate(text.encode())
    assert process.returncode == 0, err.decode()
    return out.decode()


async def curl(script: str) -> dict[str, Any]:
    """Return the JSON that an example's curl prints."""
    answer: dict[str, Any] = json.loads(await run("bash", "-e", text=script))
    return answer


def shape(value: object) -> object:
    """Return the types of an answer."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    return type(value)


async def create(service: RunningService) -> dict[str, Any]:
    """Create the job of the example, of the type that there is."""
    return await curl(example("create.sh", service, full_processing="slide_extraction"))


async def test_curl_creates_a_job(service: RunningService) -> None:
    job, shown = await create(service), expected("created.json")
    assert {name: shape(job[name]) for name in shown} == shape(shown)
    same = set(shown) - {"id", "created_at", "job_type"}
    assert {name: job[name] for name in same} == {name: shown[name] for name in same}
    assert job["job_type"] == "slide_extraction"
    assert job["created_at"].endswith("Z")
    unused = {"audio_format", "language", "max_clips"}
    assert {one for one in unused if any(one in text for text in job["warnings"])} == unused


async def test_curl_is_told_which_type_this_version_cannot_make(service: RunningService) -> None:
    problem = await curl(example("create.sh", service))
    assert (problem["status"], problem["title"]) == (501, "Not Implemented")
    assert "full_processing" in problem["detail"]


async def test_curl_gets_a_job(service: RunningService) -> None:
    made = await create(service)
    record = service.parts.store.by_uid(made["id"])
    assert record is not None
    await service.set_status(record.name, working(45))
    job = await curl(example("get.sh", service, **{"{job_id}": made["id"]}))
    shown = expected("job.json")
    assert set(shown) <= set(job)
    same = {"youtube_url", "status", "progress", "video_title"}
    assert {name: job[name] for name in same} == {name: shown[name] for name in same}


async def test_curl_lists_jobs(service: RunningService) -> None:
    await service.create(name="waits")
    made = await service.create(name="works")
    await service.set_status("works", working())
    page = await curl(example("list.sh", service))
    assert [job["id"] for job in page["jobs"]] == [made["metadata"]["uid"]]
    assert (page["total"], page["page"], page["per_page"], page["pages"]) == (1, 1, 10, 1)


async def test_curl_asks_for_health(service: RunningService) -> None:
    health, shown = await curl(example("health.sh", service)), expected("health.json")
    assert {name: shape(health[name]) for name in shown} == shape(shown)
    assert (health["status"], health["debug"]) == ("healthy", False)


async def test_all_of_its_options_are_taken(service: RunningService) -> None:
    wanted = {"youtube_url": "youtube:dQw4w9WgXcQ", **expected("options.json")}
    async with service.stranger.post(f"{service.url}/api/v1/jobs/", json=wanted) as response:
        assert response.status == 201
        warnings = (await response.json())["warnings"]
    assert len(warnings) == len(wanted["options"])


async def test_its_javascript_client_follows_a_job(service: RunningService) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    made = await service.create(name="talk")
    script = example("client.js", service, **{JOB: made["metadata"]["uid"]})
    # Node has a WebSocket of its own from 22 on; 20 has it behind a flag.
    client = await asyncio.create_subprocess_exec(
        node,
        "--experimental-websocket",
        "--eval",
        script,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # it says that the flag is an experiment
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            said = await lines_until(client, "}")
            await service.set_status("talk", working(45))
            said += await lines_until(client, "Status: processing")
            await service.set_status("talk", completed())
            said += await lines_until(client, "Status: completed")
            service.parts.drain.start()
            said += await lines_until(client, "WebSocket disconnected")
            await client.wait()
    finally:
        if client.returncode is None:
            client.kill()
            await client.wait()
    assert said[0] == "WebSocket connected"
    assert said[1].startswith("Initial status: {")
    assert [line for line in said if line.startswith(("Progress", "Status", "WebSocket"))] == [
        "WebSocket connected",
        "Progress: 45%",
        "Status: processing",
        "Progress: 100%",
        "Status: completed",
        "WebSocket disconnected",
    ]


async def lines_until(client: asyncio.subprocess.Process, last: str) -> list[str]:
    """Return what a client prints, up to this line."""
    assert client.stdout is not None
    lines: list[str] = []
    while last not in lines:
        line = await client.stdout.readline()
        assert line, f"the client ended after {lines}"
        lines.append(line.decode().rstrip())
    return lines


class Response:
    """What the example in Python does with an answer."""

    def __init__(self, status_code: int, body: bytes) -> None:
        self.status_code = status_code
        self._body = body

    def json(self) -> Any:
        return json.loads(self._body)


class Client:
    """The test client that the example in Python has."""

    def __init__(self, url: str) -> None:
        self._url = url

    def post(self, path: str, *, json: object) -> Response:  # its own name
        return self._send("POST", path, json)

    def get(self, path: str) -> Response:
        return self._send("GET", path)

    def _send(self, method: str, path: str, body: object = None) -> Response:
        request = urllib.request.Request(  # noqa: S310 - the test's own service
            self._url + path,
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:  # noqa: S310 - the same
            return Response(answer.status, answer.read())


async def test_its_python_example_holds(service: RunningService) -> None:
    text = (EXAMPLES / "example.py.txt").read_text().replace("transcription", "slide_extraction")
    code = compile(text, "example.py", "exec")
    names: dict[str, Any] = {"client": Client(service.url)}
    await asyncio.to_thread(exec, code, names)
    assert names["response"].json()["job_type"] == "slide_extraction"
