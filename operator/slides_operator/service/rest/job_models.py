"""What seed 003's job interface takes and answers: its own names, over SlideExtractions."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from slides_api.v1alpha1 import Document, ImageFormat, Region, Sensitivity
from slides_api.v1alpha1.source import LONGEST_URL, SOURCE_URL

MOST_PER_PAGE = 100
"""Standard: seed 003's own bound of `limit`."""
MOST_IN_BULK = 100
"""Chosen: what one page of the list can name."""
MOST_RETRIES = 3
"""Standard: seed 003 refuses further retries, unless forced."""
JobId = Annotated[str, Field(min_length=1, max_length=253)]
"""A UID, a name or a video's id: Kubernetes has no longer names."""
REGION_SIDES = ("left", "top", "width", "height")


class JobType(StrEnum):
    """What is made of the video; seed 003's five, and slide_extraction beyond them."""

    SLIDE_EXTRACTION = "slide_extraction"
    AUDIO_EXTRACTION = "audio_extraction"
    TRANSCRIPTION = "transcription"
    ANALYSIS = "analysis"
    CLIP_GENERATION = "clip_generation"
    FULL_PROCESSING = "full_processing"


class JobStatus(StrEnum):
    """The status words of seed 003."""

    PENDING = "pending"
    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINISHED = frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED})
WAITING = frozenset({JobStatus.PENDING, JobStatus.QUEUED})


def _read_region(value: object) -> object:
    """Return the object that `left,top,width,height` stands for, as on the command line."""
    if not isinstance(value, str):
        return value
    parts = value.split(",")
    if len(parts) != len(REGION_SIDES):
        raise ValueError("give four fractions, LEFT,TOP,WIDTH,HEIGHT, as in 0,0,0.75,1")
    return dict(zip(REGION_SIDES, parts, strict=True))


class JobOptions(BaseModel):
    """Options of a job; those that its type does not use, or nobody knows, give a warning.

    The values of those that are known are checked all the same.
    """

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True)

    sensitivity: Sensitivity | None = None
    """slide_extraction: how small a change starts a new slide; default normal."""
    min_duration: Annotated[float, Field(ge=0, le=3600)] | None = None
    """slide_extraction: seconds; a picture that stands shorter is no slide; default 0.6."""
    region: Annotated[Region | None, BeforeValidator(_read_region)] = None
    """slide_extraction: look for slides only there: an object, or LEFT,TOP,WIDTH,HEIGHT as text."""
    image_format: ImageFormat | None = None
    """slide_extraction: format of the slide images; default webp."""
    quality: Annotated[int, Field(ge=1, le=100)] | None = None
    """slide_extraction: of webp and jpeg images; default 80."""
    documents: Annotated[tuple[Document, ...], Field(max_length=16)] | None = None
    """slide_extraction: documents made of the slides; default pdf and html."""
    max_height: Annotated[int, Field(ge=144, le=4320)] | None = None
    """slide_extraction: greatest picture height to download; default 1080."""

    audio_format: Literal["wav", "mp3", "flac"] | None = None
    """Format of the sound; default wav."""
    audio_quality: Literal["low", "medium", "high"] | None = None
    """Quality of the sound; default high."""
    language: Annotated[str, Field(min_length=1, max_length=35)] | None = None
    """Language that is spoken; default: found out."""
    model_size: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """Size of the Whisper model; default base."""
    clip_duration: Annotated[float, Field(gt=0, le=3600)] | None = None
    """Seconds of a clip; default 30."""
    overlap_duration: Annotated[float, Field(ge=0, le=3600)] | None = None
    """Seconds by which clips overlap; default 2."""
    max_clips: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Most clips to make; default: all."""
    sentiment_analysis: bool | None = None
    """Tell the sentiment; default true."""
    topic_modeling: bool | None = None
    """Find topics; default true."""
    keyword_extraction: bool | None = None
    """Find keywords; default true."""
    output_format: Literal["mp4", "webm"] | None = None
    """Format of clips; default mp4."""
    resolution: (
        Annotated[str, Field(pattern=r"^([1-9][0-9]{2,3}p|[1-9][0-9]*x[1-9][0-9]*)$")] | None
    ) = None
    """Resolution of clips, such as 1080p; default: the source's."""
    min_confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    """Least confidence of an analysis' finding; default 0.7."""


EXAMPLE_JOB: dict[str, JsonValue] = {
    "youtube_url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    "job_type": JobType.SLIDE_EXTRACTION,
    "options": {"sensitivity": Sensitivity.NORMAL},
}
EXAMPLE_BULK: dict[str, JsonValue] = {"job_ids": ["dQw4w9WgXcQ", "talk-1"], "action": "cancel"}


