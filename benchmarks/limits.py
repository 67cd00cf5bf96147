"""What decoding a video costs at the least: the limits beside which a detector's speed is seen."""

import sys
import tempfile
from pathlib import Path

from benchmarks.decoding import LIMITS
from benchmarks.measured import Usage, measure


def measure_limits(video: Path) -> dict[str, Usage]:
    """Return what each way of reading a video costs, each in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        root = str(Path(__file__).parent.parent)
        return {
            name: measure(
                [sys.executable, "-m", "benchmarks.decoding", name, str(video.resolve())],
                Path(scratch),
                environment={"PYTHONPATH": root},
            )
            for name in LIMITS
        }
