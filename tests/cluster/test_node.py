import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import pytest

from tests.cluster import cgroups, network
from tests.cluster.built import STATE
from tests.cluster.client import KubectlError
from tests.cluster.images import write_image
from tests.cluster.node import NodeCluster, run_node_cluster
from tests.cluster.s3 import ACCESS_KEY, BUCKET, PORT, SECRET_KEY, install_s3
from tests.cluster.tools import REPOSITORY, ToolMissingError, tool

pytestmark = pytest.mark.e2e

IMAGE = "localhost/kubectl:test"
"""An image of a program that can ask servers by HTTP and says what they answer."""


@pytest.fixture(scope="module")
def cluster(node_cluster: NodeCluster, tmp_path_factory: pytest.TempPathFactory) -> NodeCluster:
    """The cluster, with an image and a namespace for these tests."""
    archive = tmp_path_factory.mktemp("image") / "kubectl.tar"
    write_image(archive, IMAGE, tool("kubectl"))
    node_cluster.load_image(archive)
    if "tooling" not in node_cluster.kubectl("get", "namespaces", "--output=name"):
        node_cluster.kubectl("create", "namespace", "tooling")
        node_cluster.kubectl(
            "wait", "--for=create", "--namespace=tooling", "serviceaccount/default"
        )
    return node_cluster


@pytest.fixture
def web_server(cluster: NodeCluster) -> Iterator[str]:
    """A server on this machine, at the address that pods reach."""
    with ThreadingHTTPServer((cluster.host_ip, 0), _Greeter) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{cluster.host_ip}:{server.server_address[1]}"
        server.shutdown()


class _Greeter(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello from outside")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by its base class
        pass


def run_job(cluster: NodeCluster, name: str, *arguments: str, **pod: Any) -> str:
    """Run kubectl in a Job until it ends and return its log."""
    container = {
        "name": "kubectl",
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "args": list(arguments),
        "volumeMounts": [{"name": "work", "mountPath": "/work"}] if pod else [],
    }
    spec = {"restartPolicy": "Never", "containers": [container], **pod}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": {"spec": spec}},
    }
    inside = "--namespace=tooling"
    cluster.kubectl(inside, "create", "--filename=-", input=json.dumps(job))
    cluster.kubectl(
        inside, "wait", "--for=jsonpath={.status.conditions}", f"job/{name}", "--timeout=60s"
    )
    return cluster.kubectl(inside, "logs", f"job/{name}")


def test_a_job_runs_and_its_log_is_read(cluster: NodeCluster) -> None:
    assert "Client Version" in run_job(cluster, "version", "version", "--client")


def test_pods_find_services_by_name(cluster: NodeCluster) -> None:
    trust = "--certificate-authority=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
    server = "--server=https://kubernetes.default.svc"
    # The server was found, its certificate trusted, and what it says about the token is read.
    log = run_job(cluster, "names", "get", "--raw=/version", server, trust, "--token=nobody")
    assert "Unauthorized" in log


def test_pods_reach_servers_on_this_machine(cluster: NodeCluster, web_server: str) -> None:
    log = run_job(cluster, "outside", "get", "--raw=/", f"--server={web_server}")
    assert log == "hello from outside"


def test_a_claim_becomes_a_folder_that_any_user_may_write(cluster: NodeCluster) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "work"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    cluster.kubectl("--namespace=tooling", "create", "--filename=-", input=json.dumps(claim))
    volumes = [{"name": "work", "persistentVolumeClaim": {"claimName": "work"}}]
    words = ["config", "set-cluster", "written", "--kubeconfig=/work/config"]
    log = run_job(cluster, "writes", *words, volumes=volumes)
    assert log == 'Cluster "written" set.\n'


def test_a_killed_container_counts_as_crashed(cluster: NodeCluster) -> None:
    waits = ["run", "waits", f"--image={IMAGE}", "--image-pull-policy=Never", "--restart=Never"]
    cluster.kubectl("--namespace=tooling", *waits, "--", "proxy")
    cluster.kubectl("--namespace=tooling", "wait", "--for=condition=Ready", "pod/waits")
    cluster.kill_container("tooling", "waits")
    code = "{.status.containerStatuses[0].state.terminated.exitCode}"
    wait = ["wait", f"--for=jsonpath={code}=137", "pod/waits", "--timeout=30s"]
    cluster.kubectl("--namespace=tooling", *wait)


