"""The operator as a process of its own, and what stands in for its runners."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from slides_api.wellknown import API_VERSION
from tests.cluster.light import LightCluster, free_ports
from tests.operator.worlds import RESULT

LIMIT_S = 60.0
Json = dict[str, Any]


@dataclass(frozen=True)
class OperatorProcess:
    """One replica."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def ask(self, path: str) -> tuple[int, str]:
        """Return status and text of /healthz, /readyz or /metrics; status 0 without an answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as got:
                return got.status, got.read().decode()
        except urllib.error.HTTPError as e:
            with e:
                return e.code, e.read().decode()
        except OSError:
            return 0, ""

    def leads(self) -> bool:
        return "slides_operator_leader 1.0" in self.ask("/metrics")[1]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; return the exit code and how many seconds it took."""
        started = time.monotonic()
        self.process.send_signal(how)
        code = self.process.wait(timeout=30)
        return code, time.monotonic() - started

    def lines(self) -> list[Json]:
        """Return what was logged."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@contextmanager
def run_operator(
    cluster: LightCluster, folder: Path, *, name: str = "one", **variables: str
) -> Iterator[OperatorProcess]:
    """Run one replica until the block ends."""
    (port,) = free_ports(1)
    environment = {
        **os.environ,
        "KUBECONFIG": str(cluster.kubeconfig),
        "RUNNER_IMAGE": "runner:1",
        "HEALTH_PORT": str(port),
        "POD_NAME": name,
        **variables,
    }
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        command = [sys.executable, "-W", "error::ResourceWarning", "-m", "slides_operator"]
        process = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=output, stderr=output
        )
        try:
            yield OperatorProcess(process, port, log)
        finally:
            process.kill()
            process.wait()


def wait_until(holds: Callable[[], bool], *, limit_s: float = LIMIT_S) -> float:
    """Wait until it holds, and return how many seconds that took."""
    started = time.monotonic()
    while not holds():
        if time.monotonic() - started > limit_s:
            raise TimeoutError(f"not within {limit_s} s")
        time.sleep(0.1)
    return time.monotonic() - started


def apply(cluster: LightCluster, namespace: str, *names: str) -> None:
    """Apply extractions."""
    items = [
        {
            "apiVersion": API_VERSION,
            "kind": "SlideExtraction",
            "metadata": {"name": name},
            "spec": {"source": {"url": f"https://example.com/{name}.mp4"}},
        }
        for name in names
    ]
    content = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=content)


def report(cluster: LightCluster, namespace: str, name: str) -> None:
    """Report a result as a runner does, which kwok's pods do not."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    run = {"attempt": 1, "stage": "Uploading", "updatedAt": now}
    body = {
        "apiVersion": API_VERSION,
        "kind": "SlideExtraction",
        "metadata": {"name": name},
        "status": {"run": run, "video": {"key": "youtube-x"}, "result": RESULT},
    }
    cluster.kubectl(
        *("apply", "--server-side", "--subresource=status", "--field-manager=slides-runner"),
        *("-n", namespace, "-f", "-"),
        input=json.dumps(body),
    )


def status_of(cluster: LightCluster, namespace: str, name: str) -> Json:
    """Return a resource's status."""
    obj = json.loads(cluster.kubectl("get", "slx", name, "-n", namespace, "-o", "json"))
    status: Json = obj.get("status") or {}
    return status


def find(cluster: LightCluster, namespace: str, what: str) -> list[Json]:
    """Return all objects of a kind."""
    found = cluster.kubectl("get", what, "-n", namespace, "-o", "json")
    items: list[Json] = json.loads(found)["items"]
    return items
