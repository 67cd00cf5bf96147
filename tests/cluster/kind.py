"""A cluster made by kind, where a Docker engine answers."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.cluster.client import Cluster
from tests.cluster.namespaces import NodeError
from tests.cluster.processes import StartError
from tests.cluster.tools import say, tool

NAME = "slides-extractor"
PREFIX = "kind-"
"""Before the name of a cluster in that of its context."""
SERVICES = ("kubelet", "containerd")
"""Parts that systemd runs; the others are static pods."""
MANIFESTS = "/etc/kubernetes/manifests"
DOCKER_LIMIT_S = 10.0


@dataclass(frozen=True)
class KindNode:
    """The node of a cluster of kind: a container."""

    name: str
    kubeconfig: Path

    @property
    def host_ip(self) -> str:
        """Address of this machine in the network of kind's containers."""
        networks = json.loads(_run("docker", "network", "inspect", "kind"))
        gateways: list[str] = [
            config.get("Gateway", "") for config in networks[0]["IPAM"]["Config"]
        ]
        return next(gateway for gateway in gateways if "." in gateway)

    def run(self, *command: str, stdin: int | IO[bytes] = subprocess.DEVNULL) -> str:
        """Run a command on the node. Raises NodeError."""
        return _run(
            "docker", "exec", "--interactive", f"{self.name}-control-plane", *command, stdin=stdin
        )

    def ctr(self, *arguments: str, stdin: int | IO[bytes] = subprocess.DEVNULL) -> str:
        """Run containerd's own client for Kubernetes' images and containers."""
        return self.run("ctr", "--namespace=k8s.io", *arguments, stdin=stdin)

    def start(self, part: str) -> None:
        """Start a part that was stopped."""
        if part in SERVICES:
            self.run("systemctl", "start", part)
        else:
            self.run("mv", f"/etc/kubernetes/{part}.yaml", f"{MANIFESTS}/{part}.yaml")

    def stop(self, part: str, *, kill: bool = False) -> None:
        """End a part and wait until it is gone."""
        if part in SERVICES:
            if kill:
                self.run("systemctl", "kill", "--signal=KILL", part)
            self.run("systemctl", "stop", part)
            return
        self.run("mv", f"{MANIFESTS}/{part}.yaml", f"/etc/kubernetes/{part}.yaml")
        signal = "KILL" if kill else "TERM"
        self.run("sh", "-c", f"while pkill -{signal} -x {part[:15]}; do sleep 0.2; done")


def docker_answers() -> bool:
    """Return whether a Docker engine runs here."""
    if not shutil.which("docker"):
        return False
    try:
        done = subprocess.run(
            ["docker", "info"], check=False, capture_output=True, timeout=DOCKER_LIMIT_S
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def create_kind(kubeconfig: Path) -> KindNode:
    """Make a cluster, or return the one of this name. Raises ToolMissingError, StartError."""
    # kind allows no underscores.
    name = f"{NAME}-{kubeconfig.parent.name}".replace("_", "-")
    kubeconfig.parent.mkdir(parents=True, exist_ok=True)
    if name in _kind("get", "clusters").split():
        _kind("export", "kubeconfig", f"--name={name}", f"--kubeconfig={kubeconfig}")
    else:
        say("kind makes a cluster; the first time it fetches its image")
        _kind(
            "create",
            "cluster",
            f"--name={name}",
            f"--kubeconfig={kubeconfig}",
            "--wait=180s",
        )
    return KindNode(name, kubeconfig)


def find_kind(kubeconfig: Path) -> KindNode | None:
    """Return kind's node behind a kubeconfig, None where it is not one of kind's."""
    context = Cluster(kubeconfig).kubectl("config", "current-context").strip()
    if not context.startswith(PREFIX) or not docker_answers():
        return None
    return KindNode(context.removeprefix(PREFIX), kubeconfig)


def delete_kind(kubeconfig: Path) -> None:
    """Delete the cluster of a kubeconfig and the kubeconfig."""
    node = find_kind(kubeconfig) if kubeconfig.exists() else None
    if node is not None:
        _kind("delete", "cluster", f"--name={node.name}", f"--kubeconfig={kubeconfig}")
    kubeconfig.unlink(missing_ok=True)


def _kind(*arguments: str) -> str:
    program = shutil.which("kind") or tool("kind")
    done = subprocess.run([program, *arguments], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise StartError(f"kind {' '.join(arguments)}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def _run(*command: str, stdin: int | IO[bytes] = subprocess.DEVNULL) -> str:
    done = subprocess.run(command, check=False, capture_output=True, stdin=stdin)
    if done.returncode != 0:
        raise NodeError(f"{' '.join(command)}: {done.stderr.decode().strip()}")
    return done.stdout.decode()
