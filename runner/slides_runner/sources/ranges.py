"""Filling a partial file from up to four ranges at once, each tried again by itself."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    wait_exponential,
    wait_random,
)
from tenacity.wait import wait_base

from slides_runner.errors import NetworkError, ServerError, TimedOutError
from slides_runner.sources import Download, OnDownload
from slides_runner.sources.http_client import PARALLEL
from slides_runner.sources.partial import PartFile, Remote, Span
from slides_runner.sources.patience import Patience

_TICK_S = 0.2  # chosen: how soon a stop is noticed, and progress shown
_JOIN_S = 2.0  # chosen: of the 10 s that a stop may take in all

_CHANGES_ALLOWED = 2  # chosen: a file replaced once while it is read is plausible, thrice is not

OpenedRange = AbstractContextManager[Iterator[bytes]]
_OpenRange = Callable[[int, int | None], OpenedRange]

_REPEATED = (NetworkError, ServerError, TimedOutError)


class RemoteChangedError(Exception):
    """The file on the server is another than the one begun; `fetch` begins again."""


class RemoteFile(Protocol):
    """A file on a server that serves it in ranges."""

    def inspect(self) -> Remote:
        """Return its present version.

        Raises SlidesError when it would be refused.
        """
        ...

    def open(self, remote: Remote, start: int, end: int | None) -> OpenedRange:
        """Open the bytes of that version from `start` up to, not including, `end`; None is all.

        Raises RemoteChangedError when there is another version by now.
        """
        ...


def fetch(
    file: RemoteFile,
    path: Path,
    *,
    limit_bytes: int | None,
    patience: Patience,
    on_progress: OnDownload,
) -> Remote:
    """Bring a whole version of the file to `path`, going on where an earlier call stopped.

    Raises SlidesError; what came is kept for the next call. Returns the version.
    """
    for _ in range(_CHANGES_ALLOWED + 1):
        remote = file.inspect()
        part = PartFile(path, remote, limit_bytes=limit_bytes)
        try:
            _fetch_version(file, part, patience, on_progress)
        except RemoteChangedError:
            part.discard()
        else:
            return remote
    raise NetworkError("The file keeps changing while it is read.", hint="Try again later.")


def _fetch_version(
    file: RemoteFile, part: PartFile, patience: Patience, on_progress: OnDownload
) -> None:
    name, total = part.path.name, part.remote.size_bytes
    if not part.is_complete():
        part.open(parallel=PARALLEL)
        _fill_all(
            part,
            lambda start, end: file.open(part.remote, start, end),
            patience=patience,
            on_bytes=lambda count: on_progress(Download(name, "downloading", count, total)),
        )
        part.finish()
    size = part.path.stat().st_size
    on_progress(Download(name, "finished", size, size))


def _fill_all(
    part: PartFile,
    open_range: _OpenRange,
    *,
    patience: Patience,
    on_bytes: Callable[[int], None],
) -> None:
    """Fill every span of an open part file, or raise the first error that stays.

    `on_bytes` is called from this thread, several times a second, with the bytes on disk. What it
    raises stops the download. The part file is closed either way and keeps what came.
    """
    stop = threading.Event()
    outcomes: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
    workers = [
        threading.Thread(
            target=_fill,
            args=(_Filling(part, span, open_range, patience, stop), outcomes),
            daemon=True,
        )
        for span in part.spans
        if not span.done
    ]
    try:
        for worker in workers:
            worker.start()
        _watch(part, outcomes, len(workers), on_bytes)
    finally:
        stop.set()
        deadline = time.monotonic() + _JOIN_S
        for worker in workers:
            worker.join(max(0.0, deadline - time.monotonic()))
        part.close()


def _watch(
    part: PartFile,
    outcomes: queue.SimpleQueue[BaseException | None],
    running: int,
    on_bytes: Callable[[int], None],
) -> None:
    while running:
        try:
            outcome = outcomes.get(timeout=_TICK_S)
        except queue.Empty:
            pass
        else:
            running -= 1
            if outcome is not None:
                raise outcome
        on_bytes(part.received_bytes)


def pauses(patience: Patience) -> wait_base:
    """Return how long to wait before each repetition: doubling, with jitter."""
    doubling = wait_exponential(patience.backoff_s, max=patience.backoff_max_s)
    return doubling + wait_random(0, patience.backoff_s)


class _Filling:
    """One span being filled, with repetitions."""

    def __init__(
        self,
        part: PartFile,
        span: Span,
        open_range: _OpenRange,
        patience: Patience,
        stop: threading.Event,
    ) -> None:
        self._part = part
        self._span = span
        self._open = open_range
        self._patience = patience
        self._stop = stop
        self._failures = 0
        self._filled_before = span.filled

    def run(self) -> None:
        """Fill the span; only failures without a byte gained in between use up the patience."""
        retrying = Retrying(
            retry=retry_if_exception_type(_REPEATED),
            stop=self._is_hopeless,
            wait=pauses(self._patience),
            sleep=self._pause,
            reraise=True,
        )
        retrying(self._once)

    def _pause(self, seconds: float) -> None:
        self._stop.wait(seconds)

    def _is_hopeless(self, _: RetryCallState) -> bool:
        gained = self._span.filled > self._filled_before and self._part.remote.ranged
        self._filled_before = self._span.filled
        self._failures = 1 if gained else self._failures + 1
        return self._failures >= self._patience.attempts or self._stop.is_set()

    def _once(self) -> None:
        if not self._part.remote.ranged:
            self._part.restart(self._span)
        if self._span.done:
            return
        with self._open(self._span.filled, self._span.end) as chunks:
            self._read(chunks)
        self._check_whole()

    def _check_whole(self) -> None:
        if self._stop.is_set() or self._span.end is None or self._span.done:
            return
        raise NetworkError(
            f"The transfer ended {self._span.end - self._span.filled:,} bytes early.",
            hint="Try again; what was downloaded is kept.",
        )

    def _read(self, chunks: Iterator[bytes]) -> None:
        window_start, window_bytes = time.monotonic(), 0
        for chunk in chunks:
            if self._stop.is_set():
                return
            self._part.write(self._span, chunk)
            if self._span.done:
                return
            window_bytes += len(chunk)
            elapsed = time.monotonic() - window_start
            if elapsed >= self._patience.rate_window_s:
                self._check_rate(window_bytes / elapsed)
                window_start, window_bytes = time.monotonic(), 0

    def _check_rate(self, bytes_per_s: float) -> None:
        if bytes_per_s < self._patience.min_bytes_per_s:
            raise TimedOutError(
                f"The server sends only {bytes_per_s:.0f} bytes per second.",
                hint="Try again; what was downloaded is kept.",
            )


def _fill(filling: _Filling, outcomes: queue.SimpleQueue[BaseException | None]) -> None:
    try:
        filling.run()
    except BaseException as error:  # noqa: BLE001 - a thread's boundary: the watcher raises it
        outcomes.put(error)
    else:
        outcomes.put(None)
