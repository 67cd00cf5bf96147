"""The routes of seeds 000 and 002: a YouTube video by its id, and how far everything is."""

from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, RootModel

from slides_operator.kube.cache import Kind
from slides_operator.service.frames import JobState, job_state
from slides_operator.service.problems import ProblemError
from slides_operator.service.records import AT_WORK, Download, Record
from slides_operator.service.rest.lookup import find_job
from slides_operator.service.routes import Access, Call, Route, answer
from slides_operator.service.submissions import Join, build_extraction, read_key, submit
from slides_operator.service.videos import YOUTUBE, Video, is_code

TAG = "Videos"
MEGABYTE = 1_000_000
NO_DRY_RUN = "A dry run is not available here yet: `slides probe` says the same on the command line"
COMPLETE = 100.0

Message = Literal["Download started", "Job already in progress", "Job already completed"]


class ProcessQuery(BaseModel):
    """How a video is taken up."""

    model_config = ConfigDict(populate_by_name=True)

    force: bool = Field(
        default=False, description="Do the work even if it runs, or its output exists already."
    )
    dry_run: bool = Field(
        default=False, alias="dryRun", description="Say what would be done; answered by 501."
    )


class Started(BaseModel):
    """What became of a submission."""

    message: Message
    video_id: str
    track: str = Field(description="Path that answers the job's state.")
    stream: str = Field(description="Path that streams it.")
    job_id: str = Field(description="UID of the job.")
    job: JobState | None = Field(description="State of a job that was there already, else null.")


class FileProgress(BaseModel):
    """One file of a download."""

    status: str = Field(examples=["downloading"])
    percent: float | None = Field(description="0 to 100; null while the size is unknown.")
    downloaded_mb: float = Field(description="Megabytes (10^6 bytes) that are there.")
    total_mb: float | None = Field(description="Megabytes it will have; null while unknown.")


class Progress(RootModel[dict[str, FileProgress]]):
    """Files of all downloads that go on, by `name/file`."""


async def process(call: Call) -> web.Response:
    """Start an extraction of a video, or tell of the one that there is."""
    video_id, query = call.path("video_id"), _query(call)
    if not is_code(YOUTUBE, video_id):
        raise ProblemError(400, f"Invalid YouTube video id: {video_id}")
    if query.dry_run:
        raise ProblemError(501, NO_DRY_RUN)
    resource = build_extraction(Video(YOUTUBE, video_id).shorthand, force=query.force)
    made, is_known = await submit(call, resource, key=read_key(call), join=Join.COMPLETED)
    record = call.service.feed.note(made)
    place = f"?namespace={call.namespace}" if "namespace" in call.request.query else ""
    return answer(
        Started(
            message=_message(record, is_known=is_known),
            video_id=video_id,
            track=f"/jobs/{video_id}{place}",
            stream=f"/jobs/{video_id}/stream{place}",
            job_id=record.uid,
            job=job_state(record) if is_known else None,
        )
    )


def _query(call: Call) -> ProcessQuery:
    query: ProcessQuery = call.query
    return query


def _message(record: Record, *, is_known: bool) -> Message:
    if not is_known:
        return "Download started"
    return "Job already completed" if record.ended else "Job already in progress"


async def read_progress(call: Call) -> web.Response:
    """Tell how far the downloads are."""
    await call.allow("list")
    at_work = call.service.store.list(
        Kind.EXTRACTION, namespaces={call.namespace}, phases=AT_WORK, limit=None
    )
    files = {
        f"{record.name}/{download.file}": _progress(download)
        for record in at_work.records
        for download in record.downloads
    }
    return answer(Progress(files))


def _progress(download: Download) -> FileProgress:
    total = download.total_bytes
    percent = round(100 * download.bytes / total, 1) if total else None
    return FileProgress(
        status=download.status,
        percent=COMPLETE if download.status == "finished" else percent,
        downloaded_mb=round(download.bytes / MEGABYTE, 2),
        total_mb=round(total / MEGABYTE, 2) if total is not None else None,
    )


async def read_job(call: Call) -> web.Response:
    """Tell the state of a job."""
    return answer(job_state(await find_job(call, call.path("id"))))


ROUTES = (
    Route(
        method="POST",
        path="/process/youtube/{video_id}",
        handler=process,
        summary="Find the slides of a YouTube video",
        tag=TAG,
        access=Access.SUBMIT,
        query=ProcessQuery,
        answers={200: Started, 400: None, 409: None, 501: None},
        invalid=400,
    ),
    Route(
        method="GET",
        path="/progress",
        handler=read_progress,
        summary="How far the downloads are, file by file",
        tag=TAG,
        access=Access.READ,
        answers={200: Progress},
    ),
    Route(
        method="GET",
        path="/jobs/{id}",
        handler=read_job,
        summary="State of a job",
        tag=TAG,
        access=Access.READ,
        answers={200: JobState, 404: None},
    ),
)
