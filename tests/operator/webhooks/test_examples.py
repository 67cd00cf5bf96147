"""The receivers of docs/webhooks.md as they stand there: they take what the operator sends."""

import asyncio
import base64
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from slides_operator.errors import DeliveryError
from slides_operator.webhooks.payloads import build_body
from slides_operator.webhooks.sender import Sender, open_sender
from slides_operator.webhooks.signing import build_headers, read_keys
from tests.cluster.light import free_ports
from tests.cluster.tools import REPOSITORY, TOOLS
from tests.operator.worlds import RESULT, ago, build_condition, build_extraction

GUIDE = REPOSITORY / "docs" / "webhooks.md"
PACKAGES = Path(__file__).resolve().parents[2] / "tools" / "webhooks"
KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
STATUS = {
    "phase": "Completed",
    "conditions": [build_condition("Succeeded", "True", "Completed", "3 Folien — 日本語")],
    "completionTime": ago(5),
    "result": RESULT,
}
SECRET = {"webhook-secret": base64.b64encode(KEY.encode()).decode()}

pytestmark = pytest.mark.slow


def example(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert found, f"docs/webhooks.md has no {name}"
    return found.group(1)


@pytest.fixture(scope="session")
def packages() -> Path:
    """What npm has of tests/tools/webhooks, installed once; its lock says by which hashes."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("npm and node are not installed")
    folder = TOOLS / "webhooks"
    folder.mkdir(parents=True, exist_ok=True)
    for file in ("package.json", "package-lock.json"):
        shutil.copy(PACKAGES / file, folder / file)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot install the reference library: {done.stderr[-300:]}")
    return folder


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with open_sender(allow_private=True) as made:
        yield made


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run a receiver, and yield where it is."""
    (port,) = free_ports(1)
    environment = {**os.environ, "PORT": str(port), "WEBHOOK_SECRET": KEY}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        yield f"http://127.0.0.1:{port}/talks", process
    finally:
        process.kill()
        process.communicate()


async def post(sender: Sender, url: str, *, forged: bool = False) -> int:
    """Send what the operator would; the receiver may still be starting."""
    body = build_body(build_extraction(status=STATUS), ())
    keys = read_keys(SECRET, secret="hooks")
    headers = build_headers(keys, body, message_id="msg_1", now=datetime.now(UTC))
    async with asyncio.timeout(30):
        while True:
            try:
                return await sender.post(url, body + b" " if forged else body, headers)
            except DeliveryError as e:
                if e.kind != "unreachable":
                    raise
                await asyncio.sleep(0.1)


async def check(sender: Sender, command: list[str], folder: Path) -> None:
    with running(command, folder) as (url, process):
        first = await post(sender, url)
        again = await post(sender, url)
        with pytest.raises(DeliveryError, match="401"):
            await post(sender, url, forged=True)
        process.terminate()
        printed, _ = await asyncio.to_thread(process.communicate, timeout=10)

    assert (first, again) == (204, 204)
    assert printed.splitlines() == ["slideextraction.completed talk Completed"], "told once"


async def test_python(sender: Sender, tmp_path: Path) -> None:
    (tmp_path / "receiver.py").write_text(example("receiver.py"))

    await check(sender, [sys.executable, "receiver.py"], tmp_path)


async def test_javascript(sender: Sender, packages: Path) -> None:
    (packages / "receiver.mjs").write_text(example("receiver.mjs"))

    await check(sender, ["node", "receiver.mjs"], packages)
