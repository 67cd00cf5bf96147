"""Logs: one JSON line per event in production, for a terminal in development."""

import logging
import sys

import structlog

from slides_operator.settings import ProcessSettings

QUIET = ("kopf", "aiohttp", "asyncio", "kubernetes")
"""Libraries that are heard from WARNING on: they speak of every object and request."""


def configure_logging(settings: ProcessSettings) -> None:
    """Have the process' own and the libraries' records leave by stderr, in one form."""
    level = logging.getLevelNamesMapping()[settings.effective_log_level]
    common: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render = _renderers(settings)
    # Own lines go straight out: by way of the standard library each costs three times as much.
    structlog.configure(
        processors=[*common, *render],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*common, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _renderers(settings: ProcessSettings) -> list[structlog.typing.Processor]:
    if settings.environment == "development":
        return [structlog.dev.ConsoleRenderer()]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
