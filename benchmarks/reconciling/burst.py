"""Many resources applied at once: how long until each has its Job and its first status."""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.reconciling.api import NAMESPACE, each, open_api
from benchmarks.reconciling.bare import IN_FLIGHT, create, run_bare
from benchmarks.reconciling.load import names
from benchmarks.reconciling.program import run_operator, wait_until_leading
from benchmarks.reconciling.results import Burst
from benchmarks.reconciling.watching import observing, wait_for
from tests.cluster.light import LightCluster, run_light_cluster

LIMIT_S = 600.0


def measure_burst(
    count: int, *, rounds: int, say: Callable[[str], None], settings: Mapping[str, str]
) -> Burst:
    """Measure so many rounds, each thing on a cluster of its own, and return the medians."""
    pairs: list[float] = []
    bare: list[float] = []
    ours: list[tuple[float, float]] = []
    for number in range(rounds):
        with fresh_cluster() as cluster:
            pairs.append(run_bare(cluster, count, with_status=False))
        with fresh_cluster() as cluster:
            bare.append(run_bare(cluster, count, with_status=True))
        with fresh_cluster() as cluster:
            ours.append(asyncio.run(_run_operator(cluster, count, settings)))
        times = (
            f"bare {pairs[-1]:.1f} s, with status {bare[-1]:.1f} s, operator {ours[-1][0]:.1f} s"
        )
        say(f"burst of {count:,}, round {number + 1}: {times}")
    return Burst(
        count=count,
        bare_pairs_s=statistics.median(pairs),
        bare_s=statistics.median(bare),
        operator_s=statistics.median(seconds for seconds, _ in ours),
        operator_cpu_s=statistics.median(cpu for _, cpu in ours),
    )


@contextmanager
def fresh_cluster(apiserver_flags: Sequence[str] = ()) -> Iterator[LightCluster]:
    """Run an empty cluster with the benchmark's namespace."""
    with run_light_cluster(apiserver_flags=apiserver_flags) as cluster:
        cluster.kubectl("create", "namespace", NAMESPACE)
        cluster.kubectl("create", "serviceaccount", "slides-runner", f"--namespace={NAMESPACE}")
        yield cluster


async def _run_operator(
    cluster: LightCluster, count: int, settings: Mapping[str, str]
) -> tuple[float, float]:
    with (
        TemporaryDirectory(prefix="bench-") as folder,
        run_operator(
            cluster.kubeconfig, Path(folder) / "log", name="bench", settings=settings
        ) as operator,
    ):
        await wait_until_leading(operator)
        async with open_api(cluster.kubeconfig) as api, observing(cluster.kubeconfig) as observer:
            begun, cpu_s = time.monotonic(), operator.cpu_s()
            await each(names(0, count), lambda name: create(api, name), in_flight=IN_FLIGHT)
            await wait_for(
                lambda: min(observer.with_status, observer.with_job) >= count,
                "a Job and a status for each",
                limit_s=LIMIT_S,
            )
            return time.monotonic() - begun, operator.cpu_s() - cpu_s
