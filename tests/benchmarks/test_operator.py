"""The operator's benchmark: small runs of each scenario, and what is made of their figures."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.operator import counts, parsed
from benchmarks.reconciling.audit import Audit
from benchmarks.reconciling.burst import measure_burst
from benchmarks.reconciling.figures import figures
from benchmarks.reconciling.life import Course, live, percentile
from benchmarks.reconciling.load import filled, status_text
from benchmarks.reconciling.plot import draw
from benchmarks.reconciling.results import Burst, Restart, Results, Stretch
from benchmarks.reconciling.tables import tables
from benchmarks.reconciling.watching import Seen, wait_for
from benchmarks.report import this_machine
from tests.cluster.light import TOOLS


def burst(count: int = 2_000, *, operator_s: float = 15.0) -> Burst:
    return Burst(count=count, bare_pairs_s=6, bare_s=10, operator_s=operator_s, operator_cpu_s=5)


def stretch(present: int = 10_000, **more: object) -> Stretch:
    return Stretch.model_validate(
        {
            "present": present,
            "lived": 5_000,
            "seconds": 200,
            "active_peak": 1_000,
            "delay_p50_s": 0.1,
            "delay_p99_s": 1.5,
            "delay_max_s": 1.9,
            "writes": {"create jobs": 5_000, "patch slideextractions/status": 25_000},
            "own_count": 30_000,
            "repeated": 15_000,
            "memory_mib": 200,
            "cpu_s": 20,
            "restarts": [restart("SIGTERM"), restart("SIGKILL")],
            **more,
        }
    )


def restart(how: str, *, writes: int = 0, memory_mib: float = 210) -> Restart:
    return Restart(how=how, steady_s=9, writes=writes, memory_mib=memory_mib)


def failing(*stretches: Stretch, bursts: tuple[Burst, ...] = ()) -> list[str]:
    return [figure.name for figure in figures(bursts, stretches) if figure.fails]


def test_figures_that_reach_their_floors_pass() -> None:
    assert failing(stretch(), bursts=(burst(),)) == []


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        pytest.param(stretch(delay_p99_s=2.1), "p99 from a Job's end", id="slow"),
        pytest.param(stretch(memory_mib=251), "peak memory", id="big"),
        pytest.param(stretch(restarts=[restart("SIGTERM", memory_mib=251)]), "peak memory",
                     id="big after a restart"),
        pytest.param(stretch(repeated=0), "writes a resource", id="writes too much"),
        pytest.param(stretch(restarts=[restart("SIGTERM", writes=1)]), "SIGTERM: writes",
                     id="writes on restart"),
    ],
)  # fmt: skip
def test_a_floor_missed_fails(bad: Stretch, name: str) -> None:
    (figure,) = failing(bad)

    assert name in figure


def test_a_slow_burst_fails_at_the_size_that_counts() -> None:
    assert failing(bursts=(burst(operator_s=18.1),)) == [
        "2,000 at once: times the bare client's time"
    ]
    assert failing(bursts=(burst(5_000, operator_s=18.1),)) == []


def test_writes_are_told_with_and_without_what_repeats_the_runner() -> None:
    busy = stretch(writes={"create jobs": 5_000, "patch jobs, refused": 500}, repeated=2_500)

    assert (busy.writes_each, busy.writes_apart, busy.refused_each) == (1.0, 0.5, 0.1)


@pytest.mark.parametrize(
    ("share", "want"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)], ids=str
)
def test_percentile_is_a_value_that_was_measured(share: float, want: int) -> None:
    assert percentile(range(1, 101), share) == want


def test_a_resource_that_succeeded_before_its_job_was_seen_to_end_took_no_time() -> None:
    assert Seen(job_ended=2.0, succeeded=1.9).delay_s == 0
    assert Seen(job_ended=2.0, succeeded=2.5).delay_s == 0.5
    assert Seen(job_ended=2.0).delay_s is None


def test_only_phases_that_the_runner_said_are_repeated() -> None:
    seen = Seen(phases=["Pending", "Downloading", "Extracting", "Uploading", "Completed"])

    assert seen.repeated == 3


def test_a_template_is_filled_with_a_resource_of_its_own() -> None:
    assert filled(status_text(), "talk-1", "abcdef01-2")["metadata"] == {"name": "talk-1"}


def test_counts_what_the_operator_wrote_and_nothing_else(tmp_path: Path) -> None:
    audit = Audit(tmp_path)
    log = next(Path(flag.split("=")[1]) for flag in audit.flags if "log-path" in flag)
    ref = {"resource": "slideextractions", "subresource": "status"}

    def line(agent: str, code: int) -> str:
        event = {"verb": "patch", "userAgent": agent, "objectRef": ref}
        return json.dumps({**event, "responseStatus": {"code": code}}, separators=(",", ":")) + "\n"

    log.write_text(line("slides-operator", 200) + line("bench", 200) + line("slides-op", 200)[:40])
    assert dict(audit.writes()) == {"patch slideextractions/status": 1}

    log.write_text(line("slides-operator", 200) + line("bench", 200) + line("slides-operator", 409))
    assert dict(audit.writes()) == {
        "patch slideextractions/status": 1,
        "patch slideextractions/status, refused": 1,
    }


async def test_waits_no_longer_than_it_may() -> None:
    with pytest.raises(TimeoutError, match="rain: not after"):
        await asyncio.wait_for(wait_for(lambda: False, "rain", limit_s=0.05), 5)


def test_the_plot_is_a_picture_of_every_figure() -> None:
    results = Results(
        title="t",
        machine=this_machine(2),
        figures=[],
        bursts=[burst(1_000), burst()],
        stretches=[stretch(1_000), stretch(2_000)],
    )

    picture = ET.fromstring(draw(results))  # noqa: S314 - our own

    lines = picture.findall(".//{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 7
    assert {len(line.attrib["points"].split()) for line in lines} == {2}
    assert [title for title, _, _ in tables(results)] == [
        "Applied at once",
        "Whole lives",
        "What the operator writes",
    ]


def test_sizes_are_a_comma_list() -> None:
    assert counts("2000,1000") == (1000, 2000)
    assert parsed(["--life", "20"]).life == (20,)


def test_settings_are_names_and_values() -> None:
    assert parsed(["--setting", "WORKERS=8"]).setting == [("WORKERS", "8")]


@pytest.mark.api
def test_a_burst_is_measured_beside_the_bare_client(build_tools: Callable[..., None]) -> None:
    build_tools(*TOOLS)
    told: list[str] = []

    measured = measure_burst(10, rounds=1, say=told.append, settings={})

    assert min(measured.bare_pairs_s, measured.bare_s, measured.operator_s) > 0
    assert len(told) == 1


@pytest.mark.api
def test_whole_lives_are_measured(build_tools: Callable[..., None]) -> None:
    build_tools(*TOOLS)
    course = Course(checkpoints=(10,), active=5, run_s=0.5, talkative=True, settings={})

    (lived,) = live(course, lambda _: None)

    assert (lived.present, lived.lived) == (10, 10)
    assert 1 <= lived.active_peak <= 5
    assert lived.writes["create jobs"] == 10
    assert [(one.how, one.writes) for one in lived.restarts] == [("SIGTERM", 0), ("SIGKILL", 0)]
    # The operator's own count has what concerns its Lease besides.
    assert lived.own_count >= sum(lived.writes.values())
