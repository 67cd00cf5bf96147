"""Files on their way from an output to a sink."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from slides_api.manifest import Artifact


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal, without holding the file in memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class LocalFile:
    """A finished file in the work folder and the key it gets under the output prefix."""

    key: str
    path: Path
    kind: str
    media_type: str

    def record(self) -> Artifact:
        """Return its manifest entry, with size and SHA-256."""
        return Artifact(
            key=self.key,
            kind=self.kind,
            media_type=self.media_type,
            bytes=self.path.stat().st_size,
            sha256=sha256_of(self.path),
        )
