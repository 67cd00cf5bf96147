"""A whole cluster with a real node on this machine, made of nothing but programs.

Its files are in one folder, its programs in namespaces of their own: so it is found again by the
folder, several stand beside each other, and what is deleted is gone.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

from tests.cluster import cgroups, network
from tests.cluster.certificates import Authority, build_kubeconfig, make_authority
from tests.cluster.client import Cluster
from tests.cluster.images import write_image
from tests.cluster.namespaces import (
    HOME,
    Namespaces,
    NodeError,
    build_holder_command,
    build_mounts_script,
    find_child,
    is_gone,
)
from tests.cluster.packages import install_packages
from tests.cluster.parts import (
    API_PORT,
    CONTAINERD,
    NODE,
    PAUSE_IMAGE,
    TUNABLES,
    NodePlan,
    build_commands,
    build_files,
    build_storage_class,
    read_nameservers,
)
from tests.cluster.processes import StartError, wait_until
from tests.cluster.tools import MAIN, ToolMissingError, build, say

TOOLS = (
    "coredns",
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
    "pause",
    "provisioner",
)
START_LIMIT_S = 120.0
"""Chosen: more than ten times what it takes on two cores."""
STOP_TRIES = 30
"""Tenths of a second until a part that was told to end is killed."""
STATE = "cluster.json"
USERS = {
    "admin": ("admin", "system:masters"),
    "controllers": ("system:kube-controller-manager", "test"),
    "scheduler": ("system:kube-scheduler", "test"),
    "kubelet": (f"system:node:{NODE}", "system:nodes"),
    "proxy": ("system:kube-proxy", "test"),
}
"""Kubeconfig and certificate of each part: user and group, as Kubernetes' own roles know them."""
FOLDERS = (
    "bin",
    "cni",
    "containerd/opt",
    "kubelet",
    "logs",
    "programs",
    "var/lib/kubelet",
    "var/log",
    "volumes",
)
START = 'setsid "$@" >>{home}/logs/{name}.log 2>&1 </dev/null & echo $! >{home}/programs/{name}.pid'
STOP = (
    "kill -{signal} {pid} 2>/dev/null || exit 0; "
    f"for _ in $(seq {STOP_TRIES}); do kill -0 {{pid}} 2>/dev/null || exit 0; sleep 0.1; done; "
    "kill -KILL {pid}"
)


@dataclass(frozen=True)
class Record:
    """What has to be known to take a cluster away again."""

    init: int
    """Process 1 of its namespaces."""
    link: int
    forwarding_before: str


@dataclass(frozen=True)
class BuiltNode:
    """The node of a cluster that runs on this machine."""

    folder: Path

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.folder / "admin.conf"

    @cached_property
    def record(self) -> Record:
        """Return what was written down when it started."""
        return Record(**json.loads((self.folder / STATE).read_text()))

    @property
    def host_ip(self) -> str:
        """This machine's address, as pods see it."""
        return network.Link(self.record.link).host_ip

    def run(self, *command: str | Path, stdin: int | IO[bytes] = subprocess.DEVNULL) -> str:
        """Run a command on the node. Raises NodeError."""
        return Namespaces(self.record.init).run(*command, stdin=stdin)

    def ctr(self, *arguments: str, stdin: int | IO[bytes] = subprocess.DEVNULL) -> str:
        """Run containerd's own client for Kubernetes' images and containers."""
        return self.run(
            "ctr", "--address", CONTAINERD, "--namespace=k8s.io", *arguments, stdin=stdin
        )

    def start(self, part: str) -> None:
        """Start a part that was stopped."""
        command = json.loads((self.folder / "programs" / f"{part}.json").read_text())
        self.run("sh", "-c", START.format(home=HOME, name=part), "sh", *command)

    def stop(self, part: str, *, kill: bool = False) -> None:
        """End a part and wait until it is gone; `kill` leaves it no time to tidy up."""
        pid = (self.folder / "programs" / f"{part}.pid").read_text().strip()
        self.run("sh", "-c", STOP.format(signal="KILL" if kill else "TERM", pid=pid))

    def is_running(self, part: str) -> bool:
        """Return whether a part's program runs."""
        pid = (self.folder / "programs" / f"{part}.pid").read_text().strip()
        try:
            self.run("sh", "-c", f"kill -0 {pid}")
        except NodeError:
            return False
        return True

    def log_tail(self, part: str) -> str:
        """Return the end of what a part printed."""
        return (self.folder / "logs" / f"{part}.log").read_text(errors="replace")[-3000:]


def is_running(folder: Path) -> bool:
    """Return whether a folder holds a cluster that runs."""
    if not (folder / STATE).exists():
        return False
    return _runs_pause(BuiltNode(folder).record.init)


def start_cluster(folder: Path, launch: Callable[[list[str | Path]], int]) -> BuiltNode:
    """Start a cluster in an empty folder and return when its node is ready.

    `launch` starts a program and returns its process id: whoever calls decides how long it may
    live, and everything else lives as long. Raises ToolMissingError, StartError.
    """
    check_rights()
    tools = build(TOOLS)
    install_packages()
    begin = time.monotonic()
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
    node = _apart(folder, tools["pause"], launch)
    plan = _plan(node)
    _configure(folder, plan)
    script = build_mounts_script(folder, MAIN.binaries, dict(TUNABLES))
    node.run("sh", "-c", script)
    _start_parts(node, plan)
    say(f"node ready after {time.monotonic() - begin:.1f} s")
    return node


