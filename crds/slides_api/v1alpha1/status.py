"""The status of a SlideExtraction: what the operator writes and what the runner writes.

Each of the two applies all of its own fields at once, under a field manager of its own: what it
leaves out of an apply is removed. No field has two writers.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from slides_api.v1alpha1.base import Count, StatusModel, Timestamp, free_text, list_map
from slides_api.v1alpha1.callback import CallbackStatus
from slides_api.v1alpha1.conditions import Condition, Message, ReasonText

HISTORY_ROWS = 5
"""Attempts that the history keeps; chosen: enough to see a pattern, small in every watch."""
DOWNLOAD_ROWS = 8
"""Files of one download; yt-dlp brings two, video and sound, and their parts."""

AttemptNumber = Annotated[int, Field(ge=1, le=2**31 - 1)]
Name = Annotated[str, *free_text(253)]
Words = Annotated[str, *free_text(1024)]
Address = Annotated[str, *free_text(8192)]


class Phase(StrEnum):
    """The state in one word, for columns; programs read the conditions."""

    PENDING = "Pending"
    QUEUED = "Queued"
    DOWNLOADING = "Downloading"
    EXTRACTING = "Extracting"
    UPLOADING = "Uploading"
    COMPLETED = "Completed"
    FAILED = "Failed"
    SUSPENDED = "Suspended"
    CANCELLED = "Cancelled"


def _known_phase(value: object) -> object:
    """Return a phase, or nothing for one that only a newer version knows."""
    return value if value in {None, *Phase} else None


KnownPhase = Annotated[Phase | None, BeforeValidator(_known_phase)]


class AttemptRecord(StatusModel):
    """One attempt: a Job with one pod."""

    attempt: AttemptNumber
    """Its number, from 1; numbers only rise."""
    job: Name
    """Name of its Job."""
    reason: ReasonText | None = None
    """How it ended, in one word; absent while it runs."""
    exit_code: Annotated[int, Field(ge=0, le=255)] | None = None
    """Exit code of the runner, where it had one."""
    message: Message | None = None
    """How it ended, for people."""
    started_at: Timestamp | None = None
    """When its Job started."""
    finished_at: Timestamp | None = None
    """When it ended; absent while it runs."""
    node: Name | None = None
    """Node on which its pod ran."""


class Attempts(StatusModel):
    """The attempts so far."""

    current: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    """Number of the newest attempt; 0 before the first."""
    counted: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    """Failed attempts that count against retry.limit."""
    history: Annotated[
        tuple[AttemptRecord, ...],
        Field(max_length=HISTORY_ROWS, json_schema_extra=list_map("attempt")),
    ] = ()
    """The newest attempts, oldest first; the last may be the one that runs."""


class Download(StatusModel):
    """One file of the download."""

    file: Words
    """Its name."""
    status: Annotated[str, *free_text(32)]
    """downloading or finished."""
    bytes: Count = 0
    """Bytes that are there."""
    total_bytes: Count | None = None
    """Bytes that it will have, where that is known."""


class Run(StatusModel):
    """How far the newest attempt is; written by its runner alone."""

    attempt: AttemptNumber
    """The attempt that says so."""
    stage: Annotated[str, *free_text(64)] | None = None
    """Downloading, Extracting or Uploading."""
    message: Message | None = None
    """What is being done, for people; in the end how it ended."""
    percent: Annotated[int, Field(ge=0, le=100)] | None = None
    """How much is done; never falls within an attempt."""
    updated_at: Timestamp | None = None
    """When the runner last said so."""
    frame_count: Count | None = None
    """Frames of the video."""
    current_frame: Count | None = None
    """The frame that is looked at."""
    slides_processed: Count | None = None
    """Slides that are stored."""
    total_slides: Count | None = None
    """Slides that were found."""
    downloads: Annotated[tuple[Download, ...], Field(max_length=DOWNLOAD_ROWS)] | None = None
    """The files that are downloaded."""
    reason: ReasonText | None = None
    """How the attempt ended, in one word; only in the runner's last words."""
    retry_after: Timestamp | None = None
    """When the source says that another attempt makes sense; only in the runner's last words."""


class Video(StatusModel):
    """Which video it is."""

    key: Annotated[str, *free_text(512)] | None = None
    """Stable key of the video, the first part of its storage prefix: youtube-ID, url-HASH."""
    id: Words | None = None
    """What its site calls it."""
    title: Words | None = None
    """Its title."""
    duration_seconds: Annotated[float, Field(ge=0)] | None = None
    """Its duration in seconds."""
    extractor: Words | None = None
    """The site, as yt-dlp calls it."""
    webpage_url: Address | None = Field(default=None, alias="webpageURL")
    """Page of the video, without credentials."""
    width: Count | None = None
    """Width of the picture in pixels."""
    height: Count | None = None
    """Height of the picture in pixels."""


class Result(StatusModel):
    """What was made."""

    manifest_uri: Address = Field(alias="manifestURI")
    """Where manifest.json lies; everything that it names is there."""
    slide_count: Count
    """Slides that were found."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", max_length=64)]
    """SHA-256 of manifest.json, hexadecimal."""
    bytes: Count
    """Size of all outputs in bytes."""


class OperatorStatus(StatusModel):
    """The fields that the operator writes, all of them at once."""

    observed_generation: Count | None = None
    """The metadata.generation that this status is about."""
    phase: KnownPhase = None
    """The state in one word, for columns; programs read the conditions."""
    conditions: Annotated[
        tuple[Condition, ...], Field(max_length=16, json_schema_extra=list_map("type"))
    ] = ()
    """Succeeded, which `kubectl wait` waits for, and what led to it."""
    start_time: Timestamp | None = None
    """When the first attempt was started."""
    completion_time: Timestamp | None = None
    """When it ended, well or not; absent until then."""
    next_retry_time: Timestamp | None = None
    """When the next attempt starts, where one is waited for."""
    last_retry_at: Timestamp | None = None
    """The annotation slides-extractor.dev/retry-at that was last obeyed."""
    work_claim: Name | None = None
    """Name of the PersistentVolumeClaim, while there is one."""
    attempts: Attempts | None = None
    """The attempts so far."""
    callback: CallbackStatus | None = None
    """How the telling of the end goes, where spec.callback asks for it."""


class RunnerStatus(StatusModel):
    """The fields that the runner writes, all of them at once."""

    run: Run | None = None
    """How far the newest attempt is; written by its runner alone."""
    video: Video | None = None
    """Which video it is; written by the runner alone."""
    result: Result | None = None
    """What was made; written by the runner alone."""


class SlideExtractionStatus(OperatorStatus, RunnerStatus):
    """What is so far."""
