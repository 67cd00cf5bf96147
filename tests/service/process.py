"""The service as a process of its own: `python -m slides_operator serve`."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.cluster.light import LightCluster, free_ports

LIMIT_S = 30.0
"""Chosen: ten times what a start takes on two busy cores."""


@dataclass(frozen=True)
class ServiceProcess:
    """One replica."""

    process: asyncio.subprocess.Process
    url: str
    health_url: str
    log: Path

    def lines(self) -> list[dict[str, Any]]:
        """Return what was logged."""
        return read_lines(self.log)

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; return the exit code and how many seconds it took."""
        began = time.monotonic()
        self.process.send_signal(how)
        async with asyncio.timeout(LIMIT_S):
            code = await self.process.wait()
        return code, time.monotonic() - began


def read_lines(log: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a log."""
    *whole, _ = log.read_text().split("\n")
    return [json.loads(line) for line in whole]


@asynccontextmanager
async def run_service(
    cluster: LightCluster, folder: Path, *arguments: str, **variables: str
) -> AsyncIterator[ServiceProcess]:
    """Run a replica until the block ends; by then it is ready."""
    (health_port,) = free_ports(1)
    log = folder / f"service-{health_port}.log"
    environment = {
        "PATH": os.environ["PATH"],
        "KUBECONFIG": str(cluster.kubeconfig),
        "API_PASSWORD": "secret",
        "SECRET_KEY": "0123456789abcdef",
        "SERVICE_HOST": "127.0.0.1",
        "SERVICE_PORT": "0",
        "SERVICE_HEALTH_PORT": str(health_port),
        **variables,
    }
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "slides_operator", "serve", *arguments),
            cwd=folder,
            env=environment,
            stderr=stderr,
        )
    try:
        url = await _wait_for_start(process, log)
        async with aiohttp.ClientSession(url) as session, asyncio.timeout(LIMIT_S):
            while not await _is_ready(session):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        yield ServiceProcess(process, url, f"http://127.0.0.1:{health_port}", log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _is_ready(session: aiohttp.ClientSession) -> bool:
    async with session.get("/healthz/ready") as response:
        return response.ok


async def _wait_for_start(process: asyncio.subprocess.Process, log: Path) -> str:
    async with asyncio.timeout(LIMIT_S):
        while True:
            for line in read_lines(log):
                if line["event"] == "started":
                    return str(line["addresses"][0])
            assert process.returncode is None, read_lines(log)
            await asyncio.sleep(0.05)
