"""Webhooks in the status: opened with the end, tried on a schedule, given up, sent again."""

from datetime import timedelta
from typing import Any

import pytest

from slides_api.v1alpha1 import CallbackStatus
from slides_api.wellknown import REDELIVER_AT
from slides_operator.extraction.callback import (
    PAUSES,
    Delivery,
    Tried,
    delivery_id,
    due_delivery,
    next_callback,
    next_moments,
    observe_telling,
    was_given_up,
)
from slides_operator.extraction.jitter import JITTER
from slides_operator.extraction.objects import format_time, parse_time
from slides_operator.extraction.plan import Plan, plan
from slides_operator.extraction.settled import is_settled
from tests.operator.worlds import (
    NOW,
    SETTINGS,
    UID,
    ago,
    build_extraction,
    build_job,
    build_row,
    build_status,
    see,
)

Json = dict[str, Any]
URL = "https://hooks.example.com/talks"
CALLBACK = {"callback": {"url": URL}}
ENDED = ago(100)
ID = delivery_id(UID, ENDED)


def extraction(told: Json | None = None, *, spec: Json | None = None, asked: str = "") -> Json:
    """Return one that failed a while ago, with what its status says of its webhook."""
    more: Json = {"callback": told} if told else {}
    row = build_row(1, "Removed")
    status = build_status(row, reason="Removed", status="False", completionTime=ENDED, **more)
    annotations: Json = {"annotations": {REDELIVER_AT: asked}} if asked else {}
    return build_extraction(spec=CALLBACK if spec is None else spec, status=status, **annotations)


def told(attempts: int = 0, due: float | None = 0, **more: Any) -> Json:
    """Return a delivery whose next attempt was due so many seconds ago."""
    open_ = {} if due is None else {"nextAttemptAt": ago(due)}
    return {"id": ID, "attempts": attempts} | open_ | more


def tried(attempt: int = 1, code: int | None = 500, **more: Any) -> Tried:
    error = "" if code in {200, 204} else f"The receiver answered {code}."
    fields: Json = {"id": ID, "attempt": attempt, "at": NOW, "code": code, "error": error}
    return Tried(**fields | more)


def follow(obj: Json, attempt: Tried | None = None) -> Json | None:
    """Return what the status says next."""
    return next_callback(observe_telling(obj, attempt), ENDED, NOW)


def make(obj: Json, attempt: Tried | None = None) -> Plan:
    return plan(see(obj, tried=attempt), SETTINGS, NOW)


DELIVERED = told(1, None, deliveredAt=ago(90), lastCode=200)
GIVEN_UP = told(10, None, lastCode=500, lastError="The receiver answered 500.")
ROWS: dict[str, tuple[Json, Tried | None, Json | None]] = {
    "nobody asks": (extraction(spec={}), None, None),
    "an end": (extraction(), None, told()),
    "asked for after the end": (extraction(), None, told()),
    "another end than was told": (extraction(told() | {"id": "msg_other"}), None, told()),
    "due": (extraction(told(due=5)), None, told(due=5)),
    "taken": (
        extraction(told(due=5)), tried(code=200),
        told(1, None, deliveredAt=format_time(NOW), lastCode=200),
    ),
    "taken at last": (
        extraction(told(2, 5, lastError="The receiver answered 500.", lastCode=500)),
        tried(3, 204), told(3, None, deliveredAt=format_time(NOW), lastCode=204),
    ),
    "told off": (
        extraction(told(due=5)), tried(code=410, final=True),
        told(1, None, lastCode=410, lastError="The receiver answered 410."),
    ),
    "the last attempt": (
        extraction(told(9, 5)), tried(10, 500),
        told(10, None, lastCode=500, lastError="The receiver answered 500."),
    ),
    "attempt of another end": (
        extraction(told(due=5)), tried(id="msg_other"), told(due=5),
    ),
    "attempt that is written down": (extraction(told(1, -5)), tried(1), told(1, -5)),
    "more attempts than there are, as somebody else wrote": (
        extraction(told(10, 5)), tried(11), told(10, 5),
    ),
    "no longer asked for": (extraction(told(3, 5), spec={}), None, told(3, None)),
    "delivered stays": (extraction(DELIVERED), None, DELIVERED),
    "given up stays": (extraction(GIVEN_UP), None, GIVEN_UP),
    "asked again": (
        extraction(DELIVERED, asked=ago(3)), None,
        told(deliveredAt=ago(90), lastRedeliverAt=ago(3)),
    ),
    "asked again after it was given up": (
        extraction(GIVEN_UP, asked=ago(3)), None, told(lastRedeliverAt=ago(3)),
    ),
    "asked again, for later": (extraction(DELIVERED, asked=ago(-60)), None, DELIVERED),
    "asked again, and obeyed": (
        extraction(DELIVERED | {"lastRedeliverAt": ago(3)}, asked=ago(3)), None,
        DELIVERED | {"lastRedeliverAt": ago(3)},
    ),
    "asked again with no time": (extraction(DELIVERED, asked="now"), None, DELIVERED),
}  # fmt: skip


@pytest.mark.parametrize(("obj", "attempt", "want"), ROWS.values(), ids=ROWS)
def test_status(obj: Json, attempt: Tried | None, want: Json | None) -> None:
    got = follow(obj, attempt)

    assert got == want
    if got:
        assert CallbackStatus.model_validate(got, extra="forbid").to_wire() == got


