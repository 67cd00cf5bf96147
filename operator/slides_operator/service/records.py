"""Records: what the service knows of a resource, small enough to keep tens of thousands."""

from collections.abc import Mapping
from dataclasses import dataclass
from sys import intern
from typing import Any

from slides_api.conditions import ConditionType
from slides_api.v1alpha1 import Phase
from slides_api.wellknown import (
    BATCH_LABEL,
    CREATED_BY_LABEL,
    ITEM,
    JOB_TYPE_LABEL,
    PRIORITY,
    RETRIES,
)
from slides_operator.extraction.objects import Json, find_condition, format_time, parse_time
from slides_operator.kube.cache import Kind
from slides_operator.service.videos import find_video

ENDED = frozenset({Phase.COMPLETED, Phase.FAILED, Phase.CANCELLED})
AT_WORK = frozenset({Phase.DOWNLOADING, Phase.EXTRACTING, Phase.UPLOADING})
DEFAULT_JOB_TYPE = "slide_extraction"
CANCELLED = "Cancelled"
"""The error of what was cancelled, as seed 002's clients are told."""
_PHASES = {phase.value: phase for phase in Phase}
_NOTHING: Json = {}


@dataclass(frozen=True, slots=True)
class Download:
    """A file of a download."""

    file: str
    status: str
    bytes: int
    total_bytes: int | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items of a batch are where."""

    total: int
    pending: int
    running: int
    completed: int
    failed: int
    cancelled: int


@dataclass(frozen=True, slots=True)
class Row:
    """An item of a batch, and what the batch's status says of it."""

    name: str
    url: str
    extraction: str
    """Name of its SlideExtraction, empty before there is one."""
    phase: Phase
    reason: str
    slide_count: int | None
    manifest_uri: str


@dataclass(frozen=True, slots=True)
class Record:
    """A SlideExtraction or a batch; empty text and None are what nobody knows yet."""

    kind: Kind
    namespace: str
    name: str
    uid: str
    version: int
    """Its resourceVersion; larger is newer."""
    created: str
    updated: str
    """The newest of status.run.updatedAt and the conditions' transitions."""
    phase: Phase
    reason: str
    """Of the condition Succeeded, as is the message where no attempt works."""
    message: str
    percent: int
    title: str
    duration_s: float | None
    url: str
    video_id: str
    video_key: str
    manifest_uri: str
    slide_count: int | None
    error: str
    """Why it failed, or that it was cancelled."""
    frame_count: int | None
    current_frame: int | None
    slides_processed: int | None
    total_slides: int | None
    downloads: tuple[Download, ...]
    attempt: int
    counted: int
    started: str
    completed: str
    next_retry: str
    job_type: str
    priority: int
    """What a caller asked for."""
    batch: str
    """Uid of the batch that it is an item of."""
    item: str
    """Name of that item."""
    origin: str
    """`rest` where this service made it."""
    callback: str
    retry_count: int
    """How often a caller had it tried once more after it had failed."""
    deleted: bool
    """Whether it is being deleted."""
    counts: Counts | None
    """Of a batch, as are the rows."""
    rows: tuple[Row, ...]
    spec: Mapping[str, Any] | None
    """As long as it has not ended: what is done once more is compared with it."""

    @property
    def ended(self) -> bool:
        """Whether nothing more is going to happen by itself."""
        return self.phase in ENDED

    @property
    def at_work(self) -> bool:
        """Whether an attempt is at work."""
        return self.phase in AT_WORK


def record_of(obj: Json) -> Record:
    """Return the record of a resource as the API server writes it."""
    meta, spec, status = obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
    labels, annotations = meta.get("labels") or _NOTHING, meta.get("annotations") or _NOTHING
    kind = Kind(obj["kind"])
    phase = _PHASES.get(status.get("phase") or "", Phase.PENDING)
    ended = phase in ENDED
    succeeded = find_condition(status.get("conditions"), ConditionType.SUCCEEDED) or _NOTHING
    attempts = status.get("attempts") or _NOTHING
    attempt = attempts.get("current") or 0
    run = _current_run(status, attempt)
    video, result = status.get("video") or _NOTHING, status.get("result") or _NOTHING
    url = (spec.get("source") or _NOTHING).get("url") or ""
    counts = _counts(status, spec) if kind is Kind.BATCH else None
    said, reason = succeeded.get("message") or "", intern(succeeded.get("reason") or "")
    return Record(
        kind=kind,
        namespace=intern(meta["namespace"]),
        name=meta["name"],
        uid=meta["uid"],
        version=int(meta["resourceVersion"]),
        created=meta.get("creationTimestamp") or "",
        updated=_updated(meta, status),
        phase=phase,
        reason=reason,
        message=intern((phase in AT_WORK and run.get("message")) or said),
        percent=_percent(phase, run, counts),
        title=video.get("title") or "",
        duration_s=video.get("durationSeconds"),
        url=url,
        video_id=_video_id(video, url),
        video_key=video.get("key") or "",
        manifest_uri=result.get("manifestURI") or "",
        slide_count=result.get("slideCount"),
        error=_error(phase, said or reason),
        frame_count=run.get("frameCount"),
        current_frame=run.get("currentFrame"),
        slides_processed=run.get("slidesProcessed"),
        total_slides=run.get("totalSlides"),
        downloads=() if ended else _downloads(run),
        attempt=attempt,
        counted=attempts.get("counted") or 0,
        started=status.get("startTime") or "",
        completed=status.get("completionTime") or "",
        next_retry=status.get("nextRetryTime") or "",
        job_type=intern(labels.get(JOB_TYPE_LABEL) or DEFAULT_JOB_TYPE),
        priority=_number(annotations.get(PRIORITY)),
        batch=intern(labels.get(BATCH_LABEL) or ""),
        item=annotations.get(ITEM) or "",
        origin=intern(labels.get(CREATED_BY_LABEL) or ""),
        callback=(spec.get("callback") or _NOTHING).get("url") or "",
        retry_count=_number(annotations.get(RETRIES)),
        deleted="deletionTimestamp" in meta,
        counts=counts,
        rows=_rows(status, spec) if kind is Kind.BATCH else (),
        spec=None if ended else spec,
    )


