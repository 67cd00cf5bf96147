"""The lines of jobs' logs as routes show them."""

import asyncio
from collections.abc import Iterable

from pydantic import BaseModel, Field

from slides_api.names import child_name
from slides_operator.errors import ApiError, NotFoundError
from slides_operator.extraction.objects import Json
from slides_operator.service.logs import Line
from slides_operator.service.problems import ProblemError
from slides_operator.service.records import Record, record_of
from slides_operator.service.routes import Call
from slides_operator.service.videos import find_video

LEVELS = "DEBUG, INFO, WARNING and ERROR"


class LogLine(BaseModel):
    """One line of a log."""

    ts: str = Field(description="RFC 3339, UTC.", examples=["2023-10-01T10:00:05Z"])
    level: str = Field(examples=["INFO"])
    msg: str = Field(examples=["Starting video processing for item 1"])


def shown(lines: Iterable[Line]) -> tuple[LogLine, ...]:
    """Return lines as answers have them."""
    return tuple(LogLine(ts=one.ts, level=one.level, msg=one.msg) for one in lines)


async def read_resource(call: Call, record: Record) -> Json:
    """Return a job's resource as it is now. Raises ProblemError 404, ApiError."""
    try:
        return await call.service.gateway.get(record.kind, record.namespace, record.name)
    except NotFoundError as e:
        raise ProblemError(404, f"Job not found: {record.uid}") from e


async def lines_of_job(call: Call, record: Record) -> tuple[Line, ...]:
    """Return the lines of a job itself."""
    resource = await read_resource(call, record)
    return await call.service.logbook.of(resource, ended=record.ended)


def items_of(call: Call, batch: Record) -> dict[str, Record]:
    """Return a batch's extractions by item; one that only bears its label is none."""
    return {
        one.item: one
        for one in call.service.store.children(batch)
        if one.name == child_name(batch.name, batch.uid, one.item)
    }


async def lines_of_batch(call: Call, batch: Record) -> list[tuple[Line, ...]]:
    """Return the lines of a batch and of each of its items, which say whose they are."""
    children = await call.service.gateway.children(batch.namespace, batch.uid)
    own = {one.name for one in items_of(call, batch).values()}
    places = {row.name: number for number, row in enumerate(batch.rows, start=1)}
    lines = await lines_of_job(call, batch)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_lines_of_item(call, child, places, crowd=len(children)))
            for child in children
            if child["metadata"]["name"] in own
        ]
    return [lines, *(task.result() for task in tasks)]


async def _lines_of_item(
    call: Call, child: Json, places: dict[str, int], *, crowd: int
) -> tuple[Line, ...]:
    record = record_of(child)
    try:
        lines = await call.service.logbook.of(child, ended=record.ended, crowd=crowd)
    except ApiError:  # of many items one went meanwhile, or was one request too many
        return ()
    video = find_video(record.url)
    name = f"item {places.get(record.item, 0)} ({video.code if video else record.name})"
    return tuple(line._replace(msg=f"{name}: {line.msg}") for line in lines)
