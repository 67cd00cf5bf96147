"""The service at work with the rights that the chart gives it; the API server keeps count."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.chart.charts import (
    NAMESPACE,
    SERVICE,
    Object,
    environment,
    render,
)
from tests.chart.rights import Place, run_place
from tests.cluster.light import TOOLS, LightCluster, free_ports

pytestmark = [pytest.mark.api, pytest.mark.slow]

LIMIT_S = 60.0
"""Chosen: many times what each step takes."""
ELSEWHERE = "elsewhere"
OTHER = "not-served"
PASSWORD = "the-password-of-the-test"
TALK = "https://example.com/talk.mp4"


@dataclass(frozen=True)
class Caller:
    """Somebody with the password."""

    url: str
    http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False))

    def request(
        self, method: str, path: str, body: object = None, token: str = PASSWORD
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        answer = self.http.request(method, f"{self.url}{path}", json=body, headers=headers)
        return answer.status, json.loads(answer.data or b"null")

    def until(self, path: str, is_so: Callable[[int, Any], object]) -> Any:
        """Ask until something is so of status and answer, and return the answer."""
        end = time.monotonic() + LIMIT_S
        while True:
            status, said = self.request("GET", path)
            if is_so(status, said):
                return said
            assert time.monotonic() < end, f"{path}: {status} {said}"
            time.sleep(0.2)


@pytest.fixture(
    params=[{}, {"watchNamespaces": [NAMESPACE, ELSEWHERE]}], ids=["whole-cluster", "namespaces"]
)
def place(
    request: pytest.FixtureRequest, build_tools: Callable[..., None], tmp_path: Path
) -> Iterator[Place]:
    """A cluster whose pods run, with the chart for all namespaces or for two."""
    build_tools(*TOOLS)
    service = {"enabled": True, "mode": "deployment", "requestLimit": "0"}
    with run_place(
        tmp_path,
        {**request.param, "service": service},
        account_name=SERVICE,
        roles=("-service", "-service-lease"),
        namespaces=(ELSEWHERE, OTHER),
    ) as found:
        yield found


@contextmanager
def _run_service(place: Place, folder: Path) -> Iterator[Caller]:
    """Run the service with its own token and the chart's settings."""
    port, health = free_ports(2)
    own = {
        "KUBECONFIG": str(place.write_kubeconfig(folder)),
        "POD_NAMESPACE": NAMESPACE,
        "API_PASSWORD": PASSWORD,
        "SERVICE_HOST": "127.0.0.1",
        "SERVICE_PORT": str(port),
        "SERVICE_HEALTH_PORT": str(health),
    }
    settings = {**os.environ, **environment(render(place.values), "service"), **own}
    with (folder / "service.log").open("w") as log:
        command = [sys.executable, "-m", "slides_operator", "serve"]
        process = subprocess.Popen(command, env=settings, stdout=log, stderr=log, cwd=folder)
        try:
            _wait_for(port, process, folder / "service.log")
            yield Caller(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            answer = urllib3.request("GET", f"http://127.0.0.1:{port}/healthz/ready", retries=False)
        except urllib3.exceptions.HTTPError:
            time.sleep(0.2)
            continue
        if answer.status == 200:
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text())


def _make_pod(cluster: LightCluster, uid: str) -> None:
    """Make a pod such as an attempt has."""
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "attempt",
            "namespace": ELSEWHERE,
            "labels": {"slides-extractor.dev/extraction": uid},
        },
        "spec": {"containers": [{"name": "runner", "image": "localhost/none"}]},
    }
    cluster.kubectl("create", "--filename=-", input=json.dumps(pod))
    wait = ("wait", "--for=jsonpath={.spec.nodeName}", "pod/attempt", "-n", ELSEWHERE)
    cluster.kubectl(*wait, "--timeout=30s")


def test_service_needs_every_right_that_it_has_and_no_other(place: Place, tmp_path: Path) -> None:
    there = f"?namespace={ELSEWHERE}"
    token = place.cluster.kubectl("create", "token", "default", "-n", ELSEWHERE).strip()
    with _run_service(place, tmp_path) as caller:
        body = {"youtube_url": TALK, "job_type": "slide_extraction"}
        _, job = caller.request("POST", f"/api/v1/jobs/{there}", body)
        videos = {"items": [{"platform": "youtube", "code": "dQw4w9WgXcQ"}]}
        _, batch = caller.request("POST", f"/process{there}", videos)
        _make_pod(place.cluster, job["id"])
        _report(place.cluster, job["id"], {"phase": "Downloading", "attempts": {"current": 1}})
        shown = f"/api/v1/jobs/{job['id']}{there}"
        caller.until(shown, lambda _, said: said["status"] == "processing")
        for path in (
            f"/status/{job['id']}",
            f"/status/{batch['jobId']}",
            f"/jobs/{job['id']}/events",
        ):
            caller.until(path + there, lambda status, _: status == 200)
        caller.request("GET", "/health")
        refused, _ = caller.request("GET", f"/api/v1/jobs/{there}", token=token)
        caller.request("POST", f"/api/v1/jobs/{job['id']}/cancel{there}", {})
        caller.request("DELETE", f"/job_status/{batch['jobId']}{there}")
        _report(place.cluster, job["id"], {"phase": "Failed"})
        caller.until(shown, lambda _, said: said["status"] == "failed")
        deleted, said = caller.request("DELETE", shown)

    asked = place.asked()
    assert (refused, deleted, said) == (403, 204, None)
    assert {what: codes for what, codes in asked.items() if codes & {401, 403}} == {}
    assert asked.keys() - place.granted() == set()
    assert place.granted() - asked.keys() == set()


def _report(cluster: LightCluster, uid: str, status: Object) -> None:
    """Say how a job is, as no operator runs here."""
    listed = cluster.kubectl("get", "slx", "-n", ELSEWHERE, "--output=json")
    (name,) = [
        o["metadata"]["name"] for o in json.loads(listed)["items"] if o["metadata"]["uid"] == uid
    ]
    patch = json.dumps({"status": status})
    merge = ("--subresource=status", "--type=merge", f"--patch={patch}")
    cluster.kubectl("patch", "slx", name, "-n", ELSEWHERE, *merge)


def test_other_namespaces_than_those_of_the_list_are_not_there(
    place: Place, tmp_path: Path
) -> None:
    with _run_service(place, tmp_path) as caller:
        status, _ = caller.request("GET", f"/api/v1/jobs/?namespace={OTHER}")

    assert status == (404 if "watchNamespaces" in place.values else 200)