def counts_of(record: Record) -> Counts:
    """Return a batch's counts; anything else is a batch of one item."""
    if record.counts:
        return record.counts
    at_work, phase = record.at_work, record.phase
    return Counts(
        total=1,
        pending=int(not at_work and not record.ended),
        running=int(at_work),
        completed=int(phase is Phase.COMPLETED),
        failed=int(phase is Phase.FAILED),
        cancelled=int(phase is Phase.CANCELLED),
    )


def _current_run(status: Json, attempt: int) -> Json:
    """Return what the runner says, unless it is what an earlier attempt's runner said."""
    run: Json = status.get("run") or _NOTHING
    return run if not attempt or run.get("attempt") == attempt else _NOTHING


def _percent(phase: Phase, run: Json, counts: Counts | None) -> int:
    if phase is Phase.COMPLETED:
        return 100
    if counts and counts.total:
        return 100 * (counts.completed + counts.failed + counts.cancelled) // counts.total
    return min(run.get("percent") or 0, 99)


def _number(text: str | None) -> int:
    """Return the number of an annotation, which anybody may write; 0 for what is none."""
    return int(text) if text and len(text) < 4 and text.isascii() and text.isdecimal() else 0  # noqa: PLR2004 - such counts stay small


def _error(phase: Phase, why: str) -> str:
    if phase is Phase.CANCELLED:
        return CANCELLED
    return intern(why) if phase is Phase.FAILED else ""


def _video_id(video: Json, url: str) -> str:
    if known := video.get("id"):
        return str(known)
    found = find_video(url)
    return found.code if found else ""


def _updated(meta: Json, status: Json) -> str:
    moments = [_moment(one.get("lastTransitionTime")) for one in status.get("conditions") or ()]
    moments.append(_moment((status.get("run") or _NOTHING).get("updatedAt")))
    return max(*moments, meta.get("creationTimestamp") or "")


def _moment(text: object) -> str:
    """Return a time in the one form in which later is greater; empty for what is none."""
    if isinstance(text, str) and len(text) == len("2027-01-31T12:00:00Z") and text[-1] == "Z":
        return text
    moment = parse_time(text)
    return format_time(moment.replace(microsecond=0)) if moment else ""


def _downloads(run: Json) -> tuple[Download, ...]:
    return tuple(
        Download(
            file=one.get("file") or "",
            status=one.get("status") or "",
            bytes=one.get("bytes") or 0,
            total_bytes=one.get("totalBytes"),
        )
        for one in run.get("downloads") or ()
    )


def _counts(status: Json, spec: Json) -> Counts:
    told = status.get("counts")
    if told is None:
        waiting = len(spec.get("items") or ())
        told = {"total": waiting, "pending": waiting}
    return Counts(
        total=told.get("total") or 0,
        pending=told.get("pending") or 0,
        running=told.get("running") or 0,
        completed=told.get("completed") or 0,
        failed=told.get("failed") or 0,
        cancelled=told.get("cancelled") or 0,
    )


def _rows(status: Json, spec: Json) -> tuple[Row, ...]:
    told = {row.get("name"): row for row in status.get("items") or ()}
    return tuple(_row(item, told.get(item["name"]) or _NOTHING) for item in spec.get("items") or ())


def _row(item: Json, told: Json) -> Row:
    return Row(
        name=item["name"],
        url=item.get("url") or "",
        extraction=told.get("extraction") or "",
        phase=_PHASES.get(told.get("phase") or "", Phase.PENDING),
        reason=intern(told.get("reason") or ""),
        slide_count=told.get("slideCount"),
        manifest_uri=told.get("manifestURI") or "",
    )
