"""Telling of an end by webhook: when the next attempt is due, and what the status says of it.

A delivery is open while `status.callback` has `nextAttemptAt`. Its id is made of the end that it
tells of, so that an operator which dies between sending and writing that down sends the same again.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from slides_api.wellknown import REDELIVER_AT
from slides_operator.extraction.jitter import spread
from slides_operator.extraction.objects import Json, format_time, parse_time, present
from slides_operator.extraction.wording import clean

PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
)
"""Between attempts, of which there is one more: the schedule that Standard Webhooks suggests,
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""
LONGEST_PAUSE = PAUSES[-1]
"""Longest that a receiver's Retry-After is obeyed for."""
PATIENCE = timedelta(minutes=10)
"""When to look again at an attempt that is under way: chosen, its end wakes the reconcile."""
GIVEN_UP = "CallbackFailed"
"""Reason of the Event that says so."""


@dataclass(frozen=True, slots=True)
class Tried:
    """How one attempt to deliver went."""

    id: str
    attempt: int
    at: datetime
    code: int | None = None
    error: str = ""
    """Why the receiver did not take it; empty when it did."""
    retry_after: timedelta = timedelta()
    final: bool = False
    """Whether the receiver wants no other attempt."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An attempt that is due."""

    url: str
    id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Telling:
    """What is known of the webhook of one resource."""

    uid: str
    url: str
    """Where the end is to be told; empty where nobody asks for that."""
    redeliver_at: str
    """The annotation that asks for another delivery, as it was written."""
    told: Json
    """What the status says of it."""
    tried: Tried | None = None
    """The attempt that is not written down yet."""


def observe_telling(obj: Json, tried: Tried | None = None) -> Telling:
    """Return what is known of the webhook of an extraction or a batch."""
    meta, status = obj["metadata"], obj.get("status") or {}
    return Telling(
        uid=meta["uid"],
        url=((obj.get("spec") or {}).get("callback") or {}).get("url") or "",
        redeliver_at=(meta.get("annotations") or {}).get(REDELIVER_AT, ""),
        told=status.get("callback") or {},
        tried=tried,
    )


def owes_callback(obj: Json) -> bool:
    """Return whether anything is to be done about the webhook of what ended."""
    if "callback" not in (obj.get("spec") or {}) and "callback" not in (obj.get("status") or {}):
        return False  # most have none
    telling = observe_telling(obj)
    if is_open(telling.told) or not telling.url:
        return is_open(telling.told)
    return not telling.told or _asked_at(telling) is not None


def delivery_id(uid: str, ended_at: str) -> str:
    """Return what a receiver knows this end by."""
    return f"msg_{hashlib.sha256(f'{uid}/{ended_at}'.encode()).hexdigest()[:24]}"


def next_callback(telling: Telling, ended_at: str, now: datetime) -> Json | None:
    """Return what the status of what ended should say; None where nothing was ever to be told."""
    if not telling.url:
        return _without(telling.told, "nextAttemptAt") or None
    told = telling.told
    if told.get("id") != delivery_id(telling.uid, ended_at):
        told = _opened({"id": delivery_id(telling.uid, ended_at)}, now)
    told = _recorded(telling, told)
    asked = _asked_at(telling)
    if asked is None or asked > now:
        return told
    return _opened(told, now) | {"lastRedeliverAt": format_time(asked)}


def is_open(callback: Json | None) -> bool:
    """Return whether another attempt follows: never more than the schedule has, whoever wrote."""
    told = callback or {}
    return "nextAttemptAt" in told and told.get("attempts", 0) <= len(PAUSES)


def was_given_up(before: Json | None, after: Json | None) -> bool:
    """Return whether no attempt follows any more although none succeeded."""
    return is_open(before) and not is_open(after) and "lastError" in (after or {})


def due_delivery(telling: Telling, following: Json | None, now: datetime) -> Delivery | None:
    """Return the attempt that is due; only once the status says so, as its id hangs on that."""
    due = _due(telling.told)
    if due is None or due > now or following != telling.told:
        return None
    return Delivery(telling.url, telling.told["id"], telling.told.get("attempts", 0) + 1)


def next_moments(
    telling: Telling, following: Json | None, now: datetime
) -> tuple[datetime | None, ...]:
    """Return when time alone asks for another attempt, of what ended."""
    asked = _asked_at(telling) if telling.url else None
    later = asked if asked and asked > now else None
    if due_delivery(telling, following, now):
        return later, now + PATIENCE
    return later, _due(following or {})


def _due(told: Json) -> datetime | None:
    return parse_time(told.get("nextAttemptAt")) if is_open(told) else None


def _asked_at(telling: Telling) -> datetime | None:
    """Return from when on another delivery is asked for; None without an open request."""
    moment = parse_time(telling.redeliver_at)
    if moment is None or format_time(moment) == telling.told.get("lastRedeliverAt"):
        return None
    return moment


def _opened(told: Json, now: datetime) -> Json:
    rest = _without(told, "lastCode", "lastError")
    return {**rest, "attempts": 0, "nextAttemptAt": format_time(now)}


def _recorded(telling: Telling, told: Json) -> Json:
    """Return it with the attempt that was made since."""
    tried = telling.tried
    attempts = told.get("attempts", 0) + 1
    if tried is None or not is_open(told) or (tried.id, tried.attempt) != (told["id"], attempts):
        return told
    rest = _without(told, "nextAttemptAt", "lastError", "lastCode")
    if not tried.error:
        more = present(deliveredAt=format_time(tried.at), lastCode=tried.code)
    else:
        due = _next_attempt(telling.uid, tried)
        more = present(
            nextAttemptAt=format_time(due) if due else None,
            lastCode=tried.code,
            lastError=clean(tried.error),
        )
    return {**rest, "attempts": attempts} | more


def _next_attempt(uid: str, tried: Tried) -> datetime | None:
    if tried.final or tried.attempt > len(PAUSES):
        return None
    pause = spread(PAUSES[tried.attempt - 1], uid, tried.attempt)
    return tried.at + max(pause, min(tried.retry_after, LONGEST_PAUSE))


def _without(told: Json, *names: str) -> Json:
    return {name: value for name, value in told.items() if name not in names}
