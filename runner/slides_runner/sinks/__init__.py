"""Where outputs go: a folder or an S3 bucket, chosen by `registry.open_sink` from a table."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from slides_runner.artifacts import LocalFile

MANIFEST_KEY = "manifest.json"

Warn = Callable[[str], None]
"""Takes something the user should know of the place; `Reporter.warn` is one."""


@dataclass(frozen=True)
class StoredManifest:
    """A manifest that already lies under the prefix."""

    content: bytes
    version: str
    """ETag, or a content hash where the store has none: the token for a conditional replace."""


@dataclass(frozen=True)
class OutputFolder:
    """Where all objects of one output lie in S3."""

    bucket: str
    prefix: str
    """Ends with a slash."""

    @property
    def manifest_uri(self) -> str:
        """The output's name, as results and manifests have it."""
        return f"s3://{self.bucket}/{self.prefix}{MANIFEST_KEY}"


class Sink(Protocol):
    """One place for one extraction's outputs: everything lies under one prefix.

    The order is `read_manifest`, `prepare`, `put`, `commit`; a finished output is read with
    `read_manifest`, `local_path` and `link` alone. A sink serves one extraction, once.
    """

    def uri(self, key: str) -> str:
        """Return the absolute URI of a key: file:///… or s3://bucket/prefix/key."""
        ...

    def local_path(self, key: str) -> Path | None:
        """Return the absolute path of a key where it lies on this machine, else None."""
        ...

    def read_manifest(self) -> StoredManifest | None:
        """Return the manifest that lies there, or None; nothing is changed or created."""
        ...

    def prepare(self) -> None:
        """Refuse now what would be refused later; call it before the work begins.

        Raises OutputConflictError, OutputNotWritableError, UploadDeniedError or
        StorageUnavailableError.
        """
        ...

    def put(self, files: Iterable[LocalFile]) -> Iterable[LocalFile]:
        """Store the files, yielding each as it is safely there; the manifest is never among them.

        A manifest that the files would belie is taken away before the first of them changes.
        """
        ...

    def commit(self, manifest: bytes, *, replaces: StoredManifest | None) -> str:
        """Store the manifest last, only if nobody else did meanwhile, and return its URI.

        Raises OutputConflictError when another writer's manifest is there already.
        """
        ...

    def link(self, key: str, *, expires_s: int) -> str:
        """Return a link that opens a key without credentials: presigned in S3, file:// in a folder.

        Raises InvalidSpecError for a validity that the store does not give.
        """
        ...
