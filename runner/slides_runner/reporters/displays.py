"""What a person sees of running extractions: one file per kind, chosen from a table."""

from collections.abc import Callable
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

from slides_runner.reporters import Reporter


class DisplayKind(StrEnum):
    """Ways of showing progress."""

    TERMINAL = "terminal"
    LOG = "log"
    NONE = "none"


class Display(Protocol):
    """Shows several extractions at once, on stderr, while it is entered."""

    def __enter__(self) -> Self:
        """Begin to show."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""
        ...

    def open(self, name: str) -> Reporter:
        """Return the reporter of one more extraction, under a name that a stranger chose."""
        ...


def choose_display(
    *, is_json: bool, is_quiet: bool, is_verbose: bool, is_terminal: bool
) -> DisplayKind:
    """Return how progress is shown: lines of log where nobody watches, nothing where it disturbs.

    A log beside a moving display would tear it, so `verbose` is a log also on a terminal.
    """
    if is_verbose:
        return DisplayKind.LOG
    if is_json or is_quiet:
        return DisplayKind.NONE
    return DisplayKind.TERMINAL if is_terminal else DisplayKind.LOG


def open_display(kind: DisplayKind, *, log_level: str) -> Display:
    """Return the display of a kind."""
    return DISPLAYS[kind](log_level)


def _open_terminal(_log_level: str) -> Display:
    from slides_runner.reporters.terminal import TerminalDisplay

    return TerminalDisplay()


def _open_log(log_level: str) -> Display:
    from slides_runner.reporters.log import LogDisplay

    return LogDisplay(log_level)


def _open_none(_log_level: str) -> Display:
    from slides_runner.reporters.nobody import NoDisplay

    return NoDisplay()


DISPLAYS: dict[DisplayKind, Callable[[str], Display]] = {
    DisplayKind.TERMINAL: _open_terminal,
    DisplayKind.LOG: _open_log,
    DisplayKind.NONE: _open_none,
}
"""How each kind is opened, given the log level."""
