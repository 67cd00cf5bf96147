import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cluster.client import KubectlError
from tests.cluster.kwok import ANNOTATIONS, PodPlay
from tests.cluster.light import LightCluster, run_light_cluster
from tests.cluster.tools import REPOSITORY

pytestmark = pytest.mark.api


def job(name: str, **annotations: str) -> str:
    played = {f"{ANNOTATIONS}/{key.replace('_', '-')}": value for key, value in annotations.items()}
    pod = {"restartPolicy": "Never", "containers": [{"name": "runner", "image": "none"}]}
    template = {"metadata": {"annotations": played}, "spec": pod}
    spec = {"backoffLimit": 0, "template": template}
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}
    return json.dumps(body)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/status").read_text().split("State:")[1][:4]


def test_a_job_completes(light_cluster: LightCluster) -> None:
    light_cluster.kubectl("create", "-f", "-", input=job("completes", run_for="100ms"))
    light_cluster.kubectl("wait", "--for=condition=Complete", "job/completes", "--timeout=30s")


def test_a_pod_fails_as_its_annotations_say(light_cluster: LightCluster) -> None:
    wish = job("fails", run_for="100ms", exit_code="65", message='{"reason": "BotCheck"}')
    light_cluster.kubectl("create", "-f", "-", input=wish)
    light_cluster.kubectl("wait", "--for=condition=Failed", "job/fails", "--timeout=30s")
    told = light_cluster.kubectl(
        "get",
        "pods",
        "--selector=job-name=fails",
        "--output=jsonpath={.items[0].status.containerStatuses[0].state.terminated}",
    )
    assert json.loads(told)["exitCode"] == 65
    assert json.loads(told)["message"] == '{"reason": "BotCheck"}'


def test_a_deleted_pod_ends_by_sigterm(light_cluster: LightCluster) -> None:
    light_cluster.kubectl("create", "-f", "-", input=job("deleted", run_for="24h"))
    light_cluster.kubectl("wait", "--for=jsonpath={.status.ready}=1", "job/deleted")
    light_cluster.kubectl("delete", "pods", "--selector=job-name=deleted")
    light_cluster.kubectl("wait", "--for=condition=Failed", "job/deleted", "--timeout=30s")


def test_the_api_server_comes_back_with_what_it_knew(light_cluster: LightCluster) -> None:
    light_cluster.kubectl("create", "configmap", "kept")
    light_cluster.restart_apiserver(kill=True)
    assert "kept" in light_cluster.kubectl("get", "configmaps", "--output=name")


def test_kubectl_says_what_went_wrong(light_cluster: LightCluster) -> None:
    with pytest.raises(KubectlError, match='pods "nobody" not found'):
        light_cluster.kubectl("get", "pod", "nobody")


@pytest.mark.slow
def test_nothing_is_left_of_a_cluster_that_ended() -> None:
    with run_light_cluster(play=PodPlay(), nodes=0, crds=[]) as cluster:
        pids = cluster.processes.pids()
        assert all(is_alive(pid) for pid in pids)
    assert not any(is_alive(pid) for pid in pids)
    assert not cluster.kubeconfig.parent.exists()


@pytest.mark.slow
def test_nothing_runs_on_when_the_tests_are_killed(tmp_path: Path) -> None:
    program = (
        "import time; from tests.cluster.light import run_light_cluster\n"
        "with run_light_cluster(nodes=0, crds=[]) as cluster:\n"
        "    print(*cluster.processes.pids(), flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        pids = [int(pid) for pid in owner.stdout.readline().split()]
        owner.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(is_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(pids) == 4
    assert not any(is_alive(pid) for pid in pids)
