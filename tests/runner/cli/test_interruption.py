"""Signals stop the command within seconds and leave what the next call goes on from."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from slides_api.exit_codes import ExitCode
from slides_runner.cli.interruption import GRACE_S
from tests.runner.command import command, environment, slides
from tests.runner.sources.media_server import MediaServer, Resource, run_media_server

pytestmark = pytest.mark.slow

STOP_LIMIT_S = 10.0
"""From a signal to the end, by the contract."""
PADDING_BYTES = 4_000_000


@pytest.fixture
def server() -> Iterator[MediaServer]:
    with run_media_server() as running:
        yield running


def large_talk(folder: Path) -> bytes:
    """Return the talk with a box that players pass over, which makes it a large download."""
    box = PADDING_BYTES.to_bytes(4, "big") + b"free" + bytes(PADDING_BYTES - 8)
    return (folder / "talk.mp4").read_bytes() + box


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Yield a call in a session of its own; it is gone at the end in any case."""
    process = subprocess.Popen(
        command("extract", *arguments, "--allow-private", "--verbose", "--output", "out"),
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    """Return the first line on stderr that matches."""
    assert process.stderr
    for line in process.stderr:
        if re.search(pattern, line):
            return line
    pytest.fail(f"it ended without saying {pattern!r}")


SIGNALS = [
    pytest.param(signal.SIGTERM, ExitCode.INTERRUPTED, id="SIGTERM"),
    pytest.param(signal.SIGINT, ExitCode.CTRL_C, id="Ctrl-C"),
]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_signal_stops_a_download_and_the_next_call_goes_on(
    folder: Path, server: MediaServer, number: signal.Signals, code: ExitCode
) -> None:
    body = large_talk(folder)
    url = server.put("/talk.mp4", Resource(body, drips=6000))  # about 600 kB/s and connection

    with running(folder, url, "--json") as process:
        read_until(process, r"Downloading (2\.[3-9]|[34]\.\d)")
        os.kill(process.pid, number)
        out, err = process.communicate(timeout=STOP_LIMIT_S)

    error = json.loads(out)["error"]
    assert process.returncode == code
    assert (error["reason"], error["exitCode"]) == ("Interrupted", code)
    assert "kept in" in error["hint"]
    assert "Traceback" not in err
    assert not (folder / "out").exists()

    server.forget()
    server.put("/talk.mp4", Resource(body))
    again = slides("extract", url, "--allow-private", "--json", "--output", "out", cwd=folder)
    assert (again.exit_code, again.document["reason"]) == (0, "Completed")
    assert server.sent_bytes() < 0.55 * len(body)


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_signal_ends_a_run_that_hangs(
    folder: Path, server: MediaServer, number: signal.Signals, code: ExitCode
) -> None:
    url = server.put("/talk.mp4", Resource(large_talk(folder), stalls_at=1_000_000))

    with running(folder, url, "--json") as process:
        read_until(process, r"Downloading (0\.[5-9]|[1-4])")
        os.kill(process.pid, number)
        out, _ = process.communicate(timeout=STOP_LIMIT_S)

    assert GRACE_S < STOP_LIMIT_S
    assert process.returncode == code
    assert json.loads(out)["error"]["exitCode"] == code


def test_second_ctrl_c_ends_at_once(folder: Path, server: MediaServer) -> None:
    url = server.put("/talk.mp4", Resource(hangs=True))

    with running(folder, url) as process:
        read_until(process, "Asking for the video")
        os.kill(process.pid, signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)  # the first one waits for what can be finished in order
        os.kill(process.pid, signal.SIGINT)
        process.communicate(timeout=GRACE_S - 1)

    assert process.returncode == ExitCode.CTRL_C


def test_signal_stops_all_of_several(folder: Path, server: MediaServer) -> None:
    body = large_talk(folder)
    urls = [server.put(f"/{n}.mp4", Resource(body, drips=2000)) for n in range(3)]

    with running(folder, *urls, "--json", "--jobs", "2") as process:
        read_until(process, r"Downloading 0\.[1-9]")
        os.kill(process.pid, signal.SIGTERM)
        out, _ = process.communicate(timeout=STOP_LIMIT_S)

    documents = [json.loads(line) for line in out.splitlines()]
    assert process.returncode == ExitCode.INTERRUPTED
    assert sorted(one["source"] for one in documents) == sorted(urls)
    assert {one["error"]["reason"] for one in documents} == {"Interrupted"}


def test_people_read_that_it_was_stopped(folder: Path, server: MediaServer) -> None:
    url = server.put("/talk.mp4", Resource(large_talk(folder), drips=2000))

    with running(folder, url) as process:
        read_until(process, r"Downloading 0\.[1-9]")
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=STOP_LIMIT_S)

    assert process.returncode == ExitCode.CTRL_C
    assert "Run the same command again to go on." in err
    assert "Traceback" not in err
