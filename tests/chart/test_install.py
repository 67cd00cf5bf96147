"""The chart on a real API server: each object taken, and what `helm test` runs."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.chart.charts import (
    EVERYTHING,
    NAMESPACE,
    OPERATOR,
    RELEASE,
    SERVICE,
    SIDECAR,
    Object,
    helm,
    install,
    pod_specs,
    render,
)
from tests.chart.people import SECOND, authority
from tests.cluster.light import LightCluster

pytestmark = pytest.mark.api

RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
MONITORS = {"ServiceMonitor", "PrometheusRule"}
"""Kinds of Prometheus Operator, which this cluster does not have."""


@pytest.mark.parametrize(
    "values",
    [
        {},
        EVERYTHING,
        SIDECAR,
        {"watchNamespaces": [SECOND]},
        {"watchNamespaces": [SECOND], "service": EVERYTHING["service"]},
        {"runner": {"namespaces": [SECOND]}},
    ],
    ids=["default", "everything", "sidecar", "namespaces", "service-of-namespaces", "prepared"],
)
def test_api_server_takes_every_object_as_it_is(
    installed: LightCluster, values: dict[str, Any]
) -> None:
    objects = [o for o in render(values, "--no-hooks") if o["kind"] not in MONITORS]

    said = installed.kubectl(
        "apply",
        "--server-side",
        "--force-conflicts",
        "--dry-run=server",
        "--validate=strict",
        "--filename=-",
        input=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}),
    )

    assert len(said.splitlines()) == len(objects)


def test_every_pod_satisfies_restricted_pod_security(installed: LightCluster) -> None:
    installed.kubectl("create", "namespace", "restricted")
    installed.kubectl("label", "namespace", "restricted", RESTRICTED)
    for account in (OPERATOR, SERVICE):
        installed.kubectl("create", "serviceaccount", account, "-n", "restricted")
    pods = {**pod_specs(render(EVERYTHING)), "with-a-sidecar": pod_specs(render(SIDECAR))[OPERATOR]}

    for name, spec in pods.items():
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        create = ("create", "--dry-run=server", "-n", "restricted", "--filename=-")
        assert "created" in installed.kubectl(*create, input=json.dumps(pod))
    assert len(pods) == 4


def test_says_what_to_do_next(installed: LightCluster) -> None:
    said = helm("get", "notes", RELEASE, "-n", NAMESPACE, "--kubeconfig", installed.kubeconfig)

    assert f"kubectl -n {NAMESPACE} rollout status deployment/{OPERATOR}" in said


def test_upgrade_to_the_same_writes_nothing(installed: LightCluster) -> None:
    before = _versions(installed)

    install(installed, {"runner": {"namespaces": [SECOND]}})

    assert _versions(installed) == before
    assert {"Deployment", "ClusterRole", "CustomResourceDefinition"} <= {kind for kind, _ in before}


def _versions(cluster: LightCluster) -> dict[tuple[str, str], str]:
    kinds = ["crd", "deployments", "services", "clusterroles", "roles", "serviceaccounts"]
    kinds += ["validatingadmissionpolicies", "networkpolicies", "poddisruptionbudgets"]
    of_release = f"--selector=app.kubernetes.io/instance={RELEASE}"
    printed = cluster.kubectl("get", ",".join(kinds), "--all-namespaces", of_release, "-o", "json")
    objects: list[Object] = json.loads(printed)["items"]
    return {
        (o["kind"], f"{o['metadata'].get('namespace')}/{o['metadata']['name']}"): (
            o["metadata"]["resourceVersion"]
        )
        for o in objects
    }


class _Replica(BaseHTTPRequestHandler):
    """Says that it is ready, as operator and service do."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path in {"/readyz", "/healthz/ready"} else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@pytest.fixture
def ready_url() -> Iterator[str]:
    """Where an operator that is ready says so."""
    with HTTPServer(("127.0.0.1", 0), _Replica) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/readyz"
        server.shutdown()
        thread.join()


def _test_release(
    cluster: LightCluster, folder: Path, *, url: str, account: str
) -> tuple[int, str]:
    """Run what `helm test` runs, with the token of an account."""
    (spec,) = [s for name, s in pod_specs(render(SIDECAR)).items() if name.endswith("-test")]
    (container,) = spec["containers"]
    token = cluster.kubectl("create", "token", account, "-n", NAMESPACE)
    (folder / "token").write_text(token)
    (folder / "ca.crt").write_text(authority(cluster))
    host, port = re.findall(r"//([^:]+):(\d+)", cluster.server)[0]
    done = subprocess.run(
        [sys.executable, *container["command"][1:], *container["args"]],
        env={
            **{one["name"]: one["value"] for one in container["env"]},
            "READY_URL": url,
            "SERVICE_URL": url.replace("/readyz", "/healthz/ready"),
            "PATIENCE_S": "0",
            "ACCOUNT_DIR": str(folder),
            "KUBERNETES_SERVICE_HOST": host,
            "KUBERNETES_SERVICE_PORT": port,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_helm_test_passes_when_all_answer(
    installed: LightCluster, tmp_path: Path, ready_url: str
) -> None:
    code, said = _test_release(installed, tmp_path, url=ready_url, account=OPERATOR)

    assert said.splitlines() == [
        "ok: the operator is ready",
        "ok: the service is ready",
        "ok: slideextractions answer",
        "ok: slideextractionbatches answer",
    ]
    assert code == 0


def test_helm_test_names_what_does_not_answer(
    installed: LightCluster, tmp_path: Path, ready_url: str
) -> None:
    code, said = _test_release(installed, tmp_path, url=f"{ready_url}/not", account="default")

    assert code == 1
    assert re.findall(r"^FAILED: ([\w ]+): (\d+)", said, re.MULTILINE) == [
        ("the operator is ready", "404"),
        ("the service is ready", "404"),
        ("slideextractions answer", "403"),
        ("slideextractionbatches answer", "403"),
    ]
