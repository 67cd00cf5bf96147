"""What a status write changed: a log line for each transition, and the metrics of outcomes."""

from datetime import datetime
from typing import Any

import structlog

from slides_api.conditions import ConditionType
from slides_operator.extraction.callback import was_given_up
from slides_operator.kube.cache import Manifest
from slides_operator.metrics import Metrics

log = structlog.get_logger()


class Transitions:
    """Told of each write, says what is new in it."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def status_written(self, before: Manifest | None, after: Manifest) -> None:
        """Compare two versions of an extraction or a batch."""
        old, new = _status(before), _status(after)
        if _outcome(old) != _outcome(new):
            self._log(after, old, new)
        self._count_attempts(old, new)
        if was_given_up(old.get("callback"), new.get("callback")):
            self._metrics.webhooks_given_up.inc()
        if new.get("completionTime") and not old.get("completionTime"):
            self._count_end(new)

    def job_created(self, extraction: Manifest) -> None:
        """Note that an extraction got its first Job."""
        created = extraction["metadata"]["creationTimestamp"]
        waited = datetime.now().astimezone() - datetime.fromisoformat(created)
        self._metrics.queue_wait.observe(max(0.0, waited.total_seconds()))

    def _log(self, obj: Manifest, old: dict[str, Any], new: dict[str, Any]) -> None:
        phase, reason, message = _outcome(new)
        log.info(
            "transition",
            kind=obj["kind"],
            namespace=obj["metadata"]["namespace"],
            name=obj["metadata"]["name"],
            before=old.get("phase"),
            phase=phase,
            reason=reason,
            message=message,
        )

    def _count_attempts(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        known = {row["attempt"] for row in _ended_attempts(old)}
        for row in _ended_attempts(new):
            if row["attempt"] not in known:
                self._metrics.attempts.labels(row.get("reason", "")).inc()

    def _count_end(self, new: dict[str, Any]) -> None:
        phase, reason, _ = _outcome(new)
        self._metrics.finished.labels(phase, reason).inc()
        if started := new.get("startTime"):
            took = datetime.fromisoformat(new["completionTime"]) - datetime.fromisoformat(started)
            self._metrics.duration.observe(max(0.0, took.total_seconds()))


def _status(obj: Manifest | None) -> dict[str, Any]:
    return (obj or {}).get("status") or {}


def _outcome(status: dict[str, Any]) -> tuple[str, str, str]:
    """Return phase, and reason and message of the condition that everybody waits on."""
    conditions = status.get("conditions") or ()
    none: dict[str, Any] = {}
    succeeded = next((c for c in conditions if c["type"] == ConditionType.SUCCEEDED), none)
    return status.get("phase", ""), succeeded.get("reason", ""), succeeded.get("message", "")


def _ended_attempts(status: dict[str, Any]) -> list[dict[str, Any]]:
    history = (status.get("attempts") or {}).get("history") or ()
    return [row for row in history if row.get("finishedAt")]
