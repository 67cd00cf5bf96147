"""Progress as lines of log on stderr, for files, containers and schedulers."""

import logging
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TextIO

import structlog
from structlog.typing import FilteringBoundLogger, Processor

from slides_runner.reporters import Found, Progress, Reporter, Stage, Stored
from slides_runner.reporters.plain import printable

SILENCE_S = 10.0
"""Longest time without a line; chosen: often enough to see life, seldom enough to read."""
WATCHED_SILENCE_S = 0.5
"""The same at DEBUG, when somebody wants to see every step; chosen: as fast as one reads."""
WIDEST_EVENT = 30

Hear = Callable[[str], None]
"""Takes a line as it is written; it is heard even where the stream is closed."""


class LogDisplay:
    """Writes a line for each step of each extraction."""

    def __init__(
        self,
        log_level: str,
        *,
        as_json: bool = False,
        about: Mapping[str, object] | None = None,
        hear: Hear | None = None,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the level, the form, what every line carries, who hears it, where to write, time."""
        logger = build_logger(log_level, stream or sys.stderr, as_json=as_json, hear=hear)
        self.logger = logger.bind(**(about or {}))
        self._clock = clock
        self._silence_s = WATCHED_SILENCE_S if log_level == "DEBUG" else SILENCE_S

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End; every line is already written."""

    def open(self, name: str) -> Reporter:
        """Return a reporter whose lines carry the name."""
        logger = self.logger.bind(source=printable(name))
        return LogReporter(logger, self._clock, silence_s=self._silence_s)


class LogReporter:
    """Writes a line when the stage changes, and now and then in between."""

    def __init__(
        self, logger: FilteringBoundLogger, clock: Callable[[], float], *, silence_s: float
    ) -> None:
        """Take where to write, what tells the time, and how long to stay silent in between."""
        self._logger = logger
        self._silence_s = silence_s
        self._clock = clock
        self._stage: Stage | None = None
        self._said_at = 0.0

    def found(self, video: Found) -> None:
        """Write which video it is; what its picture adds is no news."""
        if video.width is None:
            title = printable(video.info.title or "")
            self._say("Found the video", title=title, key=video.info.key)

    def stored(self, output: Stored) -> None:
        """Write where the output lies."""
        self._say("Stored the output", manifest=output.manifest_uri, bytes=output.size_bytes)

    def report(self, progress: Progress) -> None:
        """Write the state, unless it was written a moment ago."""
        now = self._clock()
        is_news = progress.stage is not self._stage or progress.percent >= 100  # noqa: PLR2004 - per cent
        if not is_news and now - self._said_at < self._silence_s:
            return
        self._stage, self._said_at = progress.stage, now
        stage, percent = progress.stage.value, int(progress.percent)
        self._say(printable(progress.message), stage=stage, percent=percent)

    def warn(self, message: str) -> None:
        """Write a warning."""
        with suppress(OSError):
            self._logger.warning(printable(message))

    def _say(self, event: str, **values: object) -> None:
        with suppress(OSError):  # a closed stderr must not fail the run
            self._logger.info(event, **values)


def build_logger(
    log_level: str, stream: TextIO, *, as_json: bool, hear: Hear | None = None
) -> FilteringBoundLogger:
    """Return a logger that writes `time level event key=value` lines, or JSON, from a level on."""
    for_people: list[Processor] = [
        structlog.dev.ConsoleRenderer(colors=False, pad_event_to=WIDEST_EVENT)
    ]
    # ASCII alone, so that a title cannot act on the terminal of whoever reads the log.
    for_machines: list[Processor] = [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            *(for_machines if as_json else for_people),
            *([_heard_by(hear)] if hear else []),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(log_level)),
    )
    return logger


def _heard_by(hear: Hear) -> Processor:
    def pass_on(_logger: object, _method: str, line: Any) -> Any:  # noqa: ANN401 - structlog's own
        hear(line)
        return line

    return pass_on
