"""The folder in which one extraction works: kept when it fails, so that a download goes on.

    WORK_ROOT/<hash of the source>/downloads    what was fetched; stays after a failure
    WORK_ROOT/<hash of the source>/made         pictures and documents on their way; never stays

Two runs of one source at once each get a folder of their own, by a lock.
"""

import errno
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from slides_runner.errors import DiskFullError, OutputNotWritableError, SlidesError

if sys.platform != "win32":
    import fcntl

LOCK = "lock"
NAME_DIGITS = 16
RUNS_AT_ONCE = 1000
"""Of one source; chosen: beyond any use, so that looking for a free folder ends."""
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""A full disk, a full quota, and a limit on the size of files (`ulimit -f`)."""


@dataclass(frozen=True)
class WorkFolder:
    """The work folder of one run."""

    path: Path

    @property
    def downloads(self) -> Path:
        """What is fetched; an earlier run may have left something there."""
        return self.path / "downloads"

    @property
    def made(self) -> Path:
        """What is made; empty when the run begins."""
        return self.path / "made"


def default_root(environment: Mapping[str, str]) -> Path:
    """Return the folder of all work folders: in the user's cache, by the XDG specification."""
    cache, home = environment.get("XDG_CACHE_HOME", ""), environment.get("HOME", "")
    if Path(cache).is_absolute():
        return Path(cache) / "slides-extractor" / "work"
    if Path(home).is_absolute():
        return Path(home) / ".cache" / "slides-extractor" / "work"
    return Path(tempfile.gettempdir()) / "slides-extractor" / "work"


@contextmanager
def claim(root: Path, identity: str) -> Iterator[WorkFolder]:
    """Give the work folder of what `identity` names, with what an earlier run downloaded.

    Removed at the end; after an error the downloads stay and the error's hint says so. Raises
    OutputNotWritableError when the folder cannot be made, DiskFullError when no space is left.
    """
    name = hashlib.sha256(identity.encode()).hexdigest()[:NAME_DIGITS]
    folder, lock = _begin(root, name)
    with lock:
        try:
            with _explained_when_full(root):
                yield folder
        except BaseException as e:
            _keep_downloads(folder, e)
            raise
        shutil.rmtree(folder.path, ignore_errors=True)


def _begin(root: Path, name: str) -> tuple[WorkFolder, IO[bytes]]:
    try:
        with _explained_when_full(root):
            folder, lock = _lock_first_free(root / name)
            shutil.rmtree(folder.made, ignore_errors=True)
            folder.made.mkdir()
            folder.downloads.mkdir(exist_ok=True)
    except OSError as e:
        raise OutputNotWritableError(
            f"The work folder {root} cannot be used: {e.strerror}.",
            hint="Choose another --work-dir.",
        ) from e
    return folder, lock


def _keep_downloads(folder: WorkFolder, error: BaseException) -> None:
    shutil.rmtree(folder.made, ignore_errors=True)
    if not folder.downloads.is_dir() or not any(folder.downloads.iterdir()):
        shutil.rmtree(folder.path, ignore_errors=True)
    elif isinstance(error, SlidesError):
        kept = f"What was downloaded is kept in {folder.path} for the next try."
        error.hint = f"{error.hint} {kept}".strip()


def _lock_first_free(path: Path) -> tuple[WorkFolder, IO[bytes]]:
    for number in range(RUNS_AT_ONCE):
        numbered = path.with_name(f"{path.name}-{number}") if number else path
        lock = _lock(numbered)
        if lock:
            return WorkFolder(numbered), lock
    raise OutputNotWritableError(
        f"{RUNS_AT_ONCE} runs work in {path} already.", hint="Choose another --work-dir."
    )


def _lock(path: Path) -> IO[bytes] | None:
    """Return the folder's lock, or None while another run holds it."""
    path.mkdir(parents=True, exist_ok=True)
    lock = (path / LOCK).open("ab")
    if sys.platform == "win32":  # has no flock: runs of one source must not overlap there
        return lock
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    except OSError:  # some network mounts cannot lock: runs of one source must not overlap there
        return lock
    if not (path / LOCK).exists() or not os.path.samestat(
        os.fstat(lock.fileno()), (path / LOCK).stat()
    ):
        lock.close()  # the run that held it removed the folder in between
        return None
    return lock


@contextmanager
def _explained_when_full(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        if e.errno not in NO_SPACE:
            raise
        raise DiskFullError(
            f"No space is left to work in {root}.",
            hint="Free some space, or choose a --work-dir on another disk, then run again.",
        ) from e
