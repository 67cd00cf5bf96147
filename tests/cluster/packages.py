"""What a node needs from the operating system: containerd and its companions, from Debian."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tests.cluster.tools import ToolMissingError, say

CNI_PLUGINS = Path("/usr/lib/cni")
PACKAGES: Mapping[str, str] = MappingProxyType(
    {
        "containerd": "containerd",
        "runc": "runc",
        "conntrack": "conntrack",
        "iptables": "iptables",
        "ip": "iproute2",
        "nsenter": "util-linux",
        "mount": "mount",
        str(CNI_PLUGINS / "bridge"): "containernetworking-plugins",
    }
)
"""Program, by name or path, to the Debian package that has it."""
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where the node's programs look: root's own path, which `sudo -u` and some containers cut."""


def install_packages(packages: Mapping[str, str] = PACKAGES) -> None:
    """Install what is missing, as root on Debian and its kin. Raises ToolMissingError elsewhere."""
    missing = missing_packages(packages)
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise ToolMissingError(
            f"A cluster with a node needs {', '.join(missing)}. Install them, run as root on "
            "Debian or Ubuntu, or set KUBECONFIG to a cluster of yours."
        )
    say(f"installing {', '.join(missing)}")
    _apt_get("update", "--quiet=2")
    _apt_get("install", "--quiet=2", "--yes", "--no-install-recommends", *missing)


def missing_packages(packages: Mapping[str, str] = PACKAGES) -> list[str]:
    """Return the packages whose programs are not here."""
    found = {program: shutil.which(program, path=SYSTEM_PATH) for program in packages}
    return sorted({packages[program] for program, path in found.items() if path is None})


def _apt_get(*arguments: str) -> None:
    done = subprocess.run(
        ["apt-get", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ToolMissingError(f"apt-get {arguments[0]} failed: {done.stderr.strip()[-400:]}")
