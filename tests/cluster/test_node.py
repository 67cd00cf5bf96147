import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import pytest

from tests.cluster import cgroups, network
from tests.cluster.built import BuiltNode, check_rights
from tests.cluster.client import KubectlError
from tests.cluster.images import write_image
from tests.cluster.node import CHOICE, Choice, NodeCluster, run_node_cluster, sweep
from tests.cluster.parts import PAUSE_IMAGE, TUNABLES
from tests.cluster.processes import wait_until
from tests.cluster.s3 import ACCESS_KEY, BUCKET, PORT, SECRET_KEY, install_s3
from tests.cluster.tools import REPOSITORY, ToolMissingError, tool

pytestmark = pytest.mark.e2e

IMAGE = "localhost/kubectl:test"
"""An image of a program that can ask servers by HTTP and says what they answer."""


@pytest.fixture(scope="module")
def cluster(
    node_cluster: NodeCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NodeCluster]:
    """The cluster, with an image and a namespace for these tests."""
    archive = tmp_path_factory.mktemp("image") / "kubectl.tar"
    write_image(archive, IMAGE, tool("kubectl"))
    node_cluster.load_image(archive)
    node_cluster.kubectl("delete", "namespace", "tooling", "--ignore-not-found")
    node_cluster.kubectl("create", "namespace", "tooling")
    node_cluster.kubectl("wait", "--for=create", "--namespace=tooling", "serviceaccount/default")
    yield node_cluster
    node_cluster.kubectl("delete", "namespace", "tooling", "--wait=false")


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
        "volumeMounts": [{"name": "work", "mountPath": "/files"}] if pod else [],
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
    words = ["config", "set-cluster", "written", "--kubeconfig=/files/config"]
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
def alone(node_cluster: NodeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster of its own, beside the one that all share."""
    try:
        check_rights()
    except ToolMissingError as e:
        pytest.skip(str(e))
    monkeypatch.setenv(CHOICE, Choice.BUILT)


def test_a_cluster_that_ended_leaves_nothing(alone: None) -> None:
    settings = read_settings()
    with run_node_cluster() as cluster:
        traces = Traces(cluster.kubeconfig.parent)
        cluster.kubectl("wait", "--for=create", "serviceaccount/default")
        cluster.kubectl("run", "left", f"--image={PAUSE_IMAGE}", "--image-pull-policy=Never")
        cluster.kubectl("wait", "--for=condition=Ready", "pod/left")
        assert all(traces.find().values())
        assert read_settings() == settings
    assert not any(traces.find().values())
    assert read_settings() == settings


def test_a_killed_run_leaves_nothing_to_the_next(alone: None) -> None:
    program = (
        "import time; from tests.cluster.node import run_node_cluster\n"
        "with run_node_cluster() as cluster:\n"
        "    print(cluster.kubeconfig.parent, flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        traces = Traces(Path(owner.stdout.readline().strip()))
        owner.send_signal(signal.SIGKILL)
    wait_until(lambda: not traces.programs(), "The end of all programs", limit_s=10)
    sweep()
    assert not any(traces.find().values())


class Traces:
    """What a cluster would leave on this machine."""

    def __init__(self, folder: Path) -> None:
        record = BuiltNode(folder).record
        self.folder = folder
        self.name = network.Link(record.link).name
        self.namespace = Path(f"/proc/{record.init}/ns/pid").readlink()

    def find(self) -> dict[str, list[str]]:
        """Return what there is, by kind."""
        return {
            "devices": [path.name for path in Path("/sys/class/net").glob(self.name)],
            "rules": [rule for rule in _rules() if f" {self.name} " in rule],
            "control groups": [str(path) for path in cgroups.find_groups(self.name)],
            "programs": self.programs(),
            "files": [str(path) for path in self.folder.parent.glob("*")],
        }

    def programs(self) -> list[str]:
        """Return the processes of its namespaces, those of pods aside, which are below them."""
        return [
            process.name
            for process in Path("/proc").glob("[0-9]*")
            if _read_link(process / "ns" / "pid") == self.namespace
        ]


def _rules() -> list[str]:
    return subprocess.check_output(["iptables-save"], text=True).splitlines()


def _read_link(path: Path) -> Path | None:
    try:
        return path.readlink()
    except OSError:
        return None


def read_settings() -> dict[str, str]:
    """Return what a kubelet would change of the kernel."""
    return {name: Path(f"/proc/sys/{name}").read_text().strip() for name in TUNABLES}
