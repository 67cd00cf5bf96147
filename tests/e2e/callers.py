"""The service as its callers have it: by HTTP from outside of the cluster, and by curl."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import cycle
from typing import Any

import urllib3

from tests.cluster.node import NodeCluster
from tests.e2e.install import RELEASE, SYSTEM

SERVICE = f"{RELEASE}-slides-extractor"
PASSWORD = "the-password-of-the-test"
NAMESPACE = "talks"
PODS = "app.kubernetes.io/component=service"
POLL_S = 0.3

Json = dict[str, Any]


@dataclass(frozen=True)
class Callers:
    """Whoever calls the service."""

    cluster: NodeCluster
    url: str
    http: urllib3.PoolManager = field(default_factory=urllib3.PoolManager, repr=False)

    def request(self, method: str, path: str, body: object = None, **headers: str) -> Json:
        """Return the answer of a request that succeeds."""
        answer = self.http.request(
            method, self.address(path), json=body, headers={**self.headers, **headers}
        )
        said = answer.data.decode()
        assert answer.status < 300, f"{method} {path}: {answer.status} {said}"
        found: Json = json.loads(said) if said else {}
        return found

    def address(self, path: str) -> str:
        return f"{self.url}{path}{'&' if '?' in path else '?'}namespace={NAMESPACE}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {PASSWORD}"}

    def submit(self, url: str) -> str:
        """Ask for the slides of a talk, as seed 003's clients do, and return the job's id."""
        body = {"youtube_url": url, "job_type": "slide_extraction"}
        return str(self.request("POST", "/api/v1/jobs/", body)["id"])

    @contextmanager
    def curl(self, job: str, *, last_event_id: str = "") -> Iterator["Curl"]:
        """Follow a job by `curl -N` until the block ends."""
        again = ["--header", f"Last-Event-ID: {last_event_id}"] if last_event_id else []
        command = ["curl", "--no-buffer", "--silent", "--show-error", "--fail-with-body"]
        secret = ["--header", f"Authorization: Bearer {PASSWORD}", *again]
        process = subprocess.Popen(
            [*command, *secret, self.address(f"/jobs/{job}/stream")],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        curl = Curl(process)
        try:
            yield curl
        finally:
            process.kill()
            process.wait()
            curl.close()

    # The pods.

    def pods(self) -> list[str]:
        chosen = ("--namespace", SYSTEM, "get", "pods", "-l", PODS, "--output=json")
        found = json.loads(self.cluster.kubectl(*chosen))["items"]
        return [one["metadata"]["name"] for one in found]

    def kill(self) -> None:
        """End every replica with SIGKILL, and wait until that is known."""
        for pod in self.pods():
            self.cluster.kill_container(SYSTEM, pod, "service")
            gone = ("wait", "--for=condition=Ready=false", f"pod/{pod}", "--timeout=60s")
            self.cluster.kubectl("--namespace", SYSTEM, *gone)

    def wait_until_ready(self, *, within_s: float = 120.0) -> None:
        """Wait until every replica is ready, and answers at the node's port."""
        chosen = ("--namespace", SYSTEM, "get", "pods", "-l", PODS, "--output=json")
        deadline = time.monotonic() + within_s
        while True:
            pods = json.loads(self.cluster.kubectl(*chosen))["items"]
            if all(_is_ready(pod) for pod in pods) and self._answers():
                return
            assert time.monotonic() < deadline, [pod["status"] for pod in pods]
            time.sleep(POLL_S)

    def _answers(self) -> bool:
        try:
            answer = self.http.request("GET", f"{self.url}/healthz/ready", retries=False)
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status == HTTPStatus.OK

    def roll(self) -> None:
        """Replace all pods, one after the other, and wait until the old ones have ended."""
        deployment = f"deployment/{SERVICE}-service"
        old = [f"pod/{name}" for name in self.pods()]
        self.cluster.kubectl("-n", SYSTEM, "rollout", "restart", deployment)
        self.cluster.kubectl("-n", SYSTEM, "rollout", "status", deployment, "--timeout=180s")
        self.cluster.kubectl("-n", SYSTEM, "wait", "--for=delete", *old, "--timeout=90s")


def _is_ready(pod: Json) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


@dataclass
class Curl:
    """A `curl -N` that runs, and the events that it printed."""

    process: subprocess.Popen[str]
    events: list[tuple[str, Json]] = field(default_factory=list)
    """Id and data of each."""
    other: list[str] = field(default_factory=list)
    """Lines that are no events: heartbeats, and what curl itself says."""

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        event_id = ""
        for line in self.process.stdout:
            name, _, value = line.rstrip("\n").partition(": ")
            match name:
                case "id":
                    event_id = value
                case "data":
                    self.events.append((event_id, json.loads(value)))
                case _:
                    self.other.append(line)

    def close(self) -> None:
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    @property
    def last_id(self) -> str:
        return self.events[-1][0]

    def states(self) -> list[Json]:
        return [data for _, data in self.events]

    def wait(self, is_so: Callable[[list[Json]], object], *, within_s: float = 120.0) -> None:
        deadline = time.monotonic() + within_s
        while not is_so(self.states()):
            assert time.monotonic() < deadline, f"{self.states()[-3:]} {self.other}"
            time.sleep(POLL_S)

    def wait_for_end(self, *, within_s: float = 120.0) -> int:
        """Wait until the stream ends, and return curl's exit code."""
        code = self.process.wait(within_s)
        self._reader.join()
        return code


@dataclass
class Load:
    """Requests one after the other, from several callers at once, and what failed of them."""

    done: int = 0
    failed: list[str] = field(default_factory=list)


@contextmanager
def run_load(callers: Callers, requests: list[tuple[str, str, Json | None]]) -> Iterator[Load]:
    """Have two callers on kept connections and two on new ones ask until the block ends."""
    load, stop = Load(), threading.Event()

    def call(headers: Mapping[str, str]) -> None:
        with urllib3.PoolManager(retries=False) as http:
            for method, path, body in cycle(requests):
                if stop.is_set():
                    return
                try:
                    answer = http.request(
                        method,
                        callers.address(path),
                        json=body,
                        headers={**callers.headers, **headers},
                    )
                    said = "" if answer.status < 300 else f"{answer.status} {answer.data!r}"
                except urllib3.exceptions.HTTPError as e:
                    said = repr(e)
                load.done += 1
                if said:
                    load.failed.append(f"{method} {path} ({headers or 'kept'}): {said}")

    kinds: list[Mapping[str, str]] = [{}, {}, {"Connection": "close"}, {"Connection": "close"}]
    threads = [threading.Thread(target=call, args=(kind,)) for kind in kinds]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        stop.set()
        for thread in threads:
            thread.join()
