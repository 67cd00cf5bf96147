"""Run the operator, python -m slides_operator, or the service, python -m slides_operator serve."""

import os
import signal
import sys
from types import FrameType


def main() -> int:
    """Run until told to stop, from the first moment: there is nothing to stop before that.

    In a container this is process 1, which the kernel spares every signal that it does not handle:
    a pod deleted while libraries are loaded would last until the end of its grace period.
    """
    signal.signal(signal.SIGTERM, _end)
    from slides_operator.cli import main as run

    return run()


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
