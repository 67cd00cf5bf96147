"""The service's benchmark: a small run of each part, and what is made of its figures."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.service import most_clients, parsed, parts, run
from benchmarks.serving.crowd import Arrival, Crowd
from benchmarks.serving.figures import figures
from benchmarks.serving.load import finished_status, running_status
from benchmarks.serving.load import run as runners_words
from benchmarks.serving.results import Fuzz, Lists, Start, Streams, Stretch
from benchmarks.serving.streaming import least_share, longest_gap
from benchmarks.serving.witness import read
from slides_api.v1alpha1 import SlideExtractionStatus
from slides_operator.service.frames import event, state_json
from slides_operator.service.records import record_of
from tests.cluster.light import TOOLS
from tests.service.objects import extraction


def stretch(**more: Any) -> Stretch:
    made = {"seconds": 30, "readers": 10_000, "events": 300_000, "cpu_s": 9, "least_share": 1}
    delays = {"delay_p50_ms": 4, "delay_p99_ms": 40, "delay_max_ms": 90, "longest_gap_s": 1.1}
    return Stretch.model_validate(made | delays | more)


def streams(**more: Any) -> Streams:
    made = {"clients": 10_000, "jobs": 200, "memory_kib": 12, "lost": 0, "all_read": stretch()}
    stuck = {"stuck": 500, "some_stuck": stretch(), "stuck_memory_kib": 1}
    bare = {"bare": stretch(cpu_s=8), "bare_memory_kib": 10}
    return Streams.model_validate(made | stuck | bare | more)


def lists(**more: Any) -> Lists:
    made = {"present": 50_000, "what": "newest", "requests": 500, "p50_ms": 2, "p99_ms": 5}
    return Lists.model_validate(made | more)


def failing(*measured: Start | Lists | Streams | Fuzz) -> list[str]:
    def one(kind: type) -> Any:
        return next((part for part in measured if isinstance(part, kind)), None)

    pages = [part for part in measured if isinstance(part, Lists)]
    found = figures(one(Start), pages, one(Streams), one(Fuzz))
    return [figure.name for figure in found if figure.fails]


def test_figures_that_reach_their_floors_pass() -> None:
    start = Start(present=50_000, ready_s=9, memory_mib=200, bare_s=8)
    fuzz = Fuzz(wanted=10_000, cases=10_000, server_errors=0, failures=[])

    assert failing(start, lists(), streams(), fuzz) == []


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        pytest.param(
            Start(present=50_000, ready_s=16, memory_mib=9, bare_s=8), "ready", id="slow start"
        ),
        pytest.param(lists(p99_ms=101), "page, newest", id="slow list"),
        pytest.param(streams(all_read=stretch(delay_p99_ms=101)), "to socket", id="late"),
        pytest.param(streams(memory_kib=26), "memory a client", id="big"),
        pytest.param(streams(all_read=stretch(least_share=0.5)), "least that any", id="starved"),
        pytest.param(streams(all_read=stretch(cpu_s=13)), "CPU an event", id="busy"),
        pytest.param(streams(some_stuck=stretch(delay_p99_ms=101)), "of the others", id="held up"),
        pytest.param(streams(stuck_memory_kib=26), "each of them adds", id="a queue"),
        pytest.param(
            Fuzz(wanted=10_000, cases=10_000, server_errors=1, failures=["x"]), "5xx", id="broken"
        ),
        pytest.param(
            Fuzz(wanted=10_000, cases=10_000, server_errors=0, failures=["x"]), "describe", id="odd"
        ),
    ],
)
def test_a_floor_missed_fails(bad: Start | Lists | Streams | Fuzz, name: str) -> None:
    assert any(name in figure for figure in failing(bad))


def test_small_runs_are_shown_and_not_judged() -> None:
    assert failing(Start(present=500, ready_s=60, memory_mib=9, bare_s=8)) == []
    assert failing(Fuzz(wanted=500, cases=500, server_errors=3, failures=["x"])) == []
    assert failing(streams(clients=50, memory_kib=100)) == []


def arrivals(*pairs: tuple[float, int]) -> list[Arrival]:
    return [Arrival(at, client, 1) for at, client in pairs]


def test_the_longest_gap_is_any_clients_and_counts_both_ends() -> None:
    assert longest_gap(arrivals((1, 0), (2, 1), (3, 0)), 0, 5, range(2)) == 3
    assert longest_gap(arrivals((1, 0), (3, 0)), 0, 9, range(1)) == 6
    assert longest_gap([], 0, 5, range(1)) == 5


def test_a_client_is_starved_beside_others_of_its_job() -> None:
    came = arrivals((1, 2), (2, 2), (1, 1), (1, 3))

    assert least_share(came, range(1, 4), jobs=2) == 1
    assert least_share([*came, *arrivals((1, 0))], range(4), jobs=2) == 0.5
    assert least_share([], range(2), jobs=2) == 0


def test_the_witness_is_read_up_to_its_last_whole_line(tmp_path: Path) -> None:
    told = tmp_path / "witness"
    told.write_text("101 5.25\n102 6.5\n103 7")

    assert read(told) == {101: 5.25, 102: 6.5}


def test_statuses_are_such_as_the_api_takes() -> None:
    for status in (*map(finished_status, range(5)), running_status(), {"run": runners_words(9)}):
        SlideExtractionStatus.model_validate_json(json.dumps(status))


async def test_a_crowd_notes_every_event_however_it_is_cut() -> None:
    record = record_of(extraction(phase="Extracting"))
    frames = [event(version, state_json(record)).chunk for version in (101, 102, 103)]

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + frames[0])
        await asyncio.sleep(0.1)
        writer.write(b"".join(frames[1:]))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        crowd = Crowd(server.sockets[0].getsockname()[1], ["/a", "/b"])
        await crowd.join(2, small=1)
        async with asyncio.timeout(10):
            while crowd.lost < 2:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.01)

    assert sorted(one.version for one in crowd.arrivals) == [101, 101, 102, 102, 103, 103]
    crowd.leave()


def test_parts_are_a_comma_list() -> None:
    assert parts("lists,fuzz") == ("lists", "fuzz")
    assert parsed([]).parts == ("streams", "lists", "fuzz")
    with pytest.raises(ValueError, match="no such part: rain"):
        parts("rain")


def test_clients_are_as_many_as_files_may_be_open() -> None:
    assert most_clients() > 0


@pytest.mark.api
@pytest.mark.slow
async def test_streams_and_lists_are_measured(build_tools: Callable[..., None]) -> None:
    build_tools(*TOOLS)
    told: list[str] = []
    sizes = "--parts streams,lists --clients 40 --jobs 4 --stuck 4 --seconds 2 --finished 20"

    results = await run(parsed([*sizes.split(), "--list-requests", "3"]), told.append)

    assert results.start is not None
    assert results.streams is not None
    assert results.streams.lost == 0
    assert results.streams.all_read.events > 0
    assert results.streams.some_stuck.readers == 36
    assert results.streams.bare.events > 0
    assert [one.requests for one in results.lists] == [3] * 5
    assert results.fuzz is None
