"""A cluster with a real node: yours, one that kind makes, or one built on this machine."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import IO, Protocol

from tests.cluster.built import STATE, BuiltNode, delete_cluster, is_running, start_cluster
from tests.cluster.client import Cluster
from tests.cluster.kind import KindNode, create_kind, delete_kind, docker_answers, find_kind
from tests.cluster.namespaces import NodeError
from tests.cluster.processes import Processes, StartError, wait_until
from tests.cluster.tools import REPOSITORY

KEPT = REPOSITORY / "build" / "cluster"
"""Where `make cluster` keeps the cluster that it built."""
CHOICE = "TEST_CLUSTER"
"""Variable that overrules the choice: existing, kept, kind or built."""
KIND_CONFIG = "kind.conf"
TEMPORARY = "node-cluster-"
"""How the folder of a cluster for one test run is called."""
ANSWER_LIMIT_S = 120.0


class Node(Protocol):
    """What can be done to a node from outside of Kubernetes."""

    @property
    def host_ip(self) -> str:
        """This machine's address, as pods see it."""

    def ctr(self, *arguments: str, stdin: int | IO[bytes] = ...) -> str:
        """Run containerd's own client for Kubernetes' images and containers. Raises NodeError."""

    def start(self, part: str) -> None:
        """Start a part that was stopped."""

    def stop(self, part: str, *, kill: bool = False) -> None:
        """End a part and wait until it is gone."""


@dataclass(frozen=True)
class ForeignNode:
    """The nodes of a cluster that is somebody's: only Kubernetes is to be used."""

    @property
    def host_ip(self) -> str:
        """Raise: how pods reach this machine is not known."""
        raise NodeError(f"Pods of this cluster may not reach this machine; set {CHOICE}=built.")

    def ctr(self, *arguments: str, stdin: int | IO[bytes] = subprocess.DEVNULL) -> str:
        """Raise: images have to come from a registry."""
        raise NodeError(f"Nothing is done to the nodes of your cluster; set {CHOICE}=built.")

    def start(self, part: str) -> None:
        """Raise: its parts are not ours."""
        self.ctr(part)

    def stop(self, part: str, *, kill: bool = False) -> None:
        """Raise: its parts are not ours."""
        self.ctr(part)


@dataclass(frozen=True)
class NodeCluster(Cluster):
    """A cluster with a real node."""

    node: Node

    @property
    def host_ip(self) -> str:
        """The address at which pods reach servers on this machine that listen there."""
        return self.node.host_ip

    def load_image(self, archive: Path) -> None:
        """Load the images of an archive, as `docker save` and `buildah push` write them."""
        with archive.open("rb") as content:
            self.node.ctr("images", "import", "-", stdin=content)

    def stop(self, part: str, *, kill: bool = False) -> None:
        """End a part, such as kube-apiserver, kube-controller-manager, kubelet or containerd."""
        self.node.stop(part, kill=kill)

    def start(self, part: str) -> None:
        """Start a part that was stopped."""
        self.node.start(part)

    def restart_apiserver(self, *, kill: bool = False) -> None:
        """Restart the API server and wait until it answers again."""
        self.stop("kube-apiserver", kill=kill)
        self.start("kube-apiserver")
        wait_until(self.answers, "the API server", limit_s=ANSWER_LIMIT_S)

    def kill_container(self, namespace: str, pod: str, container: str = "") -> None:
        """End a pod's container (its first, unless named) with SIGKILL, as if it had crashed."""
        status = json.loads(
            self.kubectl("--namespace", namespace, "get", "pod", pod, "--output=json")
        )["status"]["containerStatuses"]
        chosen = next(one for one in status if container in {"", one["name"]})
        task = chosen["containerID"].removeprefix("containerd://")
        self.node.ctr("tasks", "kill", "--signal=SIGKILL", task)


class Choice(StrEnum):
    """Which cluster to use."""

    EXISTING = "existing"
    """That of KUBECONFIG."""
    KEPT = "kept"
    """What `make cluster` made."""
    KIND = "kind"
    BUILT = "built"


