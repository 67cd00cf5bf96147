"""A light cluster: the real API server and controllers, and nodes that kwok plays.

It needs no root and no container runtime, starts in seconds, and several run beside each other.
"""

import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.certificates import build_kubeconfig, make_authority
from tests.cluster.client import Cluster, crd_files
from tests.cluster.kwok import PodPlay, build_kwok_configuration, build_nodes
from tests.cluster.processes import Processes
from tests.cluster.tools import build

TOOLS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok")
START_LIMIT_S = 60.0
"""Chosen: ten times what it takes on two cores."""
CONTROLLERS = (
    "clusterrole-aggregation-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "job-controller",
    "namespace-controller",
    "resourcequota-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "ttl-after-finished-controller",
)
"""Those whose work a test can see. Without the node controllers kwok's nodes need no heartbeat."""
DEFAULT_PLAY = PodPlay()
RATE = ["--kube-api-qps=2000", "--kube-api-burst=4000"]
"""Far above what two cores do: a test waits for the cluster's work, not for its manners."""


@dataclass(frozen=True)
class LightCluster(Cluster):
    """A light cluster that runs."""

    server: str
    etcd: str
    """URL of its store, open to everybody on this machine."""
    processes: Processes = field(repr=False)

    def restart_apiserver(self, *, kill: bool = False) -> None:
        """Restart the API server and wait until it answers again."""
        self.processes.restart("kube-apiserver", kill=kill)
        self.processes.wait_until(self.answers, "the API server", limit_s=START_LIMIT_S)

    def stop(self, name: str) -> None:
        """End one part (etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kwok)."""
        self.processes.stop(name)

    def start(self, name: str) -> None:
        """Start a part that was stopped."""
        self.processes.restart(name)


@contextmanager
def run_light_cluster(
    *,
    play: PodPlay = DEFAULT_PLAY,
    nodes: int = 1,
    crds: list[Path] | None = None,
    apiserver_flags: Sequence[str] = (),
) -> Iterator[LightCluster]:
    """Run a light cluster until the block ends.

    `play` says how pods run; where there are no `nodes`, pods stay pending. `crds` are this
    project's own unless given. `apiserver_flags` are further ones, such as an audit log's. Raises
    ToolMissingError, StartError.
    """
    tools = build(TOOLS)
    with tempfile.TemporaryDirectory(prefix="light-cluster-") as folder:
        processes = Processes(Path(folder) / "logs")
        try:
            starter = _Starter(Path(folder), tools, processes)
            cluster = starter.start_api(apiserver_flags)
            # The garbage collector asks only every 30 s for new kinds: it should find them at once.
            cluster.apply_crds(crd_files() if crds is None else crds)
            starter.start_controllers(cluster)
            if nodes:
                starter.start_nodes(cluster, play, nodes)
            yield cluster
        finally:
            processes.stop_all()


@dataclass(frozen=True)
class _Starter:
    folder: Path
    tools: dict[str, Path]
    processes: Processes

    def start_api(self, flags: Sequence[str]) -> LightCluster:
        """Start etcd and the API server."""
        etcd_port, peer_port, port = free_ports(3)
        etcd, server = f"http://127.0.0.1:{etcd_port}", f"https://127.0.0.1:{port}"
        authority = make_authority(self.folder / "pki")
        admin = authority.issue("admin", user="admin", group="system:masters")
        self._kubeconfig.write_text(build_kubeconfig(server, authority, admin))
        self._start(
            "etcd",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={etcd}",
            f"--advertise-client-urls={etcd}",
            f"--listen-peer-urls=http://127.0.0.1:{peer_port}",
            "--unsafe-no-fsync",
            "--quota-backend-bytes=8589934592",
            "--log-level=warn",
        )
        serving = authority.issue(
            "server", user="kube-apiserver", group="test", names=("127.0.0.1", "localhost")
        )
        self._start(
            "kube-apiserver",
            f"--etcd-servers={etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            # Nothing connects there; it only must not be a loopback address.
            "--advertise-address=192.0.2.1",
            "--endpoint-reconciler-type=none",
            f"--client-ca-file={authority.certificate}",
            f"--tls-cert-file={serving.certificate}",
            f"--tls-private-key-file={serving.key}",
            f"--service-account-key-file={serving.certificate}",
            f"--service-account-signing-key-file={serving.key}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--authorization-mode=Node,RBAC",
            # It keeps pods off new nodes until a controller agrees that is not here.
            "--disable-admission-plugins=TaintNodesByCondition",
            *flags,
        )
        cluster = LightCluster(self._kubeconfig, server, etcd, self.processes)
        self.processes.wait_until(cluster.answers, "the API server", limit_s=START_LIMIT_S)
        return cluster

    def start_controllers(self, cluster: LightCluster) -> None:
        """Start the controller manager."""
        pki = self.folder / "pki"
        self._start(
            "kube-controller-manager",
            f"--kubeconfig={self._kubeconfig}",
            f"--controllers={','.join(CONTROLLERS)}",
            f"--service-account-private-key-file={pki / 'server.key'}",
            f"--root-ca-file={pki / 'ca.crt'}",
            "--leader-elect=false",
            "--secure-port=0",
            "--concurrent-job-syncs=16",
            *RATE,
        )
        # Without it a pod is refused.
        cluster.kubectl("wait", "--for=create", "serviceaccount/default", "--timeout=30s")

    def start_nodes(self, cluster: LightCluster, play: PodPlay, count: int) -> None:
        """Start the scheduler, and the nodes and pods that kwok plays."""
        cluster.kubectl("create", "--filename=-", input=build_nodes(count))
        configuration = self.folder / "kwok.yaml"
        configuration.write_text(build_kwok_configuration(play))
        self._start("kwok", f"--kubeconfig={self._kubeconfig}", f"--config={configuration}")
        self._start(
            "kube-scheduler",
            f"--kubeconfig={self._kubeconfig}",
            "--leader-elect=false",
            "--secure-port=0",
            *RATE,
        )

    @property
    def _kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    def _start(self, name: str, *arguments: str) -> None:
        self.processes.start(name, [self.tools[name], *arguments])


def free_ports(count: int) -> list[int]:
    """Return as many different ports of the loopback address that are free now."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
