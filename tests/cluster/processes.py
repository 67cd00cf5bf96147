"""Programs that run in the background: each with a log, none left behind."""

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

STOP_LIMIT_S = 3.0
"""Chosen: what then still runs is killed. An API server with open watches would go on for 10 s."""
LOG_TAIL_CHARACTERS = 3000

GUARD = 'trap "" INT TERM HUP; read _; kill -KILL 0'
"""Waits for the end of its input, which its parent's end is, then ends its whole group."""


class StartError(Exception):
    """A part of a cluster does not run; the message has the end of its log."""


@dataclass(frozen=True)
class _Program:
    command: Sequence[str | Path]
    process: subprocess.Popen[bytes]


class Processes:
    """A group of background programs that ends with this process, however this process ends.

    A signal on the parent's death (PR_SET_PDEATHSIG) would come already when the thread ends that
    started the program. So a guard holds one end of a pipe, and the programs are in its group.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        logs.mkdir(parents=True, exist_ok=True)
        self._programs: dict[str, _Program] = {}
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD], stdin=subprocess.PIPE, process_group=0
        )

    def start(self, name: str, command: Sequence[str | Path]) -> int:
        """Start a program and return its process id; what it prints is added to its log."""
        with self.log(name).open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=self._guard.pid,
            )
        self._programs[name] = _Program(command, process)
        return process.pid

    def log(self, name: str) -> Path:
        """Return where a program's output is."""
        return self._logs / f"{name}.log"

    def pids(self) -> list[int]:
        """Return the process ids of the programs that run, and of their guard."""
        running = [p.process for p in self._programs.values() if p.process.poll() is None]
        return [self._guard.pid, *(process.pid for process in running)]

    def stop(self, name: str, *, kill: bool = False) -> None:
        """End a program and wait until it is gone; `kill` leaves it no time to tidy up."""
        process = self._programs[name].process
        if kill:
            process.kill()
        process.terminate()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def restart(self, name: str, *, kill: bool = False) -> None:
        """End a program and start it again as it was started before."""
        self.stop(name, kill=kill)
        self.start(name, self._programs[name].command)

    def stop_all(self) -> None:
        """End everything, what was started last first."""
        for name in reversed(self._programs):
            self.stop(name)
        self._guard.communicate()

    def wait_until(self, ready: Callable[[], bool], what: str, *, limit_s: float) -> None:
        """Wait for a condition. Raises StartError where a program ends first, or in time."""
        wait_until(ready, what, limit_s=limit_s, check=lambda: self._check(what))

    def _check(self, what: str) -> None:
        for name, program in self._programs.items():
            if program.process.poll() is not None:
                raise StartError(f"{name} ended while waiting for {what}: {self._tail(name)}")

    def _tail(self, name: str) -> str:
        return self.log(name).read_text(errors="replace")[-LOG_TAIL_CHARACTERS:]


def wait_until(
    ready: Callable[[], bool],
    what: str,
    *,
    limit_s: float,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Wait for a condition, checking meanwhile that there is hope. Raises StartError in time."""
    deadline = time.monotonic() + limit_s
    while not ready():
        check()
        if time.monotonic() > deadline:
            raise StartError(f"{what}: not after {limit_s:.0f} s")
        time.sleep(0.05)
