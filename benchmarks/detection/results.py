"""Everything that one run of the bench measured."""

import statistics
from collections.abc import Iterable, Sequence

from benchmarks.detection.outcomes import Outcome
from benchmarks.measured import Usage
from benchmarks.report import Report


class Results(Report):
    """One run: its outcomes, and the figures made of them."""

    outcomes: list[Outcome]
    limits: dict[str, dict[str, Usage]]
    """By talk, by way of decoding."""
    missing: dict[str, str]
    """Rivals that could not be run, and why."""


def mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of what is known, or None if nothing is."""
    known = [value for value in values if value is not None]
    return statistics.mean(known) if known else None


def by_tool(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Return outcomes by tool, in their order."""
    tools = dict.fromkeys(outcome.tool for outcome in outcomes)
    return {tool: [o for o in outcomes if o.tool == tool] for tool in tools}


def sets_of(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the sets that have regimes: all but the recordings and the hour-long talks."""
    groups = dict.fromkeys(outcome.group for outcome in outcomes)
    return [group for group in groups if group not in {"real", "long", "hd"}]
