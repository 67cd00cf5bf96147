"""The real command in a process of its own, with an environment of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slides_runner.settings import RunnerSettings

LIMIT_S = 240.0
"""A run that takes longer hangs; far beyond any."""
PAGES_OFF = ("--no-pdf", "--no-html")
"""Options for tests that are not about documents, which take longer than the slides."""


@dataclass(frozen=True)
class Ended:
    """How a call ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        document: dict[str, Any] = json.loads(self.stdout)
        return document

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The JSON documents on stdout, one a line."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    @property
    def error(self) -> dict[str, Any]:
        """The error of the one JSON document."""
        error: dict[str, Any] = self.document["error"]
        return error


def command(*arguments: str | Path) -> list[str]:
    """Return the command line of `slides`."""
    return [sys.executable, "-m", "slides_runner", *map(str, arguments)]


def environment(home: Path, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment without settings, whose home and caches are the test's own."""
    ours = {name.upper() for name in RunnerSettings.model_fields}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    own = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "TMPDIR": str(home)}
    return {**kept, **own, **(variables or {})}


def slides(
    *arguments: str | Path,
    cwd: Path,
    variables: Mapping[str, str] | None = None,
    before: Callable[[], None] | None = None,
) -> Ended:
    """Run `slides` in a folder and return how it ended; `before` runs in the new process."""
    ended = subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=environment(cwd, variables),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        preexec_fn=before,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)
