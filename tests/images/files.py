"""What is in an image, read from its archive: layer upon layer, as a runtime unpacks them."""

import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WHITEOUT = ".wh."
"""Before the name of what a layer takes away (OCI image specification, layers)."""


@dataclass(frozen=True)
class Contents:
    """An image's configuration, how it was made, and its files."""

    config: dict[str, Any]
    history: list[str]
    files: dict[str, bytes]
    """Content of every small file by its path; of a large one, nothing."""


LARGEST_BYTES = 100_000
"""Chosen: what people write by hand, and what tools note down, is smaller."""


def read_contents(archive: Path) -> Contents:
    """Return what an archive in the format of `docker save` holds."""
    with tarfile.open(archive) as image:
        (entry,) = json.loads(_read(image, "manifest.json"))
        described = json.loads(_read(image, entry["Config"]))
        files: dict[str, bytes] = {}
        for name in entry["Layers"]:
            with _layer(image, name) as layer:
                _add(layer, files)
    history = [step.get("created_by", "") for step in described["history"]]
    return Contents(described["config"], history, files)


@contextmanager
def _layer(image: tarfile.TarFile, name: str) -> Iterator[tarfile.TarFile]:
    member = image.extractfile(name)
    assert member is not None
    with member, tarfile.open(fileobj=member) as layer:
        yield layer


def _add(layer: tarfile.TarFile, files: dict[str, bytes]) -> None:
    for member in layer:
        path = Path("/", member.name)
        if path.name.startswith(WHITEOUT):
            _remove(path.with_name(path.name.removeprefix(WHITEOUT)), files)
        elif member.isfile() or member.issym() or member.islnk():
            small = member.isfile() and member.size <= LARGEST_BYTES
            content = layer.extractfile(member) if small else None
            files[str(path)] = content.read() if content else b""


def _remove(path: Path, files: dict[str, bytes]) -> None:
    gone = [name for name in files if name == str(path) or name.startswith(f"{path}/")]
    for name in gone:
        del files[name]


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    assert member is not None
    with member:
        return member.read()
