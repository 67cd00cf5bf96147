"""Progress that nobody watches: the result says all."""

from types import TracebackType
from typing import Self

from slides_runner.reporters import Found, Progress, Reporter, Stored


class SilentReporter:
    """Tells nobody."""

    def found(self, video: Found) -> None:
        """Do nothing."""

    def stored(self, output: Stored) -> None:
        """Do nothing."""

    def report(self, progress: Progress) -> None:
        """Do nothing."""

    def warn(self, message: str) -> None:
        """Do nothing: warnings are part of the result too."""


class NoDisplay:
    """Shows nothing."""

    def __enter__(self) -> Self:
        """Do nothing."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Do nothing."""

    def open(self, name: str) -> Reporter:  # noqa: ARG002 - nobody asks whose
        """Return a reporter that tells nobody."""
        return SilentReporter()
