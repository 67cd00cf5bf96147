"""Many clients follow jobs: how late events come, what each client costs, who waits for whom."""

import asyncio
import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reconciling.life import percentile
from benchmarks.serving.crowd import Arrival, Crowd
from benchmarks.serving.load import running_names
from benchmarks.serving.program import KEY, Program, run_bare
from benchmarks.serving.results import Streams, Stretch
from benchmarks.serving.witness import read
from tests.cluster.tools import REPOSITORY

WARM_S = 5.0
"""Until clients, runners and the API server are at their usual pace."""
SETTLE_S = 2.0
"""After the last write of a stretch, until it came to everybody."""


@dataclass(frozen=True)
class Course:
    """How many clients follow how many jobs, and for how long."""

    clients: int
    jobs: int
    stuck: int
    seconds: float


async def measure_streams(
    service: Program, kubeconfig: Path, etcd: str, folder: Path, course: Course
) -> Streams:
    """Measure clients of the service, then as many of the bare fan-out."""
    paths = [f"/jobs/{name}/stream" for name in running_names(course.jobs)]
    gc.disable()  # a collection of all arrivals would be measured as delay
    try:
        crowd = Crowd(service.port, paths, headers=f"X-API-Key: {KEY}\r\n")
        with ExitStack() as stack:
            seen = stack.enter_context(_witness(kubeconfig, folder))
            before = service.memory_kib()
            await crowd.join(course.clients, small=course.stuck)
            stack.callback(crowd.leave)
            stack.enter_context(_runners(etcd, folder, course.jobs))
            await asyncio.sleep(WARM_S)
            all_read = await _stretch(service, crowd, course, seen)
            memory = service.memory_kib()
            for reader in crowd.readers[: course.stuck]:
                reader.stop_reading()
            some_stuck = await _stretch(service, crowd, course, seen, skip=course.stuck)
            grown = service.memory_kib() - memory
            lost = crowd.lost
        bare, bare_memory = await _measure_bare(folder, course)
    finally:
        gc.enable()
    return Streams(
        clients=course.clients,
        jobs=course.jobs,
        memory_kib=(memory - before) / course.clients,
        lost=lost,
        all_read=all_read,
        stuck=course.stuck,
        some_stuck=some_stuck,
        stuck_memory_kib=grown / max(1, course.stuck),
        bare=bare,
        bare_memory_kib=bare_memory,
    )


async def _stretch(
    program: Program, crowd: Crowd, course: Course, seen: Path | None, *, skip: int = 0
) -> Stretch:
    """Let some time pass, and return what came to all clients but the first few."""
    begin, cpu_s = time.monotonic(), program.cpu_s()
    await asyncio.sleep(course.seconds)
    end, cpu_s = time.monotonic(), program.cpu_s() - cpu_s
    await asyncio.sleep(SETTLE_S)
    came = [one for one in crowd.between(begin, end) if one.client >= skip]
    delays = sorted(_delays(came, read(seen))) if seen else [0.0]
    if not delays:
        raise RuntimeError(f"No event came: {program.tail()}")
    return Stretch(
        seconds=end - begin,
        readers=course.clients - skip,
        events=len(came),
        delay_p50_ms=1000 * statistics.median(delays),
        delay_p99_ms=1000 * percentile(delays, 0.99),
        delay_max_ms=1000 * delays[-1],
        least_share=least_share(came, range(skip, course.clients), course.jobs),
        longest_gap_s=longest_gap(came, begin, end, range(skip, course.clients)),
        cpu_s=cpu_s,
    )


def _delays(came: Iterable[Arrival], seen: Mapping[int, float]) -> Iterator[float]:
    """Yield how long each event took; what came before the other watch had it took no time."""
    return (max(0.0, one.at - seen[one.version]) for one in came if one.version in seen)


def least_share(came: Iterable[Arrival], clients: range, jobs: int) -> float:
    """Return what the client with the fewest events got, of the most that one of its job got."""
    counts = dict.fromkeys(clients, 0)
    for one in came:
        counts[one.client] += 1
    most: dict[int, int] = {}
    for client, count in counts.items():
        most[client % jobs] = max(count, most.get(client % jobs, 1))
    return min(count / most[client % jobs] for client, count in counts.items())


def longest_gap(came: Iterable[Arrival], begin: float, end: float, clients: range) -> float:
    """Return the longest time that any client waited between two events, ends included."""
    last = dict.fromkeys(clients, begin)
    longest = 0.0
    for one in came:
        longest = max(longest, one.at - last[one.client])
        last[one.client] = one.at
    return max(longest, *(end - at for at in last.values()))


async def _measure_bare(folder: Path, course: Course) -> tuple[Stretch, float]:
    with run_bare(folder / "bare.log", course.jobs) as bare:
        await bare.wait_until_ready(bare.port, "/ready")
        before = bare.memory_kib()
        crowd = Crowd(bare.port, [f"/jobs/{number}/stream" for number in range(course.jobs)])
        await crowd.join(course.clients)
        await asyncio.sleep(WARM_S)
        stretch = await _stretch(bare, crowd, course, None)
        memory = (bare.memory_kib() - before) / course.clients
        crowd.leave()
    return stretch, memory


@contextmanager
def _witness(kubeconfig: Path, folder: Path) -> Iterator[Path]:
    """Run the other watch until the block ends; give the file that says what it saw."""
    with _beside("witness", folder, str(kubeconfig)) as output:
        yield output


@contextmanager
def _runners(etcd: str, folder: Path, jobs: int) -> Iterator[None]:
    with _beside("runners", folder, etcd, str(jobs)):
        yield


@contextmanager
def _beside(name: str, folder: Path, *arguments: str) -> Iterator[Path]:
    """Run one of these modules until the block ends; raise RuntimeError if it ended before."""
    path, log = folder / name, folder / f"{name}.log"
    with path.open("wb") as output, log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", f"benchmarks.serving.{name}", *arguments],
            cwd=REPOSITORY,
            stdout=output,
            stderr=errors,
        )
    try:
        yield path
        if process.poll() is not None:
            raise RuntimeError(f"The {name} ended: {log.read_text()[-2000:]}")
    finally:
        process.terminate()
        process.wait()
