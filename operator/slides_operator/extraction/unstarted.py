"""spec.startDeadlineSeconds while there is no Job that it could be counted from."""

from datetime import datetime, timedelta

from slides_api.conditions import ConditionType
from slides_operator.extraction.ledger import Row
from slides_operator.extraction.objects import find_condition, parse_time
from slides_operator.extraction.observe import Observation
from slides_operator.extraction.states import Unstarted


def find_unstarted(
    seen: Observation, last: Row | None, retry_at: datetime | None, now: datetime, *, why: str
) -> Unstarted | None:
    """Return the end of what has waited for its next attempt for too long; `why` it could not be.

    `retry_at` is when that attempt was due, where it was to wait.
    """
    if seen.spec is None or seen.spec.start_deadline_seconds is None:
        return None
    ended = last.finished_at if last else None
    moments = (_going_on_since(seen), ended, retry_at)
    since = max((moment for moment in moments if moment), default=now)
    if now < since + timedelta(seconds=seen.spec.start_deadline_seconds):
        return None
    return Unstarted(f"No attempt began within spec.startDeadlineSeconds. {why}")


def _going_on_since(seen: Observation) -> datetime | None:
    """Return since when nobody but the cluster has kept it waiting: it was not suspended."""
    found = find_condition(seen.status.get("conditions"), ConditionType.RECONCILING)
    return parse_time(found["lastTransitionTime"]) if found else None
