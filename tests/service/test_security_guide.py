"""docs/service-security.md: every example in it is run, and answers as it says."""

import asyncio
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.light import LightCluster
from tests.cluster.tools import tool
from tests.service.conftest import KEY, PASSWORD, RunningService, StartService

pytestmark = pytest.mark.api

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "service-security.md"
BLOCK = re.compile(r"^<!-- run ?(\w*) -->\n```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
END = "--- end ---"
LIMIT_S = 60.0
NAMESPACES = ("physics", "chemistry")


@dataclass(frozen=True)
class Example:
    """A command, and what it prints; … stands for anything."""

    command: str
    output: str

    def is_shown_by(self, printed: str) -> bool:
        pattern = ".*".join(map(re.escape, self.output.strip().split("…")))
        return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


def examples(group: str) -> list[Example]:
    found = [text for named, text in BLOCK.findall(GUIDE.read_text()) if named == group]
    return [Example(*parts) for text in found for parts in _commands(text)]


def _commands(text: str) -> list[tuple[str, str]]:
    """Return each command, with the lines it goes on in, and the lines below it."""
    parts: list[tuple[str, str]] = []
    for line in text.splitlines(keepends=True):
        if line.startswith("$ "):
            parts.append((line[2:], ""))
        else:
            command, output = parts[-1]
            goes_on = not output and command.endswith("\\\n")
            parts[-1] = (command + line, "") if goes_on else (command, output + line)
    return parts


async def run(shown: Sequence[Example], service: RunningService) -> list[str]:
    """Return what each command prints, all of them in one shell."""
    script = "".join(f"{example.command}\necho; echo '{END}'\n" for example in shown)
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        script,
        env={
            **os.environ,
            "PATH": f"{tool('kubectl').parent}:{os.environ['PATH']}",
            "KUBECONFIG": str(service.cluster.kubeconfig),
            "SLIDES": service.url,
            "API_PASSWORD": PASSWORD,
            "API_KEY": KEY,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(LIMIT_S):
        printed, _ = await process.communicate()
    return printed.decode().replace("\r\n", "\n").split(f"{END}\n")[:-1]


@pytest.fixture(scope="module")
def lectures(light_cluster: LightCluster) -> Iterator[None]:
    """The two namespaces that the guide speaks of."""
    for name in NAMESPACES:
        light_cluster.kubectl("create", "namespace", name)
    yield
    light_cluster.kubectl("delete", "namespace", "--wait=false", *NAMESPACES)


@pytest.mark.usefixtures("lectures")
@pytest.mark.parametrize(("group", "limit", "count"), [("", "0", 14), ("limited", "1/hour", 2)])
async def test_examples_answer_as_the_guide_says(
    start_service: StartService, group: str, limit: str, count: int
) -> None:
    shown = examples(group)
    assert len(shown) == count

    async with start_service(
        watch_namespaces=",".join(NAMESPACES), pod_namespace="physics", request_limit=limit
    ) as service:
        printed = await run(shown, service)

    for example, text in zip(shown, printed, strict=True):
        assert example.is_shown_by(text), f"{example.command}\n{text}"
