"""The service in pods of its own: followed by curl, killed, rolled; webhooks to a real receiver."""

import base64
import json
import secrets
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.cluster.tools import tool
from tests.e2e.callers import NAMESPACE, PASSWORD, PODS, POLL_S, SERVICE, Callers, run_load
from tests.e2e.install import SYSTEM, VALUES, install_chart
from tests.e2e.product import Product

pytestmark = pytest.mark.e2e

SETTINGS = {
    "enabled": True,
    "expose": {"type": "NodePort"},
    "requestLimit": "0",
    # The tests' talks come from the node's own address.
    "allowPrivateAddresses": True,
    "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
}
OWN_PODS = {
    **VALUES,
    "service": {**SETTINGS, "mode": "deployment"},
    "webhooks": {"allowPrivateCallbacks": True},
}
SIDECAR = {**VALUES, "service": SETTINGS}
KEYS = "slides-extractor-secrets"
STEP_S = 1.5
"""Chosen: above the second in which a stream tells of one change only."""


def _make_keys(product: Product) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": KEYS, "namespace": SYSTEM},
        "stringData": {"API_PASSWORD": PASSWORD, "SECRET_KEY": secrets.token_hex(32)},
    }
    product.cluster.kubectl("apply", "--filename=-", input=json.dumps(body))


def _find(product: Product) -> Callers:
    """Return callers who come to the node's port."""
    service = ("--namespace", SYSTEM, "get", "service", SERVICE, "--output=json")
    (port,) = json.loads(product.cluster.kubectl(*service))["spec"]["ports"]
    node = json.loads(product.cluster.kubectl("get", "nodes", "--output=json"))["items"][0]
    (address,) = [a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP"]
    return Callers(product.cluster, f"http://{address}:{port['nodePort']}")


@pytest.fixture(scope="module")
def callers(product: Product) -> Iterator[Callers]:
    """The service as a Deployment of two; afterwards the chart is as it was."""
    _make_keys(product)
    install_chart(product.cluster, values=OWN_PODS)
    yield _find(product)
    install_chart(product.cluster)
    product.cluster.kubectl("--namespace", SYSTEM, "delete", "secret", KEYS)


def test_a_client_goes_on_where_it_was_when_its_pod_is_killed(
    product: Product, callers: Callers
) -> None:
    job = callers.submit(product.slow_talk_url())
    with callers.curl(job) as curl:
        curl.wait(lambda states: states and states[-1]["status"] == "downloading")
        callers.kill()
        curl.wait_for_end()
    callers.wait_until_ready()

    with callers.curl(job, last_event_id=curl.last_id) as again:
        product.hurry()
        assert again.wait_for_end() == 0

    last = again.states()[-1]
    ids = [int(one) for one, _ in (*curl.events, *again.events)]
    assert (last["status"], last["error"]) == ("completed", None)
    assert product.object_at(last["metadata_uri"])
    assert ids == sorted(set(ids)), "an event came twice, or late"
    with callers.curl(job, last_event_id=again.last_id) as finished:
        assert finished.wait_for_end() == 0
    assert finished.events == []


def _say_steps(product: Product, name: str, stop: threading.Event) -> list[int]:
    """Report one frame after the other, as a runner would, and return which."""
    said: list[int] = []
    while not stop.is_set():
        frame = len(said) + 1
        run = {"attempt": 1, "currentFrame": frame, "frameCount": 10_000}
        patch = json.dumps({"status": {"run": run}})
        product.talks.run(
            "patch", "slx", name, "--subresource=status", "--type=merge", f"--patch={patch}"
        )
        said.append(frame)
        time.sleep(STEP_S)
    return said


@dataclass
class Follower:
    """Follows a job as EventSource does: comes back where a stream ends, and says what it has."""

    callers: Callers
    job: str
    frames: list[int] = field(default_factory=list)
    streams: int = 0
    failed: list[str] = field(default_factory=list)

    def follow(self, stop: threading.Event) -> None:
        last_id = ""
        while not stop.is_set():
            with self.callers.curl(self.job, last_event_id=last_id) as curl:
                self.streams += 1
                while curl.process.poll() is None and not stop.is_set():
                    time.sleep(POLL_S)
            if not stop.is_set() and curl.process.returncode != 0:
                self.failed.append("".join(curl.other))
            self.frames += [s["current_frame"] for s in curl.states() if s["current_frame"]]
            last_id = curl.last_id if curl.events else last_id


def test_a_rollout_drops_no_request_and_no_event(product: Product, callers: Callers) -> None:
    # Nothing but this test moves what is suspended.
    product.talks.apply("rolled", product.talk_url, suspend=True)
    product.talks.wait_for_phase("rolled", "Suspended")
    callers.wait_until_ready()
    stop, told = threading.Event(), []
    follower = Follower(callers, "rolled")
    threads = [
        threading.Thread(target=follower.follow, args=(stop,)),
        threading.Thread(target=lambda: told.extend(_say_steps(product, "rolled", stop))),
    ]
    requests: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", "/jobs/rolled", None),
        ("GET", "/api/v1/jobs/?limit=5", None),
        ("POST", "/tickets", {"path": "/jobs/rolled/stream"}),
    ]
    with _drains_heard(product, callers) as drains, run_load(callers, requests) as load:
        for thread in threads:
            thread.start()
        callers.roll()
        time.sleep(4 * STEP_S)
        stop.set()
        for thread in threads:
            thread.join()

    assert load.failed == []
    assert load.done > 100
    assert follower.failed == []
    assert follower.streams > 1, "no stream was ended by the rollout: nothing was shown"
    missed = set(told) - set(follower.frames) - set(told[-1:])
    assert (missed, follower.frames) == (set(), sorted(set(follower.frames)))
    assert len(drains) == 2
    failed = ("get", "events", "--field-selector=reason=FailedPreStopHook", "--output=name")
    assert product.cluster.kubectl("--namespace", SYSTEM, *failed).strip() == ""


