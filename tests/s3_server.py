"""A real S3 server for tests: versitygw over a temporary folder, on a free loopback port."""

import os
import re
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import boto3
from botocore.config import Config

from tests.cluster.tools import tool

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

START_LIMIT_S = 30.0
STOP_LIMIT_S = 10.0
REGION = "us-east-1"
LOG_LINE = re.compile(
    r"\| vgw \| (?P<status>\d+) \|[^|]*\|[^|]*\| (?P<method>[A-Z]+) \| (?P<path>.+?) \| "
)


@dataclass(frozen=True)
class Request:
    """One request that the server answered."""

    method: str
    path: str
    """/bucket/key"""
    status: int


@dataclass(frozen=True)
class S3Server:
    """A running S3 server with one account, whose objects are private."""

    endpoint: str
    access_key: str
    secret_key: str
    region: str
    log: Path

    def client(self) -> "S3Client":
        """Return a boto3 client with the server's own credentials."""
        return self._client

    @cached_property
    def _client(self) -> "S3Client":
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=self.region,
            config=Config(s3={"addressing_style": "path"}),
        )

    def make_bucket(self) -> str:
        """Make a new, empty bucket and return its name."""
        name = f"test-{secrets.token_hex(6)}"
        self.client().create_bucket(Bucket=name)
        return name

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """Return the keys of all objects under a prefix, sorted."""
        pages = (
            self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        )
        return sorted(item["Key"] for page in pages for item in page.get("Contents", []))

    def put(self, bucket: str, key: str, body: bytes, *, content_type: str = "") -> None:
        """Store an object."""
        kind = content_type or "application/octet-stream"
        self.client().put_object(Bucket=bucket, Key=key, Body=body, ContentType=kind)

    def read(self, bucket: str, key: str) -> bytes:
        """Return an object's content."""
        return self.client().get_object(Bucket=bucket, Key=key)["Body"].read()

    def requests(self, bucket: str) -> list[Request]:
        """Return every request for a bucket so far, oldest first."""
        found = (LOG_LINE.search(line) for line in self.log.read_text().splitlines())
        answered = [Request(m["method"], unquote(m["path"]), int(m["status"])) for m in found if m]
        return [r for r in answered if r.path == f"/{bucket}" or r.path.startswith(f"/{bucket}/")]


@contextmanager
def run_s3_server() -> Iterator[S3Server]:
    """Run a server until the block ends. Raises ToolMissingError where it cannot be built."""
    binary = tool("versitygw")
    with tempfile.TemporaryDirectory(prefix="s3-server-") as folder:
        yield from _serve(binary, Path(folder))


def _serve(binary: Path, folder: Path) -> Iterator[S3Server]:
    port = _free_port()
    server = S3Server(
        endpoint=f"http://127.0.0.1:{port}",
        access_key=f"test{secrets.token_hex(8)}",
        secret_key=secrets.token_hex(20),
        region=REGION,
        log=folder / "requests.log",
    )
    process = _start(binary, server, folder, port=port)
    try:
        _wait_for_port(process, server.log, port=port)
        yield server
    finally:
        _stop(process)


def _start(binary: Path, server: S3Server, folder: Path, *, port: int) -> subprocess.Popen[bytes]:
    data, metadata = folder / "data", folder / "metadata"
    data.mkdir()
    metadata.mkdir()
    # Metadata in files of its own: not every temporary folder has extended attributes.
    listen = ["--port", f"127.0.0.1:{port}", "--region", server.region, "--keep-alive"]
    account = {"ROOT_ACCESS_KEY": server.access_key, "ROOT_SECRET_KEY": server.secret_key}
    with server.log.open("wb") as log:
        return subprocess.Popen(
            [binary, *listen, "posix", "--sidecar", metadata, data],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **account},
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_port(process: subprocess.Popen[bytes], log: Path, *, port: int) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The S3 server did not start: {log.read_text()}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"The S3 server does not answer after {START_LIMIT_S:.0f} s.")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
