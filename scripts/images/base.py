"""What the images stand on: the official Python image or, where no registry answers, Debian's own.

Debian's is made by debootstrap from the packages that the machine installs from anyway. It takes a
minute, and its archive is kept in `build/images/`.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.images.engines import Engine, ImageError, Order, find_program
from tests.cluster.packages import install_packages
from tests.cluster.tools import ToolMissingError

OFFICIAL = "docker.io/library/python:3.13-slim-trixie"
"""The default of both Dockerfiles."""
SUITE = "trixie"
"""The Debian whose Python is 3.13."""
PACKAGES = ("ca-certificates", "python3", "python3-venv")
UNNEEDED = (
    "etc/apt/sources.list",  # names the mirror of this machine
    "usr/share/doc",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt",
    "var/lib/apt/lists",
    "var/log",
)
"""144 of 269 MB, measured; what slim images leave out too."""
DOCKERFILE = """\
FROM scratch
ADD rootfs.tar /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
"""
RECIPE = hashlib.sha256(repr((SUITE, PACKAGES, UNNEEDED, DOCKERFILE)).encode()).hexdigest()[:12]
DEBIAN = f"localhost/python:3.13-{SUITE}-{RECIPE}"


def choose_base(engine: Engine, folder: Path) -> str:
    """Return the image to build on: PYTHON_IMAGE, else the official one, else Debian's own.

    Raises ImageError where none is to be had.
    """
    wanted = os.environ.get("PYTHON_IMAGE")
    if wanted:
        return wanted
    here = next((image for image in (OFFICIAL, DEBIAN) if engine.identify(image)), None)
    if here:
        return here
    if engine.pull(OFFICIAL):
        return OFFICIAL
    _build(engine, folder)
    return DEBIAN


def _build(engine: Engine, folder: Path) -> None:
    kept = folder / f"base-{RECIPE}"
    kept.mkdir(parents=True, exist_ok=True)
    archive = kept / "rootfs.tar"
    if not archive.exists():
        print(f"no registry answers: making a base of Debian {SUITE}, a minute", file=sys.stderr)
        _debootstrap(archive)
    dockerfile = kept / "Dockerfile"
    dockerfile.write_text(DOCKERFILE)
    engine.build(Order(dockerfile, kept, DEBIAN, {}, {}))


def _debootstrap(archive: Path) -> None:
    try:
        install_packages({"debootstrap": "debootstrap"})
    except ToolMissingError as e:
        raise ImageError(
            f"{OFFICIAL} cannot be pulled. Name another Python image, PYTHON_IMAGE=…, or have one"
            f" made of Debian's packages: {e}"
        ) from e
    with tempfile.TemporaryDirectory(dir=archive.parent) as temporary:
        rootfs = Path(temporary) / "rootfs"
        packages = f"--include={','.join(PACKAGES)}"
        _run("debootstrap", "--variant=minbase", packages, SUITE, str(rootfs))
        for name in UNNEEDED:
            _empty(rootfs / name)
        fresh = Path(temporary) / archive.name
        _run("tar", "--create", "--directory", str(rootfs), "--file", str(fresh), ".")
        fresh.replace(archive)


def _empty(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
        path.mkdir()
    else:
        path.unlink(missing_ok=True)


def _run(program: str, *arguments: str) -> None:
    done = subprocess.run(
        [find_program(program) or program, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ImageError(f"{program} failed: {done.stdout.strip()[-600:]}")