@contextmanager
def _drains_heard(product: Product, callers: Callers) -> Iterator[list[str]]:
    """Give what the pods that are there now say of draining, once the block has ended."""
    heard: list[str] = []
    kubectl = [str(tool("kubectl")), f"--kubeconfig={product.cluster.kubeconfig}", "-n", SYSTEM]
    logs = [
        subprocess.Popen(
            [*kubectl, "logs", "--follow", "--since=1s", pod], stdout=subprocess.PIPE, text=True
        )
        for pod in callers.pods()
    ]
    yield heard
    for log in logs:
        said, _ = log.communicate(timeout=60)
        heard += [line for line in said.splitlines() if '"draining"' in line]


@dataclass
class Receiver:
    """Takes webhooks, but for the first."""

    url: str = ""
    received: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)


@contextmanager
def _run_receiver(host: str) -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append((body, {k.lower(): v for k, v in self.headers.items()}))
            self.send_response(503 if len(receiver.received) == 1 else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    with ThreadingHTTPServer((host, 0), Handler) as server:
        receiver.url = f"http://{host}:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def test_a_webhook_is_sent_again_until_taken_and_is_signed(
    product: Product, callers: Callers
) -> None:
    secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    key = Webhook(secret)
    product.talks.run(
        "create",
        "secret",
        "generic",
        "slides-extractor-webhook",
        f"--from-literal=webhook-secret={secret}",
    )
    with _run_receiver(product.cluster.host_ip) as receiver:
        product.talks.apply("told", product.new_talk_url(), callback={"url": receiver.url})
        seen = product.talks.wait(
            "told", lambda seen: "deliveredAt" in seen["status"].get("callback", {})
        )

    first, second = (key.verify(body, headers) for body, headers in receiver.received)
    assert first["type"] == second["type"] == "slideextraction.completed"
    assert second["data"]["result"]["slideCount"] == seen["status"]["result"]["slideCount"]
    ids = {headers["webhook-id"] for _, headers in receiver.received}
    assert ids == {seen["status"]["callback"]["id"]}
    assert seen["status"]["callback"]["attempts"] == 2


def test_a_token_of_the_cluster_may_do_what_its_role_says(
    product: Product, callers: Callers
) -> None:
    def status(account: str, method: str) -> int:
        token = product.talks.run("create", "token", account).strip()
        body = {"youtube_url": product.talk_url, "job_type": "slide_extraction"}
        return callers.http.request(
            method,
            callers.address("/api/v1/jobs/"),
            json=body if method == "POST" else None,
            headers={"Authorization": f"Bearer {token}"},
        ).status

    for role in ("view", "edit"):
        product.talks.run("create", "serviceaccount", f"may-{role}")
        bound = f"--serviceaccount={NAMESPACE}:may-{role}"
        product.talks.run("create", "rolebinding", f"may-{role}", f"--clusterrole={role}", bound)
    product.talks.run("create", "serviceaccount", "may-nothing")

    assert (status("may-view", "GET"), status("may-view", "POST")) == (200, 403)
    assert (status("may-edit", "GET"), status("may-edit", "POST")) == (200, 201)
    assert (status("may-nothing", "GET"), status("may-nothing", "POST")) == (403, 403)


def test_as_a_sidecar_it_serves_from_the_operators_pods(product: Product, callers: Callers) -> None:
    install_chart(product.cluster, values=SIDECAR)
    sidecar = _find(product)

    job = sidecar.submit(product.new_talk_url())
    with sidecar.curl(job) as curl:
        assert curl.wait_for_end() == 0

    assert curl.states()[-1]["status"] == "completed"
    assert product.cluster.kubectl("-n", SYSTEM, "get", "pods", "-l", PODS, "-o", "name") == ""
    install_chart(product.cluster, values=OWN_PODS)
