"""A fake S3 store of the kind that knows no conditional writes, for the two ways they show it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar, Literal

CONDITIONS = ("If-Match", "If-None-Match")
Manner = Literal["ignores", "refuses"]


@dataclass
class PlainStore:
    """What the store holds and what it was asked."""

    endpoint: str
    manner: Manner
    objects: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: ClassVar[PlainStore]

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.store.manner == "refuses" and any(name in self.headers for name in CONDITIONS):
            self._error(HTTPStatus.NOT_IMPLEMENTED, "NotImplemented")
            return
        metadata = {k: v for k, v in self.headers.items() if k.lower().startswith("x-amz-meta")}
        self.store.objects[self.path] = (body, metadata)
        self._answer(HTTPStatus.OK, b"", {"ETag": _etag(body)})

    def do_GET(self) -> None:
        found = self.store.objects.get(self.path)
        if found is None:
            self._error(HTTPStatus.NOT_FOUND, "NoSuchKey")
        else:
            body, metadata = found
            self._answer(HTTPStatus.OK, body, {**metadata, "ETag": _etag(body)})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.store.objects.pop(self.path, None)
        self._answer(HTTPStatus.NO_CONTENT, b"", {})

    def _error(self, status: HTTPStatus, code: str) -> None:
        body = f"<Error><Code>{code}</Code></Error>".encode()
        self._answer(status, body, {"Content-Type": "application/xml"})

    def _answer(self, status: HTTPStatus, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class' name
        """Keep silent."""


@contextmanager
def run_plain_store(manner: Manner) -> Iterator[PlainStore]:
    """Run a store that ignores conditions, or answers 501 to them, until the block ends."""

    class Handler(_Handler):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Handler.store = PlainStore(f"http://127.0.0.1:{server.server_port}", manner)
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Handler.store
        finally:
            server.shutdown()
            thread.join()


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
