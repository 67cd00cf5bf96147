"""Runs one program and writes down what it used; measured.py starts it in its own interpreter.

A process inherits the peak memory of the one that started it, for the kernel keeps the larger
value across exec. A bench with NumPy in it would therefore report its own memory for every small
program. This launcher imports next to nothing, so what it reports is the program's.
"""

import json
import os
import signal
import sys
import time


def main(report: str, timeout_s: int, command: list[str]) -> None:
    """Run a command in a process group of its own; write its usage as JSON."""
    begun = time.monotonic()
    child = os.posix_spawnp(command[0], command, os.environ, setpgroup=0)
    timed_out = False

    def stop(number: int, _frame: object) -> None:
        nonlocal timed_out
        timed_out = number == signal.SIGALRM
        os.killpg(child, signal.SIGKILL)

    for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    signal.alarm(timeout_s)
    _, status, usage = os.wait4(child, 0)
    signal.alarm(0)
    # Linux counts in KiB, macOS in bytes (getrusage(2) of each).
    unit = 2**20 if sys.platform == "darwin" else 2**10
    document = {
        "code": os.waitstatus_to_exitcode(status),
        "timed_out": timed_out,
        "wall_s": time.monotonic() - begun,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / unit,
    }
    # Not by pathlib, which would double the launcher's memory.
    with open(report, "w") as file:  # noqa: PTH123 - pathlib would weigh on what is measured
        json.dump(document, file)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
