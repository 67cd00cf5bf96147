"""Moments of a talk: how outputs round them."""

from slides_api.manifest import Span
from slides_runner import detection

MILLISECONDS = 3
"""Digits of a second that outputs keep: below any frame's duration, above float noise."""


def rounded_s(time_s: float) -> float:
    """Return a time as outputs have it, never negative."""
    return max(0.0, round(time_s, MILLISECONDS))


def rounded_span(span: detection.Span) -> Span:
    """Return a span as outputs have it."""
    return Span(start=rounded_s(span.start_s), end=rounded_s(span.end_s))
