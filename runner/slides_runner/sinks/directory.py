"""A folder on this machine as a sink: atomic, exclusive, and never half-written with a manifest.

While a run writes, `.slides-extractor-incomplete` lies in the folder. It is locked, which keeps a
second run out, and names every key before its file is touched, which tells what an interrupted run
left from files that were there before. Whatever else lies in the folder is left alone; but where a
name that outputs use is taken by a file that no run wrote, the folder is refused, since two talks'
slides side by side could not be told apart.

A forced replacement deletes the old manifest before the first file changes, so that no manifest
ever names a file that is not the one it describes; interrupted there, the old output is gone and
the next run starts afresh. Files that stay byte for byte the same are not written, and when all
do, the old manifest stays until the new one takes its place.
"""

import errno
import hashlib
import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from slides_runner.artifacts import LocalFile, sha256_of
from slides_runner.errors import (
    DiskFullError,
    OutputConflictError,
    OutputNotWritableError,
    SlidesError,
)
from slides_runner.sinks import MANIFEST_KEY, StoredManifest
from slides_runner.sinks.existing import named_keys

if sys.platform != "win32":
    import fcntl

JOURNAL = ".slides-extractor-incomplete"
RESERVED = ("slides", "slides.pdf", "report.html", "video_segments.json")
"""What a run writes at the top of the folder, beside the manifest."""
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
NO_HARD_LINKS = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}
)
"""What file systems without hard links answer: FAT, some network and container mounts."""


class DirectorySink:
    """Outputs in a folder; see the module for its rules."""

    def __init__(self, folder: Path) -> None:
        """Take the folder; it need not exist and is not touched yet."""
        self._folder = folder.expanduser().absolute()
        self._journal: _Journal | None = None
        self._seen: StoredManifest | None = None
        self._written: set[str] = set()

    def uri(self, key: str) -> str:
        """Return file:///… of a key."""
        return self._path(key).as_uri()

    def local_path(self, key: str) -> Path:
        """Return the absolute path of a key."""
        return self._path(key)

    def link(self, key: str, *, expires_s: int) -> str:  # noqa: ARG002 - a file does not expire
        """Return file:///… of a key."""
        return self.uri(key)

    def read_manifest(self) -> StoredManifest | None:
        """Return the manifest in the folder, or None."""
        with _explained(self._folder):
            self._seen = self._read()
        return self._seen

    def prepare(self) -> None:
        """Refuse a folder that cannot be written or whose names are taken by other files."""
        with _explained(self._folder):
            _check_writable(self._folder)
            self._check_names_free()

    def put(self, files: Iterable[LocalFile]) -> Iterator[LocalFile]:
        """Copy the files in, yielding each as it is safely there."""
        with _explained(self._folder):
            journal = self._open_journal()
        for file in files:
            with _explained(self._folder):
                self._put(file, journal)
            yield file

    def commit(self, manifest: bytes, *, replaces: StoredManifest | None) -> str:
        """Write the manifest, then clear away what earlier runs left."""
        with _explained(self._folder):
            journal = self._open_journal()
            for folder in {self._path(key).parent for key in self._written}:
                _sync_folder(folder)
            self._write_manifest(manifest, replaces)
            self._clear(journal)
        return self.uri(MANIFEST_KEY)

    def _path(self, key: str) -> Path:
        return self._folder / key

    def _read(self) -> StoredManifest | None:
        try:
            content = self._path(MANIFEST_KEY).read_bytes()
        except FileNotFoundError:
            return None
        return StoredManifest(content, hashlib.sha256(content).hexdigest())

    def _check_names_free(self) -> None:
        """Raise OutputConflictError where names are taken and no run of ours explains it."""
        if self._path(MANIFEST_KEY).exists() or self._path(JOURNAL).exists():
            return
        taken = [name for name in RESERVED if _is_occupied(self._path(name))]
        if taken:
            raise OutputConflictError(
                f"{self._folder} already holds {' and '.join(taken)}, written by something else.",
                hint="Choose another --output folder, or move these files away.",
            )

    def _open_journal(self) -> "_Journal":
        if self._journal is None:
            self._check_names_free()
            self._check_unchanged()
            self._folder.mkdir(parents=True, exist_ok=True)
            self._journal = _Journal(self._path(JOURNAL))
            self._check_unchanged()  # again: nobody else can write from here on
            if self._seen:
                self._journal.add(named_keys(self._seen.content))
        return self._journal

    def _check_unchanged(self) -> None:
        if self._read() != self._seen:
            raise OutputConflictError(
                f"Another run wrote to {self._folder} meanwhile.",
                hint="Run again to see whether its output is what you want.",
            )

    def _put(self, file: LocalFile, journal: "_Journal") -> None:
        target = self._path(file.key)
        self._written.add(file.key)
        if _is_same(file.path, target):
            return
        self._path(MANIFEST_KEY).unlink(missing_ok=True)
        journal.add({file.key})
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_beside(target, file.path).replace(target)

    def _write_manifest(self, manifest: bytes, replaces: StoredManifest | None) -> None:
        target = self._path(MANIFEST_KEY)
        part = _part(target)
        part.unlink(missing_ok=True)  # a killed run may have left it as a second name of the target
        part.write_bytes(manifest)
        _sync_file(part)
        if replaces and self._read() == replaces:  # still there: nothing that it names changed
            part.replace(target)
        else:
            self._place_new(part, target)
        _sync_folder(self._folder)

    def _place_new(self, part: Path, target: Path) -> None:
        try:
            _rename_to_new(part, target)
        except FileExistsError as e:
            part.unlink(missing_ok=True)
            raise OutputConflictError(
                f"Another run finished in {self._folder} first.",
                hint="Its output is complete; choose another --output for this one.",
            ) from e

    def _clear(self, journal: "_Journal") -> None:
        """Remove what interrupted or replaced runs wrote and this one did not, then the journal."""
        for key in journal.keys:
            _part(self._path(key)).unlink(missing_ok=True)
            if key not in self._written:
                self._path(key).unlink(missing_ok=True)
                with suppress(OSError):  # other files may be left there, and may stay
                    self._path(key).parent.rmdir()
        journal.remove()
        self._journal = None


