"""What pages say of a resource, in words: made of its record, and of the status of one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from slides_api.moments import clock
from slides_api.v1alpha1 import Phase
from slides_operator.extraction.objects import Json, format_time, parse_time
from slides_operator.service.records import Record
from slides_operator.service.videos import find_video
from slides_operator.service.web.addresses import Links, host_of, shown_url
from slides_operator.service.words import seed002

RUNNING, DONE, FAILED, WAITING, ENDED = "running", "done", "failed", "waiting", "ended"
TONES = {
    Phase.PENDING: WAITING,
    Phase.QUEUED: WAITING,
    Phase.SUSPENDED: WAITING,
    Phase.DOWNLOADING: RUNNING,
    Phase.EXTRACTING: RUNNING,
    Phase.UPLOADING: RUNNING,
    Phase.COMPLETED: DONE,
    Phase.FAILED: FAILED,
    Phase.CANCELLED: ENDED,
}
"""How a phase looks."""
STAGES = (
    (Phase.DOWNLOADING, "Download"),
    (Phase.EXTRACTING, "Find slides"),
    (Phase.UPLOADING, "Store"),
)
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
WORDS_FOR_DAYS = 7
"""Up to then a moment is told by how long ago it was, later by its date; chosen."""
MEGABYTE = 1_000_000
UNITS = ("bytes", "kB", "MB", "GB", "TB")
THOUSAND = 1000


@dataclass(frozen=True)
class Moment:
    """A time, for programs, for people, and for those in a hurry."""

    iso: str
    full: str
    ago: str


@dataclass(frozen=True)
class State:
    """How it goes."""

    word: str
    tone: str
    message: str
    percent: int | None
    """While an attempt works."""


@dataclass(frozen=True)
class TalkRow:
    """A talk in the list."""

    uid: str
    href: str
    title: str
    host: str
    name: str
    duration: str
    state: State
    slides: int | None
    cover: str
    when: Moment


@dataclass(frozen=True)
class Stage:
    """A part of the work: done, now or to come."""

    word: str
    state: str
    detail: str


@dataclass(frozen=True)
class Attempt:
    """An attempt, as `status.attempts.history` has it."""

    number: int
    started: Moment | None
    took: str
    reason: str
    message: str
    exit_code: int | None
    node: str


@dataclass(frozen=True)
class Event:
    """An Event of Kubernetes."""

    when: Moment | None
    reason: str
    message: str
    count: int
    is_warning: bool


def moment(text: object, now: datetime) -> Moment | None:
    """Return a time of the API; None for what is none."""
    when = text if isinstance(text, datetime) else parse_time(text)
    if when is None:
        return None
    full = f"{when.day} {when:%b %Y, %H:%M} UTC"
    return Moment(format_time(when.replace(microsecond=0)), full, _ago(when, now))


def _ago(when: datetime, now: datetime) -> str:
    seconds = (now - when).total_seconds()
    if seconds < MINUTE_S:
        return "just now" if seconds > -MINUTE_S else f"{when.day} {when:%b %Y, %H:%M}"
    for unit_s, word in ((DAY_S, "day"), (HOUR_S, "hour"), (MINUTE_S, "minute")):
        count = int(seconds // unit_s)
        if count and (word != "day" or count <= WORDS_FOR_DAYS):
            return f"{count} {word}{'' if count == 1 else 's'} ago"
        if count:
            break
    return f"{when.day} {when:%b %Y}"


def took(duration: timedelta) -> str:
    """Return a duration: 12 s, 3 min 20 s, 2 h 5 min."""
    seconds = max(0, int(duration.total_seconds()))
    if seconds < MINUTE_S:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < MINUTE_S:
        return f"{minutes} min {seconds} s"
    return f"{minutes // 60} h {minutes % 60} min"


def size(size_bytes: float) -> str:
    """Return a number of bytes as disks are sold: 21 kB, 3.4 MB."""
    for unit in UNITS:
        if size_bytes < THOUSAND or unit == UNITS[-1]:
            break
        size_bytes /= THOUSAND
    few = 0 < size_bytes < 10 and unit != UNITS[0]  # noqa: PLR2004 - two digits are enough
    return f"{size_bytes:.1f} {unit}" if few else f"{size_bytes:.0f} {unit}"


def title_of(record: Record) -> str:
    """Return the title, or the most telling thing that is known."""
    if title := " ".join(record.title.split()):
        return title
    video = find_video(record.url)
    if video:
        return f"{video.platform.capitalize()} {video.code}"
    try:
        path = urlsplit(record.url).path
    except ValueError:
        path = ""
    return unquote(path.rstrip("/").rpartition("/")[2]) or record.name


def state_of(record: Record) -> State:
    """Return how a talk is."""
    word = "Deleting" if record.deleted else record.phase.value
    return State(
        word=word,
        tone=WAITING if record.deleted else TONES[record.phase],
        message="" if record.phase is Phase.COMPLETED and record.slide_count else record.message,
        percent=record.percent if record.at_work else None,
    )


def build_row(record: Record, links: Links, now: datetime) -> TalkRow:
    """Return a talk's row."""
    created = moment(record.created, now) or moment(now, now)
    assert created is not None  # noqa: S101 - now is a time
    return TalkRow(
        uid=record.uid,
        href=links.talk(record),
        title=title_of(record),
        host=host_of(record.url),
        name=record.name,
        duration="" if record.duration_s is None else clock(record.duration_s),
        state=state_of(record),
        slides=record.slide_count,
        cover=links.talk(record, "cover") if record.slide_count else "",
        when=created,
    )


