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
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
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
USABLE = 0.98
"""Of a limited work volume; chosen: what one more second of a fast download may add is spared."""
LOOK_EVERY_S = 1.0
BLOCK_BYTES = 512
"""The unit of st_blocks, by POSIX."""


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


class Room:
    """How much may lie in the work volume.

    Kubernetes evicts a pod that exceeds its volume's limit, and the reason is lost with the pod. A
    run that ends itself before says what was too large.
    """

    def __init__(
        self,
        root: Path,
        limit_bytes: int | None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the volume's folder and its limit; None is no limit but the disk's own."""
        self._root = root
        self._limit = limit_bytes
        self._clock = clock
        self._looked_at = -LOOK_EVERY_S

    def check(self) -> None:
        """Raise DiskFullError when the volume is full; called often, looks once a second."""
        if self._limit is None or self._clock() - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = self._clock()
        if used_bytes(self._root) > USABLE * self._limit:
            raise DiskFullError(
                f"The work volume of {self._limit:,} bytes is full.", hint=LARGER_VOLUME
            )

    def refuse(self, size_bytes: int | None, work: WorkFolder) -> None:
        """Raise DiskFullError for a download that is known not to fit, before it begins."""
        if self._limit is None or size_bytes is None:
            return
        missing = max(0, size_bytes - used_bytes(work.downloads))
        if used_bytes(self._root) + missing > USABLE * self._limit:
            raise DiskFullError(
                f"The video has {size_bytes:,} bytes, the work volume {self._limit:,}.",
                hint=LARGER_VOLUME,
            )


LARGER_VOLUME = "Give a larger work volume, or ask for a smaller maxHeight."


def used_bytes(folder: Path) -> int:
    """Return what the files below a folder take of the disk; those that vanish count nothing."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_blocks * BLOCK_BYTES
    return total


@contextmanager
def claim(root: Path, identity: str, *, stays: bool = True) -> Iterator[WorkFolder]:
    """Give the work folder of what `identity` names, with what an earlier run downloaded.

    Removed at the end; after an error the downloads stay, and unless the volume itself goes (not
    `stays`) the error's hint says so. Raises OutputNotWritableError when the folder cannot be made,
    DiskFullError when no space is left.
    """
    name = hashlib.sha256(identity.encode()).hexdigest()[:NAME_DIGITS]
    folder, lock = _begin(root, name)
    with lock:
        try:
            with _explained_when_full(root):
                yield folder
        except BaseException as e:
            _keep_downloads(folder, e, stays=stays)
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


def _keep_downloads(folder: WorkFolder, error: BaseException, *, stays: bool) -> None:
    shutil.rmtree(folder.made, ignore_errors=True)
    if not folder.downloads.is_dir() or not any(folder.downloads.iterdir()):
        shutil.rmtree(folder.path, ignore_errors=True)
    elif stays and isinstance(error, SlidesError):
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
