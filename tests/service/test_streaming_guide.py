"""docs/streaming.md: every example in it is run, and what it says comes, comes."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

from tests.service.conftest import PASSWORD, RunningService, until
from tests.service.objects import PHASES
from tests.service.test_frames import KEYS
from tests.service.test_streams import at_work, status

pytestmark = pytest.mark.api

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "streaming.md").read_text()
BLOCK = re.compile(r"^<!-- (\S+) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES: dict[str, str] = dict(BLOCK.findall(GUIDE))
DENO = Path(sys.executable).parent / "deno"
"""Has fetch and EventSource, as a browser has."""
VIDEO = "dQw4w9WgXcQ"
LIMIT_S = 60.0
JAVASCRIPT = """
const url = Deno.env.get("SLIDES_URL");
const headers = { Authorization: `Bearer ${Deno.env.get("API_PASSWORD")}` };
const show = (state) => console.log(state.status);
try {
  await follow(url, headers, "%s", show);
} catch (error) {
  console.log(error.message);
}
"""


class Caller:
    """Somebody who runs the guide's examples."""

    def __init__(self, service: RunningService) -> None:
        self.service = service
        self.name = ""

    async def start(self, *words: str, **variables: str) -> asyncio.subprocess.Process:
        """Start a program as a caller has it."""
        home = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        known = {"SLIDES_URL": self.service.url, "API_PASSWORD": PASSWORD, "NO_COLOR": "1"}
        return await asyncio.create_subprocess_exec(
            *words,
            env=home | known | variables,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def printed(self, process: asyncio.subprocess.Process) -> str:
        """Wait for the program's end, and return what it printed."""
        async with asyncio.timeout(LIMIT_S):
            out, complaints = await process.communicate()
        assert process.returncode == 0, complaints.decode()
        return out.decode()

    async def followed(self) -> None:
        """Wait until somebody follows a job."""
        await until(lambda: len(self.service.parts.audience) > 0, LIMIT_S)

    async def left(self) -> None:
        """Wait until nobody does."""
        await until(lambda: len(self.service.parts.audience) == 0, LIMIT_S)


@pytest.fixture
async def caller(service: RunningService) -> Caller:
    made = Caller(service)
    spec = {"source": {"url": f"youtube:{VIDEO}"}}
    made.name = (await service.create(spec))["metadata"]["name"]
    await service.set_status(made.name, at_work(1200))
    return made


def events(printed: str) -> list[tuple[str, str]]:
    """Return id and status of the events in a stream."""
    states = re.findall(r"^id: (\d+)\ndata: (.*)$", printed, re.MULTILINE)
    return [(version, json.loads(state)["status"]) for version, state in states]


async def test_curl_follows_and_comes_back(caller: Caller) -> None:
    process = await caller.start("bash", "-euc", EXAMPLES["follow.sh"])
    await caller.followed()
    await caller.service.set_status(caller.name, status("Completed"))
    printed = await caller.printed(process)

    assert printed.startswith("retry: 2000\n\nid: ")
    assert [word for _, word in events(printed)] == ["extracting", "completed"]
    (first, _), (last, _) = events(printed)
    for known, want in [(first, ["completed"]), (last, [])]:
        again = await caller.start("bash", "-euc", EXAMPLES["resume.sh"], LAST_ID=known)
        assert [word for _, word in events(await caller.printed(again))] == want


async def test_event_source_follows_with_tickets_across_a_break(caller: Caller) -> None:
    script = EXAMPLES["follow.js"] + JAVASCRIPT % VIDEO
    process = await caller.start(str(DENO), "eval", "--no-lock", script)
    await caller.followed()
    for client in [*caller.service.parts.audience.clients()]:
        client.transport.abort()
    await caller.left()
    await caller.service.set_status(caller.name, status("Completed"))

    assert (await caller.printed(process)).split() == ["extracting", "completed"]


async def test_event_source_says_that_a_job_is_unknown(caller: Caller) -> None:
    script = EXAMPLES["follow.js"] + JAVASCRIPT % "nothing"
    process = await caller.start(str(DENO), "eval", "--no-lock", script)

    assert (await caller.printed(process)).strip() == "Job not found: nothing"


async def test_python_follows_across_a_break(caller: Caller) -> None:
    process = await caller.start(sys.executable, "-u", "-c", EXAMPLES["follow.py"])
    await caller.followed()
    for client in [*caller.service.parts.audience.clients()]:
        client.send_away()
    await caller.left()
    await caller.service.set_status(caller.name, status("Failed"))

    told = (await caller.printed(process)).splitlines()
    assert told == ["extracting Frame 1200 of 2400", f"failed {PHASES['Failed']['message']}"]


def test_the_guide_shows_a_state_with_its_every_key() -> None:
    shown = re.findall(r"^data: (\{.*\})$", GUIDE, re.MULTILINE)

    assert [list(json.loads(state)) for state in shown] == [KEYS, KEYS]


def test_every_example_is_run() -> None:
    source = Path(__file__).read_text()

    assert [name for name in EXAMPLES if f'EXAMPLES["{name}"]' not in source] == []
