"""A talk's own page: how it is, its slides, and what happened to it."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from slides_api.moments import clock
from slides_api.v1alpha1 import Phase
from slides_api.wellknown import RETRY_AT
from slides_operator.errors import ApiError
from slides_operator.extraction.objects import Json, format_time, parse_time
from slides_operator.service.logs import Line, tail
from slides_operator.service.manifests import MANIFEST
from slides_operator.service.problems import ProblemError
from slides_operator.service.records import Record
from slides_operator.service.routes import Call
from slides_operator.service.web.actions import Action, build_actions
from slides_operator.service.web.addresses import Links, host_of, web_page
from slides_operator.service.web.gallery import Gallery, build_gallery
from slides_operator.service.web.views import (
    WAITING,
    Attempt,
    Event,
    Stage,
    State,
    build_attempts,
    build_details,
    build_events,
    build_stages,
    state_of,
    title_of,
    took,
    word002,
)

AGAIN = frozenset({Phase.COMPLETED, Phase.CANCELLED})
"""Phases from which only another extraction leads on."""
STORE_S = 5.0
"""How long the store has for the manifest; chosen: the page shows the rest without it."""
SILENT_STORE = "The store does not answer. Its slides are shown once it does."
AWAITED = "Another attempt was asked for."
LOG_LINES = 500
"""Of the log as a page shows it; chosen: more is read by machines."""


@dataclass(frozen=True)
class TalkView:
    """The page, apart from the slides."""

    title: str
    host: str
    link: str
    facts: tuple[str, ...]
    batch: tuple[str, str] | None
    """Address and name of the batch that it is in."""
    state: State
    reason: str
    word002: str
    stream: str
    """Where its progress comes from; empty once it has ended."""
    is_awaited: bool
    """Whether another attempt was asked for and is not seen yet."""
    stages: tuple[Stage, ...]
    actions: tuple[Action, ...]
    again: str
    """The form with the same video, where trying again is no way."""
    attempts: tuple[Attempt, ...]
    details: tuple[tuple[str, str], ...]
    activity: str


@dataclass(frozen=True)
class LogRow:
    """A line of the log."""

    iso: str
    time: str
    level: str
    message: str


@dataclass(frozen=True)
class ActivityView:
    """What happened to a talk."""

    title: str
    back: str
    events: tuple[Event, ...]
    events_trouble: str
    log: tuple[LogRow, ...]
    log_trouble: str


def build_talk(
    record: Record, resource: Json, links: Links, now: datetime, *, batch: Record | None = None
) -> TalkView:
    """Return the page of a talk, and of which batch it is."""
    return TalkView(
        title=title_of(record),
        host=host_of(record.url),
        link=web_page(record.url),
        facts=tuple(_facts(record, resource)),
        batch=(links.batch(batch), batch.name) if batch else None,
        state=_state(record, resource),
        reason="" if record.at_work else record.reason,
        word002=word002(record),
        stream="" if record.ended else links.stream(record),
        is_awaited=is_awaited(resource),
        stages=build_stages(record),
        actions=build_actions(record, resource, links),
        again=links.new(record.namespace, url=record.url) if record.phase in AGAIN else "",
        attempts=build_attempts(resource, now),
        details=build_details(resource, record, now),
        activity=links.talk(record, "activity"),
    )


def is_awaited(resource: Json) -> bool:
    """Return whether another attempt was asked for that the operator has not begun."""
    asked = parse_time((resource["metadata"].get("annotations") or {}).get(RETRY_AT))
    seen = (resource.get("status") or {}).get("lastRetryAt")
    return asked is not None and format_time(asked) != seen


def _state(record: Record, resource: Json) -> State:
    """Return how a talk is, and of a finished one how long it took."""
    state = state_of(record)
    if record.phase is Phase.FAILED and is_awaited(resource):
        return replace(state, tone=WAITING, message=AWAITED)
    started, ended = parse_time(record.started), parse_time(record.completed)
    if state.message or not (started and ended):
        return state
    return replace(state, message=f"Took {took(ended - started)}")


def _facts(record: Record, resource: Json) -> Iterable[str]:
    if record.duration_s is not None:
        yield clock(record.duration_s)
    video = (resource.get("status") or {}).get("video") or {}
    if video.get("width") and video.get("height"):
        yield f"{video['width']} \N{MULTIPLICATION SIGN} {video['height']}"


async def read_gallery(call: Call, record: Record, links: Links) -> tuple[Gallery | None, str]:
    """Return a talk's slides, or why they cannot be shown; neither before there are any."""
    if not record.manifest_uri:
        return None, ""
    try:
        async with asyncio.timeout(STORE_S):
            finished = await call.service.manifests.of(record)
    except TimeoutError:
        return None, SILENT_STORE
    except ProblemError as e:
        return None, e.detail
    except ApiError as e:
        return None, e.message

    def link(key: str, sha256: str) -> str:
        return links.file(record, key, sha256[:12])

    return build_gallery(finished.manifest, link=link, manifest_link=link(MANIFEST, "")), ""


async def read_activity(
    call: Call, record: Record, resource: Json, links: Links, now: datetime
) -> ActivityView:
    """Return what happened to a talk; what cannot be read says why."""
    (events, events_trouble), (lines, log_trouble) = await asyncio.gather(
        _events(call, record, now), _log(call, record, resource)
    )
    return ActivityView(
        title=title_of(record),
        back=links.talk(record),
        events=events,
        events_trouble=events_trouble,
        log=tuple(log_row(line) for line in lines),
        log_trouble=log_trouble,
    )


async def _events(call: Call, record: Record, now: datetime) -> tuple[tuple[Event, ...], str]:
    try:
        found = await call.service.gateway.events(record.namespace, record.uid)
    except ApiError as e:
        return (), e.message
    return build_events(found, now), ""


async def _log(call: Call, record: Record, resource: Json) -> tuple[list[Line], str]:
    try:
        lines = await call.service.logbook.of(resource, ended=record.ended)
    except ApiError as e:
        return [], e.message
    except ProblemError as e:
        return [], e.detail
    return tail(lines, LOG_LINES), ""


def log_row(line: Line) -> LogRow:
    """Return a line of the log with its time of the day."""
    moment = parse_time(line.ts)
    time = f"{moment:%H:%M:%S}" if moment else ""
    return LogRow(line.ts, time, line.level.lower(), line.msg)
