"""Programs under measurement: wall-clock time, CPU time and peak memory of each."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

LAUNCHER = Path(__file__).parent / "launcher.py"
TAIL = 300
"""Letters of a program's complaint that are worth showing."""


class Usage(BaseModel):
    """What a program used, children that it waited for included.

    Memory is the peak of its largest process, in MiB.
    """

    code: int
    timed_out: bool = False
    wall_s: float
    cpu_s: float
    peak_mb: float


def measure(
    command: Sequence[str],
    folder: Path,
    *,
    timeout_s: int = 900,
    environment: Mapping[str, str] | None = None,
) -> Usage:
    """Run a command in a folder, its output going to the files stdout and stderr there."""
    with (
        tempfile.NamedTemporaryFile(suffix=".json") as report,
        (folder / "stdout").open("wb") as stdout,
        (folder / "stderr").open("wb") as stderr,
    ):
        launch = [sys.executable, "-I", "-S", str(LAUNCHER), report.name, str(timeout_s)]
        subprocess.run(
            [*launch, *command],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            check=False,
        )
        text = Path(report.name).read_text()
    if not text:
        raise FileNotFoundError(f"{command[0]} could not be started: {complaint(folder)}")
    return Usage.model_validate_json(text)


def complaint(folder: Path) -> str:
    """Return the end of what a program wrote to stderr."""
    return (folder / "stderr").read_text(errors="replace").strip()[-TAIL:]
