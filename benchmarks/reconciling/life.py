"""Whole lives: resources that come, run and finish, so many at a time, while others are there."""

import asyncio
import math
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from kubernetes.aio.client import ApiClient

from benchmarks.reconciling.api import each, open_api
from benchmarks.reconciling.audit import Audit
from benchmarks.reconciling.bare import create
from benchmarks.reconciling.burst import fresh_cluster
from benchmarks.reconciling.load import names
from benchmarks.reconciling.program import Operator, run_operator, wait_until_leading, writes
from benchmarks.reconciling.restart import measure_restart
from benchmarks.reconciling.results import Stretch
from benchmarks.reconciling.watching import Observer, observing, wait_for
from tests.cluster.light import LightCluster
from tests.cluster.tools import REPOSITORY

FEEDERS = 16
QUIET_S = 3.0
"""Without a write for so long, none follows."""
STALL_S = 300.0
"""Chosen: when no resource finishes for so long, none will."""
ENDS = (signal.SIGTERM, signal.SIGKILL)
"""How the operator is ended before it is started again: as a rollout does, and as a crash does."""


@dataclass(frozen=True)
class Course:
    """How many live, and how."""

    checkpoints: tuple[int, ...]
    """How many are there in all at the end of each stretch."""
    active: int
    """How many are unfinished at a time."""
    run_s: float
    """How long a runner works, in the mean."""
    talkative: bool
    """Whether runners also tell each stage."""
    settings: Mapping[str, str]
    """The operator's, where they are not its defaults."""


def live(course: Course, say: Callable[[str], None]) -> list[Stretch]:
    """Run a course on a cluster of its own and return what was measured, stretch by stretch."""
    with TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        audit = Audit(folder)
        with fresh_cluster(audit.flags) as cluster, _runners(cluster, folder, course):
            return asyncio.run(_live(cluster, audit, folder, course, say))


@contextmanager
def _runners(cluster: LightCluster, folder: Path, course: Course) -> Iterator[None]:
    module = "benchmarks.reconciling.runners"
    options = ["--talkative"] if course.talkative else []
    log = folder / "runners.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, cluster.kubeconfig, str(course.run_s), *options],
            cwd=REPOSITORY,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
        if process.poll() is not None:
            raise RuntimeError(f"The runners ended: {log.read_text()[-2000:]}")
    finally:
        process.terminate()
        process.wait()


async def _live(
    cluster: LightCluster, audit: Audit, folder: Path, course: Course, say: Callable[[str], None]
) -> list[Stretch]:
    async with observing(cluster.kubeconfig) as observer:
        return await _Life(cluster, audit, folder, course, say, observer).run()


@dataclass
class _Life:
    cluster: LightCluster
    audit: Audit
    folder: Path
    course: Course
    say: Callable[[str], None]
    observer: Observer
    created: int = 0

    async def run(self) -> list[Stretch]:
        stretches = []
        async with open_api(self.cluster.kubeconfig) as api:
            with ExitStack() as stack:
                operator = stack.enter_context(self._operator("first"))
                await wait_until_leading(operator)
                for present in self.course.checkpoints:
                    stretch = await self._stretch(api, operator, present)
                    for number in ENDS:
                        operator = await self._restart(stack, operator, number, stretch)
                    stretches.append(stretch)
        return stretches

    async def _stretch(self, api: ApiClient, operator: Operator, present: int) -> Stretch:
        """Let resources live until so many are present and finished."""
        before, own = self.audit.writes(), writes(await operator.samples())
        first, begun, cpu_s = self.created, time.monotonic(), operator.cpu_s()
        self.observer.active_peak = 0
        await self._feed(api, present)
        seconds, cpu_s = time.monotonic() - begun, operator.cpu_s() - cpu_s
        await self._wait_until_quiet()
        lives = list(self.observer.seen.values())[first:]
        delays = sorted(seen.delay_s for seen in lives if seen.delay_s is not None)
        stretch = Stretch(
            present=present,
            lived=present - first,
            seconds=seconds,
            active_peak=self.observer.active_peak,
            delay_p50_s=statistics.median(delays),
            delay_p99_s=percentile(delays, 0.99),
            delay_max_s=delays[-1],
            writes=dict((self.audit.writes() - before).most_common()),
            own_count=writes(await operator.samples()) - own,
            repeated=sum(seen.repeated for seen in lives),
            memory_mib=operator.memory_mib("VmHWM"),
            cpu_s=cpu_s,
            restarts=[],
        )
        self.say(summary(stretch))
        return stretch

    async def _feed(self, api: ApiClient, present: int) -> None:
        """Create resources at a steady rate, and wait until all finished.

        They come as fast as so many at work would end, and wait while too many are unfinished.
        """
        begun, first = time.monotonic(), self.created

        async def one(place: tuple[int, str]) -> None:
            number, name = place
            due = begun + number * self.course.run_s / self.course.active
            await asyncio.sleep(due - time.monotonic())
            await self._wait_for(lambda: self._unfinished < self.course.active)
            self.created += 1
            await create(api, name)

        await each(enumerate(names(first, present - first)), one, in_flight=FEEDERS)
        await self._wait_for(lambda: self._unfinished == 0)

    @property
    def _unfinished(self) -> int:
        return self.created - self.observer.succeeded

    async def _wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition as long as resources finish. Raises TimeoutError."""
        while not condition():
            before = self.observer.succeeded

            def moved(before: int = before) -> bool:
                return condition() or self.observer.succeeded > before

            await wait_for(moved, f"{self._unfinished} resources to finish", limit_s=STALL_S)

    async def _wait_until_quiet(self) -> None:
        before, after = -1, self.audit.writes().total()
        while before != after:
            await asyncio.sleep(QUIET_S)
            before, after = after, self.audit.writes().total()

    async def _restart(
        self, stack: ExitStack, operator: Operator, number: signal.Signals, stretch: Stretch
    ) -> Operator:
        """End the operator and measure how another comes up beside what is there."""
        operator.stop(number)
        name = f"{number.name.lower()}-{stretch.present}"
        another = stack.enter_context(self._operator(name))
        restart = await measure_restart(
            another, self.audit, present=stretch.present, how=number.name
        )
        stretch.restarts.append(restart)
        self.say(
            f"{stretch.present:,} finished, started anew after {number.name}: "
            f"steady in {restart.steady_s:.1f} s, {restart.writes} writes"
        )
        return another

    def _operator(self, name: str) -> AbstractContextManager[Operator]:
        log, settings = self.folder / f"{name}.log", self.course.settings
        return run_operator(self.cluster.kubeconfig, log, name=name, settings=settings)


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest of ordered values that so large a share does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def summary(stretch: Stretch) -> str:
    """Return a stretch in one line."""
    return (
        f"{stretch.present:,} present, up to {stretch.active_peak:,} active: "
        f"{stretch.lived / stretch.seconds:.0f} a second, "
        f"p99 {stretch.delay_p99_s:.2f} s from a Job's end to Succeeded, "
        f"{stretch.writes_each:.2f} writes each, {stretch.memory_mib:.0f} MiB"
    )