class _Journal:
    """The file that names each key before it is written, and is locked by the run that writes."""

    def __init__(self, path: Path) -> None:
        """Create or take over the journal. Raises OutputConflictError if another run holds it."""
        self._path = path
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        # A run that ends anywhere lets go of the lock, without being asked to.
        self._close = weakref.finalize(self, os.close, self._handle)
        self._lock()
        self._keys = set(path.read_text(encoding="utf-8").splitlines())

    def _lock(self) -> None:
        if sys.platform == "win32":  # has no flock: the manifest alone keeps runs apart
            return
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            raise OutputConflictError(
                f"Another run is writing to {self._path.parent} right now.",
                hint="Wait for it to finish, or choose another --output folder.",
            ) from e
        except OSError:  # some network mounts cannot lock: the manifest alone keeps runs apart
            return

    def add(self, keys: Iterable[str]) -> None:
        """Note keys, on disk when this returns."""
        fresh = sorted(set(keys) - self._keys)
        if not fresh:
            return
        os.write(self._handle, "".join(f"{key}\n" for key in fresh).encode())
        os.fsync(self._handle)
        self._keys.update(fresh)

    @property
    def keys(self) -> list[str]:
        """Every key noted since the last finished run."""
        return sorted(self._keys)

    def remove(self) -> None:
        """Delete the journal and let go of its lock."""
        if sys.platform == "win32":  # deletes no open file
            self._close()
        self._path.unlink(missing_ok=True)
        self._close()


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise explain(e, folder) from e


def explain(error: OSError, folder: Path) -> SlidesError:
    """Return the runner's error for one of the operating system in an output folder."""
    if error.errno in NO_SPACE:
        return DiskFullError(
            f"No space is left for the output in {folder}.",
            hint="Free some space or choose an --output on another disk, then run again.",
        )
    why = error.strerror or type(error).__name__
    at = f" ({error.filename})" if error.filename and str(error.filename) != str(folder) else ""
    return OutputNotWritableError(
        f"{folder} cannot be used for output: {why}{at}.",
        hint="Choose another --output, or change the permissions of that folder.",
    )


def _check_writable(folder: Path) -> None:
    """Make and remove a folder where the first one would be made."""
    place = next(path for path in (folder, *folder.parents) if path.exists())
    with tempfile.TemporaryDirectory(prefix=".slides-extractor-", dir=place):
        pass


def _is_occupied(path: Path) -> bool:
    if path.is_dir():
        return any(path.iterdir())
    return path.is_symlink() or path.exists()


def _is_same(source: Path, target: Path) -> bool:
    if not target.is_file() or target.stat().st_size != source.stat().st_size:
        return False
    return sha256_of(source) == sha256_of(target)


def _part(target: Path) -> Path:
    return target.with_name(f".{target.name}.part")


def _write_beside(target: Path, source: Path) -> Path:
    part = _part(target)
    shutil.copyfile(source, part)
    _sync_file(part)
    return part


def _rename_to_new(part: Path, target: Path) -> None:
    """Move a file to a name that must be free. Raises FileExistsError."""
    try:
        os.link(part, target)
    except OSError as e:
        if e.errno not in NO_HARD_LINKS:
            raise
        if target.exists():
            raise FileExistsError(errno.EEXIST, "exists", str(target)) from e
        part.replace(target)
    else:
        part.unlink()


def _sync_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    """Make renames in a folder survive a power cut, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
