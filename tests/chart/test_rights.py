"""The operator at work with the rights that the chart gives it; the API server keeps count."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from slides_api.wellknown import API_VERSION
from tests.chart.charts import (
    NAMESPACE,
    OPERATOR,
    Object,
    environment,
    render,
)
from tests.chart.rights import Place, run_place
from tests.cluster.kwok import ANNOTATIONS, PodPlay
from tests.cluster.light import TOOLS, LightCluster, free_ports

pytestmark = [pytest.mark.api, pytest.mark.slow]

LIMIT_S = 60.0
"""Chosen: many times what each step takes."""
ELSEWHERE = "elsewhere"
"""A namespace that the chart does not prepare."""
NEVER_ASKED = {
    # Whose an object is, asked only when another replica has made it meanwhile.
    ("get", "slideextractions"),
    ("get", "jobs"),
    ("get", "persistentvolumeclaims"),
    # No request, but what the API server wants to see for a RoleBinding.
    ("bind", "clusterroles"),
}


@contextmanager
def _run_operator(place: Place, folder: Path) -> Iterator[None]:
    """Run the operator with its own token and the chart's settings."""
    (port,) = free_ports(1)
    kubeconfig = place.write_kubeconfig(folder)
    own = {"KUBECONFIG": str(kubeconfig), "POD_NAMESPACE": NAMESPACE, "HEALTH_PORT": str(port)}
    settings = {**os.environ, **environment(render(place.values)), **own}
    with (folder / "operator.log").open("w") as log:
        command = [sys.executable, "-m", "slides_operator"]
        process = subprocess.Popen(command, env=settings, stdout=log, stderr=log, cwd=folder)
        try:
            yield
            assert process.poll() is None, (folder / "operator.log").read_text()
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture(
    params=[{}, {"watchNamespaces": [NAMESPACE, ELSEWHERE]}], ids=["whole-cluster", "namespaces"]
)
def place(
    request: pytest.FixtureRequest, build_tools: Callable[..., None], tmp_path: Path
) -> Iterator[Place]:
    """A cluster whose pods run, with the chart for all namespaces or for two."""
    build_tools(*TOOLS)
    with run_place(
        tmp_path,
        {**request.param, "runner": {"downloadRetentionHours": 0}},
        account_name=OPERATOR,
        roles=("-operator", "-leader"),
        namespaces=(ELSEWHERE,),
        play=PodPlay(run_ms=600_000),
    ) as found:
        yield found


def _apply(cluster: LightCluster, kind: str, name: str, spec: Mapping[str, Any]) -> None:
    body = {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name, "namespace": ELSEWHERE},
        "spec": spec,
    }
    cluster.kubectl("apply", "--filename=-", input=json.dumps(body))


def _failing(code: int) -> Object:
    annotations = {f"{ANNOTATIONS}/exit-code": str(code), f"{ANNOTATIONS}/run-for": "200ms"}
    return {"podTemplate": {"metadata": {"annotations": annotations}}}


def _until(cluster: LightCluster, done: Callable[[list[Object]], bool], what: str) -> None:
    end = time.monotonic() + LIMIT_S
    kinds = "slx,slxb,persistentvolumeclaims"
    while True:
        objects = json.loads(cluster.kubectl("get", kinds, "-n", ELSEWHERE, "-o", "json"))["items"]
        if done(objects):
            return
        assert time.monotonic() < end, f"{what} does not come about: {_phases(objects)}"
        time.sleep(0.3)


def _kinds(objects: list[Object]) -> set[str]:
    return {o["kind"] for o in objects}


def _claim_is_deleted(objects: list[Object]) -> bool:
    """Return whether nobody but Kubernetes' own finalizer holds the claim."""
    claims = [o for o in objects if o["kind"] == "PersistentVolumeClaim"]
    return all("deletionTimestamp" in claim["metadata"] for claim in claims)


def _phases(objects: list[Object]) -> dict[str, str]:
    return {
        o["metadata"]["name"]: o.get("status", {}).get("phase", "")
        for o in objects
        if o["kind"].startswith("SlideExtraction")
    }


SOURCE = {"url": "https://example.com/talk.mp4"}
CLAIM = {"claim": {"size": "1Gi"}}


def test_operator_needs_every_right_that_it_has_and_no_other(place: Place, tmp_path: Path) -> None:
    cluster = place.cluster
    with _run_operator(place, tmp_path):
        # No volume will ever be there for it, so that it waits until it is cancelled.
        told = {"callback": {"url": "https://receiver.invalid/"}}
        claiming = {"source": SOURCE, "workVolume": CLAIM, "deletionPolicy": "Delete", **told}
        _apply(cluster, "SlideExtraction", "claims", claiming)
        failing = {"source": SOURCE, **_failing(66), "ttlSecondsAfterFinished": 1}
        _apply(cluster, "SlideExtraction", "fails", failing)
        items = [{"name": "one", "url": SOURCE["url"]}]
        batch = {"items": items, "template": _failing(66), "ttlSecondsAfterFinished": 5}
        _apply(cluster, "SlideExtractionBatch", "batch", batch)
        _until(cluster, lambda o: "PersistentVolumeClaim" in _kinds(o), "a claim")
        cancel = ("--type=merge", '--patch={"spec": {"cancel": true}}')
        cluster.kubectl("patch", "slx/claims", f"--namespace={ELSEWHERE}", *cancel)
        _until(cluster, lambda o: _phases(o) == {"claims": "Cancelled"}, "an end of all")
        _until(cluster, _claim_is_deleted, "a deleted claim")
        _until(cluster, lambda o: "lastError" in json.dumps(o), "a webhook that nobody takes")
        cluster.kubectl("create", "quota", "none", "--hard=pods=0", f"--namespace={ELSEWHERE}")
        _apply(cluster, "SlideExtraction", "refused", {"source": SOURCE})
        _until(cluster, lambda o: "PodRefused" in json.dumps(o), "a pod refused by a quota")

    asked = place.asked()
    assert {what: codes for what, codes in asked.items() if codes & {401, 403}} == {}
    assert asked.keys() - place.granted() == set()
    assert place.granted() - asked.keys() - NEVER_ASKED == set()
