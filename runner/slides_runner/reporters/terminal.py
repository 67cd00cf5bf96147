"""Progress for people: one line per extraction, several at once."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

from slides_runner import reporters
from slides_runner.reporters.meter import DONE
from slides_runner.reporters.plain import printable

REFRESH_S = 0.1
"""Least time between two updates of a line: faster, nobody sees it."""
WIDEST_NAME = 32


class TerminalDisplay:
    """A line with bar, percent, slides and remaining time for each extraction, on stderr."""

    def __init__(self, console: Console | None = None) -> None:
        """Take the terminal, by default stderr's."""
        self._progress = Progress(
            _Name(table_column=Column(no_wrap=True)),
            BarColumn(bar_width=20),
            _Percent(),
            _Message(table_column=Column(no_wrap=True, overflow="ellipsis")),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console or Console(stderr=True),
        )

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Draw the last state and give the cursor back."""
        self._progress.stop()

    def open(self, name: str) -> reporters.Reporter:
        """Return the reporter of one more line."""
        task = self._progress.add_task(
            printable(name, longest=WIDEST_NAME), total=DONE, message="Waiting"
        )
        return TerminalReporter(self._progress, task)


class TerminalReporter:
    """Moves one line of the display."""

    def __init__(
        self, progress: Progress, task: TaskID, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the display, the line and what tells the time."""
        self._progress = progress
        self._task = task
        self._clock = clock
        self._stage: reporters.Stage | None = None
        self._drawn_at = 0.0

    def found(self, video: reporters.Found) -> None:
        """Do nothing: the line has its name."""

    def stored(self, output: reporters.Stored) -> None:
        """Do nothing: the result is said when the display is gone."""

    def report(self, progress: reporters.Progress) -> None:
        """Move the line, unless it has just moved."""
        now, is_news = self._clock(), progress.stage is not self._stage
        if not is_news and progress.percent < DONE and now - self._drawn_at < REFRESH_S:
            return
        self._stage, self._drawn_at = progress.stage, now
        self._progress.update(self._task, completed=progress.percent, message=describe(progress))

    def warn(self, message: str) -> None:
        """Write a line above the display."""
        text = Text.assemble(("warning: ", "yellow"), printable(message))
        self._progress.console.print(text, highlight=False)


def describe(progress: reporters.Progress) -> str:
    """Return what a line says of a state."""
    slides = progress.total_slides
    counted = f", {slides} slide{'' if slides == 1 else 's'}" if slides is not None else ""
    return printable(progress.message) + (counted if progress.percent < DONE else "")


class _Name(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(task.description, style="bold")


class _Percent(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.percentage:>3.0f} %")


class _Message(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(str(task.fields["message"]))
