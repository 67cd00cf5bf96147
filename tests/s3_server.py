"""A real S3 server for tests: versitygw over a temporary folder, on a free port."""

import os
import re
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
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
    program: "Program" = field(repr=False)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Refuse connections until the block ends; what is stored stays."""
        self.program.stop()
        try:
            yield
        finally:
            self.program.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Leave every request without an answer until the block ends."""
        self.program.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.program.process.send_signal(signal.SIGCONT)

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

    def ensure_bucket(self, name: str) -> None:
        """Make a bucket of this name unless it is there."""
        known = {bucket["Name"] for bucket in self.client().list_buckets()["Buckets"]}
        if name not in known:
            self.client().create_bucket(Bucket=name)

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


class Program:
    """The server's process, which may be ended and started again."""

    def __init__(
        self, launch: Callable[[], subprocess.Popen[bytes]], place: tuple[str, int]
    ) -> None:
        """Take how it is started and the host and port at which it then listens."""
        self._launch = launch
        self._place = place
        self.process = launch()
        self._wait_for_port()

    def start(self) -> None:
        """Start it again after a stop."""
        self.process = self._launch()
        self._wait_for_port()

    def stop(self) -> None:
        """End it and wait until it is gone."""
        self.process.terminate()
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _wait_for_port(self) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError("The S3 server did not start; its log says why.")
            try:
                socket.create_connection(self._place, timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        self.stop()
        raise RuntimeError(f"The S3 server does not answer after {START_LIMIT_S:.0f} s.")


@contextmanager
def run_s3_server(*, host: str = "127.0.0.1") -> Iterator[S3Server]:
    """Run a server until the block ends. Raises ToolMissingError where it cannot be built."""
    binary = tool("versitygw")
    with tempfile.TemporaryDirectory(prefix="s3-server-") as folder:
        yield from _serve(binary, Path(folder), host)


def _serve(binary: Path, folder: Path, host: str) -> Iterator[S3Server]:
    keys = {"access_key": f"test{secrets.token_hex(8)}", "secret_key": secrets.token_hex(20)}
    place = (host, _free_port(host))
    log = folder / "requests.log"
    data, metadata = folder / "data", folder / "metadata"
    data.mkdir()
    metadata.mkdir()
    # Metadata in files of its own: not every temporary folder has extended attributes.
    command: list[str | Path] = [
        binary,
        "--port",
        f"{host}:{place[1]}",
        "--region",
        REGION,
        "--keep-alive",
    ]
    command += ["posix", "--sidecar", metadata, data]
    account = {"ROOT_ACCESS_KEY": keys["access_key"], "ROOT_SECRET_KEY": keys["secret_key"]}
    program = Program(lambda: _launch(command, log, account), place)
    try:
        endpoint = f"http://{host}:{place[1]}"
        server = S3Server(endpoint, **keys, region=REGION, log=log, program=program)
        with closing(server.client()):
            yield server
    finally:
        program.stop()


def _launch(
    command: list[str | Path], log: Path, account: dict[str, str]
) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **account}
        )


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
