"""Logs: one JSON line per event in production, for a terminal in development."""

import logging
import sys

import structlog

from slides_operator.settings import OperatorSettings

QUIET = ("kopf", "aiohttp", "asyncio", "kubernetes")
"""Libraries that are heard from WARNING on: they speak of every object and request."""


def configure_logging(settings: OperatorSettings) -> None:
    """Have structlog's and the standard library's records leave by stderr, in one form."""
    level = logging.getLevelNamesMapping()[settings.effective_log_level]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(settings),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _renderers(settings: OperatorSettings) -> list[structlog.typing.Processor]:
    if settings.environment == "development":
        return [structlog.dev.ConsoleRenderer()]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