def choose(wish: str, *, named: bool, kept: bool, docker: Callable[[], bool]) -> Choice:
    """Return which cluster to use: the one wished for, else the first that is there."""
    if wish:
        return Choice(wish)
    if named:
        return Choice.EXISTING
    if kept:
        return Choice.KEPT
    return Choice.KIND if docker() else Choice.BUILT


@contextmanager
def run_node_cluster() -> Iterator[NodeCluster]:
    """Give a cluster that is there, else one until the block ends.

    Raises ToolMissingError, StartError.
    """
    match _choose():
        case Choice.EXISTING:
            yield _recognise(_named())
        case Choice.KEPT:
            yield _kept()
        case Choice.KIND:
            with _temporary_kind() as cluster:
                yield cluster
        case Choice.BUILT:
            with _temporary() as cluster:
                yield cluster


def keep_cluster() -> NodeCluster:
    """Return a cluster that stays: one that is there, else a new one."""
    match _choose():
        case Choice.EXISTING:
            return _recognise(_named())
        case Choice.KEPT:
            return _kept()
        case Choice.KIND:
            return _kind(create_kind(KEPT / KIND_CONFIG))
        case Choice.BUILT:
            return _build_kept()


def delete_kept_cluster() -> None:
    """Delete what `keep_cluster` made; a cluster of yours is left alone."""
    delete_kind(KEPT / KIND_CONFIG)
    delete_cluster(KEPT)


def _choose() -> Choice:
    kept = is_running(KEPT) or (KEPT / KIND_CONFIG).exists()
    # A shell may still name what `make cluster-down` has deleted.
    named = _named().is_file()
    return choose(os.environ.get(CHOICE, ""), named=named, kept=kept, docker=docker_answers)


def _named() -> Path:
    return Path(os.environ.get("KUBECONFIG", ""))


def _kept() -> NodeCluster:
    if is_running(KEPT):
        return _built(BuiltNode(KEPT))
    return _recognise(KEPT / KIND_CONFIG)


def _build_kept() -> NodeCluster:
    if is_running(KEPT):
        return _kept()
    delete_cluster(KEPT)
    try:
        return _built(start_cluster(KEPT, _launch_for_good))
    except BaseException:
        delete_cluster(KEPT)
        raise


def _recognise(kubeconfig: Path) -> NodeCluster:
    """Return an existing cluster, with power over its node where it is one of ours."""
    cluster = NodeCluster(kubeconfig, ForeignNode())
    if not cluster.answers():
        raise StartError(f"The cluster of KUBECONFIG={kubeconfig} does not answer.")
    if is_running(kubeconfig.parent):
        return _built(BuiltNode(kubeconfig.parent))
    return NodeCluster(kubeconfig, find_kind(kubeconfig) or ForeignNode())


def _built(node: BuiltNode) -> NodeCluster:
    return NodeCluster(node.kubeconfig, node)


def _kind(node: KindNode) -> NodeCluster:
    return NodeCluster(node.kubeconfig, node)


@contextmanager
def _temporary_kind() -> Iterator[NodeCluster]:
    with tempfile.TemporaryDirectory(prefix="kind-cluster-") as folder:
        kubeconfig = Path(folder) / "kind.conf"
        try:
            yield _kind(create_kind(kubeconfig))
        finally:
            delete_kind(kubeconfig)


@contextmanager
def _temporary() -> Iterator[NodeCluster]:
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY))
    processes = Processes(folder / "outside")
    try:
        yield _built(start_cluster(folder / "node", partial(processes.start, "node")))
    finally:
        delete_cluster(folder / "node")
        processes.stop_all()
        shutil.rmtree(folder)


def sweep() -> None:
    """Remove what is left of clusters whose tests were killed; their programs are gone already."""
    for folder in Path(tempfile.gettempdir()).glob(f"{TEMPORARY}*"):
        # One without a record is perhaps just being made.
        if (folder / "node" / STATE).exists() and not is_running(folder / "node"):
            delete_cluster(folder / "node")
            shutil.rmtree(folder)


def _launch_for_good(command: list[str | Path]) -> int:
    """Start a program that outlives this one, in a session of its own."""
    holder = subprocess.Popen(
        command,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return holder.pid
