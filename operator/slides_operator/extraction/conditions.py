"""Conditions whose lastTransitionTime changes with their status, and with nothing else."""

from collections.abc import Iterable
from datetime import datetime

from slides_api.conditions import ConditionType, Reason
from slides_api.v1alpha1 import ConditionStatus
from slides_operator.extraction.objects import Json, find_condition, format_time


class Conditions:
    """The conditions of one status, built beside those that are there."""

    def __init__(self, before: Iterable[Json] | None, *, generation: int, now: datetime) -> None:
        self._before = tuple(before or ())
        self._generation = generation
        self._now = now
        self._conditions: list[Json] = []

    def add(
        self, kind: ConditionType, status: ConditionStatus, reason: Reason | str, message: str
    ) -> None:
        """State one condition; its time stays while its status does."""
        before = find_condition(self._before, kind)
        same = before is not None and before["status"] == status
        self._conditions.append(
            {
                "type": kind.value,
                "status": status.value,
                "observedGeneration": self._generation,
                "lastTransitionTime": before["lastTransitionTime"]
                if before and same
                else format_time(self._now),
                "reason": str(reason),
                "message": message,
            }
        )

    def build(self) -> list[Json]:
        """Return the conditions in the order in which they were stated."""
        return self._conditions


def seen_again(conditions: Iterable[Json] | None, generation: int) -> list[Json]:
    """Return conditions that still hold after an edit of the spec.

    `kubectl wait` passes over a condition that is about an older generation.
    """
    return [{**one, "observedGeneration": generation} for one in conditions or ()]
