"""A real forward proxy on loopback: it has its own table of names and notes what passes."""

import base64
import contextlib
import http.client
import select
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOP_BY_HOP = ("connection", "proxy-authorization", "proxy-connection", "host")


@dataclass
class ForwardProxy:
    """The proxy; `hosts` maps names to local (host, port)."""

    port: int
    hosts: dict[str, tuple[str, int]] = field(default_factory=dict)
    credentials: str | None = None
    """user:password that it asks for."""
    seen: list[str] = field(default_factory=list)
    """URLs that were asked for."""

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def lets_in(self, header: str | None) -> bool:
        if self.credentials is None:
            return True
        return header == "Basic " + base64.b64encode(self.credentials.encode()).decode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: ForwardProxy

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass

    def do_CONNECT(self) -> None:
        self.proxy.seen.append(self.path)
        place = self.proxy.hosts.get(self.path.rpartition(":")[0])
        if not self.proxy.lets_in(self.headers.get("Proxy-Authorization")) or place is None:
            self._refuse(502 if place is None else 407)
            return
        with socket.create_connection(place, timeout=10) as upstream:
            self.send_response(200)
            self.end_headers()
            self._relay(upstream)
        self.close_connection = True

    def _relay(self, upstream: socket.socket) -> None:
        ends = {self.connection: upstream, upstream: self.connection}
        while True:
            readable, _, _ = select.select(list(ends), [], [], 10)
            for one in readable:
                data = one.recv(65536)
                if not data:
                    return
                ends[one].sendall(data)
            if not readable:
                return

    def do_GET(self) -> None:
        self.proxy.seen.append(self.path)
        if not self.proxy.lets_in(self.headers.get("Proxy-Authorization")):
            self._refuse(407)
            return
        target = urlsplit(self.path)
        place = self.proxy.hosts.get(target.hostname or "")
        if place is None:
            self._refuse(502)
            return
        self._forward(place, target.path + (f"?{target.query}" if target.query else ""))

    def _forward(self, place: tuple[str, int], path: str) -> None:
        with contextlib.closing(http.client.HTTPConnection(*place, timeout=10)) as upstream:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
            upstream.request("GET", path, headers=headers)
            answer = upstream.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("connection", "date", "server"):
                    self.send_header(name, value)
            self.end_headers()
            while piece := answer.read(65536):
                self.wfile.write(piece)

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextlib.contextmanager
def run_forward_proxy() -> Iterator[ForwardProxy]:
    """Yield a proxy on a free port; it is stopped at the end."""

    class Handler(_Handler):
        pass

    with _Server(("127.0.0.1", 0), Handler) as server:
        proxy = Handler.proxy = ForwardProxy(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
