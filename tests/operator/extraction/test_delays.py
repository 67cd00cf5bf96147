"""When the next attempt starts, by what ended the last one."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slides_api.conditions import Reason, ReasonClass
from slides_api.exit_codes import REASON_CLASS
from slides_api.v1alpha1 import Retry
from slides_operator.extraction.delays import LONGEST_WAIT, next_retry
from slides_operator.extraction.jitter import JITTER
from slides_operator.extraction.outcome import Outcome
from tests.operator.worlds import NOW

DISRUPTION = ReasonClass.DISRUPTION
DEFAULT = Retry()


def delay(
    reason: Reason,
    *,
    retry: Retry = DEFAULT,
    counted: int = 1,
    disruptions: int = 0,
    after_s: float | None = None,
    kind: ReasonClass | None = None,
    uid: str = "a",
    attempt: int = 1,
) -> float:
    """Return the seconds until the next attempt."""
    asked = None if after_s is None else NOW + timedelta(seconds=after_s)
    outcome = Outcome(reason, kind or REASON_CLASS[reason], "", NOW, retry_after=asked)
    due = next_retry(
        outcome, retry, uid=uid, attempt=attempt, counted=counted, disruptions=disruptions
    )
    return (due - NOW).total_seconds() if due else 0.0


ROWS = {
    "first failure": (delay(Reason.NETWORK_ERROR), 10),
    "second failure": (delay(Reason.NETWORK_ERROR, counted=2), 20),
    "fourth failure": (delay(Reason.NETWORK_ERROR, counted=4), 80),
    "many failures": (delay(Reason.NETWORK_ERROR, counted=60), 600),
    "very many failures": (delay(Reason.NETWORK_ERROR, counted=5000), 600),
    "own backoff": (
        delay(
            Reason.NETWORK_ERROR,
            counted=3,
            retry=Retry(initial_seconds=1, factor=3, max_seconds=600),
        ),
        9,
    ),
    "own greatest": (delay(Reason.NETWORK_ERROR, counted=3, retry=Retry(max_seconds=15)), 15),
    "no delay wanted": (delay(Reason.NETWORK_ERROR, retry=Retry(initial_seconds=0)), 0),
    "asked to leave alone": (delay(Reason.RATE_LIMITED), 60),
    "asked to leave alone often": (delay(Reason.RATE_LIMITED, counted=5), 160),
    "asked for a robot's passport": (delay(Reason.BOT_CHECK), 60),
    "disrupted": (delay(Reason.DISRUPTED, disruptions=1), 0),
    "disrupted again": (delay(Reason.DISRUPTED, disruptions=2), 0),
    "disrupted a third time": (delay(Reason.DISRUPTED, disruptions=3), 10),
    "disrupted a fifth time": (delay(Reason.DISRUPTED, disruptions=5), 40),
    "suspended": (delay(Reason.SUSPENDED), 0),
    "upload being processed": (delay(Reason.PROCESSING), 600),
    "live now": (delay(Reason.LIVE_NOW), 1800),
    "Secret missing to the deadline": (
        delay(Reason.SECRET_MISSING, kind=ReasonClass.WAITING), 10,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("got", "want"), ROWS.values(), ids=ROWS)
def test_delays(got: float, want: float) -> None:
    assert got == pytest.approx(want, rel=JITTER + 0.001)


NAMED = {
    "later than the backoff": (Reason.RATE_LIMITED, 300, 300),
    "earlier than the backoff": (Reason.RATE_LIMITED, 5, 60),
    "live tomorrow": (Reason.LIVE_NOT_STARTED, 7200, 7200),
    "live next year": (Reason.LIVE_NOT_STARTED, 3e7, LONGEST_WAIT.total_seconds()),
    "live already": (Reason.LIVE_NOT_STARTED, -5, 0),
    "without a delay of its own": (Reason.DISRUPTED, 42, 42),
}


@pytest.mark.parametrize(("reason", "after_s", "want"), NAMED.values(), ids=NAMED)
def test_a_time_that_the_source_names(reason: Reason, after_s: float, want: float) -> None:
    assert delay(reason, after_s=after_s) == pytest.approx(want, rel=JITTER + 0.001)


def test_the_same_attempt_has_the_same_delay() -> None:
    assert delay(Reason.NETWORK_ERROR) == delay(Reason.NETWORK_ERROR)


def test_what_failed_together_is_not_tried_together() -> None:
    delays = {delay(Reason.NETWORK_ERROR, uid=str(n)) for n in range(20)}
    assert len(delays) == 20
    assert max(delays) - min(delays) > 1


@given(
    st.integers(0, 10**7),
    st.floats(1, 100),
    st.integers(0, 10**7),
    st.integers(1, 10**6),
    st.sampled_from(sorted(Reason)),
)
def test_any_backoff_gives_a_time(
    initial: int, factor: float, most: int, counted: int, reason: Reason
) -> None:
    retry = Retry.model_construct(initial_seconds=initial, factor=factor, max_seconds=most)
    seconds = delay(reason, retry=retry, counted=counted)
    assert 0 <= seconds <= max(most, 1800) * (1 + JITTER) + 1
