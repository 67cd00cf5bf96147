"""Programs under measurement: the service and the bare fan-out, each on one core."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import aiohttp

from benchmarks.reconciling.api import NAMESPACE
from tests.cluster.light import free_ports
from tests.cluster.tools import REPOSITORY

KEY = "benchmark"
"""Of the service; no secret, it listens on the loopback address."""
STOP_LIMIT_S = 15.0
READY_LIMIT_S = 120.0
POLL_S = 0.02
TICKS = os.sysconf("SC_CLK_TCK")


class Program:
    """A process of its own, seen from outside."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, port: int) -> None:
        self.process = process
        self.log = log
        self.port = port
        self.begun = time.monotonic()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def memory_kib(self) -> int:
        """Return its resident memory. Raises RuntimeError once it has ended."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise RuntimeError(f"It has ended: {self.tail()}")

    def cpu_s(self) -> float:
        """Return the CPU time that it has used."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / TICKS

    def tail(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-2000:]

    async def wait_until_ready(self, port: int, path: str) -> float:
        """Return the seconds from its start until it says that it is ready."""
        timeout = aiohttp.ClientTimeout(total=5)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while not await _is_ready(session, f"http://127.0.0.1:{port}{path}"):
                seconds = time.monotonic() - self.begun
                if self.process.poll() is not None or seconds > READY_LIMIT_S:
                    raise RuntimeError(f"It does not get ready: {self.tail()}")
                time.sleep(POLL_S)  # noqa: ASYNC251 - nothing else happens here meanwhile
        return time.monotonic() - self.begun

    def stop(self) -> None:
        """End it, and wait until it is gone."""
        self.process.terminate()
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


@contextmanager
def run_program(
    command: Sequence[str], log: Path, port: int, environment: Mapping[str, str]
) -> Iterator[Program]:
    """Run a Python program on the last core until the block ends."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            env={**kept, "PYTHONPATH": str(REPOSITORY), **environment},
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
    program = Program(process, log, port)
    try:
        yield program
    finally:
        if process.poll() is None:
            program.stop()


@contextmanager
def run_service(kubeconfig: Path, log: Path) -> Iterator[tuple[Program, int]]:
    """Run the service until the block ends; give it, and the port where it says how it is."""
    port, health = free_ports(2)
    environment = {
        "KUBECONFIG": str(kubeconfig),
        "API_KEY": KEY,
        "API_PASSWORD": KEY,
        "SECRET_KEY": "no-secret-for-a-benchmark",
        "POD_NAMESPACE": NAMESPACE,
        "SERVICE_HOST": "127.0.0.1",
        "SERVICE_PORT": str(port),
        "SERVICE_HEALTH_PORT": str(health),
        "REQUEST_LIMIT": "0",
        "GRACEFUL_SHUTDOWN_TIMEOUT_SECONDS": "1",
    }
    with run_program(["-m", "slides_operator", "serve"], log, port, environment) as service:
        yield service, health


@contextmanager
def run_bare(log: Path, jobs: int) -> Iterator[Program]:
    """Run the bare fan-out until the block ends."""
    (port,) = free_ports(1)
    with run_program(["-m", "benchmarks.serving.bare", str(port), str(jobs)], log, port, {}) as one:
        yield one
