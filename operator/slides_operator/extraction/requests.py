"""Requests for another attempt: the annotation retry-at, handled once."""

from datetime import datetime

from slides_operator.extraction.objects import format_time, parse_time
from slides_operator.extraction.observe import Observation


def requested_at(seen: Observation) -> datetime | None:
    """Return from when on the open request wants another attempt; None without one."""
    moment = parse_time(seen.retry_at)
    if moment is None or format_time(moment) == seen.status.get("lastRetryAt"):
        return None
    return moment


def retry_due(seen: Observation, now: datetime) -> bool:
    """Return whether another attempt is asked for now."""
    moment = requested_at(seen)
    return moment is not None and moment <= now


def is_unreadable(seen: Observation) -> bool:
    """Return whether the annotation says something that is no time."""
    return bool(seen.retry_at) and parse_time(seen.retry_at) is None
