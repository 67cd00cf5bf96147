"""A real HTTP server for files with ranges, on loopback unless told, misbehaving on request."""

import contextlib
import re
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BLOCK = 16 * 1024


@dataclass
class Resource:
    """What a path answers, and how it goes wrong."""

    body: bytes = b""
    media_type: str = "video/mp4"
    status: int = 200
    etag: str | None = '"v1"'
    last_modified: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    ranged: bool = True
    announced_length: int | None = None
    """Content-Length as claimed, when it is a lie."""
    without_length: bool = False
    """Ends by closing the connection, as HTTP/1.0 did."""
    cut_after: int | None = None
    """Closes the connection after so many bytes of a body, `cuts` times."""
    cuts: int = 1_000_000
    status_after_cut: int | None = None
    """What it answers once it has cut a connection."""
    failures_after_cut: int = 0
    """503s that follow a cut."""
    fail_times: int = 0
    """Answers 503 so many times first."""
    hangs: bool = False
    """Never answers."""
    stalls_at: int | None = None
    """Sends nothing of the body from this offset on, and keeps the connection open."""
    drips: int = 0
    """Sends so many bytes of the body at a time, a hundred times a second."""


@dataclass(frozen=True)
class Seen:
    """One request and what it got."""

    method: str
    path: str
    headers: dict[str, str]
    status: int
    sent_bytes: int


class MediaServer:
    """The server; `resources` may be changed while it runs."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.resources: dict[str, Resource] = {}
        self._seen: list[Seen] = []
        self.peak_parallel = 0
        self.closing = threading.Event()
        self._quiet = threading.Condition()
        self._now = 0

    def url(self, path: str) -> str:
        return f"http://{self.host}:{self.port}{path}"

    def put(self, path: str, resource: Resource) -> str:
        self.resources[path] = resource
        return self.url(path)

    @property
    def seen(self) -> list[Seen]:
        """What was asked for so far, once every request is answered."""
        with self._quiet:
            self._quiet.wait_for(lambda: self._now == 0, timeout=10)
            return list(self._seen)

    def log(self) -> list[Seen]:
        """What was answered so far; requests under way are not waited for."""
        with self._quiet:
            return list(self._seen)

    def forget(self) -> None:
        self.seen.clear()
        with self._quiet:
            self._seen.clear()

    def sent_bytes(self) -> int:
        return sum(one.sent_bytes for one in self.seen)

    def record(self, seen: Seen) -> None:
        with self._quiet:
            self._seen.append(seen)

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        with self._quiet:
            self._now += 1
            self.peak_parallel = max(self.peak_parallel, self._now)
        try:
            yield
        finally:
            with self._quiet:
                self._now -= 1
                self._quiet.notify_all()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    media: MediaServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass

    def do_GET(self) -> None:
        with self.media.counted():
            self._answer()

    do_HEAD = do_GET  # noqa: N815 - the base calls it so

    def _answer(self) -> None:
        self._sent = 0
        resource = self.media.resources.get(self.path.partition("?")[0], Resource(status=404))
        if resource.hangs:
            self.media.closing.wait(60)
            self.close_connection = True
            return
        self._status = self._next_status(resource)
        try:
            self._send(resource, self._status)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        finally:
            self.media.record(
                Seen(self.command, self.path, dict(self.headers), self._status, self._sent)
            )

    def _next_status(self, resource: Resource) -> int:
        if resource.fail_times:
            resource.fail_times -= 1
            return 503
        return resource.status

    def _send(self, resource: Resource, status: int) -> None:
        body = resource.body if status == 200 else b"<html>%d</html>" % status
        media_type = resource.media_type if status == 200 else "text/html"
        start, end = 0, len(body)
        if status == 200 and (wanted := self._range(resource)):
            start, end = wanted[0], min(wanted[1] + 1, len(body))
            status = self._status = 206 if start < len(body) else 416
        self._send_head(resource, status, media_type, (start, end, len(body)))
        if self.command == "GET" and status != 416:
            self._send_body(resource, body[start:end], start)

    def _range(self, resource: Resource) -> tuple[int, int] | None:
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if not resource.ranged or not found:
            return None
        if condition and condition not in (resource.etag, resource.last_modified):
            return None
        return int(found[1]), int(found[2] or len(resource.body))

    def _send_head(
        self, resource: Resource, status: int, media_type: str, place: tuple[int, int, int]
    ) -> None:
        start, end, size = place
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        if status == 416:
            self.send_header("Content-Range", f"bytes */{size}")
        if resource.without_length:
            self.close_connection = True
            self.send_header("Connection", "close")
        else:
            length = resource.announced_length
            given = 0 if status == 416 else end - start
            self.send_header("Content-Length", str(given if length is None else length))
        for name, value in (("ETag", resource.etag), ("Last-Modified", resource.last_modified)):
            if value:
                self.send_header(name, value)
        for name, value in resource.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send_body(self, resource: Resource, body: bytes, start: int) -> None:
        limit = len(body)
        if resource.cut_after is not None and resource.cuts > 0 and len(body) > resource.cut_after:
            resource.cuts -= 1
            resource.status = resource.status_after_cut or resource.status
            resource.fail_times += resource.failures_after_cut
            limit = resource.cut_after
        while self._sent < limit:
            block = resource.drips or BLOCK
            if resource.stalls_at is not None and start + self._sent >= resource.stalls_at:
                self.media.closing.wait(60)
                break
            piece = body[self._sent : min(self._sent + block, limit)]
            self.wfile.write(piece)
            self._sent += len(piece)
            if resource.drips and self.media.closing.wait(0.01):
                break
        if self._sent < len(body) or resource.announced_length is not None:
            self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that leaves in the middle is what many tests are about


@contextlib.contextmanager
def run_media_server(
    tls: ssl.SSLContext | None = None, *, host: str = "127.0.0.1"
) -> Iterator[MediaServer]:
    """Yield a server on a free port; it is stopped at the end."""

    class Handler(_Handler):
        pass

    with _Server((host, 0), Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        media = Handler.media = MediaServer(host, server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield media
        finally:
            media.closing.set()
            server.shutdown()
            thread.join()
