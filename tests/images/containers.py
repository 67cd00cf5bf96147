"""Runs images as a restricted pod would: read-only root, no capabilities, /tmp alone writable.

With Docker or Podman where one of them built the images, else with runc on what Buildah mounts.
"""

import json
import os
import secrets
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from scripts.images import Image
from scripts.images.engines import find_engine, find_program

SAMPLE = Path(__file__).parents[2] / "samples" / "talk.mp4"
SLIDES = 8
"""In the sample talk, without steps and returns; tests/runner/test_sample.py has which."""
RUN_LIMIT_S = 120.0
TEMPORARY = "/tmp"  # noqa: S108 - inside a container that is gone after a test
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - the same


@dataclass(frozen=True)
class Task:
    """What to run in a container."""

    arguments: Sequence[str]
    entrypoint: Sequence[str] | None = None
    """Instead of the image's own."""
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[str, Path] = field(default_factory=dict)
    """Folders here that are writable there."""


class Runtime(Protocol):
    """Something that runs images."""

    def command(self, image: Image, task: Task, name: str) -> list[str]:
        """Return a command that runs a task, prints its output and ends with its exit code."""

    def kill_command(self, name: str, signal: str) -> list[str]:
        """Return a command that sends a signal to process 1 of a container."""

    def close(self) -> None:
        """Leave nothing behind."""


@dataclass(frozen=True)
class EngineRuntime:
    """Docker or Podman."""

    program: str

    def command(self, image: Image, task: Task, name: str) -> list[str]:
        """Return `docker run`."""
        confined = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
        entrypoint, *first = task.entrypoint or [""]
        return [
            *(self.program, "run", "--rm", f"--name={name}", "--network=host"),
            *(*confined, f"--tmpfs={TEMPORARY}"),
            *(f"--env={key}={value}" for key, value in task.environment.items()),
            *(f"--volume={here}:{there}" for there, here in task.mounts.items()),
            *([f"--entrypoint={entrypoint}"] if entrypoint else []),
            *(image.reference, *first, *task.arguments),
        ]

    def kill_command(self, name: str, signal: str) -> list[str]:
        """Return `docker kill`."""
        return [self.program, "kill", f"--signal={signal}", name]

    def close(self) -> None:
        """Do nothing: `--rm` did."""


class RuncRuntime:
    """runc, on file systems that Buildah mounts."""

    def __init__(self, folder: Path) -> None:
        """Take a folder for its state."""
        self._folder = folder
        self._mounted: dict[str, tuple[str, str]] = {}

    def command(self, image: Image, task: Task, name: str) -> list[str]:
        """Return `runc run` of a new bundle."""
        bundle = self._folder / name
        bundle.mkdir()
        config = build_runc_config(read_config(image), self._root(image), task)
        (bundle / "config.json").write_text(json.dumps(config))
        return [*self._runc(), "run", "--bundle", str(bundle), name]

    def kill_command(self, name: str, signal: str) -> list[str]:
        """Return `runc kill`."""
        return [*self._runc(), "kill", name, signal]

    def close(self) -> None:
        """Unmount everything."""
        for container, _ in self._mounted.values():
            _output("buildah", "umount", container)
            _output("buildah", "rm", container)

    def _runc(self) -> list[str]:
        return [find_program("runc") or "runc", "--root", str(self._folder / "state")]

    def _root(self, image: Image) -> str:
        if image.id not in self._mounted:
            container = _output("buildah", "from", "--pull-never", image.reference)
            self._mounted[image.id] = container, _output("buildah", "mount", container)
        return self._mounted[image.id][1]


@dataclass(frozen=True)
class Containers:
    """Runs containers of images."""

    runtime: Runtime

    def run(self, image: Image, task: Task) -> subprocess.CompletedProcess[str]:
        """Run a task to its end."""
        with self.started(image, task) as (process, _):
            output, errors = process.communicate(timeout=RUN_LIMIT_S)
            return subprocess.CompletedProcess([], process.returncode, output, errors)

    @contextmanager
    def started(self, image: Image, task: Task) -> Iterator[tuple[subprocess.Popen[str], str]]:
        """Run a task until the block ends; give its process and the container's name."""
        name = f"slides-test-{secrets.token_hex(4)}"
        command = self.runtime.command(image, task, name)
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process, name
            finally:
                if process.poll() is None:
                    self.signal(name, "KILL")

    def signal(self, name: str, signal: str) -> bool:
        """Send a signal to process 1 of a container; False while there is none."""
        command = self.runtime.kill_command(name, signal)
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def open_containers(folder: Path) -> Iterator[Containers]:
    """Give what runs containers with the tool that builds images here."""
    engine = find_engine().name
    runtime = RuncRuntime(folder) if engine == "buildah" else EngineRuntime(engine)
    try:
        yield Containers(runtime)
    finally:
        runtime.close()


def read_config(image: Image) -> dict[str, Any]:
    """Return how an image wants to be run: Entrypoint, Env, User, Labels, WorkingDir …"""
    with tarfile.open(image.archive) as archive:
        (entry,) = json.loads(_read(archive, "manifest.json"))
        config: dict[str, Any] = json.loads(_read(archive, entry["Config"]))["config"]
        return config


def build_runc_config(config: Mapping[str, Any], root: str, task: Task) -> dict[str, Any]:
    """Return the runtime's configuration (OCI runtime specification 1.0) of a task."""
    user, group = map(int, config["User"].split(":"))
    nothing: dict[str, list[str]] = {
        kind: [] for kind in ("bounding", "effective", "inheritable", "permitted", "ambient")
    }
    return {
        "ociVersion": "1.0.2",
        "root": {"path": root, "readonly": True},
        "process": {
            "user": {"uid": user, "gid": group},
            "args": [*(task.entrypoint or config["Entrypoint"]), *task.arguments],
            "env": [*config["Env"], *(f"{k}={v}" for k, v in task.environment.items())],
            "cwd": config["WorkingDir"],
            "capabilities": nothing,
            "noNewPrivileges": True,
        },
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
            {"destination": SHARED_MEMORY, "type": "tmpfs", "source": "shm"},
            {
                "destination": TEMPORARY,
                "type": "tmpfs",
                "source": "tmpfs",
                "options": ["mode=1777"],
            },
            *(
                {"destination": there, "type": "bind", "source": str(here), "options": ["rbind"]}
                for there, here in task.mounts.items()
            ),
        ],
        # The network is this machine's: the tests' servers listen on its loopback address.
        "linux": {"namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")]},
    }


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    assert member is not None
    return member.read()


def _output(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
