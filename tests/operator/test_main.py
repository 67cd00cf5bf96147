"""`python -m slides_operator` as a process on the light cluster: it works, and it dies well."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.light import LightCluster
from tests.operator.process import (
    OperatorProcess,
    apply,
    find,
    report,
    run_operator,
    status_of,
    wait_until,
)

pytestmark = [pytest.mark.api, pytest.mark.slow]
SECRET = "hunter2hunter2"


@pytest.fixture
def operator_variables(namespace: str) -> dict[str, str]:
    """Its Lease and its extractions are in the test's own namespace."""
    return {"WATCH_NAMESPACES": namespace, "POD_NAMESPACE": namespace}


def _is(cluster: LightCluster, namespace: str, name: str, phase: str) -> Callable[[], bool]:
    return lambda: status_of(cluster, namespace, name).get("phase") == phase


def _has_job(cluster: LightCluster, namespace: str) -> Callable[[], bool]:
    return lambda: bool(find(cluster, namespace, "jobs"))


def _has_attempt(cluster: LightCluster, namespace: str, name: str) -> Callable[[], bool]:
    return lambda: "attempts" in status_of(cluster, namespace, name)


def _writes(operator: OperatorProcess) -> float:
    """Return how often this replica wrote, its Lease and refusals apart."""
    lines = operator.ask("/metrics")[1].splitlines()
    verbs = ('verb="apply"', 'verb="patch"', 'verb="delete"', 'verb="create"')
    counted = [line for line in lines if line.startswith("slides_operator_api_requests_total")]
    return sum(float(line.split()[-1]) for line in counted if any(v in line for v in verbs))


def test_takes_an_extraction_to_its_end(
    light_cluster: LightCluster, namespace: str, tmp_path: Path, operator_variables: dict[str, str]
) -> None:
    light_cluster.kubectl("create", "serviceaccount", "slides-runner", "-n", namespace)
    with run_operator(light_cluster, tmp_path, **operator_variables) as operator:
        wait_until(lambda: operator.ask("/readyz")[0] == 200)
        apply(light_cluster, namespace, "talk")
        wait_until(_has_job(light_cluster, namespace))
        report(light_cluster, namespace, "talk")
        wait_until(_is(light_cluster, namespace, "talk", "Completed"))
        health = operator.ask("/healthz")
        code, took_s = operator.stop()
        logged = operator.lines()

    (job,) = find(light_cluster, namespace, "jobs")
    events = [e["reason"] for e in find(light_cluster, namespace, "events")]
    phases = [line["phase"] for line in logged if line["event"] == "transition"]
    assert health == (200, "ok\n")
    assert job["spec"]["ttlSecondsAfterFinished"] == 3600
    assert "Completed" in events
    assert (phases[0], phases[-1]) == ("Pending", "Completed")
    assert (code, took_s < 10) == (0, True)
    assert {line["level"] for line in logged} <= {"info"}


def test_restart_with_finished_resources_writes_nothing(
    light_cluster: LightCluster, namespace: str, tmp_path: Path, operator_variables: dict[str, str]
) -> None:
    light_cluster.kubectl("create", "serviceaccount", "slides-runner", "-n", namespace)
    names = [f"talk-{n}" for n in range(4)]
    apply(light_cluster, namespace, *names)
    with run_operator(light_cluster, tmp_path, **operator_variables):
        for name in names:
            wait_until(_has_attempt(light_cluster, namespace, name))
            report(light_cluster, namespace, name)
        for name in names:
            wait_until(_is(light_cluster, namespace, name, "Completed"))
        wait_until(
            lambda: all(
                "ttlSecondsAfterFinished" in job["spec"]
                for job in find(light_cluster, namespace, "jobs")
            )
        )
    with run_operator(light_cluster, tmp_path, name="one", **operator_variables) as operator:
        wait_until(operator.leads)
        wait_until(lambda: 'reconcile_total{result="ok"} 4.0' in operator.ask("/metrics")[1])

        assert _writes(operator) == 0


