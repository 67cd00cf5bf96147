"""The routes of seed 004: jobs of several URLs, their results, and a list of them."""

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field

from slides_operator.errors import NotFoundError
from slides_operator.kube.cache import Kind
from slides_operator.service.problems import ProblemError
from slides_operator.service.records import Record, Row, counts_of
from slides_operator.service.rest.history import items_of
from slides_operator.service.routes import Access, Call, Route, answer
from slides_operator.service.urls import check_url
from slides_operator.service.videos import YOUTUBE, find_video
from slides_operator.service.words import (
    JobWord004,
    UrlWord004,
    seed004_job,
    seed004_url,
)

TAG = "Transcripts"
PER_PAGE = 20
MOST_PER_PAGE = 100
"""Standard: seed 004's own bound."""
NO_TRANSCRIPTS = (
    "Transcripts are not available: this version finds slides, it makes no text of speech yet"
)


class TranscribeRequest(BaseModel):
    """The videos to transcribe."""

    youtube_urls: tuple[str, ...] = Field(
        default=(), examples=[["https://www.youtube.com/watch?v=dQw4w9WgXcQ"]]
    )
    callback_url: str | None = Field(
        default=None, description="http(s) URL that gets the results once all videos have ended."
    )


class Accepted(BaseModel):
    """A job that was taken up."""

    job_id: str
    status: JobWord004
    message: str


class Snippet(BaseModel):
    """A piece of what is said."""

    text: str
    start: float
    duration: float


class Transcript(BaseModel):
    """How one URL is, and what is said there."""

    id: int = Field(description="Its place within the job, from 1.")
    url: str
    video_id: str | None
    status: UrlWord004
    error_message: str | None
    transcript: tuple[Snippet, ...] | None
    created_at: str
    updated_at: str


class JobSummary(BaseModel):
    """A job in a list."""

    id: str
    status: JobWord004
    created_at: str
    updated_at: str
    callback_url: str | None
    error_message: str | None


class JobReport(JobSummary):
    """A job with what was made."""

    transcripts: tuple[Transcript, ...]


class JobList(BaseModel):
    """A page of jobs, the newest first."""

    jobs: tuple[JobSummary, ...]
    total: int
    pages: int
    current_page: int


class Cancelled(BaseModel):
    """A job that was given up."""

    message: str
    job_id: str
    status: JobWord004


class ListQuery(BaseModel):
    """Which page is wanted."""

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    per_page: Annotated[int, Field(ge=1, le=MOST_PER_PAGE)] = PER_PAGE


async def transcribe(call: Call) -> web.Response:
    """Refuse, once the request is known to be a proper one: nothing here makes transcripts."""
    await call.allow("create", Kind.BATCH)
    wanted: TranscribeRequest = call.body
    most = call.service.settings.max_urls_per_job
    if not wanted.youtube_urls:
        raise ProblemError(400, "youtube_urls must name at least one URL")
    if len(wanted.youtube_urls) > most:
        raise ProblemError(400, f"Too many URLs in one job: {most} are the most")
    if wanted.callback_url is not None:
        await check_url(
            wanted.callback_url,
            allow_private=call.service.settings.allow_private_addresses,
            status=400,
            web_only=True,
        )
    raise ProblemError(501, NO_TRANSCRIPTS)


async def read_status(call: Call) -> web.Response:
    """Tell how a job is."""
    await call.allow("get", Kind.BATCH)
    record = _find(call)
    children = items_of(call, record)
    transcripts = tuple(
        _transcript(number, row, children.get(row.name), record)
        for number, row in enumerate(record.rows, start=1)
    )
    return answer(JobReport(**_summary(record).model_dump(), transcripts=transcripts))


def _find(call: Call) -> Record:
    wanted = call.path("job_id")
    record = call.service.store.get(Kind.BATCH, call.namespace, wanted)
    if record is None:
        raise ProblemError(404, f"Job not found: {wanted}")
    return record


def _summary(record: Record) -> JobSummary:
    return JobSummary(
        id=record.uid,
        status=seed004_job(counts_of(record)),
        created_at=record.created,
        updated_at=record.updated,
        callback_url=record.callback or None,
        error_message=record.error or None,
    )


def _transcript(number: int, row: Row, child: Record | None, job: Record) -> Transcript:
    phase = child.phase if child else row.phase
    video, status = find_video(row.url), seed004_url(phase)
    why = (child.error if child else "") or row.reason
    return Transcript(
        id=number,
        url=row.url,
        video_id=video.code if video and video.platform == YOUTUBE else None,
        status=status,
        error_message=(why or None) if status == "failed" else None,
        transcript=None,
        created_at=child.created if child else job.created,
        updated_at=child.updated if child else job.updated,
    )


async def cancel(call: Call) -> web.Response:
    """Give up a job that has not ended."""
    await call.allow("patch", Kind.BATCH)
    record = await _newest(call, _find(call))
    if record.ended:
        word = seed004_job(counts_of(record))
        raise ProblemError(400, f"Job {record.uid} is {word}: nothing to cancel")
    # With the uid in it, the patch can only hit this very resource.
    patch = {"metadata": {"uid": record.uid}, "spec": {"cancel": True}}
    changed = await call.service.gateway.merge_patch(
        Kind.BATCH, record.namespace, record.name, patch
    )
    call.service.feed.note(changed)
    return answer(
        Cancelled(
            message=f"Job {record.uid} has been cancelled", job_id=record.uid, status="cancelled"
        )
    )


async def _newest(call: Call, record: Record) -> Record:
    """Return a job as the API server has it now: a cancellation cannot be undone."""
    try:
        found = await call.service.gateway.get(Kind.BATCH, record.namespace, record.name)
    except NotFoundError as e:
        raise ProblemError(404, f"Job not found: {record.uid}") from e
    newest = call.service.feed.note(found)
    if newest.uid != record.uid:
        raise ProblemError(404, f"Job not found: {record.uid}")
    return newest


async def list_jobs(call: Call) -> web.Response:
    """List jobs, page by page."""
    await call.allow("list", Kind.BATCH)
    query: ListQuery = call.query
    page = call.service.store.list(
        Kind.BATCH,
        namespaces={call.namespace},
        offset=(query.page - 1) * query.per_page,
        limit=query.per_page,
    )
    return answer(
        JobList(
            jobs=tuple(_summary(record) for record in page.records),
            total=page.total,
            pages=-(-page.total // query.per_page),
            current_page=query.page,
        )
    )


ROUTES = (
    Route(
        method="POST",
        path="/transcribe",
        handler=transcribe,
        summary="Transcribe videos",
        tag=TAG,
        access=Access.SUBMIT,
        body=TranscribeRequest,
        answers={202: Accepted, 400: None, 501: None},
        invalid=400,
        error_key=True,
    ),
    Route(
        method="GET",
        path="/job_status/{job_id}",
        handler=read_status,
        summary="How a job of several videos is",
        tag=TAG,
        access=Access.READ,
        answers={200: JobReport, 404: None},
        invalid=400,
        error_key=True,
    ),
    Route(
        method="DELETE",
        path="/job_status/{job_id}",
        handler=cancel,
        summary="Give up a job of several videos",
        tag=TAG,
        access=Access.WRITE,
        answers={200: Cancelled, 400: None, 404: None, 409: None},
        invalid=400,
        error_key=True,
    ),
    Route(
        method="GET",
        path="/jobs",
        handler=list_jobs,
        summary="List jobs of several videos",
        tag=TAG,
        access=Access.READ,
        query=ListQuery,
        answers={200: JobList},
        invalid=400,
        error_key=True,
    ),
)
