"""What happened to a job, as lines: from its pods, its status, its Events; kept after the pods.

Lines are {ts, level, msg}. A pod's log is read while the pod is there, and then from where the
runner left it beside the outputs. What the status says of earlier attempts is always there.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from slides_api.conditions import OPERATOR_REASONS, ConditionType, ReasonClass
from slides_api.exit_codes import REASON_CLASS
from slides_api.wellknown import ATTEMPT_LABEL
from slides_operator.errors import ApiError
from slides_operator.extraction.objects import Json, find_condition, parse_time
from slides_operator.service.gateway import Gateway
from slides_operator.service.outputs import Outputs

LEVELS = {"debug": "DEBUG", "info": "INFO", "warning": "WARNING"}
"""Seed 001 knows these and ERROR."""
ATTEMPTS_READ = 5
"""Newest attempts whose logs are read: as many as the status keeps rows of."""
LINES_READ = 2000
"""Of a pod's log; chosen: hours of one that says something every ten seconds."""
MOST_LINES = 5000
"""Of an answer; chosen: about a megabyte."""
AT_ONCE = 8
"""Resources whose lines are gathered together; chosen, to leave the API server to others."""
FRESH_S = 2.0
"""How long lines of what goes on are shown again; chosen: what polls every second costs half."""
ENDED_S = 300.0
"""The same for what has ended, where only a pod that goes could change something."""
KEPT_LINES = 100_000
"""Lines held for that, all in all; chosen: about 25 MB."""
PLAIN_FIELDS = frozenset(
    {"timestamp", "level", "event", "namespace", "name", "attempt", "source", "exception", "logger"}
)
"""Fields of a runner's line that say nothing new, or are for whoever may read the pod."""
TOLD_CONDITIONS = (
    ConditionType.ACCEPTED,
    ConditionType.SUSPENDED,
    ConditionType.STALLED,
    ConditionType.SUCCEEDED,
)


class Line(NamedTuple):
    """One line of a log."""

    ts: str
    """RFC 3339, UTC."""
    level: str
    """DEBUG, INFO, WARNING or ERROR."""
    msg: str


@dataclass(frozen=True, slots=True)
class _Page:
    version: str
    until_s: float
    lines: tuple[Line, ...]


