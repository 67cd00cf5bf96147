"""Clients that follow jobs: as little as reads events, so that thousands fit on one core."""

import asyncio
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

CONNECTING = 100
"""Connections that are being opened at once."""
FIRST_LIMIT_S = 60.0
"""Until every client has its first event."""
SMALL_BYTES = 4096
"""Of the receive buffer of clients that are going to stop reading."""
MARK = b"\nid: "


@dataclass(slots=True)
class Arrival:
    """An event at a client's socket."""

    at: float
    client: int
    version: int


@dataclass
class Crowd:
    """Clients of one server."""

    port: int
    paths: Sequence[str]
    """Which they follow, in turn."""
    headers: str = ""
    readers: list["Reader"] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)

    async def join(self, count: int, *, small: int = 0) -> None:
        """Connect so many, and wait until each has its first event.

        The first `small` have little room for what they do not read. Raises TimeoutError,
        RuntimeError.
        """
        queue = iter(range(count))

        async def connect() -> None:
            for number in queue:
                await self._connect(number, small=number < small)

        async with asyncio.timeout(FIRST_LIMIT_S), asyncio.TaskGroup() as group:
            for _ in range(CONNECTING):
                group.create_task(connect())
        async with asyncio.timeout(FIRST_LIMIT_S):
            while not all(reader.events for reader in self.readers):  # noqa: ASYNC110 - none of them has an event
                await asyncio.sleep(0.1)

    async def _connect(self, number: int, *, small: bool) -> None:
        loop = asyncio.get_running_loop()
        connection = socket.socket()
        connection.settimeout(0)
        if small:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BYTES)
        await loop.sock_connect(connection, ("127.0.0.1", self.port))
        reader = Reader(number, self.arrivals)
        transport, _ = await loop.create_connection(lambda: reader, sock=connection)
        path = self.paths[number % len(self.paths)]
        transport.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\n{self.headers}\r\n".encode())
        self.readers.append(reader)

    def leave(self) -> None:
        """Close all connections."""
        for reader in self.readers:
            if reader.transport:
                reader.transport.abort()

    @property
    def lost(self) -> int:
        """How many connections the server closed."""
        return sum(reader.closed for reader in self.readers)

    def between(self, begin: float, end: float) -> Iterable[Arrival]:
        """Return the events of a stretch of time."""
        return (one for one in self.arrivals if begin <= one.at < end)


class Reader(asyncio.Protocol):
    """One client."""

    __slots__ = ("arrivals", "closed", "events", "number", "transport")

    def __init__(self, number: int, arrivals: list[Arrival]) -> None:
        self.number = number
        self.arrivals = arrivals
        self.events = 0
        self.closed = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP has no other
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Note each event. Raises RuntimeError when the server refuses."""
        now = time.monotonic()
        if not self.events and data.startswith(b"HTTP/1.1 ") and data[9:12] != b"200":
            raise RuntimeError(data[:200].decode())
        begin = data.find(MARK)
        while begin >= 0:
            begin += len(MARK)
            end = data.find(b"\n", begin)
            self.events += 1
            self.arrivals.append(Arrival(now, self.number, int(data[begin:end])))
            begin = data.find(MARK, end)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Note that the server closed it."""
        self.closed = True

    def stop_reading(self) -> None:
        """Take nothing any more."""
        if self.transport:
            self.transport.pause_reading()
