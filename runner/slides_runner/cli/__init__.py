"""The command `slides`: arguments in, one pipeline run per source, words or JSON out."""

import os
import signal
from types import FrameType

from slides_api.exit_codes import ExitCode

__all__ = ["main"]


def main() -> None:
    """Run the command line; SIGTERM ends it from the first moment, before there is what to stop.

    In a container this is process 1, which the kernel spares every signal that it does not handle:
    a pod deleted while libraries are loaded would last until the end of its grace period.
    """
    signal.signal(signal.SIGTERM, _end)
    from slides_runner.cli.app import main as run

    run()


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(ExitCode.INTERRUPTED)
