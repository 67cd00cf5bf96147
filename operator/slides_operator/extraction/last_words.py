"""A runner's last words: its termination message, or the end of its log where it left none."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from slides_api.conditions import Reason
from slides_operator.extraction.objects import parse_time
from slides_operator.extraction.wording import last_line


@dataclass(frozen=True, slots=True)
class Words:
    """A runner's last words."""

    reason: Reason | None
    message: str
    retry_after: datetime | None


def parse_words(message: str, at: datetime | None) -> Words | None:
    """Return the last words in a termination message; None where it is something else."""
    try:
        said = json.loads(message)
    except (ValueError, RecursionError):  # RecursionError: thousands of brackets
        return None
    if not isinstance(said, dict):
        return None
    return read_words(said.get("reason"), said.get("message"), said.get("retryAfter"), at)


def read_words(
    reason: object, message: object, retry_after: object, at: datetime | None
) -> Words | None:
    """Return last words spoken at a time; None without a reason, which makes them the last."""
    if not reason:
        return None
    return Words(_known(reason), str(message or ""), _moment(retry_after, at))


def log_tail(log: str) -> Words:
    """Return the last line of the log, which is what a crash leaves as termination message."""
    line = last_line(log)
    return Words(None, f"The runner failed: {line}" if line else "", None)


def _known(reason: object) -> Reason | None:
    try:
        return Reason(str(reason))
    except ValueError:  # a newer runner's
        return None


def _moment(retry_after: object, since: datetime | None) -> datetime | None:
    """Return the time that `retryAfter` names, as a time or as seconds from the end."""
    if not isinstance(retry_after, int | float):
        return parse_time(retry_after)
    try:
        return since + timedelta(seconds=max(retry_after, 0)) if since else None
    except (OverflowError, ValueError):  # ValueError: JSON's NaN, as Python reads it
        return None
