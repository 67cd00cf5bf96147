"""Reads of raw Kubernetes objects: times, names, conditions."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
"""A JSON object, as the API server sends it."""


def parse_time(text: object) -> datetime | None:
    """Return an RFC 3339 time in UTC, or None for what is none."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # OverflowError: year 9999 east of Greenwich
        return None


def format_time(moment: datetime) -> str:
    """Return a time as Kubernetes writes it, to the second."""
    # strftime writes the year 1 as 1, which the API server does not read.
    return f"{moment.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def find_condition(conditions: Iterable[Json] | None, kind: str) -> Json | None:
    """Return the condition of this type."""
    return next((one for one in conditions or () if one.get("type") == kind), None)


def holds(conditions: Iterable[Json] | None, kind: str) -> bool:
    """Return whether the condition of this type is True."""
    condition = find_condition(conditions, kind)
    return condition is not None and condition.get("status") == "True"


def job_has_ended(job: Mapping[str, Any]) -> bool:
    """Return whether a Job is Complete or Failed."""
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(c["type"] in {"Complete", "Failed"} and c["status"] == "True" for c in conditions)


def merged(*parts: Mapping[str, Any] | None) -> Json:
    """Return one mapping of all parts; the later one wins."""
    return {name: value for part in parts for name, value in (part or {}).items()}


def present(**fields: object) -> Json:
    """Return the fields that say something: absent is how the API writes None and empty."""
    return {name: value for name, value in fields.items() if value not in (None, "", (), [], {})}
