"""How large images are, and what of them costs: `python -m scripts.images --sizes`."""

import gzip
import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from scripts.images.build import Image

COMPRESSION = 6
"""gzip's default, with which registries get their layers."""
BYTES_PER_MB = 1_000_000


@dataclass(frozen=True)
class Layer:
    """One layer of an image."""

    made_by: str
    unpacked_bytes: int
    pulled_bytes: int


def layers(archive: Path) -> Iterator[Layer]:
    """Yield the layers of an archive in the format of `docker save`, lowest first."""
    with tarfile.open(archive) as tar:
        (image,) = json.load(_member(tar, "manifest.json"))
        history = json.load(_member(tar, image["Config"]))["history"]
        made_by = [step.get("created_by", "") for step in history if not step.get("empty_layer")]
        for name, command in zip(image["Layers"], made_by, strict=True):
            content = _member(tar, name).read()
            pulled = len(gzip.compress(content, COMPRESSION))
            yield Layer(command, len(content), pulled)


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    member = tar.extractfile(tar.getmember(name))
    assert member, f"{name} is no file"  # noqa: S101 - what `docker save` promises
    return member


def render(images: Sequence[Image]) -> str:
    """Return the sizes of images as a table in Markdown."""
    rows = ["| image | unpacked | pulled | of that the base |", "| --- | --- | --- | --- |"]
    for image in images:
        base, *others = layers(image.archive)
        unpacked = _mb(base.unpacked_bytes + sum(layer.unpacked_bytes for layer in others))
        pulled = _mb(base.pulled_bytes + sum(layer.pulled_bytes for layer in others))
        of_base = f"{_mb(base.unpacked_bytes)}, {_mb(base.pulled_bytes)}"
        rows.append(f"| slides-extractor-{image.name} | {unpacked} | {pulled} | {of_base} |")
    return "\n".join(rows)


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / BYTES_PER_MB:.0f} MB"
