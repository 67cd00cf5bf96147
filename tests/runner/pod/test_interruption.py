"""What stops an attempt from outside, and what it leaves to the next."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.runner.gate import Gate
from tests.runner.pod.conftest import MakeExtraction, MakePod
from tests.runner.pod.extraction import Ended, Extraction, Pod
from tests.runner.sources.media_server import MediaServer, Resource

pytestmark = pytest.mark.api

STOP_LIMIT_S = 10.0
"""From SIGTERM to the end, by the contract."""
SLOW = 1000
"""Bytes at a time: 400 kB/s over four connections, so that a third of the talk takes seconds and
the rest longer than anything that a test does meanwhile."""
BRISK = 6000
"""The same for runs that go on to their end."""


@pytest.fixture
def slow_url(server: MediaServer, large_talk: bytes) -> str:
    """A talk that takes longer to fetch than to be stopped."""
    return server.put("/talk.mp4", Resource(large_talk, drips=SLOW))


@pytest.fixture
def brisk_url(server: MediaServer, large_talk: bytes) -> str:
    """A talk that takes seconds to fetch."""
    return server.put("/talk.mp4", Resource(large_talk, drips=BRISK))


@contextmanager
def downloading(extraction: Extraction, pod: Pod) -> Iterator[list[Ended]]:
    """Yield while the pod downloads; how it ended is in the list afterwards."""
    ends: list[Ended] = []
    with pod.running() as process:
        extraction.wait_for(lambda status: status.get("run", {}).get("percent", 0) > 10)
        yield ends
        ends.append(pod.ended(process))


def stop(extraction: Extraction, pod: Pod) -> Ended:
    """Return how the pod ends when it gets SIGTERM in its download."""
    with pod.running() as process:
        extraction.wait_for(lambda status: status.get("run", {}).get("percent", 0) > 10)
        process.send_signal(signal.SIGTERM)
        return pod.ended(process, within_s=STOP_LIMIT_S)


def test_sigterm_ends_in_time_and_the_next_attempt_resumes(
    server: MediaServer,
    slow_url: str,
    large_talk: bytes,
    make_extraction: MakeExtraction,
    make_pod: MakePod,
) -> None:
    extraction = make_extraction(slow_url)
    first, second = make_pod(extraction), make_pod(extraction, attempt=2)
    second.variables["WORK_DIR"] = str(first.work_dir)  # a claim

    ended = stop(extraction, first)
    sent, run = server.sent_bytes(), extraction.status()["run"]
    server.put("/talk.mp4", Resource(large_talk))
    again = second.run()

    assert (ended.exit_code, ended.words["reason"]) == (143, "Interrupted")
    assert (run["attempt"], run["reason"]) == (1, "Interrupted")
    assert run["message"] == ended.words["message"]
    assert "Traceback" not in ended.log
    assert (again.exit_code, extraction.status()["run"]["attempt"]) == (0, 2)
    assert server.sent_bytes() < len(large_talk) + 0.1 * sent


def test_sigterm_ends_a_run_that_hangs(
    server: MediaServer, large_talk: bytes, make_extraction: MakeExtraction, make_pod: MakePod
) -> None:
    # Its page is asked for without a step in which a run could be told to stop.
    url = server.put("/talk.mp4", Resource(large_talk, hangs=True))
    extraction = make_extraction(url)
    pod = make_pod(extraction)

    with pod.running() as process:
        extraction.wait_for(lambda status: status.get("run"))
        process.send_signal(signal.SIGTERM)
        ended = pod.ended(process, within_s=STOP_LIMIT_S)

    assert (ended.exit_code, ended.words["reason"]) == (143, "Interrupted")
    assert extraction.status()["run"]["reason"] == "Interrupted"


def test_sigterm_ends_in_time_without_an_api_server(
    slow_url: str, make_extraction: MakeExtraction, make_pod: MakePod, gate: Gate
) -> None:
    extraction = make_extraction(slow_url)
    pod = make_pod(extraction)

    with pod.running() as process:
        extraction.wait_for(lambda status: status.get("run", {}).get("percent", 0) > 10)
        gate.close()
        process.send_signal(signal.SIGTERM)
        ended = pod.ended(process, within_s=STOP_LIMIT_S)

    assert (ended.exit_code, ended.words["reason"]) == (143, "Interrupted")


def test_api_server_that_is_away_for_a_while_costs_nothing(
    brisk_url: str, make_extraction: MakeExtraction, make_pod: MakePod, gate: Gate
) -> None:
    extraction = make_extraction(brisk_url)

    with downloading(extraction, make_pod(extraction)) as ends:
        gate.close()
        before = extraction.status()["run"]
        time.sleep(4)
        assert extraction.status()["run"] == before
        gate.open()

    status = extraction.status()
    assert (ends[0].exit_code, status["run"]["reason"]) == (0, "Completed")
    assert status["result"]["slideCount"] == 2
    assert sum("cannot be written" in one["event"] for one in ends[0].lines) == 1


def test_api_server_that_stays_away_does_not_fail_the_run(
    brisk_url: str, make_extraction: MakeExtraction, make_pod: MakePod, gate: Gate
) -> None:
    extraction = make_extraction(brisk_url)

    with downloading(extraction, make_pod(extraction)) as ends:
        gate.close()

    assert (ends[0].exit_code, ends[0].words["reason"]) == (0, "Completed")
    assert "result" not in extraction.status()


def test_run_of_a_deleted_resource_stops(
    slow_url: str, make_extraction: MakeExtraction, make_pod: MakePod
) -> None:
    extraction = make_extraction(slow_url)

    with downloading(extraction, make_pod(extraction)) as ends:
        extraction.delete()

    assert (ends[0].exit_code, ends[0].words["reason"]) == (143, "Interrupted")
    assert "deleted" in ends[0].words["message"]


def test_attempt_stops_when_a_later_one_reports(
    slow_url: str, make_extraction: MakeExtraction, make_pod: MakePod
) -> None:
    extraction = make_extraction(slow_url)

    with downloading(extraction, make_pod(extraction)) as ends:
        extraction.apply_status({"run": {"attempt": 2}}, manager="slides-runner")

    assert (ends[0].exit_code, ends[0].words["reason"]) == (143, "Interrupted")
    assert "a later attempt" in ends[0].words["message"]
    assert extraction.status()["run"] == {"attempt": 2}


def test_pod_cannot_write_the_status_of_another_resource(
    url: str, make_extraction: MakeExtraction, make_pod: MakePod
) -> None:
    own, other = make_extraction(url), make_extraction(url)
    pod = make_pod(own)
    pod.task |= {"name": other.name, "uid": other.uid}

    ended = pod.run()

    assert ended.exit_code == 143
    assert "run" not in other.read().get("status", {})
