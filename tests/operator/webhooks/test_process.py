"""Webhooks of a real operator on the light cluster, verified by the reference library."""

import base64
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from slides_api.wellknown import API_VERSION, REDELIVER_AT
from slides_operator.extraction.status import own_part
from tests.cluster.light import LightCluster
from tests.operator.process import find, report, run_operator, status_of, wait_until

pytestmark = [pytest.mark.api, pytest.mark.slow]

Json = dict[str, Any]
KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
SECRET = "slides-extractor-webhook"


class Receiver:
    """Answers by path; what it is sent is verified at once."""

    def __init__(self) -> None:
        self.answers: dict[str, list[int]] = {}
        self.told: list[tuple[str, str, Json]] = []
        """Path, webhook-id and body of each request."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                told = Webhook(KEY).verify(body, dict(self.headers))
                outer.told.append((self.path, self.headers["webhook-id"], told))
                answers = outer.answers.get(self.path)
                self.send_response(answers.pop(0) if answers else 200)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def at(self, path: str) -> list[tuple[str, Json]]:
        return [(one, body) for where, one, body in self.told if where == path]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.fixture
def place(light_cluster: LightCluster, namespace: str) -> dict[str, str]:
    """The operator's settings, in a namespace that has what runners and webhooks need."""
    light_cluster.kubectl("create", "serviceaccount", "slides-runner", "-n", namespace)
    light_cluster.kubectl(
        "create", "secret", "generic", SECRET, f"--from-literal=webhook-secret={KEY}",
        "-n", namespace,
    )  # fmt: skip
    return {"WATCH_NAMESPACES": namespace, "POD_NAMESPACE": namespace}


def apply(cluster: LightCluster, namespace: str, url: str, *names: str) -> None:
    """Apply extractions that tell their end under a path of their name."""
    items = [
        {
            "apiVersion": API_VERSION,
            "kind": "SlideExtraction",
            "metadata": {"name": name},
            "spec": {
                "source": {"url": f"https://example.com/{name}.mp4"},
                "callback": {"url": f"{url}/{name}", "secretRef": {"name": SECRET}},
            },
        }
        for name in names
    ]
    content = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=content)


def finish(cluster: LightCluster, namespace: str, *names: str) -> None:
    for name in names:
        wait_until(lambda name=name: "attempts" in status_of(cluster, namespace, name))  # type: ignore[misc] # bound to this round
        report(cluster, namespace, name)


def told(cluster: LightCluster, namespace: str, name: str) -> Json:
    callback: Json = status_of(cluster, namespace, name).get("callback") or {}
    return callback


def let_time_pass(cluster: LightCluster, namespace: str, name: str) -> None:
    """Have what is due in five minutes be due now, in the operator's own name."""
    status = own_part(status_of(cluster, namespace, name))
    status["callback"]["nextAttemptAt"] = now()
    body = {
        "apiVersion": API_VERSION,
        "kind": "SlideExtraction",
        "metadata": {"name": name},
        "status": status,
    }
    cluster.kubectl(
        *("apply", "--server-side", "--subresource=status", "--force-conflicts"),
        *("--field-manager=slides-operator", "-n", namespace, "-f", "-"),
        input=json.dumps(body),
    )


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_is_tried_until_it_is_taken_by_whichever_operator(
    light_cluster: LightCluster,
    namespace: str,
    place: dict[str, str],
    receiver: Receiver,
    tmp_path: Path,
) -> None:
    place |= {"ALLOW_PRIVATE_CALLBACKS": "true"}
    receiver.answers["/talk"] = [500, 500]
    with run_operator(light_cluster, tmp_path, name="first", **place) as operator:
        apply(light_cluster, namespace, receiver.url, "talk")
        finish(light_cluster, namespace, "talk")
        took_s = wait_until(
            lambda: told(light_cluster, namespace, "talk").get("attempts") == 2, limit_s=120
        )
        operator.stop()
    waiting = told(light_cluster, namespace, "talk")
    let_time_pass(light_cluster, namespace, "talk")
    with run_operator(light_cluster, tmp_path, name="second", **place) as operator:
        wait_until(lambda: "deliveredAt" in told(light_cluster, namespace, "talk"))
        metrics = operator.ask("/metrics")[1]
        delivered = told(light_cluster, namespace, "talk")
        light_cluster.kubectl("annotate", "slx", "talk", "-n", namespace, f"{REDELIVER_AT}={now()}")
        wait_until(lambda: len(receiver.at("/talk")) == 4)
        wait_until(lambda: told(light_cluster, namespace, "talk").get("attempts") == 1)

    assert took_s >= 4, "the second attempt comes after five seconds"
    assert (waiting["lastCode"], "deliveredAt" in waiting) == (500, False)
    assert (delivered["attempts"], delivered["lastCode"]) == (3, 200)
    assert "nextAttemptAt" not in delivered
    ids = {one for one, _ in receiver.at("/talk")}
    assert ids == {delivered["id"]}
    _, body = receiver.at("/talk")[-1]
    assert body["type"] == "slideextraction.completed"
    assert body["data"]["result"]["slideCount"] == 3
    assert 'slides_operator_webhook_attempts_total{result="delivered"} 1.0' in metrics


