"""docs/rest.md: every example in it is run, and answers as it says."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import pytest

from slides_operator.kube.cache import Kind
from slides_operator.service.frames import JobState
from slides_operator.service.records import Record
from slides_operator.service.words import Word002
from tests.s3_server import S3Server
from tests.service.conftest import KEY, PASSWORD, RunningService, StartService, until
from tests.service.rest.finished import MANIFEST, PREFIX, finished, settings_of
from tests.service.rest.jobs003 import completed, failed, working

pytestmark = pytest.mark.api

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "rest.md"
BLOCK = re.compile(r"^<!-- (\S+) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES: dict[str, str] = dict(BLOCK.findall(GUIDE.read_text()))
LIMIT_S = 60.0
ID = "dQw4w9WgXcQ"


@dataclass(frozen=True)
class Ran:
    """What an example came to."""

    code: int
    printed: str
    complaints: str

    def json(self) -> Any:
        return json.loads(self.printed)


@dataclass
class Caller:
    """Somebody who runs the guide's examples, before a service with a store."""

    service: RunningService
    bucket: str
    folder: Path

    async def run(self, name: str, **variables: str) -> Ran:
        """Run a shell's example."""
        return await self.run_program("bash", "-euc", EXAMPLES[name], **variables)

    async def run_program(self, *words: str, **variables: str) -> Ran:
        """Run a program as a caller has it."""
        known = {
            "SLIDES_URL": self.service.url,
            "API_PASSWORD": PASSWORD,
            "API_KEY": KEY,
            "PATH": os.environ["PATH"],
        }
        process = await asyncio.create_subprocess_exec(
            *words,
            cwd=self.folder,
            env=known | variables,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(LIMIT_S):
            printed, complaints = await process.communicate()
        return Ran(process.returncode or 0, printed.decode(), complaints.decode())

    async def play(self, end: dict[str, Any], *, followed: bool = True) -> None:
        """Be operator and runner of the extraction that comes: it works, then it ends."""
        drain, streams = self.service.parts.drain, int(followed)
        await until(lambda: bool(self._submitted()) and drain.streams >= streams, LIMIT_S)
        (record,) = self._submitted()
        await self.service.set_status(record.name, working(45))
        # A stream tells no more than one state a second.
        await asyncio.sleep(1.5)
        await self.service.set_status(record.name, end)

    def _submitted(self) -> tuple[Record, ...]:
        here = {self.service.namespace}
        return self.service.parts.store.list(Kind.EXTRACTION, namespaces=here).records


@pytest.fixture
async def caller(
    start_service: StartService, s3_server: S3Server, tmp_path: Path
) -> AsyncIterator[Caller]:
    bucket = s3_server.make_bucket()
    s3_server.put(bucket, f"{PREFIX}manifest.json", json.dumps(MANIFEST).encode())
    async with start_service(**settings_of(s3_server, bucket)) as service:
        yield Caller(service, bucket, tmp_path)


async def test_one_video_is_submitted_tracked_and_streamed(caller: Caller) -> None:
    submitted = (await caller.run("submit.sh")).json()
    again = (await caller.run("submit.sh")).json()
    track = (await caller.run("track.sh")).json()
    stream, _ = await asyncio.gather(caller.run("stream.sh"), caller.play(finished(caller.bucket)))

    shown = json.loads(json_after("submit.sh"))
    assert {**submitted, "job_id": shown["job_id"]} == shown
    assert again["message"] == "Job already in progress"
    assert again["job"] == track
    states = [json.loads(line[6:]) for line in stream.printed.splitlines() if line[:6] == "data: "]
    assert [state["status"] for state in states] == ["pending", "extracting", "completed"]


def test_job_state_is_shown_with_all_its_keys() -> None:
    (shown,) = re.findall(r"interface JobState {\n(.*?)}", GUIDE.read_text(), re.DOTALL)
    (typed,) = re.findall(
        r"class JobState\(TypedDict\):\n(.*?)\n\n", EXAMPLES["follow.py"], re.DOTALL
    )

    assert re.findall(r"^  (\w+):", shown, re.MULTILINE) == list(JobState.model_fields)
    assert re.findall(r"^    (\w+):", typed, re.MULTILINE) == list(JobState.model_fields)
    for words in (shown, typed, EXAMPLES["follow.mjs"]):
        assert re.findall(r'"(\w+)"', words)[: len(get_args(Word002))] == list(get_args(Word002))


async def test_many_videos_are_submitted_and_followed(caller: Caller) -> None:
    submitted = (await caller.run("process.sh")).json()
    status = (await caller.run("status.sh", JOB_ID=submitted["jobId"])).json()

    shown = json.loads(json_after("status.sh"))
    assert set(status) == set(shown)
    assert set(status["items"][0]) == set(shown["items"][0])
    assert set(status["logs"][0]) == set(shown["logs"][0])
    assert [item["code"] for item in status["items"]] == ["ABC123", ID]


async def test_slides_are_as_shown(caller: Caller) -> None:
    await caller.run("submit.sh")
    await caller.play(finished(caller.bucket), followed=False)

    slides = (await caller.run("slides.sh")).json()

    shown = json.loads(json_after("slides.sh"))
    assert set(slides) == set(shown)
    assert set(slides["slides"][0]) == set(shown["slides"][0])
    assert set(slides["slides"][0]["image"]) == set(shown["slides"][0]["image"])
    assert set(slides["artifacts"][0]) == set(shown["artifacts"][0])


async def test_jobs_are_listed(caller: Caller) -> None:
    await caller.run("submit.sh")
    await caller.play(completed(), followed=False)

    assert (await caller.run("jobs.sh")).json()["total"] == 1


async def test_same_key_is_answered_by_the_same_job(caller: Caller) -> None:
    first, second = [(await caller.run("once.sh")).json() for _ in range(2)]

    assert first["job_id"] == second["job_id"]


async def test_problem_is_as_shown(caller: Caller) -> None:
    problem = (await caller.run("wrong.sh")).json()

    shown = json.loads(json_after("wrong.sh"))
    assert {**problem, "request_id": shown["request_id"]} == shown


def json_after(name: str) -> str:
    """Return the next JSON in the guide after an example."""
    after = GUIDE.read_text().partition(f"<!-- {name} -->")[2]
    return after.partition("```json\n")[2].partition("```")[0]


def command_of(name: str) -> list[str]:
    if name.endswith(".py"):
        return [sys.executable, name]
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node on this machine")
    return [node, name]


@pytest.mark.parametrize("name", ["follow.py", "follow.mjs"])
async def test_client_follows_a_video_to_its_slides(caller: Caller, name: str) -> None:
    (caller.folder / name).write_text(EXAMPLES[name])

    ran, _ = await asyncio.gather(
        caller.run_program(*command_of(name), ID), caller.play(finished(caller.bucket))
    )

    lines = ran.printed.splitlines()
    assert (ran.code, ran.complaints) == (0, "")
    assert lines[0] == "Download started"
    assert lines[1].startswith("  0 % pending: ")
    assert " 45 % extracting: Looking for slides" in lines
    assert lines[-2].startswith("100 % completed: ")
    assert lines[-1].startswith("    0.0 s  http")


@pytest.mark.parametrize("name", ["follow.py", "follow.mjs"])
async def test_client_says_why_a_video_failed(caller: Caller, name: str) -> None:
    (caller.folder / name).write_text(EXAMPLES[name])

    ran, _ = await asyncio.gather(
        caller.run_program(*command_of(name), ID), caller.play(failed(message="It is private."))
    )

    assert ran.code == 1
    assert "It is private." in ran.complaints


def test_python_client_is_typed(tmp_path: Path) -> None:
    (tmp_path / "follow.py").write_text(EXAMPLES["follow.py"])
    check = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "follow.py"]

    done = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_old_logs_are_migrated_by_what_is_shown(tmp_path: Path) -> None:
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    (tmp_path / "jobs").mkdir()
    old = {"jobId": "1", "createdAt": "2023-10-01T10:00:00Z", "log": "INFO Begun"}
    (tmp_path / "jobs" / "1.json").write_text(json.dumps(old))

    subprocess.run(["bash", "-euc", EXAMPLES["migrate.sh"]], cwd=tmp_path, check=True)

    new = json.loads((tmp_path / "jobs" / "1.json").read_text())
    assert new["logs"] == [{"ts": "2023-10-01T10:00:00Z", "level": "INFO", "msg": "Begun"}]


def test_every_example_is_run() -> None:
    source = Path(__file__).read_text()

    assert [name for name in EXAMPLES if f'"{name}"' not in source] == []
    fences = re.findall(r"^```(sh|python|javascript)$", GUIDE.read_text(), re.MULTILINE)
    assert len(fences) == len(EXAMPLES) + 1  # the variables are the test's own