class JobRequest(BaseModel):
    """A job to create."""

    model_config = ConfigDict(
        use_attribute_docstrings=True, json_schema_extra={"examples": [EXAMPLE_JOB]}
    )

    youtube_url: Annotated[str, Field(min_length=1, max_length=LONGEST_URL, pattern=SOURCE_URL)]
    """The video: its page on YouTube, or any other source that a SlideExtraction takes."""
    job_type: JobType = JobType.SLIDE_EXTRACTION
    """What to make of it; the types whose outputs this version cannot make are answered by 501."""
    priority: Annotated[int, Field(ge=0, le=10)] = 0
    """0 to 10. Kept and shown, but without effect yet: all jobs are started at once."""
    options: JobOptions | None = None
    """Options of the type."""
    force: bool = False
    """Do the work even if an equal job runs, or its output already exists."""


class CancelRequest(BaseModel):
    """Why a job is cancelled."""

    reason: Annotated[str, Field(max_length=1024)] | None = None


class RetryRequest(BaseModel):
    """How a job is retried."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    force: bool = False
    """Retry even a job that was retried three times."""


class BulkAction(StrEnum):
    """What can be done to many jobs."""

    CANCEL = "cancel"
    RETRY = "retry"
    DELETE = "delete"


class BulkRequest(BaseModel):
    """One action on many jobs."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_BULK]})

    job_ids: Annotated[tuple[JobId, ...], Field(min_length=1, max_length=MOST_IN_BULK)]
    action: BulkAction


class JobsSort(StrEnum):
    """Orders of the list; a minus sign puts the newest first."""

    OLDEST = "created_at"
    NEWEST = "-created_at"


class JobsQuery(BaseModel):
    """Which jobs to list."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    status_filter: JobStatus | None = None
    """Only jobs of this status."""
    job_type: JobType | None = None
    """Only jobs of this type."""
    limit: Annotated[int, Field(ge=1, le=MOST_PER_PAGE)] = 50
    """Jobs of one page."""
    offset: Annotated[int, Field(ge=0)] = 0
    """Jobs to pass over."""
    search: Annotated[str, Field(max_length=200)] | None = None
    """Only jobs with this in name, title, URL or video id; capital letters do not matter."""
    sort: JobsSort = JobsSort.NEWEST
    """In which order; the newest come first."""


class Job(BaseModel):
    """A job, as a row of the list."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: str
    """UID of its SlideExtraction."""
    youtube_url: str
    job_type: str
    """slide_extraction for resources that did not come through this interface."""
    status: JobStatus
    progress: float
    """Percent, 0 to 100."""
    priority: int
    created_at: str
    updated_at: str
    started_at: str | None
    completed_at: str | None
    error_message: str | None
    """Why it failed or was cancelled."""
    retry_count: int
    """How often it was retried on request."""
    video_title: str | None
    video_duration: float | None
    """Seconds."""


class NewJob(Job):
    """A job that was created, or joined."""

    warnings: tuple[str, ...]
    """What of the request has no effect."""


class AnalysisResults(BaseModel):
    """What an analysis found."""

    sentiment: str | None
    topics: tuple[str, ...]
    keywords: tuple[str, ...]


class TranscriptSegment(BaseModel):
    """A passage of a transcript; times in seconds."""

    start: float
    end: float
    text: str


class Clip(BaseModel):
    """A clip of the video; times in seconds."""

    start: float
    end: float
    title: str
    url: str


class JobDetail(Job):
    """A job with what was made."""

    transcript: str | None = None
    transcript_segments: tuple[TranscriptSegment, ...] | None = None
    analysis_results: AnalysisResults | None = None
    generated_clips: tuple[Clip, ...] | None = None
    output_files: tuple[str, ...] | None = None
    """Where the files lie; null until the job is completed."""


class JobPage(BaseModel):
    """A page of the list."""

    jobs: tuple[Job, ...]
    total: int
    """Jobs on all pages."""
    page: int
    per_page: int
    pages: int


class Cancelled(BaseModel):
    """A cancelled job."""

    message: str
    reason: str


class BulkRow(BaseModel):
    """What became of one job of a bulk request."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    job_id: str
    status: int
    """HTTP status that the single request would have had."""
    message: str


class BulkAnswer(BaseModel):
    """What became of each job, in the order of the request."""

    results: tuple[BulkRow, ...]
    succeeded: int
    failed: int


class QueueStatus(BaseModel):
    """How many jobs are where, in one namespace."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    is_running: bool
    """Whether an operator is at work."""
    total_jobs: int
    pending_jobs: int
    processing_jobs: int
    completed_jobs: int
    failed_jobs: int
    cancelled_jobs: int
    active_workers: int
    """Jobs that are worked on: each has a pod of its own."""
    queue_size: int
    """Jobs that wait."""
    estimated_wait_time: float | None
    """Seconds until those that wait are begun, by the time that jobs took lately; null: unknown."""


class Statistics(BaseModel):
    """How many jobs there are, in one namespace."""

    total_jobs: int
    by_status: dict[JobStatus, int]
    queue_running: bool
    active_workers: int
