"""The routes of seed 001: many videos in one request, with a structured log."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, Field

from slides_operator.kube.cache import Kind
from slides_operator.service.logs import merged, tail
from slides_operator.service.problems import ProblemError
from slides_operator.service.records import ENDED, Record, Row, counts_of
from slides_operator.service.rest.history import (
    LEVELS,
    LogLine,
    items_of,
    lines_of_batch,
    lines_of_job,
    shown,
)
from slides_operator.service.rest.lookup import BATCH_FIRST, find_job
from slides_operator.service.routes import Access, Call, Route, answer
from slides_operator.service.submissions import build_batch, read_key, submit
from slides_operator.service.videos import ANY_CODE, Video, name_video
from slides_operator.service.words import ItemWord001, JobWord001, seed001_item, seed001_job

TAG = "Pipeline"
NO_FRAMES = "frames are not made yet: this version finds the slides of each video"
COMPLETE = 100
EXAMPLE = {"platform": "youtube", "code": "dQw4w9WgXcQ"}


class ProcessItem(BaseModel):
    """A video by its platform's name and its code there."""

    platform: Literal["youtube", "instagram"] = Field(examples=["youtube"])
    code: Annotated[str, Field(pattern=f"^{ANY_CODE.pattern}$")] = Field(examples=["dQw4w9WgXcQ"])


class ProcessRequest(BaseModel):
    """The videos to work on."""

    items: tuple[ProcessItem, ...] = Field(default=(), examples=[[EXAMPLE]])
    force: bool = Field(default=False, description="Do the work even if its output exists already.")


class Accepted(BaseModel):
    """A batch that was taken up."""

    jobId: str = Field(description="UID of the batch.")  # noqa: N815 - seed 001's own name
    warnings: tuple[str, ...] = Field(description="What of the request has no effect.")


class ItemStatus(BaseModel):
    """How one video is."""

    platform: str
    code: str
    status: ItemWord001
    error: str | None = Field(description="Why it failed.")


class JobReport(BaseModel):
    """How a batch is."""

    status: JobWord001
    progress: int = Field(ge=0, le=100, description="Percent, the mean of all videos.")
    createdAt: str  # noqa: N815 - seed 001's own name
    updatedAt: str  # noqa: N815 - seed 001's own name
    items: tuple[ItemStatus, ...]
    logs: tuple[LogLine, ...] = Field(description=f"The oldest first; levels are {LEVELS}.")


class StatusQuery(BaseModel):
    """How much of the log is wanted."""

    tail: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Number of newest lines; all when left out."
    )


async def process(call: Call) -> web.Response:
    """Start a batch."""
    wanted: ProcessRequest = call.body
    most = call.service.settings.max_videos_per_request
    if not wanted.items:
        raise ProblemError(400, "Request must contain at least one video item")
    if len(wanted.items) > most:
        raise ProblemError(400, f"Request exceeds maximum allowed videos per request: {most}")
    videos = [Video(item.platform, item.code).address for item in wanted.items]
    batch = build_batch(videos, template={"force": True} if wanted.force else None)
    made, joined = await submit(call, batch, key=read_key(call))
    record = call.service.feed.note(made)
    warnings = (NO_FRAMES, *_warnings(videos, joined=joined))
    return answer(Accepted(jobId=record.uid, warnings=warnings), 202)


def _warnings(videos: Sequence[str], *, joined: bool) -> list[str]:
    warnings = [
        f"{video} is named {times} times, and worked on once"
        for video, times in Counter(videos).items()
        if times > 1
    ]
    if joined:
        warnings.append("an equal job exists already, and this is that one")
    return warnings


async def read_status(call: Call) -> web.Response:
    """Tell how a batch is, and what happened."""
    record = await find_job(call, call.path("jobId"), BATCH_FIRST)
    await call.allow("get")
    children = items_of(call, record)
    percents = [_percent(row, children.get(row.name)) for row in record.rows] or [record.percent]
    query: StatusQuery = call.query
    return answer(
        JobReport(
            status=seed001_job(counts_of(record)),
            progress=sum(percents) // len(percents),
            createdAt=record.created,
            updatedAt=max([record.updated, *(one.updated for one in children.values())]),
            items=tuple(_items(record, children)),
            logs=await _logs(call, record, query.tail),
        )
    )


def _percent(row: Row, child: Record | None) -> int:
    if row.phase in ENDED or (child and child.ended):
        return COMPLETE
    return child.percent if child else 0


def _items(record: Record, children: dict[str, Record]) -> list[ItemStatus]:
    if record.kind is Kind.EXTRACTION:
        return [_item(record.url, record, record.error)]
    return [_item(row.url, children.get(row.name) or row, row.reason) for row in record.rows]


def _item(url: str, known: Record | Row, why: str) -> ItemStatus:
    """Return an item; what is on no platform has its URL as its code."""
    video = name_video(url) or Video("url", url)
    word = seed001_item(known.phase)
    error = known.error if isinstance(known, Record) else why
    return ItemStatus(
        platform=video.platform,
        code=video.code,
        status=word,
        error=(error or None) if word == "failed" else None,
    )


async def _logs(call: Call, record: Record, count: int | None) -> tuple[LogLine, ...]:
    if count == 0:
        return ()
    if record.kind is Kind.EXTRACTION:
        return shown(tail(await lines_of_job(call, record), count))
    # Each part is in order, so no more of it can be among the newest of all.
    parts = [tail(part, count) for part in await lines_of_batch(call, record)]
    return shown(tail(merged(chain.from_iterable(parts)), count))


ROUTES = (
    Route(
        method="POST",
        path="/process",
        handler=process,
        summary="Find the slides of many videos",
        tag=TAG,
        access=Access.SUBMIT,
        body=ProcessRequest,
        answers={202: Accepted, 400: None, 409: None},
        invalid=400,
    ),
    Route(
        method="GET",
        path="/status/{jobId}",
        handler=read_status,
        summary="How many videos are, with a log",
        tag=TAG,
        access=Access.READ,
        query=StatusQuery,
        answers={200: JobReport, 404: None},
        invalid=400,
    ),
)
