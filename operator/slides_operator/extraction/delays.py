"""When the next attempt may start, by what ended the last one."""

from datetime import datetime, timedelta

from slides_api.conditions import Reason, ReasonClass
from slides_api.v1alpha1 import Retry
from slides_operator.extraction.jitter import spread
from slides_operator.extraction.outcome import Outcome

FLOORS: dict[Reason, timedelta] = {
    # Guests get about 300 videos an hour, and being asked again at once prolongs a block
    # (https://github.com/yt-dlp/yt-dlp/wiki/Extractors#this-content-isnt-available-try-again-later).
    Reason.RATE_LIMITED: timedelta(seconds=60),
    # The check is of the address: another egress takes its turn only after a while.
    Reason.BOT_CHECK: timedelta(seconds=60),
    # Chosen: a throttled address is not free again sooner.
    Reason.THROTTLED: timedelta(seconds=30),
}
"""Least delay of retryable failures that a quick retry makes worse; all others start at once
with spec.retry's own backoff."""

WAITS: dict[Reason, timedelta] = {
    # A live recording is offered some time after the end (yt-dlp's live_status post_live).
    Reason.LIVE_NOW: timedelta(minutes=30),
    # The Job's own deadline was the wait.
    Reason.SECRET_MISSING: timedelta(seconds=10),
    Reason.UNSCHEDULABLE: timedelta(seconds=10),
}
"""Delay while something is waited for and nobody says until when."""
WAIT = timedelta(minutes=10)
"""The same for every other reason: chosen, as an upload is processed in minutes."""
LONGEST_WAIT = timedelta(hours=24)
"""Longest that a source's word is taken for: chosen; dates of live events move."""
FREE_DISRUPTIONS = 2
"""Disruptions in a row that are followed at once: a drain moves a pod once, perhaps twice."""


def next_retry(
    outcome: Outcome, retry: Retry, *, uid: str, attempt: int, counted: int, disruptions: int
) -> datetime | None:
    """Return when the next attempt may start; None at once.

    `counted` failures use up the limit, this one included; `disruptions` stand in a row.
    """
    delay = _delay(outcome, retry, counted=counted, disruptions=disruptions)
    due = outcome.at + spread(delay, uid, attempt)
    if outcome.retry_after:
        due = max(due, min(outcome.retry_after, outcome.at + LONGEST_WAIT))
    return due if due > outcome.at else None


def _delay(outcome: Outcome, retry: Retry, *, counted: int, disruptions: int) -> timedelta:
    if outcome.kind is ReasonClass.WAITING:
        if outcome.retry_after:
            return timedelta()  # the source's own time decides
        return WAITS.get(outcome.reason, WAIT)
    if outcome.kind is ReasonClass.DISRUPTION:
        return _backoff(retry, disruptions - FREE_DISRUPTIONS)
    return max(_backoff(retry, counted), FLOORS.get(outcome.reason, timedelta()))


def _backoff(retry: Retry, times: int) -> timedelta:
    """Return the delay after so many failures: it grows by the factor up to the greatest."""
    if times <= 0:
        return timedelta()
    try:
        seconds = retry.initial_seconds * float(retry.factor) ** (times - 1)
    except OverflowError:
        seconds = retry.max_seconds
    return timedelta(seconds=min(seconds, retry.max_seconds))
