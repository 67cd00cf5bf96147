"""Ctrl-C and SIGTERM: stop at the next step, within seconds, and leave what a rerun goes on from.

The first signal asks every run to stop. A run that hangs, in a connection or in a decoder, is
ended anyway after a while: downloads and outputs are safe to kill. A second Ctrl-C ends at once.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from slides_api.exit_codes import ExitCode
from slides_runner.errors import InterruptedRunError

GRACE_S = 5.0
"""Between a signal and the forced end; DESIGN: SIGTERM stops a run within ten seconds."""
SHOW_CURSOR = "\x1b[?25h"
EXIT_CODES = {signal.SIGINT: ExitCode.CTRL_C, signal.SIGTERM: ExitCode.INTERRUPTED}


LastWords = Callable[[InterruptedRunError, ExitCode], None]
"""Says that runs were stopped, before the process ends without waiting for them."""


def say_nothing(_error: InterruptedRunError, _code: ExitCode) -> None:
    """Leave it at the exit code."""


def stopped() -> InterruptedRunError:
    """Return the error of a run that a signal stopped."""
    return InterruptedRunError("Stopped.", hint="Run the same command again to go on.")


class Interruption:
    """Whether a signal asked to stop, and with which exit code."""

    def __init__(
        self,
        *,
        grace_s: float = GRACE_S,
        explain: Callable[[], InterruptedRunError] = stopped,
    ) -> None:
        """Take how long runs may take to stop, and what a stopped run is told."""
        self._grace_s = grace_s
        self._explain = explain
        self.last_words: LastWords = say_nothing
        self._asked = threading.Event()
        self.exit_code: ExitCode | None = None
        """Of the signal that asked; None while none did."""

    def check(self) -> None:
        """Raise InterruptedRunError once a signal asked to stop."""
        if self._asked.is_set():
            raise self._explain()

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Listen to both signals while entered."""
        before = {number: signal.signal(number, self._ask) for number in EXIT_CODES}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def stop(self, explain: Callable[[], InterruptedRunError]) -> None:
        """Ask to stop as SIGTERM does, for another reason; a signal that came first counts."""
        if not self._asked.is_set():
            self._explain = explain
            self._begin(ExitCode.INTERRUPTED)

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        code = EXIT_CODES[signal.Signals(number)]
        if self._asked.is_set():
            end_now(code)
        self._begin(code)

    def _begin(self, code: ExitCode) -> None:
        self.exit_code = code
        self._asked.set()
        # A daemon, so that it ends with a process that stops in time.
        timer = threading.Timer(self._grace_s, self._end, (code,))
        timer.daemon = True
        timer.start()

    def _end(self, code: ExitCode) -> None:
        try:
            self.last_words(self._explain(), code)
        finally:
            end_now(code)


def end_now(code: ExitCode) -> None:
    """End the process without waiting for anything; the terminal gets its cursor back."""
    if sys.stderr.isatty():
        os.write(2, SHOW_CURSOR.encode())
    os._exit(code)
