"""The figures that decide: what the service reached, beside its floors and the bare fan-out."""

from collections.abc import Iterable

from benchmarks.report import Figure
from benchmarks.serving.results import Fuzz, Lists, Start, Streams

# What the service must reach: the floor without which nothing lands, and the goal.
CLIENTS = 10_000
PRESENT = 50_000
CASES = 10_000
DELAY_MS = (100.0, 50.0)
MEMORY_KIB = (25.0, 15.0)
SHARE = (0.9, 0.97)
"""One of thirty events may come just before or after the stretch that is measured."""
CPU_RATIO = (1.5, 1.25)
LIST_MS = (100.0, 20.0)
READY_S = (15.0, 10.0)


def figures(
    start: Start | None, lists: Iterable[Lists], streams: Streams | None, fuzz: Fuzz | None
) -> list[Figure]:
    """Return the figures; floors hold for the sizes that they were set for, others are shown."""
    found = start_figures(start) if start else []
    found += [list_figure(one) for one in lists]
    found += stream_figures(streams) if streams else []
    return found + (fuzz_figures(fuzz) if fuzz else [])


def start_figures(start: Start) -> list[Figure]:
    """Return how long a start takes."""
    judged = start.present >= PRESENT
    return [
        _less(
            f"{start.present:,} finished: start to ready",
            start.ready_s,
            "s",
            READY_S if judged else None,
            f"{start.memory_mib:.0f} MiB then; a bare client reads as many in {start.bare_s:.1f} s",
        )
    ]


def list_figure(one: Lists) -> Figure:
    """Return how long a page takes."""
    return _less(
        f"{one.present:,} finished: page, {one.what}: p99",
        one.p99_ms,
        "ms",
        LIST_MS if one.present >= PRESENT else None,
        f"median {one.p50_ms:.1f} ms of {one.requests:,}",
    )


def stream_figures(streams: Streams) -> list[Figure]:
    """Return what clients get, and what they cost."""
    name = f"{streams.clients:,} clients, {streams.jobs:,} jobs"
    judged = streams.clients >= CLIENTS
    every, some, bare = streams.all_read, streams.some_stuck, streams.bare
    rate = every.events / every.seconds
    return [
        _less(
            f"{name}: p99 from watch event to socket",
            every.delay_p99_ms,
            "ms",
            DELAY_MS,
            f"median {every.delay_p50_ms:.1f} ms, longest {every.delay_max_ms:.0f} ms, "
            f"{rate:,.0f} events a second",
        ),
        _less(
            f"{name}: memory a client",
            streams.memory_kib,
            "KiB",
            MEMORY_KIB if judged else None,
            f"bare fan-out {streams.bare_memory_kib:.1f} KiB",
        ),
        Figure(
            name=f"{name}: least that any client got of its job's events",
            value=every.least_share,
            floor=SHARE[0],
            goal=SHARE[1],
            beside=f"longest wait between two {every.longest_gap_s:.1f} s, "
            f"{streams.lost} connections lost",
        ),
        _less(
            f"{name}: CPU an event, times the bare fan-out's",
            every.cpu_us / bare.cpu_us if bare.cpu_s else None,
            "x",
            CPU_RATIO if judged else None,
            f"{100 * every.core:.0f} % of a core, bare {100 * bare.core:.0f} %",
        ),
        _less(
            f"{name}, {streams.stuck:,} of them stuck: p99 of the others",
            some.delay_p99_ms,
            "ms",
            DELAY_MS,
            f"least share {some.least_share:.2f}, {100 * some.core:.0f} % of a core",
        ),
        _less(
            f"{name}, {streams.stuck:,} of them stuck: memory each of them adds",
            streams.stuck_memory_kib,
            "KiB",
            MEMORY_KIB if judged else None,
            "a queue would grow by an event a second",
        ),
    ]


def fuzz_figures(fuzz: Fuzz) -> list[Figure]:
    """Return how strange requests were answered."""
    judged = fuzz.wanted >= CASES
    name = f"{fuzz.cases:,} requests made of the API's description"
    return [
        _less(f"{name}: 5xx", fuzz.server_errors, "", (0.0, 0.0) if judged else None, ""),
        _less(
            f"{name}: answers that it does not describe",
            len(fuzz.failures),
            "",
            (0.0, 0.0) if judged else None,
            "; ".join(fuzz.failures[:3]),
        ),
    ]


def _less(
    name: str, value: float | None, unit: str, marks: tuple[float, float] | None, beside: str
) -> Figure:
    floor, goal = marks or (None, None)
    return Figure(
        name=name, value=value, unit=unit, better="less", floor=floor, goal=goal, beside=beside
    )
