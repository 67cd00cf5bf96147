"""The images of operator and runner, built from this checkout and kept as archives."""

import hashlib
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.images.base import choose_base
from scripts.images.engines import Engine, Order, find_engine

REPOSITORY = Path(__file__).resolve().parents[2]
ARCHIVES = REPOSITORY / "build" / "images"
NAMES = ("operator", "runner")
REGISTRY = "localhost"
"""Nobody can publish under it: an image that was forgotten to be loaded is never fetched from a
stranger who took the name."""
ROOTS = ("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
"""Where the roots are that this machine trusts: its network may look into TLS."""


@dataclass(frozen=True)
class Image:
    """An image that was built."""

    name: str
    """operator or runner"""
    reference: str
    """Registry, name and tag."""
    id: str
    archive: Path
    """The image as `docker save` writes it."""
    base: str


def version() -> str:
    """Return the version of this checkout."""
    text = (REPOSITORY / "crds" / "slides_api" / "__init__.py").read_text()
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    assert found, "slides_api has no version"  # noqa: S101 - of this repository, not of input
    return found[1]


def build_images(
    names: Sequence[str] = NAMES, *, registry: str = "", tag: str = "", is_gpu: bool = False
) -> list[Image]:
    """Build images, or find that they are current, and return them with their archives.

    Raises ImageError where no tool, or no base image, is to be had.
    """
    engine = find_engine()
    base = choose_base(engine, ARCHIVES)
    where, tag = registry or REGISTRY, tag or default_tag(is_gpu=is_gpu)
    return [
        _build(engine, name, f"{where}/slides-extractor-{name}:{tag}", base=base, is_gpu=is_gpu)
        for name in names
    ]


def default_tag(*, is_gpu: bool = False) -> str:
    """Return the tag that the chart of this checkout asks for."""
    return f"{version()}-gpu" if is_gpu else version()


def _build(engine: Engine, name: str, reference: str, *, base: str, is_gpu: bool) -> Image:
    arguments = {"PYTHON_IMAGE": base, "VERSION": version(), "REVISION": _revision()}
    if name == "runner":
        arguments["GPU"] = "1" if is_gpu else ""
    dockerfile = REPOSITORY / f"Dockerfile.{name}"
    order = Order(dockerfile, REPOSITORY, reference, arguments, _secrets())
    archive = ARCHIVES / f"slides-extractor-{name}-{reference.rpartition(':')[2]}.tar"
    identity = _current(engine, order, archive) or _make(engine, order, archive)
    return Image(name, reference, identity, archive, base)


def _current(engine: Engine, order: Order, archive: Path) -> str | None:
    """Return the id of an image made of exactly this, where it and its archive are still there.

    The tool's own cache would find the same, but reads all that was installed again to know it.
    """
    stamp = archive.with_suffix(".id")
    if not (archive.exists() and stamp.exists()):
        return None
    identity, made_of = stamp.read_text().split()
    is_current = made_of == fingerprint(order) and engine.identify(order.image) == identity
    return identity if is_current else None


def _make(engine: Engine, order: Order, archive: Path) -> str:
    archive.parent.mkdir(parents=True, exist_ok=True)
    stamp = archive.with_suffix(".id")
    stamp.unlink(missing_ok=True)
    made_of = fingerprint(order)
    identity = engine.build(order)
    engine.save(order.image, archive)
    stamp.write_text(f"{identity} {made_of}\n")
    return identity


def fingerprint(order: Order) -> str:
    """Return a digest of all that goes into an image: what .dockerignore lets in, and arguments."""
    digest = hashlib.sha256(repr((order.image, sorted(order.arguments.items()))).encode())
    ignore = order.context / ".dockerignore"
    let_in = [line[1:] for line in ignore.read_text().splitlines() if line.startswith("!")]
    for path in (order.dockerfile, ignore, *_files(order.context / name for name in let_in)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(order.context)} {content}\n".encode())
    return digest.hexdigest()


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_file():
            yield path
        elif path.name != "__pycache__":
            yield from _files(sorted(path.iterdir()))


def _secrets() -> Mapping[str, Path]:
    named = [Path(os.environ.get(root, root)) for root in ROOTS]
    roots = next((path for path in named if path.is_file()), None)
    configured = Path(os.environ.get("PIP_CONFIG_FILE") or os.devnull)
    found = {"ca-certificates": roots, "pip.conf": configured if configured.is_file() else None}
    return {name: path for name, path in found.items() if path}


def _revision() -> str:
    """Return the commit, marked where the checkout differs from it; unknown without git."""
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(describe, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"
