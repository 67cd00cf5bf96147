"""An API server that a test plays: real TLS and HTTP, answers as told."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.cluster.certificates import Certificate

POLICY_REFUSAL = (
    'slideextractions.slides-extractor.dev "talk" is forbidden: ValidatingAdmissionPolicy '
    "'talks-runner-status' with binding 'talks-runner-status' denied request: a later attempt "
    "reports already, this one is over"
)
RBAC_REFUSAL = (
    'slideextractions.slides-extractor.dev "talk" is forbidden: User '
    '"system:serviceaccount:media:slides-runner" cannot patch resource "slideextractions/status"'
)


@dataclass(frozen=True)
class Reply:
    """What a request is answered with."""

    status: int = 200
    message: str = ""
    retry_after: str | None = None
    hangs: bool = False


@dataclass(frozen=True)
class Patch:
    """One request."""

    path: str
    token: str
    media_type: str
    body: dict[str, Any]

    @property
    def run(self) -> dict[str, Any]:
        """The part of the status that says how far it is."""
        run: dict[str, Any] = self.body["status"]["run"]
        return run


@dataclass
class PlayedServer:
    """What it was asked, and what it answers: `replies` first, `usual` from then on."""

    port: int = 0
    usual: Reply = field(default_factory=Reply)
    replies: list[Reply] = field(default_factory=list)
    seen: list[Patch] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def take(self, patch: Patch) -> Reply:
        """Take a request and return its answer."""
        with self.arrived:
            self.seen.append(patch)
            self.arrived.notify_all()
            return self.replies.pop(0) if self.replies else self.usual

    def wait_for(self, count: int, *, within_s: float = 10.0) -> list[Patch]:
        """Return the requests once there are so many."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.seen) >= count, within_s), self.seen
            return list(self.seen)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    played: PlayedServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass

    def do_PATCH(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        token = self.headers["Authorization"].removeprefix("Bearer ")
        patch = Patch(self.path, token, self.headers["Content-Type"], json.loads(content))
        reply = self.played.take(patch)
        if reply.hangs:
            self.played.closing.wait(30)
            self.close_connection = True
            return
        said = json.dumps({"kind": "Status", "message": reply.message}).encode()
        self.send_response(reply.status)
        self.send_header("Content-Length", str(len(said)))
        if reply.retry_after:
            self.send_header("Retry-After", reply.retry_after)
        self.end_headers()
        self.wfile.write(said)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that leaves in the middle is what some tests are about


@contextmanager
def run_played_server(serving: Certificate) -> Iterator[PlayedServer]:
    """Yield a server on a free port; it is stopped at the end."""

    class Handler(_Handler):
        played = PlayedServer()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(serving.certificate, serving.key)
    with _Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Handler.played.port = int(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield Handler.played
        finally:
            Handler.played.closing.set()
            server.shutdown()
            thread.join()


def write_account(folder: Path, authority: Path) -> Path:
    """Write what a pod's projected volume holds, and return the folder."""
    folder.mkdir()
    (folder / "ca.crt").write_bytes(authority.read_bytes())
    (folder / "token").write_text("first")
    return folder
