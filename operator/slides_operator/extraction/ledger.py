"""The attempts of an extraction as its status keeps them: how many, how many count, the last five.

A row is opened when its Job is made and closed once with the outcome; only then may the next
attempt start. So whatever was not written yet is found again in the Jobs themselves.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from slides_operator.extraction.objects import Json, format_time, parse_time, present
from slides_operator.extraction.outcome import Outcome

LARGEST_EXIT_CODE = 255
"""As the CRD has it: what a kernel gives back; a runtime's own may lie beyond."""
HISTORY_LIMIT = 5
"""Rows that are kept, as the CRD has it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One attempt; without `finished_at` it runs."""

    attempt: int
    job: str
    started_at: datetime | None
    finished_at: datetime | None = None
    reason: str = ""
    exit_code: int | None = None
    message: str = ""
    node: str = ""

    @property
    def is_open(self) -> bool:
        """Whether its outcome is not known yet."""
        return self.finished_at is None


@dataclass(frozen=True, slots=True)
class Ledger:
    """All attempts."""

    current: int = 0
    """Number of the newest attempt, 0 before the first."""
    counted: int = 0
    """Failed attempts since the start, or since the last retry by hand, that use up the limit."""
    rows: tuple[Row, ...] = ()
    """The last attempts, oldest first."""

    @property
    def last(self) -> Row | None:
        """The newest row."""
        return self.rows[-1] if self.rows else None

    @property
    def open_row(self) -> Row | None:
        """The row of the attempt that runs."""
        return self.last if self.last and self.last.is_open else None

    def opened(self, row: Row) -> "Ledger":
        """Return the ledger with an attempt that runs."""
        return replace(self, current=row.attempt, rows=(*self.rows, row)[-HISTORY_LIMIT:])

    def closed(self, outcome: Outcome) -> "Ledger":
        """Return the ledger with the outcome of the attempt that ran."""
        row = replace(
            self.rows[-1],
            finished_at=outcome.at,
            reason=outcome.reason,
            exit_code=outcome.exit_code,
            message=outcome.message,
            node=outcome.node or self.rows[-1].node,
        )
        counted = self.counted + outcome.counts
        return replace(self, counted=counted, rows=(*self.rows[:-1], row))

    def on_node(self, node: str) -> "Ledger":
        """Return the ledger with the node that the running attempt is on."""
        return replace(self, rows=(*self.rows[:-1], replace(self.rows[-1], node=node)))

    def started_over(self) -> "Ledger":
        """Return the ledger as a retry by hand has it: nothing counts yet."""
        return replace(self, counted=0)


def read_ledger(status: Json) -> Ledger:
    """Return what a status says of attempts."""
    attempts = status.get("attempts") or {}
    rows = tuple(_read_row(row) for row in attempts.get("history") or ())
    current = max([attempts.get("current") or 0, *(row.attempt for row in rows)])
    return Ledger(current=current, counted=attempts.get("counted") or 0, rows=rows)


def _read_row(row: Json) -> Row:
    return Row(
        attempt=row.get("attempt") or 0,
        job=row.get("job") or "",
        started_at=parse_time(row.get("startedAt")),
        finished_at=parse_time(row.get("finishedAt")),
        reason=row.get("reason") or "",
        exit_code=row.get("exitCode"),
        message=row.get("message") or "",
        node=row.get("node") or "",
    )


def build_attempts(ledger: Ledger) -> Json:
    """Return the ledger as `status.attempts`."""
    return {
        "current": ledger.current,
        "counted": ledger.counted,
        **present(history=[_build_row(row) for row in ledger.rows]),
    }


def _build_row(row: Row) -> Json:
    return {
        "attempt": row.attempt,
        "job": row.job,
        **present(
            reason=row.reason,
            exitCode=_within_bounds(row.exit_code),
            message=row.message,
            startedAt=row.started_at and format_time(row.started_at),
            finishedAt=row.finished_at and format_time(row.finished_at),
            node=row.node,
        ),
    }


def _within_bounds(code: int | None) -> int | None:
    return None if code is None else min(max(code, 0), LARGEST_EXIT_CODE)
