"""Images of one static program, made without a container engine."""

import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path
from typing import Any

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def write_image(archive: Path, name: str, program: Path, *, user: str = "65532:65532") -> None:
    """Write an archive, as `docker save` does, of an image that has a program and nothing else."""
    layer = _layer(program)
    configuration = json.dumps(build_configuration(program.name, layer, user)).encode()
    digest = hashlib.sha256(configuration).hexdigest()
    manifest = [{"Config": f"{digest}.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    with tarfile.open(archive, "w") as image:
        _add(image, "layer.tar", layer)
        _add(image, f"{digest}.json", configuration)
        _add(image, "manifest.json", json.dumps(manifest).encode())


def build_configuration(program: str, layer: bytes, user: str) -> dict[str, Any]:
    """Return an image's configuration: the program is what it runs."""
    machine = platform.machine()
    return {
        "architecture": ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": {"Entrypoint": [f"/{program}"], "User": user},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }


def _layer(program: Path) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as layer:
        _add(layer, program.name, program.read_bytes(), mode=0o755)
    return content.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes, *, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = mode
    archive.addfile(entry, io.BytesIO(content))