def test_pods_run_on_while_the_api_server_restarts(cluster: NodeCluster) -> None:
    image = [f"--image={IMAGE}", "--image-pull-policy=Never"]
    cluster.kubectl("--namespace=tooling", "run", "stays", *image, "--", "proxy")
    cluster.kubectl("--namespace=tooling", "wait", "--for=condition=Ready", "pod/stays")
    cluster.restart_apiserver(kill=True)
    restarts = "--output=jsonpath={.status.containerStatuses[0].restartCount}"
    assert cluster.kubectl("--namespace=tooling", "get", "pod", "stays", restarts) == "0"


def test_a_drained_node_has_no_pods(cluster: NodeCluster) -> None:
    node = cluster.kubectl("get", "nodes", "--output=jsonpath={.items[0].metadata.name}")
    image = [f"--image={IMAGE}", "--image-pull-policy=Never"]
    cluster.kubectl("--namespace=tooling", "run", "drained", *image, "--", "proxy")
    cluster.kubectl("--namespace=tooling", "wait", "--for=condition=Ready", "pod/drained")
    chosen = ["--pod-selector=run=drained", "--force", "--grace-period=1", "--timeout=60s"]
    try:
        cluster.kubectl("drain", node, *chosen)
        left = cluster.kubectl("--namespace=tooling", "get", "pods", "--selector=run=drained")
        assert left == ""
    finally:
        cluster.kubectl("uncordon", node)


def test_a_token_is_all_that_its_owner_has(cluster: NodeCluster) -> None:
    token = cluster.kubectl("--namespace=tooling", "create", "token", "default").strip()
    with pytest.raises(KubectlError, match="cannot list resource"):
        cluster.as_token(token).kubectl("get", "pods")


def test_an_s3_server_in_the_cluster_keeps_objects(cluster: NodeCluster) -> None:
    install_s3(cluster, "tooling")
    with cluster.forward("service/s3", PORT, namespace="tooling") as port:
        client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name="us-east-1",
        )
        client.put_object(Bucket=BUCKET, Key="a/b", Body=b"content")
        assert client.get_object(Bucket=BUCKET, Key="a/b")["Body"].read() == b"content"
        client.close()


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster of its own, whatever else there is."""
    monkeypatch.setenv("TEST_CLUSTER", "built")
    monkeypatch.setenv("KUBECONFIG", "")
    monkeypatch.setattr("tests.cluster.node.KEPT", Path("/nonexistent"))


def test_a_cluster_that_ended_leaves_nothing(alone: None) -> None:
    before = traces()
    try:
        with run_node_cluster() as cluster:
            folder = cluster.kubeconfig.parent
            assert traces() != before
            assert len(cgroups.find_groups(network.Link(link_of(folder)).name)) > 0
            cluster.kubectl("run", "left", f"--image={IMAGE}")
    except ToolMissingError as e:
        pytest.skip(str(e))
    assert traces() == before
    assert not folder.parent.exists()


def test_a_killed_run_leaves_nothing_to_the_next(alone: None, tmp_path: Path) -> None:
    program = (
        "import time; from tests.cluster.node import run_node_cluster\n"
        "with run_node_cluster() as cluster:\n"
        "    print(cluster.kubeconfig.parent, flush=True); time.sleep(600)"
    )
    before = traces()
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        init = json.loads((folder / STATE).read_text())["init"]
        owner.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{init}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    with run_node_cluster():
        assert not folder.exists()
    assert traces() == before


def link_of(folder: Path) -> int:
    return int(json.loads((folder / STATE).read_text())["link"])


def traces() -> list[str]:
    """Return what clusters leave on a machine: devices, rules, mounts, control groups, settings."""
    devices = sorted(path.name for path in Path("/sys/class/net").iterdir())
    rules = subprocess.check_output(["iptables-save"], text=True).splitlines()
    added = sorted(rule for rule in rules if rule.startswith("-A"))
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    names = [network.Link(number).name for number in range(network.LINKS)]
    groups = [str(path) for name in names for path in cgroups.find_groups(name)]
    settings = [_setting("net/ipv4/ip_forward"), _setting("vm/overcommit_memory")]
    programs = [name for name in map(_program, Path("/proc").glob("[0-9]*")) if name in PROGRAMS]
    return [*devices, *added, *sorted(mounts), *sorted(groups), *settings, *sorted(programs)]


PROGRAMS = {"kubelet", "kube-proxy", "coredns", "containerd", "containerd-shim", "pause", "unshare"}


def _setting(name: str) -> str:
    return Path(f"/proc/sys/{name}").read_text()


def _program(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