def test_stops_at_410_and_follows_no_redirect(
    light_cluster: LightCluster,
    namespace: str,
    place: dict[str, str],
    receiver: Receiver,
    tmp_path: Path,
) -> None:
    place |= {"ALLOW_PRIVATE_CALLBACKS": "true"}
    receiver.answers = {"/gone": [410], "/moved": [307]}
    with run_operator(light_cluster, tmp_path, **place):
        apply(light_cluster, namespace, receiver.url, "gone", "moved")
        finish(light_cluster, namespace, "gone", "moved")
        wait_until(lambda: "lastCode" in told(light_cluster, namespace, "gone"))
        wait_until(lambda: "deliveredAt" in told(light_cluster, namespace, "moved"))
        gone = told(light_cluster, namespace, "gone")

    assert (gone["lastCode"], gone["attempts"]) == (410, 1)
    assert "nextAttemptAt" not in gone
    assert len(receiver.at("/moved")) == 2, "tried again where it was sent first"
    assert receiver.at("/elsewhere") == []


def test_this_machine_is_refused_unless_allowed(
    light_cluster: LightCluster,
    namespace: str,
    place: dict[str, str],
    receiver: Receiver,
    tmp_path: Path,
) -> None:
    with run_operator(light_cluster, tmp_path, **place):
        apply(light_cluster, namespace, receiver.url, "talk")
        finish(light_cluster, namespace, "talk")
        wait_until(lambda: told(light_cluster, namespace, "talk").get("attempts") == 1)

    refused = told(light_cluster, namespace, "talk")
    assert "a loopback address" in refused["lastError"]
    assert refused["nextAttemptAt"]
    assert receiver.told == []


def test_a_deleted_resource_is_not_told_of_any_more(
    light_cluster: LightCluster,
    namespace: str,
    place: dict[str, str],
    receiver: Receiver,
    tmp_path: Path,
) -> None:
    place |= {"ALLOW_PRIVATE_CALLBACKS": "true"}
    receiver.answers["/talk"] = [500, 500]
    with run_operator(light_cluster, tmp_path, **place) as operator:
        apply(light_cluster, namespace, receiver.url, "talk")
        finish(light_cluster, namespace, "talk")
        wait_until(lambda: told(light_cluster, namespace, "talk").get("attempts") == 1)
        light_cluster.kubectl("delete", "slx", "talk", "-n", namespace)
        with pytest.raises(TimeoutError):
            wait_until(lambda: len(receiver.told) > 1, limit_s=8)
        assert "slides_operator_webhooks_waiting 0.0" in operator.ask("/metrics")[1]


def test_a_batch_tells_its_end_and_each_item_its_own(
    light_cluster: LightCluster,
    namespace: str,
    place: dict[str, str],
    receiver: Receiver,
    tmp_path: Path,
) -> None:
    place |= {"ALLOW_PRIVATE_CALLBACKS": "true"}
    body = {
        "apiVersion": API_VERSION,
        "kind": "SlideExtractionBatch",
        "metadata": {"name": "talks"},
        "spec": {
            "items": [{"name": name, "url": f"https://example.com/{name}"} for name in "ab"],
            "template": {"callback": {"url": f"{receiver.url}/item"}},
            "callback": {"url": f"{receiver.url}/batch"},
            "ttlSecondsAfterFinished": 0,
        },
    }
    with run_operator(light_cluster, tmp_path, **place):
        light_cluster.kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps(body))
        wait_until(lambda: len(find(light_cluster, namespace, "slx")) == 2)
        children = [one["metadata"]["name"] for one in find(light_cluster, namespace, "slx")]
        finish(light_cluster, namespace, *children)
        wait_until(lambda: bool(receiver.at("/batch")))
        wait_until(lambda: find(light_cluster, namespace, "slxb") == [])

    ((_, event),) = receiver.at("/batch")
    assert event["type"] == "slideextractionbatch.completed"
    assert event["data"]["counts"]["completed"] == 2
    assert [item["result"]["slideCount"] for item in event["data"]["items"]] == [3, 3]
    items = [body["data"] for _, body in receiver.at("/item")]
    assert {item["item"] for item in items} == {"a", "b"}
    assert {item["batch_id"] for item in items} == {event["data"]["job_id"]}
