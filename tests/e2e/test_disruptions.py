"""What goes away in mid-run: the operator, its leader, the API server, the pod, the node's room."""

import json

import pytest

from tests.e2e.product import Product
from tests.e2e.talks import Resource, attempts, condition, counted, phase, reason, runs

pytestmark = pytest.mark.e2e

TAKE_OVER_S = 20.0
ENOUGH = 20_000
"""Bytes of a download that is worth going on with; far more than are on their way at any time."""


def _ended_well_in_one_attempt(product: Product, name: str) -> None:
    seen = product.talks.wait_for_end(name)
    assert (phase(seen), reason(seen)) == ("Completed", "Completed")
    assert (seen["status"]["attempts"]["current"], counted(seen)) == (1, 0)
    assert len(product.talks.find("jobs", name)) == 1


def test_operator_killed_right_after_apply_starts_one_job(product: Product) -> None:
    product.talks.apply("killed-early", product.new_talk_url())

    product.kill_leader()

    _ended_well_in_one_attempt(product, "killed-early")


def test_operator_killed_while_downloading_loses_nothing(product: Product) -> None:
    product.talks.apply("killed-downloading", product.slow_talk_url())
    product.talks.wait_for_phase("killed-downloading", "Downloading")

    product.kill_leader()
    product.hurry()

    _ended_well_in_one_attempt(product, "killed-downloading")


def test_operator_killed_while_uploading_loses_nothing(product: Product) -> None:
    product.talks.apply("killed-uploading", product.slow_talk_url())
    # The store was asked what lies there; it is needed again once there is something to upload.
    product.talks.wait("killed-uploading", lambda seen: runs(seen).get("downloads"))
    with product.s3_frozen():
        product.hurry()
        product.talks.wait_for_phase("killed-uploading", "Extracting", "Uploading")
        product.kill_leader()

    _ended_well_in_one_attempt(product, "killed-uploading")


def test_an_end_that_no_operator_saw_is_recorded_by_the_next(product: Product) -> None:
    product.talks.apply("unseen", product.slow_talk_url())
    product.talks.wait_for_phase("unseen", "Downloading")

    with product.without_operator():
        product.hurry()
        product.talks.wait_until(
            lambda: any(
                "completionTime" in j["status"] for j in product.talks.find("jobs", "unseen")
            )
        )

    _ended_well_in_one_attempt(product, "unseen")


def test_the_second_replica_takes_over_within_twenty_seconds(product: Product) -> None:
    before = product.leader()

    product.kill_leader(for_good=True)

    product.talks.wait_until(lambda: product.leader() not in {before, ""}, within_s=TAKE_OVER_S)
    product.talks.apply("after-take-over", product.new_talk_url())
    assert reason(product.talks.wait_for_end("after-take-over")) == "Completed"


def test_runs_go_on_while_the_api_server_restarts(product: Product) -> None:
    product.talks.apply("api-away", product.slow_talk_url())
    product.talks.wait_for_phase("api-away", "Downloading")

    product.cluster.restart_apiserver()
    product.hurry()

    _ended_well_in_one_attempt(product, "api-away")


def _downloaded(seen: Resource) -> int:
    return sum(int(one.get("bytes", 0)) for one in runs(seen).get("downloads", []))


def _evict(product: Product, pod: Resource) -> None:
    name = pod["metadata"]["name"]
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": product.talks.namespace},
    }
    path = f"/api/v1/namespaces/{product.talks.namespace}/pods/{name}/eviction"
    product.talks.run("create", "--raw", path, "-f", "-", text=json.dumps(eviction))


def test_a_deleted_pod_is_no_failure(product: Product) -> None:
    product.talks.apply("pod-deleted", product.slow_talk_url())
    product.talks.wait_for_phase("pod-deleted", "Downloading")
    (pod,) = product.talks.find("pods", "pod-deleted")

    product.talks.run("delete", "pod", pod["metadata"]["name"], "--wait=false")
    product.talks.wait("pod-deleted", lambda seen: seen["status"]["attempts"]["current"] == 2)
    product.hurry()

    seen = product.talks.wait_for_end("pod-deleted")
    assert (reason(seen), counted(seen)) == ("Completed", 0)


def test_an_evicted_pod_with_a_claim_goes_on_with_what_it_had(product: Product) -> None:
    path, url = product.slow_talk()
    claim = {"claim": {"size": "1Gi"}}
    product.talks.apply("evicted", url, workVolume=claim)
    product.talks.wait_for_phase("evicted", "Downloading")
    product.talks.wait("evicted", lambda seen: _downloaded(seen) > ENOUGH)
    (pod,) = product.talks.find("pods", "evicted")

    _evict(product, pod)
    product.talks.wait("evicted", lambda seen: seen["status"]["attempts"]["current"] == 2)
    product.hurry()

    seen = product.talks.wait_for_end("evicted")
    assert (reason(seen), counted(seen)) == ("Completed", 0)
    assert attempts(seen)[0]["reason"] == "Disrupted"
    twice = product.sent_bytes(path) - len(product.slow_bytes)
    assert twice < ENOUGH, f"{twice:,} bytes were fetched twice"
    assert condition(seen, "Succeeded")["status"] == "True"
    product.talks.wait_until(lambda: "workClaim" not in product.talks.get("evicted")["status"])
