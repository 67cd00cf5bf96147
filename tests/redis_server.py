"""A real Redis server for tests, on a free port, with nothing on disk."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.cluster.light import free_ports
from tests.cluster.packages import install_packages

PACKAGES = {"redis-server": "redis-server"}
"""Program to the Debian package that has it."""
START_LIMIT_S = 20.0
LOOPBACK = "127.0.0.1"


class RedisError(Exception):
    """The server did not start; the message is what it printed."""


@dataclass(frozen=True)
class RedisServer:
    """A server that runs."""

    port: int

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def ask(self, *command: str) -> str:
        """Run one command and return what it says."""
        address = ["-h", LOOPBACK, "-p", str(self.port)]
        return subprocess.run(
            ["redis-cli", *address, *command], capture_output=True, text=True, check=True
        ).stdout

    def keys(self) -> list[str]:
        """Return the names of all that it keeps."""
        return self.ask("--raw", "KEYS", "*").split()


@contextmanager
def run_redis_server() -> Iterator[RedisServer]:
    """Run a server until the block ends. Raises ToolMissingError, RedisError."""
    install_packages(PACKAGES)
    (port,) = free_ports(1)
    command = ["redis-server", "--port", str(port), "--bind", LOOPBACK, "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            server = RedisServer(port)
            _wait_for(server, process)
            yield server
        finally:
            process.terminate()


def _wait_for(server: RedisServer, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + START_LIMIT_S
    while time.monotonic() < end and process.poll() is None:
        try:
            if server.ask("PING").strip() == "PONG":
                return
        except subprocess.CalledProcessError:
            time.sleep(0.05)
    process.terminate()
    raise RedisError(process.stdout.read() if process.stdout else "")