def test_attempts_follow_the_schedule_of_the_specification() -> None:
    waits = []
    for attempt in range(1, 10):
        got = follow(extraction(told(attempt - 1, 0)), tried(attempt))
        assert got is not None
        due = parse_time(got["nextAttemptAt"])
        assert due is not None
        waits.append((due - NOW).total_seconds())

    want = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert waits == pytest.approx(want, rel=JITTER + 0.001, abs=1.5)
    assert len(PAUSES) == 9


@pytest.mark.parametrize(
    ("asks", "want_s"),
    [
        pytest.param(timedelta(minutes=1), 60, id="a minute"),
        pytest.param(timedelta(seconds=1), 5, id="less than the schedule"),
        pytest.param(timedelta(days=30), 86400, id="a month"),
    ],
)
def test_a_receiver_may_ask_for_patience(asks: timedelta, want_s: float) -> None:
    got = follow(extraction(told()), tried(retry_after=asks))

    assert got is not None
    due = parse_time(got["nextAttemptAt"])
    assert due is not None
    assert (due - NOW).total_seconds() == pytest.approx(want_s, abs=1.5)


def test_the_id_is_that_of_one_end_of_one_resource() -> None:
    assert delivery_id(UID, ENDED) == ID
    assert len({ID, delivery_id(UID, ago(99)), delivery_id("other", ENDED)}) == 3
    assert "." not in ID, "what is signed is joined by full stops"


def test_an_attempt_is_made_only_when_the_status_says_that_it_is_due() -> None:
    first = make(extraction())
    assert first.status is not None
    assert first.deliver is None
    assert first.look_again_at == NOW

    second = make(extraction(first.status["callback"]))
    assert second.status is None
    assert second.deliver == Delivery(URL, ID, 1)
    assert second.look_again_at is not None
    assert second.look_again_at > NOW + timedelta(minutes=5), "its end wakes the reconcile"


def test_an_end_opens_the_delivery_without_a_write_of_its_own() -> None:
    job = build_job(1, "Failed", "PodFailurePolicy", "failed with exit code 67 matching")
    status = build_status(build_row())
    made = plan(see(build_extraction(spec=CALLBACK, status=status), jobs=[job]), SETTINGS, NOW)

    assert made.status is not None
    assert made.status["callback"] == {
        "id": delivery_id(UID, format_time(NOW)),
        "attempts": 0,
        "nextAttemptAt": format_time(NOW),
    }
    assert made.status["completionTime"] == format_time(NOW)


def test_a_retry_by_hand_begins_anew() -> None:
    obj = extraction(DELIVERED)
    obj["metadata"]["annotations"] = {"slides-extractor.dev/retry-at": ago(1)}

    made = make(obj)

    assert made.status is not None
    assert "callback" not in made.status


def test_one_that_is_not_due_is_waited_for() -> None:
    made = make(extraction(told(1, -60)))

    assert made.deliver is None
    assert made.look_again_at == NOW + timedelta(seconds=60)


def test_no_more_is_sent_than_the_schedule_has() -> None:
    """A field that somebody else wrote stays, whatever the operator applies."""
    made = make(extraction(told(10, 5)))

    assert (made.deliver, made.status, made.look_again_at) == (None, None, None)


def test_a_request_for_later_is_waited_for() -> None:
    telling = observe_telling(extraction(DELIVERED, asked=ago(-60)))

    assert NOW + timedelta(seconds=60) in next_moments(telling, DELIVERED, NOW)
    assert due_delivery(telling, DELIVERED, NOW) is None


def test_giving_up_is_told() -> None:
    made = make(extraction(told(9, 5)), tried(10, 500))

    (event,) = made.events
    assert (event.type, event.reason) == ("Warning", "CallbackFailed")
    assert "500" in event.message
    assert not was_given_up(told(), DELIVERED)


TTL = {"ttlSecondsAfterFinished": 0}


@pytest.mark.parametrize(
    ("callback", "want"),
    [
        pytest.param(told(3, -999), False, id="open"),
        pytest.param(None, False, id="not opened yet"),
        pytest.param(DELIVERED, True, id="delivered"),
        pytest.param(GIVEN_UP, True, id="given up"),
    ],
)
def test_a_time_to_live_waits_for_the_delivery(callback: Json | None, want: bool) -> None:
    made = make(extraction(callback, spec=CALLBACK | TTL))

    assert made.delete_resource is want


@pytest.mark.parametrize(
    ("obj", "want"),
    [
        pytest.param(extraction(spec={}), True, id="nobody asks"),
        pytest.param(extraction(), False, id="not opened yet"),
        pytest.param(extraction(told()), False, id="open"),
        pytest.param(extraction(DELIVERED), True, id="delivered"),
        pytest.param(extraction(GIVEN_UP), True, id="given up"),
        pytest.param(extraction(DELIVERED, asked=ago(3)), False, id="asked again"),
        pytest.param(extraction(told(), spec={}), False, id="no longer asked for"),
    ],
)
def test_is_settled(obj: Json, want: bool) -> None:
    assert is_settled(obj, []) is want
