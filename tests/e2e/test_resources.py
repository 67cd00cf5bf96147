"""Nodes and volumes that do not suffice: each shows its reason, and goes on once it is mended."""

import json

import pytest

from tests.e2e.product import Product
from tests.e2e.talks import attempts, condition, phase, reason

pytestmark = pytest.mark.e2e

SMALL = {"resources": {"limits": {"memory": "48Mi"}, "requests": {"memory": "16Mi"}}}
ENOUGH = {"resources": {"limits": {"memory": "1Gi"}, "requests": {"memory": "128Mi"}}}


def test_out_of_memory_is_cured_by_an_edit_of_the_pod_template(product: Product) -> None:
    retry = {"limit": 5, "initialSeconds": 1, "maxSeconds": 2}
    product.talks.apply("hungry", product.new_talk_url(), podTemplate=SMALL, retry=retry)
    product.talks.wait(
        "hungry", lambda seen: any(row.get("reason") == "OOMKilled" for row in attempts(seen))
    )

    product.talks.patch("hungry", podTemplate=ENOUGH)

    seen = product.talks.wait_for_end("hungry")
    assert reason(seen) == "Completed"


def test_an_image_that_cannot_be_pulled_shows_as_such(product: Product) -> None:
    image = "registry.invalid/no-such-image:1"
    product.talks.apply("no-image", product.talk_url, podTemplate={"image": image})

    seen = product.talks.wait_for_reason("no-image", "ImagePullFailed")

    assert image in condition(seen, "Succeeded")["message"]
    product.talks.run("delete", "slx", "no-image", "--wait=false")


def test_a_pod_without_a_node_shows_why_and_fails_by_its_start_deadline(product: Product) -> None:
    nowhere = {"nodeSelector": {"example.com/disk": "none"}}
    product.talks.apply("no-node", product.talk_url, podTemplate=nowhere, startDeadlineSeconds=30)

    seen = product.talks.wait_for_reason("no-node", "Unschedulable")
    assert phase(seen) == "Pending"
    assert "node" in condition(seen, "Succeeded")["message"]

    seen = product.talks.wait_for_end("no-node")
    assert reason(seen) == "StartDeadlineExceeded"


def test_a_pod_refused_by_admission_shows_why(product: Product) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "no-pods"},
        "spec": {"hard": {"pods": "0"}},
    }
    talks = product.new_namespace("refused")
    talks.run("apply", "-f", "-", text=json.dumps(quota))
    talks.apply("refused", product.new_talk_url())

    seen = talks.wait_for_reason("refused", "PodRefused")
    assert "quota" in condition(seen, "Succeeded")["message"]

    talks.run("delete", "resourcequota", "no-pods")
    assert reason(talks.wait_for_end("refused", within_s=180)) == "Completed"


def test_a_full_work_volume_is_a_reason_of_its_own(product: Product) -> None:
    volume = {"emptyDir": {"sizeLimit": "20Ki"}}
    product.talks.apply("full", product.new_talk_url(), workVolume=volume, retry={"limit": 0})

    seen = product.talks.wait_for_end("full")

    assert (phase(seen), reason(seen)) == ("Failed", "DiskFull")
