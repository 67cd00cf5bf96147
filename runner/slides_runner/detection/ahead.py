"""Working ahead: one thread makes what another uses."""

import queue
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

Item = TypeVar("Item")

DEPTH = 16
"""Items made ahead; chosen: the samples of a minute, a megabyte."""


class _End:
    """Marks the end, and carries the error that made it."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(items: Iterator[Item]) -> Generator[Item, None, None]:
    """Yield the items, made by a thread of their own up to DEPTH ahead.

    Decoders and OpenCV work without the interpreter's lock, so that two threads keep two cores
    busy. What the maker raises is raised here; when this generator is closed the maker stops.
    """
    made: queue.Queue[Item | _End] = queue.Queue(DEPTH)
    stop = threading.Event()
    thread = threading.Thread(target=_make, args=(items, made, stop), daemon=True)
    thread.start()
    try:
        while not isinstance(item := made.get(), _End):
            yield item
        if item.error:
            raise item.error
    finally:
        stop.set()
        while thread.is_alive():  # it may wait for a place
            _drop(made)
            thread.join(0.01)


def _make(items: Iterator[Item], made: "queue.Queue[Item | _End]", stop: threading.Event) -> None:
    error: BaseException | None = None
    try:
        for item in items:
            if stop.is_set():
                break
            made.put(item)
    except BaseException as e:  # noqa: BLE001 - handed over to the thread that waits for it
        error = e
    made.put(_End(error))


def _drop(made: "queue.Queue[Item | _End]") -> None:
    try:
        made.get_nowait()
    except queue.Empty:
        return
