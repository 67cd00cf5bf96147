"""The operator under measurement: a process of its own, seen from outside and by its metrics."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.reconciling.load import RUNNER_IMAGE
from tests.cluster.light import free_ports

STOP_LIMIT_S = 15.0
TICKS = os.sysconf("SC_CLK_TCK")
WRITES = frozenset({"create", "update", "patch", "apply", "delete"})
"""Verbs of slides_operator_api_requests_total that change something."""

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Operator:
    """A running operator."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log
        self.begun = time.monotonic()

    def memory_mib(self, field: str = "VmRSS") -> float:
        """Return its resident memory now, or with VmHWM its peak."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError(f"The operator has ended: {self.tail()}")

    def cpu_s(self) -> float:
        """Return the CPU time that it has used."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / TICKS

    async def samples(self) -> Samples:
        """Return its metrics now; empty while it does not answer yet."""
        timeout = aiohttp.ClientTimeout(total=5)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"http://127.0.0.1:{self.port}/metrics") as answer,
            ):
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return {}
        families = text_string_to_metric_families(text)
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }

    def tail(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-2000:]

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it, and wait until it is gone."""
        self.process.send_signal(number)
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def run_operator(
    kubeconfig: Path, log: Path, *, name: str, settings: Mapping[str, str]
) -> Iterator[Operator]:
    """Run an operator until the block ends, if it has not ended before.

    What `settings` leave out has the operator's own default.
    """
    (port,) = free_ports(1)
    environment = {
        **{key: value for key, value in os.environ.items() if key in {"PATH", "HOME", "LANG"}},
        "KUBECONFIG": str(kubeconfig),
        "RUNNER_IMAGE": RUNNER_IMAGE,
        "HEALTH_PORT": str(port),
        "POD_NAMESPACE": "default",
        "POD_NAME": name,
        **settings,
    }
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "slides_operator"],
            env=environment,
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    operator = Operator(process, port, log)
    try:
        yield operator
    finally:
        if process.poll() is None:
            operator.stop()


def total(samples: Samples, name: str, **labels: str) -> float:
    """Return the sum of a metric over all labels that are not named."""
    return sum(
        value
        for (sample, own), value in samples.items()
        if sample == name and labels.items() <= dict(own).items()
    )


def writes(samples: Samples) -> int:
    """Return how many of its own requests were writes, by its own metrics."""
    return int(
        sum(
            value
            for (sample, own), value in samples.items()
            if sample == "slides_operator_api_requests_total" and dict(own)["verb"] in WRITES
        )
    )


async def wait_until_leading(operator: Operator, *, limit_s: float = 60.0) -> None:
    """Wait until it works. Raises RuntimeError when it ends first, or in time."""
    deadline = time.monotonic() + limit_s
    while total(await operator.samples(), "slides_operator_leader") < 1:
        if operator.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The operator does not work: {operator.tail()}")
        await asyncio.sleep(0.1)
