"""A node apart on this machine: its own processes, mounts and network.

All of it ends with its process 1: programs, pods, mounts, bridges and iptables rules alike.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.cluster.packages import SYSTEM_PATH

HOME = Path("/mnt")
"""Where the node sees its own files: one short path, whatever the folder is called outside."""
ENTER_LIMIT_S = 120.0


class NodeError(Exception):
    """A command on the node failed; the message is what it printed."""


@dataclass(frozen=True)
class Namespaces:
    """The namespaces of a process."""

    init: int
    """Its number on this machine; inside it is process 1."""

    def run(
        self,
        *command: str | Path,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        environment: dict[str, str] | None = None,
    ) -> str:
        """Run a command inside and return what it prints. Raises NodeError."""
        done = subprocess.run(
            ["nsenter", f"--target={self.init}", "--mount", "--net", "--pid", "--", *command],
            # Not this shell's: a proxy that is set there leads nowhere from the node.
            env={"PATH": SYSTEM_PATH, **(environment or {})},
            stdin=stdin,
            capture_output=True,
            timeout=ENTER_LIMIT_S,
            check=False,
        )
        if done.returncode != 0:
            raise NodeError(f"{' '.join(map(str, command))}: {done.stderr.decode().strip()}")
        return done.stdout.decode()


def build_holder_command(pause: Path) -> list[str | Path]:
    """Return the command that keeps new namespaces open as long as it runs."""
    apart = ["--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child=KILL"]
    return ["unshare", *apart, "--", pause]


def find_child(process: int) -> int | None:
    """Return the one child of a process, None where it has none."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except FileNotFoundError:
        return None
    return int(children[0]) if children else None


def is_gone(process: int) -> bool:
    """Return whether a process has ended, also where nobody has asked yet how."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def build_mounts_script(state: Path, binaries: Path, tunables: dict[str, str]) -> str:
    """Return the script that gives a node its own files where programs insist on a place.

    `tunables` are settings of the kernel as the kubelet wants them: it finds them so and does not
    change the machine's.
    """
    home = [f"mount --bind '{binaries}' '{state}/bin'", f"mount --rbind '{state}' {HOME}"]
    own = [
        "mount -t tmpfs tmpfs /run",
        f"mount --bind {HOME}/var/lib /var/lib",
        f"mount --bind {HOME}/var/log /var/log",
    ]
    shown = [f"mount --bind {HOME}/sys/{name} /proc/sys/{name}" for name in tunables]
    return "\n".join(["set -eu", *home, *own, *shown])
