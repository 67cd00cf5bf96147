"""A file on its way to the disk: which parts of it are there, so that a later call goes on.

`NAME.part` holds the bytes at their places and `NAME.part.json` says which. Only a whole file is
ever called NAME; `NAME.json` beside it says which remote version it is.
"""

import errno
import itertools
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from slides_runner.errors import DiskFullError, NetworkError, OutputNotWritableError, TooBigError

# What a killed process fetches again: chosen as one percent, but no more notes than useful.
_SAVE_EVERY_BYTES = 1 << 16
_SAVE_EVERY_FRACTION = 0.01
_MIN_SPAN_BYTES = 1 << 18  # chosen: below it a further connection costs more than it brings


@dataclass(frozen=True)
class Remote:
    """What a server says of a file, before it is fetched."""

    size_bytes: int | None
    validator: str | None
    """Strong ETag or Last-Modified: the same value means the same bytes."""
    ranged: bool
    """Whether the server serves parts of it."""
    media_type: str | None = None


@dataclass
class Span:
    """A stretch of the file, in bytes, and how far it is filled: `start <= filled <= end`."""

    start: int
    end: int | None
    """None while the size is unknown."""
    filled: int

    @property
    def done(self) -> bool:
        """Whether every byte of the stretch is there; never sure while the size is unknown."""
        return self.end is not None and self.filled >= self.end


class _Ledger(BaseModel):
    """Content of `NAME.part.json`."""

    remote: Remote
    spans: list[Span]


class _Record(BaseModel):
    """Content of `NAME.json`."""

    remote: Remote
    size_bytes: int


_Model = TypeVar("_Model", bound=BaseModel)


class PartFile:
    """The partial file of one remote version; its methods may be called from several threads."""

    def __init__(self, path: Path, remote: Remote, *, limit_bytes: int | None) -> None:
        """Take the final path, the version to fetch and the greatest size allowed."""
        self.path = path
        self.remote = remote
        self._limit = limit_bytes
        self._part = path.with_name(path.name + ".part")
        self._ledger = path.with_name(path.name + ".part.json")
        self._lock = threading.Lock()
        self._descriptor = -1
        self._unsaved = 0
        self.spans: list[Span] = []

    @property
    def received_bytes(self) -> int:
        """How much of the file is on the disk."""
        return sum(span.filled - span.start for span in self.spans)

    def open(self, *, parallel: int) -> None:
        """Open the part file, going on with what an earlier call left of the same version.

        Raises TooBigError, DiskFullError or OutputNotWritableError.
        """
        self._check_size(self.remote.size_bytes or 0)
        with _disk_errors(self._part):
            self._descriptor = os.open(self._part, os.O_RDWR | os.O_CREAT, 0o644)
            self.spans = self._resumable() or _divide(self.remote, parallel)
            self._check_space()
            if self.received_bytes == 0:
                os.ftruncate(self._descriptor, 0)

    def write(self, span: Span, data: bytes) -> None:
        """Append data to a span; what exceeds the span is dropped.

        Raises TooBigError, DiskFullError.
        """
        room = len(data) if span.end is None else span.end - span.filled
        with self._lock, _disk_errors(self._part):
            if self._descriptor < 0:
                return  # closed by the main thread while this one still read
            self._check_size(span.filled + min(room, len(data)))
            span.filled += os.pwrite(self._descriptor, data[:room], span.filled)
            self._unsaved += len(data)
            share = _SAVE_EVERY_FRACTION * (self.remote.size_bytes or 0)
            if self._unsaved >= max(_SAVE_EVERY_BYTES, share):
                self._save()

    def restart(self, span: Span) -> None:
        """Forget what the only span has, when the server cannot go on in its middle."""
        with self._lock, _disk_errors(self._part):
            span.filled = span.start
            if self._descriptor >= 0:
                os.ftruncate(self._descriptor, span.start)

    def close(self) -> None:
        """Keep what is there for the next call."""
        with self._lock, _disk_errors(self._part):
            if self._descriptor >= 0:
                self._save()
                os.close(self._descriptor)
                self._descriptor = -1

    def discard(self) -> None:
        """Remove what is there: it belongs to another version or is not allowed."""
        self.close()
        self._part.unlink(missing_ok=True)
        self._ledger.unlink(missing_ok=True)

    def finish(self) -> None:
        """Give the whole file its name.

        Raises NetworkError when bytes are missing.
        """
        missing = [span for span in self.spans if span.end is not None and not span.done]
        if missing or not self.spans:
            raise NetworkError("The download is not complete.", hint="Try again to go on.")
        self.close()
        with _disk_errors(self.path):
            _write(self._record, _Record(remote=self.remote, size_bytes=self.received_bytes))
            self._part.replace(self.path)
            self._ledger.unlink(missing_ok=True)

    def is_complete(self) -> bool:
        """Return whether this very version already lies under its final name."""
        record = _read(self._record, _Record)
        if record is None or not self.path.is_file():
            return False
        same = bool(self.remote.validator) and self.remote.validator == record.remote.validator
        size = self.path.stat().st_size
        return same and size == record.size_bytes and self.remote.size_bytes in (None, size)

    @property
    def _record(self) -> Path:
        return self.path.with_name(self.path.name + ".json")

    def _resumable(self) -> list[Span]:
        saved = _read(self._ledger, _Ledger)
        if not self.remote.ranged or not self.remote.validator:
            return []
        if saved is None or saved.remote != self.remote:
            return []
        size = os.fstat(self._descriptor).st_size
        reached = max((one.filled for one in saved.spans if one.filled > one.start), default=0)
        return saved.spans if reached <= size else []

    def _save(self) -> None:
        _write(self._ledger, _Ledger(remote=self.remote, spans=self.spans))
        self._unsaved = 0

    def _check_size(self, size_bytes: int) -> None:
        if self._limit is not None and size_bytes > self._limit:
            raise TooBigError(
                f"The download exceeds the allowed {self._limit:,} bytes.",
                hint="Raise maxBytes, or ask for a smaller maxHeight.",
            )

    def _check_space(self) -> None:
        needed = (self.remote.size_bytes or 0) - self.received_bytes
        free = shutil.disk_usage(self.path.parent).free
        if needed > free:
            raise DiskFullError(
                f"The download needs {needed:,} bytes more, {free:,} are free.",
                hint="Free some space or give a larger work volume.",
            )


def _divide(remote: Remote, parallel: int) -> list[Span]:
    size = remote.size_bytes
    if size is None or not remote.ranged:
        return [Span(0, size, 0)]
    count = max(1, min(parallel, size // _MIN_SPAN_BYTES))
    edges = [size * i // count for i in range(count + 1)]
    return [Span(a, b, a) for a, b in itertools.pairwise(edges)]


def _write(path: Path, value: BaseModel) -> None:
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(value.model_dump_json())
    temporary.replace(path)


def _read(path: Path, model: type[_Model]) -> _Model | None:
    try:
        return model.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(error, path) from error


def disk_error(error: OSError, path: Path) -> DiskFullError | OutputNotWritableError:
    """Return our error for one that the work folder's file system gave."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFullError(
            f"No space is left for {path.name} in {path.parent}.",
            hint="Free some space or give a larger work volume.",
        )
    return OutputNotWritableError(
        f"{path} cannot be written: {error.strerror}.", hint="Give a folder that can be written."
    )
