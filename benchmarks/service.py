"""Measure the service under load: python -m benchmarks.service, or `make bench-service`.

Runs it as a process of its own, on one core, beside a light cluster (a real API server); thousands
of clients follow jobs by server-sent events, others page through tens of thousands of them, and a
fuzzer sends what the API's description allows. Beside it a bare aiohttp fan-out writes the same
bytes to as many clients. Writes build/bench/service.json; exits 1 when a floor is missed.
"""

import argparse
import asyncio
import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from benchmarks.reconciling.api import open_api
from benchmarks.reconciling.burst import fresh_cluster
from benchmarks.report import (
    HEADINGS,
    insert,
    markdown,
    print_figures,
    rows,
    this_machine,
    write,
)
from benchmarks.serving.figures import CASES, CLIENTS, PRESENT, figures
from benchmarks.serving.fuzzing import fuzz_service
from benchmarks.serving.listing import measure_lists
from benchmarks.serving.load import fill, read_all, wait_until_known
from benchmarks.serving.program import run_service
from benchmarks.serving.results import Fuzz, Lists, Results, Start, Streams
from benchmarks.serving.streaming import Course, measure_streams
from slides_operator.service.feed import PAGE

ROOT = Path(__file__).parent.parent
RESULT = ROOT / "build" / "bench" / "service.json"
FUZZ_LOG = RESULT.with_name("service-fuzz.txt")
"""What schemathesis said, with a curl command for each failure."""
DOCUMENT = ROOT / "docs" / "benchmarks.md"
PARTS = ("streams", "lists", "fuzz")
JOBS = 200
STUCK = 500
SECONDS = 30.0
LIST_REQUESTS = 500
SPARE_FILES = 200
"""What a process opens besides connections."""

Say = Callable[[str], None]


async def run(options: argparse.Namespace, say: Say) -> Results:
    """Measure what the command line asks for, on a cluster of its own."""
    course = Course(
        clients=min(options.clients, most_clients()),
        jobs=options.jobs,
        stuck=options.stuck,
        seconds=options.seconds,
    )
    if course.clients < options.clients:
        say(f"The limit of open files allows for {course.clients:,} clients.")
    lists: list[Lists] = []
    streams: Streams | None = None
    fuzz: Fuzz | None = None
    with TemporaryDirectory(prefix="bench-") as name, fresh_cluster() as cluster:
        folder = Path(name)
        say(f"Creating {options.finished:,} finished jobs and {course.jobs:,} at work.")
        async with open_api(cluster.kubeconfig) as api:
            await fill(api, cluster.etcd, finished=options.finished, running=course.jobs)
            await wait_until_known(api)
            bare_s = await read_all(api, page=PAGE)
        with run_service(cluster.kubeconfig, folder / "service.log") as (service, health):
            ready_s = await service.wait_until_ready(health, "/readyz")
            memory_mib = service.memory_kib() / 1024
            start = Start(
                present=options.finished, ready_s=ready_s, memory_mib=memory_mib, bare_s=bare_s
            )
            say(f"Ready after {ready_s:.1f} s.")
            if "lists" in options.parts:
                lists = await measure_lists(service, options.finished, options.list_requests)
                say("Lists are measured.")
            if "streams" in options.parts:
                streams = await measure_streams(
                    service, cluster.kubeconfig, cluster.etcd, folder, course
                )
                say("Streams are measured.")
            if "fuzz" in options.parts:
                FUZZ_LOG.parent.mkdir(parents=True, exist_ok=True)
                fuzz = await fuzz_service(service, options.cases, options.finished, FUZZ_LOG)
                say("Strange requests are answered.")
    return Results(
        title="The service under load",
        machine=this_machine(os.cpu_count()),
        figures=figures(start, lists, streams, fuzz),
        start=start,
        lists=lists,
        streams=streams,
        fuzz=fuzz,
    )


def most_clients() -> int:
    """Raise the bound of open files to the highest allowed; return how many clients it allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return sys.maxsize if most == resource.RLIM_INFINITY else most - SPARE_FILES


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.service",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--parts", type=parts, default=PARTS, help=f"comma list (default: {','.join(PARTS)})")
    add("--clients", type=int, default=CLIENTS, help=f"that follow jobs (default: {CLIENTS:,})")
    add("--jobs", type=int, default=JOBS, help=f"that they follow (default: {JOBS})")
    add("--stuck", type=int, default=STUCK, help=f"clients that stop reading (default: {STUCK})")
    add("--seconds", type=float, default=SECONDS, help=f"of a stretch (default: {SECONDS:.0f})")
    add("--finished", type=int, default=PRESENT, help=f"jobs besides (default: {PRESENT:,})")
    add("--list-requests", type=int, default=LIST_REQUESTS, help="of each kind of page")
    add("--cases", type=int, default=CASES, help=f"of the fuzzer (default: {CASES:,})")
    add("--write-docs", action="store_true", help="put the figures into docs/benchmarks.md")
    add("--replay", type=Path, help="show a saved result again instead of measuring")
    return parser.parse_args(arguments)


def parts(text: str) -> tuple[str, ...]:
    """Return the parts of a comma list. Raises ValueError for others."""
    chosen = tuple(text.split(","))
    if unknown := set(chosen) - set(PARTS):
        raise ValueError(f"no such part: {', '.join(sorted(unknown))}")
    return chosen


def main(arguments: Sequence[str]) -> int:
    """Measure, show and save; return the exit code."""
    options = parsed(arguments)
    # Told to end, it ends what it started too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    console = Console(width=None if sys.stdout.isatty() else 160)

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    if options.replay:
        results = Results.model_validate_json(options.replay.read_text())
    else:
        results = asyncio.run(run(options, say))
        write(results, RESULT)
    print_figures(results, console)
    if options.write_docs:
        write_docs(results)
    return results.exit_code


def write_docs(results: Results) -> None:
    """Put a run's figures between the document's markers."""
    machine = results.machine
    insert(
        DOCUMENT,
        "service-machine",
        f"{machine.processor}, {machine.cores} cores, {machine.system}, Python {machine.python}; "
        f"{machine.measured_at:%d %B %Y}.",
    )
    insert(DOCUMENT, "service-figures", markdown(HEADINGS, rows(results.figures)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
