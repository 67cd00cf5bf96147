"""The control group that holds a node's pods, on either version of control groups."""

import shutil
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "cpuset", "memory", "pids")
"""Those that a kubelet needs and that version 2 gives to a group only when told to."""


def make_group(name: str) -> None:
    """Make a group in which a kubelet can make its own."""
    if _is_version_2():
        wanted = " ".join(f"+{controller}" for controller in CONTROLLERS)
        (ROOT / "cgroup.subtree_control").write_text(wanted)
        (ROOT / name).mkdir(exist_ok=True)
        (ROOT / name / "cgroup.subtree_control").write_text(wanted)
        return
    for hierarchy in _hierarchies():
        (hierarchy / name).mkdir(exist_ok=True)
        # A new group of version 1 has no processors and no memory to run on.
        for file in ("cpuset.cpus", "cpuset.mems"):
            if (hierarchy / file).exists():
                shutil.copyfile(hierarchy / file, hierarchy / name / file)


def remove_group(name: str) -> None:
    """Remove a group and all below it; its processes are gone by now."""
    for found in find_groups(name):
        for group in sorted([found, *found.glob("**/")], reverse=True):
            if group.is_dir():
                group.rmdir()


def find_groups(name: str) -> list[Path]:
    """Return the groups of a name: one, or with version 1 one in each hierarchy."""
    roots = [ROOT] if _is_version_2() else _hierarchies()
    return sorted(path for root in roots for path in [root / name] if path.exists())


def _is_version_2() -> bool:
    return (ROOT / "cgroup.controllers").exists()


def _hierarchies() -> list[Path]:
    return [path for path in ROOT.iterdir() if path.is_dir() and not path.is_symlink()]