class Logbook:
    """Gathers lines, and shows the same ones again to who asks twice within seconds."""

    def __init__(
        self, gateway: Gateway, outputs: Outputs, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._gateway = gateway
        self._outputs = outputs
        self._clock = clock
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._pages: dict[str, _Page] = {}

    async def of(self, resource: Json, *, ended: bool, crowd: int = 1) -> tuple[Line, ...]:
        """Return the lines of an extraction or a batch itself, the oldest first.

        `crowd` says how many are asked for at once: the more, the longer lines are shown again.
        Raises ApiError.
        """
        meta = resource["metadata"]
        page, now = self._pages.get(meta["uid"]), self._clock()
        if page and now < page.until_s and (not ended or page.version == meta["resourceVersion"]):
            return page.lines
        async with self._slots:
            lines = merged(await self._gather(resource, ended=ended, crowd=crowd))
        stays_s = ENDED_S if ended else FRESH_S * max(1, crowd / AT_ONCE)
        self._remember(meta["uid"], _Page(meta["resourceVersion"], now + stays_s, lines))
        return lines

    def _remember(self, uid: str, page: _Page) -> None:
        self._pages.pop(uid, None)
        self._pages[uid] = page
        held = sum(len(one.lines) for one in self._pages.values())
        while held > KEPT_LINES:
            held -= len(self._pages.pop(next(iter(self._pages))).lines)

    async def _gather(self, resource: Json, *, ended: bool, crowd: int) -> list[Line]:
        meta = resource["metadata"]
        lines = [*lines_of_status(resource)]
        newest = ((resource.get("status") or {}).get("attempts") or {}).get("current") or 0
        # Of a thousand finished items nobody misses Events, which say what the status says.
        if not ended or crowd <= AT_ONCE:
            lines += lines_of_events(await self._gateway.events(meta["namespace"], meta["uid"]))
        if newest:
            lines += await self._attempts(resource, newest, ended=ended)
        return lines

    async def _attempts(self, resource: Json, newest: int, *, ended: bool) -> list[Line]:
        """Return what the newest attempts wrote: from pods while it goes on, else from the store.

        What is not in the one is looked for in the other: a killed runner stores nothing.
        """
        numbers = range(max(1, newest - ATTEMPTS_READ + 1), newest + 1)
        found: dict[int, list[Line]] = {}
        if ended:
            await self._read_store(resource, numbers, found)
        if not ended or not found.keys() >= set(numbers):
            await self._read_pods(resource, found)
        if not ended:
            await self._read_store(resource, numbers, found)
        return [line for number in sorted(found) for line in found[number]]

    async def _read_store(
        self, resource: Json, numbers: Iterable[int], found: dict[int, list[Line]]
    ) -> None:
        place = self._outputs.expected_place(resource)
        for number in numbers:
            if place and number not in found:
                kept = await self._outputs.log(place, resource["metadata"]["uid"], number)
                if kept:
                    found[number] = await _read(kept.decode(errors="replace"))

    async def _read_pods(self, resource: Json, found: dict[int, list[Line]]) -> None:
        meta = resource["metadata"]
        for pod in await self._gateway.pods(meta["namespace"], meta["uid"]):
            text = (pod["metadata"].get("labels") or {}).get(ATTEMPT_LABEL, "")
            number = int(text) if text.isdecimal() else 0
            if number in found:
                continue
            # A pod that waits for its node has no log yet, one that is being deleted none any more.
            with suppress(ApiError):
                log = await self._gateway.pod_log(
                    meta["namespace"], pod["metadata"]["name"], tail_lines=LINES_READ
                )
                found[number] = await _read(log)


async def _read(log: str) -> list[Line]:
    """Return a log's lines; in a thread, for a megabyte of JSON takes longer than others wait."""
    return await asyncio.to_thread(lambda: [*lines_of_log(log)])


def merged(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Return lines in order of time, each once: an Event may say what a condition says."""
    unique: dict[tuple[str, str], Line] = {}
    # Without its Z a time is in order as text: all are UTC, and a fraction makes it longer.
    for line in sorted(lines, key=lambda one: one.ts[:-1]):
        unique.setdefault((line.ts[:19], line.msg), line)
    return tuple(unique.values())


def tail(lines: Iterable[Line], count: int | None) -> list[Line]:
    """Return the newest lines, at most `count` and at most MOST_LINES."""
    kept = min(MOST_LINES, MOST_LINES if count is None else count)
    return [*lines][-kept:] if kept else []


def _line(ts: object, level: str, msg: str) -> Iterator[Line]:
    """Yield a line if it has a time."""
    moment = parse_time(ts)
    if moment is not None and msg:
        yield Line(moment.isoformat().replace("+00:00", "Z"), level, msg)


def lines_of_log(text: str) -> Iterator[Line]:
    """Yield the lines of a runner's log, with or without the kubelet's time before each."""
    for row in text.splitlines():
        yield from _line_of_runner(row)


def _line_of_runner(row: str) -> Iterator[Line]:
    before, _, after = row.partition(" ")
    seen = before if not row.startswith("{") and parse_time(before) else ""
    said = after if seen else row
    try:
        fields = json.loads(said)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):  # of the image's own start, or of a library that prints
        return (yield from _line(seen, "INFO", said.strip()))
    level = LEVELS.get(str(fields.get("level")).lower(), "ERROR")
    more = [f"{name}={value}" for name, value in fields.items() if name not in PLAIN_FIELDS]
    msg = " ".join([str(fields.get("event", "")), *more])
    yield from _line(fields.get("timestamp") or seen, level, msg)


def lines_of_status(resource: Json) -> Iterator[Line]:
    """Yield what the status says of attempts that began and ended, and of the whole."""
    meta, status = resource["metadata"], resource.get("status") or {}
    yield from _line(meta.get("creationTimestamp"), "INFO", f"{resource['kind']} created")
    for row in (status.get("attempts") or {}).get("history") or ():
        yield from _lines_of_attempt(row)
    for kind in TOLD_CONDITIONS:
        yield from _line_of_condition(find_condition(status.get("conditions"), kind))


def _lines_of_attempt(row: Json) -> Iterator[Line]:
    number, reason = row["attempt"], row.get("reason") or ""
    where = f" on {row['node']}" if row.get("node") else ""
    yield from _line(row.get("startedAt"), "INFO", f"Attempt {number} started{where}")
    said = ": ".join(part for part in (reason, row.get("message")) if part)
    ended = f"Attempt {number} ended" + (f" with {said}" if said else "")
    yield from _line(row.get("finishedAt"), level_of(reason), ended)


def _line_of_condition(condition: Json | None) -> Iterator[Line]:
    if condition is None or (condition["type"] == "Suspended" and condition["status"] != "True"):
        return
    reason, status = condition.get("reason") or "", condition.get("status")
    has_failed = condition["type"] == ConditionType.SUCCEEDED and status == "False"
    level = "ERROR" if has_failed else _level_while(condition["type"], reason)
    yield from _line(condition.get("lastTransitionTime"), level, _said(condition))


def _level_while(kind: str, reason: str) -> str:
    stands_still = kind == ConditionType.STALLED
    return "WARNING" if stands_still or level_of(reason) != "INFO" else "INFO"


def _said(told: Json) -> str:
    return ": ".join(part for part in (told.get("reason"), told.get("message")) if part)


def level_of(reason: str) -> str:
    """Return the level of how an attempt ended; an unknown reason is an error."""
    classes = {**OPERATOR_REASONS, **REASON_CLASS}
    what = {str(known): kind for known, kind in classes.items()}.get(reason)
    match what:
        case ReasonClass.SUCCESS | ReasonClass.PROGRESS:
            return "INFO"
        case ReasonClass.WAITING | ReasonClass.DISRUPTION:
            return "WARNING"
    return "ERROR" if reason else "INFO"


def lines_of_events(events: Iterable[Json]) -> Iterator[Line]:
    """Yield what Events say."""
    for event in events:
        often = event.get("count") or 1
        times = f" ({often} times)" if often > 1 else ""
        yield from _line(time_of_event(event), level_of_event(event), _said(event) + times)


def level_of_event(event: Json) -> str:
    """Return the level of an Event."""
    return "WARNING" if event.get("type") == "Warning" else "INFO"


def time_of_event(event: Json) -> object:
    """Return when an Event was last told."""
    series = (event.get("series") or {}).get("lastObservedTime")
    told = series or event.get("lastTimestamp") or event.get("eventTime")
    return told or event["metadata"].get("creationTimestamp")