@pytest.mark.parametrize(
    "how",
    [pytest.param(signal.SIGTERM, id="SIGTERM"), pytest.param(signal.SIGKILL, id="SIGKILL")],
)
def test_second_replica_goes_on(
    how: signal.Signals,
    light_cluster: LightCluster,
    namespace: str,
    tmp_path: Path,
    operator_variables: dict[str, str],
) -> None:
    light_cluster.kubectl("create", "serviceaccount", "slides-runner", "-n", namespace)
    with (
        run_operator(light_cluster, tmp_path, name="first", **operator_variables) as first,
    ):
        wait_until(first.leads)
        with run_operator(light_cluster, tmp_path, name="second", **operator_variables) as second:
            wait_until(lambda: second.ask("/readyz")[0] == 200)
            apply(light_cluster, namespace, "talk")
            wait_until(_has_job(light_cluster, namespace))
            assert not second.leads()
            first.stop(how)
            took_s = wait_until(second.leads)
            report(light_cluster, namespace, "talk")
            wait_until(_is(light_cluster, namespace, "talk", "Completed"))

    assert took_s < 20
    assert len(find(light_cluster, namespace, "jobs")) == 1


def test_outlives_the_api_server(
    light_cluster: LightCluster, namespace: str, tmp_path: Path, operator_variables: dict[str, str]
) -> None:
    light_cluster.kubectl("create", "serviceaccount", "slides-runner", "-n", namespace)
    with run_operator(light_cluster, tmp_path, **operator_variables) as operator:
        wait_until(operator.leads)
        apply(light_cluster, namespace, "goes")
        wait_until(_has_job(light_cluster, namespace))

        light_cluster.stop("kube-apiserver")
        alive = operator.ask("/healthz")
        light_cluster.restart_apiserver()
        light_cluster.kubectl("delete", "slx", "goes", "-n", namespace)
        apply(light_cluster, namespace, "talk")

        wait_until(_has_attempt(light_cluster, namespace, "talk"))
        report(light_cluster, namespace, "talk")
        # Controllers, scheduler and kwok come back one after the other, each after up to 30 s.
        wait_until(_is(light_cluster, namespace, "talk", "Completed"), limit_s=180)
        known = 'slides_operator_extractions{phase="Pending"} 0.0'
        wait_until(lambda: known in operator.ask("/metrics")[1], limit_s=90)
        code, _ = operator.stop()

    assert alive == (200, "ok\n")
    assert code == 0


@pytest.mark.parametrize(
    ("variables", "want"),
    [
        pytest.param({"RUNNER_IMAGE": ""}, "RUNNER_IMAGE: field required", id="missing"),
        pytest.param({"WORKERS": SECRET}, "WORKERS: input should be", id="no number"),
        pytest.param({"KUBECONFIG": "/none"}, "no cluster to talk to", id="no cluster"),
    ],
)
def test_unusable_environment_is_said_without_a_trace(
    variables: dict[str, str], want: str, tmp_path: Path
) -> None:
    environment = os.environ | {"RUNNER_IMAGE": "runner:1"} | variables
    environment.pop("KUBERNETES_SERVICE_HOST", None)
    command = [sys.executable, "-m", "slides_operator"]

    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert want in done.stderr
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr


def test_development_logs_are_for_a_terminal(
    light_cluster: LightCluster, namespace: str, tmp_path: Path, operator_variables: dict[str, str]
) -> None:
    variables = operator_variables | {"ENVIRONMENT": "development"}
    with run_operator(light_cluster, tmp_path, **variables) as operator:
        wait_until(operator.leads)
        operator.stop()
        first = operator.log.read_text().splitlines()[0]

    assert "started" in first
    with pytest.raises(json.JSONDecodeError):
        json.loads(first)


def _catches(process: subprocess.Popen[bytes], number: signal.Signals) -> bool:
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def test_ends_while_it_is_being_loaded() -> None:
    """Process 1 of a container is spared what it does not handle."""
    process = subprocess.Popen([sys.executable, "-m", "slides_operator"], stderr=subprocess.PIPE)
    try:
        wait_until(lambda: _catches(process, signal.SIGTERM))
        process.send_signal(signal.SIGTERM)
        _, words = process.communicate(timeout=10)
    finally:
        process.kill()
    assert (process.returncode, words) == (0, b"")
