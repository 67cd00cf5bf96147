"""The tools that build images: Docker, Podman or Buildah, whichever works on this machine."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.packages import SYSTEM_PATH, install_packages
from tests.cluster.tools import ToolMissingError

PROBE_LIMIT_S = 20.0
"""Chosen: an engine that takes longer to say who it is will not build either."""
LOG_LINES = 40
"""Of a failed build, shown; chosen to hold what a failing RUN printed."""


class ImageError(Exception):
    """An image cannot be made; the message says why."""


@dataclass(frozen=True)
class Order:
    """An image to build."""

    dockerfile: Path
    context: Path
    image: str
    """Name and tag that it gets."""
    arguments: Mapping[str, str]
    secrets: Mapping[str, Path]
    """Files that the build may read and that no layer keeps."""


@dataclass(frozen=True)
class Engine:
    """A tool that builds images, by its commands; {image} and {file} are filled in."""

    name: str
    probes: Sequence[Sequence[str]]
    """All succeed where the tool works: a docker may be there without its engine or its builder."""
    build_command: Sequence[str]
    pull_command: Sequence[str]
    identify_command: Sequence[str]
    save_command: Sequence[str]
    """Writes an archive in the format of `docker save`, which every runtime loads."""

    def works(self) -> bool:
        """Say whether the tool is installed and answers."""
        if find_program(self.name) is None:
            return False
        try:
            return all(_run(p, limit_s=PROBE_LIMIT_S).returncode == 0 for p in self.probes)
        except subprocess.TimeoutExpired:
            return False

    def build(self, order: Order) -> str:
        """Build an image and return its id."""
        arguments = [f"--build-arg={name}={value}" for name, value in order.arguments.items()]
        secrets = [f"--secret=id={name},src={path}" for name, path in order.secrets.items()]
        where = [f"--file={order.dockerfile}", f"--tag={order.image}", str(order.context)]
        begun = time.monotonic()
        done = _run([*self.build_command, *arguments, *secrets, *where])
        if done.returncode != 0:
            raise ImageError(f"{self.name} could not build {order.image}:\n{_tail(done.stdout)}")
        print(f"{order.image}: built in {time.monotonic() - begun:.0f} s", file=sys.stderr)
        return self.identify(order.image) or ""

    def identify(self, image: str) -> str | None:
        """Return the id of an image that is here, or None."""
        done = _run(self._filled(self.identify_command, image), warnings=subprocess.DEVNULL)
        return done.stdout.strip() if done.returncode == 0 else None

    def pull(self, image: str) -> bool:
        """Fetch an image from its registry; False where that cannot be reached."""
        return _run(self._filled(self.pull_command, image)).returncode == 0

    def save(self, image: str, file: Path) -> None:
        """Write an image to an archive, replacing one that is there."""
        fresh = file.with_name(f"{file.name}.{os.getpid()}")
        done = _run(self._filled(self.save_command, image, fresh))
        if done.returncode != 0:
            raise ImageError(f"{self.name} could not save {image}:\n{_tail(done.stdout)}")
        fresh.replace(file)

    @staticmethod
    def _filled(command: Sequence[str], image: str, file: Path | None = None) -> list[str]:
        return [word.format(image=image, file=file) for word in command]


ENGINES = (
    Engine(
        "docker",
        probes=(("docker", "info"), ("docker", "buildx", "version")),
        build_command=("docker", "buildx", "build", "--load"),
        pull_command=("docker", "pull", "{image}"),
        identify_command=("docker", "image", "inspect", "--format", "{{{{.Id}}}}", "{image}"),
        save_command=("docker", "save", "--output", "{file}", "{image}"),
    ),
    Engine(
        "podman",
        probes=(("podman", "info"),),
        build_command=("podman", "build", "--layers"),
        pull_command=("podman", "pull", "{image}"),
        identify_command=("podman", "image", "inspect", "--format", "{{{{.Id}}}}", "{image}"),
        save_command=(
            "podman",
            "save",
            "--format",
            "docker-archive",
            "--output",
            "{file}",
            "{image}",
        ),
    ),
    # Without a container runtime: `chroot` isolation also works inside a container or a small VM.
    Engine(
        "buildah",
        probes=(("buildah", "info"),),
        build_command=("buildah", "bud", "--layers", "--isolation=chroot", "--network=host"),
        pull_command=("buildah", "pull", "{image}"),
        identify_command=(
            *("buildah", "inspect", "--type", "image"),
            *("--format", "{{{{.FromImageID}}}}", "{image}"),
        ),
        save_command=("buildah", "push", "{image}", "docker-archive:{file}:{image}"),
    ),
)


def find_engine() -> Engine:
    """Return the first engine that works; Debian as root gets Buildah where there is none.

    IMAGE_ENGINE names one. Raises ImageError where there is none to be had.
    """
    wanted = os.environ.get("IMAGE_ENGINE", "")
    known = [engine for engine in ENGINES if wanted in {"", engine.name}]
    found = next((engine for engine in known if engine.works()), None)
    if found is None and wanted in {"", "buildah"}:
        found = _install_buildah()
    if found is None:
        raise ImageError(f"IMAGE_ENGINE={wanted}: not one that works here.")
    return found


def find_program(name: str) -> str | None:
    """Return where a program is, also among those of administrators."""
    return shutil.which(name) or shutil.which(name, path=SYSTEM_PATH)


def _install_buildah() -> Engine:
    buildah = ENGINES[-1]
    try:
        install_packages({"buildah": "buildah"})
    except ToolMissingError as e:
        raise ImageError(f"No Docker, Podman or Buildah works here. {e}") from e
    if not buildah.works():
        raise ImageError("buildah does not work here; `buildah info` says why.")
    return buildah


def _run(
    command: Sequence[str], *, limit_s: float | None = None, warnings: int = subprocess.STDOUT
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [find_program(command[0]) or command[0], *command[1:]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=warnings,
        text=True,
        errors="replace",
        timeout=limit_s,
        check=False,
    )


def _tail(output: str) -> str:
    return "\n".join(output.strip().splitlines()[-LOG_LINES:])
