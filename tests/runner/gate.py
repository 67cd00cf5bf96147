"""A way through which connections pass to a server, until it is closed."""

import contextlib
import socket
import threading
from collections.abc import Iterator

BLOCK = 1 << 16


class Gate:
    """Passes bytes on in both directions; `close` cuts what is open and refuses what comes."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open = threading.Event()
        self._open.set()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Cut all connections and take no more."""
        self._open.clear()
        with self._lock:
            for pair in self._pairs:
                for end in pair:
                    with contextlib.suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)

    def open(self) -> None:
        """Let connections pass again."""
        self._open.set()

    def end(self) -> None:
        """Stop listening."""
        self.close()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        if not self._open.is_set():
            client.close()
            return
        with client, socket.create_connection(self._target) as server:
            with self._lock:
                self._pairs.append((client, server))
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            _copy(client, server)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(BLOCK):
            target.sendall(block)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def run_gate(host: str, port: int) -> Iterator[Gate]:
    """Yield an open gate to an address."""
    gate = Gate(host, port)
    try:
        yield gate
    finally:
        gate.end()