def check_rights() -> None:
    """Raise ToolMissingError where no namespaces are to be had, as without root's rights."""
    done = subprocess.run(
        build_holder_command(Path("/bin/true")), check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise ToolMissingError(
            f"No cluster can be built here ({done.stderr.strip()}). It takes root's rights, or a "
            "Docker engine, or a KUBECONFIG."
        )


def delete_cluster(folder: Path) -> None:
    """End a cluster, whatever state it is in, and leave nothing of it."""
    if (folder / STATE).exists():
        node = BuiltNode(folder)
        link = network.Link(node.record.link)
        if is_running(folder):
            _end(node.record)
        network.disconnect(link, forwarding=node.record.forwarding_before)
        cgroups.remove_group(link.name)
    shutil.rmtree(folder, ignore_errors=True)


def _apart(folder: Path, pause: Path, launch: Callable[[list[str | Path]], int]) -> BuiltNode:
    """Make the namespaces and connect them."""
    init = _wait_for_child(launch(build_holder_command(pause)))
    before = network.forwarding_before()
    try:
        link = network.connect(init)
    except BaseException:
        os.kill(init, signal.SIGKILL)
        raise
    record = Record(init, link.number, before)
    (folder / STATE).write_text(json.dumps(asdict(record)))
    cgroups.make_group(link.name)
    inside = Namespaces(init)
    inside.run("ip", "link", "set", "lo", "up")
    inside.run("ip", "address", "add", f"{link.node_ip}/30", "dev", "eth0")
    inside.run("ip", "link", "set", "eth0", "up")
    inside.run("ip", "route", "add", "default", "via", link.host_ip)
    inside.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
    return BuiltNode(folder)


def _plan(node: BuiltNode) -> NodePlan:
    link = network.Link(node.record.link)
    resolvers = (Path("/run/systemd/resolve/resolv.conf"), Path("/etc/resolv.conf"))
    return NodePlan(link.node_ip, link.name, read_nameservers(*resolvers))


def _configure(folder: Path, plan: NodePlan) -> None:
    """Write certificates and every file that a part reads."""
    authority = make_authority(folder / "pki")
    outside = f"https://{plan.node_ip}:{API_PORT}"
    names = ("127.0.0.1", "10.96.0.1", plan.node_ip, "localhost", "kubernetes.default.svc")
    authority.issue("server", user="kube-apiserver", group="test", names=names)
    for name in USERS:
        (folder / f"{name}.conf").write_text(_kubeconfig(authority, name, outside, plan))
    for path, content in build_files(plan).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    for part, command in build_commands(plan).items():
        (folder / "programs" / f"{part}.json").write_text(json.dumps(command))


def _kubeconfig(authority: Authority, name: str, server: str, plan: NodePlan) -> str:
    user, group = USERS[name]
    # The kubelet serves with its certificate too.
    names = (NODE, plan.node_ip) if name == "kubelet" else ()
    return build_kubeconfig(
        server, authority, authority.issue(name, user=user, group=group, names=names)
    )


def _start_parts(node: BuiltNode, plan: NodePlan) -> None:
    """Start the parts in an order in which none has to wait long for another."""
    parts = list(build_commands(plan))
    first, then = parts[:3], parts[3:]
    for part in first:
        node.start(part)
    _load_pause_image(node)
    cluster = Cluster(node.kubeconfig)
    wait_until(
        cluster.answers,
        "the API server",
        limit_s=START_LIMIT_S,
        check=lambda: _check(node, first),
    )
    for part in then:
        node.start(part)
    cluster.kubectl("apply", "--filename=-", input=build_storage_class())
    for what in (f"node/{NODE}", "serviceaccount/default"):
        cluster.kubectl("wait", "--for=create", what, "--timeout=60s")
    cluster.kubectl("wait", "--for=condition=Ready", f"node/{NODE}", "--timeout=60s")
    # What ended at once, because it was told something wrong, would show up only in some test.
    _check(node, parts)


def _load_pause_image(node: BuiltNode) -> None:
    archive = node.folder / "pause.tar"
    write_image(archive, PAUSE_IMAGE, MAIN.binaries / "pause")
    wait_until(
        lambda: _answers(node),
        "containerd",
        limit_s=START_LIMIT_S,
        check=lambda: _check(node, ["containerd"]),
    )
    with archive.open("rb") as content:
        node.ctr("images", "import", "-", stdin=content)


def _answers(node: BuiltNode) -> bool:
    try:
        node.ctr("version")
    except NodeError:
        return False
    return True


def _check(node: BuiltNode, parts: list[str]) -> None:
    for part in parts:
        if not node.is_running(part):
            raise StartError(f"{part} ended: {node.log_tail(part)}")


def _wait_for_child(holder: int) -> int:
    """Return process 1 of the new namespaces, once it is what it will be."""
    wait_until(
        lambda: _runs_pause(find_child(holder)),
        "New namespaces",
        limit_s=START_LIMIT_S,
        check=lambda: _check_holder(holder),
    )
    child = find_child(holder)
    assert child is not None
    return child


def _check_holder(holder: int) -> None:
    if is_gone(holder):
        raise StartError("What holds the namespaces open has ended.")


def _runs_pause(process: int | None) -> bool:
    if process is None or is_gone(process):
        return False
    # The name of a program that has been replaced since ends in " (deleted)".
    return Path(f"/proc/{process}/exe").readlink().name.startswith("pause")


def _end(record: Record) -> None:
    """End process 1, and with it all others, and wait until they are gone."""
    os.kill(record.init, signal.SIGKILL)
    wait_until(lambda: is_gone(record.init), "The end of the node", limit_s=START_LIMIT_S)