def build_stages(record: Record) -> tuple[Stage, ...]:
    """Return the parts of the work; none where no attempt is at it."""
    if not record.at_work:
        return ()
    at = [phase for phase, _ in STAGES].index(record.phase)
    return tuple(
        Stage(
            word,
            "done" if n < at else "now" if n == at else "later",
            _detail(record) if n == at else "",
        )
        for n, (_, word) in enumerate(STAGES)
    )


def _detail(record: Record) -> str:
    if record.phase is Phase.EXTRACTING and record.frame_count:
        return f"{record.current_frame or 0:,} of {record.frame_count:,} frames"
    if record.phase is Phase.UPLOADING and record.total_slides:
        return f"{record.slides_processed or 0} of {record.total_slides} slides"
    known = [one for one in record.downloads if one.total_bytes]
    if record.phase is Phase.DOWNLOADING and known:
        return (
            f"{size(sum(f.bytes for f in known))} of {size(sum(f.total_bytes or 0 for f in known))}"
        )
    return ""


def word002(record: Record) -> str:
    """Return the word by which the stream of progress calls this state."""
    return seed002(record.phase)


def build_attempts(resource: Json, now: datetime) -> tuple[Attempt, ...]:
    """Return the attempts that the status remembers, the newest first."""
    attempts = (resource.get("status") or {}).get("attempts") or {}
    rows: list[Json] = attempts.get("history") or []
    return tuple(_attempt(row, now) for row in reversed(rows))


def _attempt(row: Json, now: datetime) -> Attempt:
    started, finished = parse_time(row.get("startedAt")), parse_time(row.get("finishedAt"))
    return Attempt(
        number=row["attempt"],
        started=moment(started, now),
        took=took((finished or now) - started) if started else "",
        reason=row.get("reason") or "",
        message=row.get("message") or "",
        exit_code=row.get("exitCode"),
        node=row.get("node") or "",
    )


def build_details(resource: Json, record: Record, now: datetime) -> tuple[tuple[str, str], ...]:
    """Return names and values of what else is known."""
    return tuple((name, value) for name, value in _details(resource, record, now) if value)


def _details(resource: Json, record: Record, now: datetime) -> Iterator[tuple[str, str]]:
    status: Json = resource.get("status") or {}
    spec: Json = resource.get("spec") or {}
    yield "Source", shown_url(record.url)
    yield "Outputs", _outputs(spec)
    yield "Name", record.name
    yield "Namespace", record.namespace
    yield "UID", record.uid
    for name, when in (
        ("Created", record.created),
        ("Started", record.started),
        ("Ended", record.completed),
        ("Next attempt", record.next_retry),
    ):
        found = moment(when, now)
        yield name, found.full if found else ""
    yield "Reason", record.reason
    yield "Attempts", _attempts_line(record, spec)
    yield "Manifest", record.manifest_uri
    yield "Size of all outputs", _result_size(status)
    yield "Batch item", record.item
    yield "Webhook", shown_url(record.callback)


def _outputs(spec: Json) -> str:
    slides: Json = (spec.get("outputs") or {}).get("slides") or {}
    image: Json = slides.get("image") or {}
    parts: list[Any] = [
        f"slides as {image.get('format', 'webp')}",
        f"sensitivity {slides.get('sensitivity', 'normal')}",
        *slides.get("documents", ("pdf", "html")),
    ]
    return ", ".join(map(str, parts))


def _attempts_line(record: Record, spec: Json) -> str:
    if not record.attempt:
        return ""
    limit = (spec.get("retry") or {}).get("limit")
    more = f"; {record.counted} failed of {limit + 1} allowed" if limit is not None else ""
    return f"{record.attempt}{more}"


def _result_size(status: Json) -> str:
    found = (status.get("result") or {}).get("bytes")
    return "" if found is None else size(found)


def build_events(events: list[Json], now: datetime) -> tuple[Event, ...]:
    """Return the Events about a talk, the newest first."""
    return tuple(_event(one, now) for one in sorted(events, key=_event_time, reverse=True))


def _event_time(event: Json) -> str:
    series = (event.get("series") or {}).get("lastObservedTime")
    times = (series, event.get("lastTimestamp"), event.get("eventTime"))
    return str(next((t for t in times if t), event["metadata"].get("creationTimestamp") or ""))


def _event(event: Json, now: datetime) -> Event:
    return Event(
        when=moment(_event_time(event), now),
        reason=event.get("reason") or "",
        message=event.get("message") or "",
        count=event.get("count") or (event.get("series") or {}).get("count") or 1,
        is_warning=event.get("type") == "Warning",
    )
