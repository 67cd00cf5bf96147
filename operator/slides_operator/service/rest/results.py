"""Routes of our own: what a job made, and what happened to it."""

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any

from aiohttp import hdrs, web
from pydantic import BaseModel, Field

from slides_operator.extraction.objects import Json, format_time
from slides_operator.service.logs import level_of_event, tail, time_of_event
from slides_operator.service.outputs import Place, keys_of, objects
from slides_operator.service.problems import ProblemError
from slides_operator.service.rest.history import (
    LogLine,
    lines_of_job,
    read_resource,
    shown,
)
from slides_operator.service.rest.lookup import EXTRACTION_ALONE, find_job
from slides_operator.service.routes import JSON, Access, Call, Route, answer

TAG = "Results"
LINK_S = 3600
"""How long links are valid when nobody says; chosen: a lecture."""
LONGEST_LINK_S = 7 * 24 * 3600
"""Standard: signature version 4 allows no longer validity."""


class LinksQuery(BaseModel):
    """How long links are valid."""

    expires: Annotated[int, Field(ge=1, le=LONGEST_LINK_S)] = Field(
        default=LINK_S, description="Seconds that the links are valid."
    )


class TailQuery(BaseModel):
    """How much of the log is wanted."""

    tail: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Number of newest lines; all when left out."
    )


class Span(BaseModel):
    """When a slide is on screen, in seconds from the first frame."""

    start: float
    end: float


class LinkedFile(BaseModel):
    """A file and where it can be fetched without credentials."""

    key: str = Field(description="Path relative to the manifest.")
    url: str
    media_type: str | None
    bytes: int | None


class Picture(LinkedFile):
    """A picture of a slide."""

    width: int | None
    height: int | None


class LinkedBuild(BaseModel):
    """An earlier, less complete state of a slide."""

    start: float
    end: float
    image: Picture | None


class LinkedSlide(BaseModel):
    """A slide, when it is shown, and its picture."""

    index: int
    spans: tuple[Span, ...]
    image: Picture
    builds: tuple[LinkedBuild, ...]


class LinkedArtifact(LinkedFile):
    """Another file that was made: a PDF, a report."""

    kind: str


class Slides(BaseModel):
    """Everything that was made of a video, with links."""

    job_id: str
    title: str | None
    manifest_uri: str
    expires_at: str = Field(description="When the links end.")
    slides: tuple[LinkedSlide, ...]
    artifacts: tuple[LinkedArtifact, ...]


class EventRow(BaseModel):
    """Something that was told of a job."""

    ts: str | None
    level: str
    reason: str
    msg: str
    count: int


class Events(BaseModel):
    """What Kubernetes tells of a job, while it remembers: an hour, by default."""

    job_id: str
    events: tuple[EventRow, ...]


class Logs(BaseModel):
    """What happened to a job."""

    job_id: str
    logs: tuple[LogLine, ...] = Field(description="The oldest first.")


class AnyManifest(BaseModel):
    """manifest.json as the runner wrote it; its own schema is published with the release."""

    model_config = {"extra": "allow"}


async def read_manifest(call: Call) -> web.StreamResponse:
    """Return a job's manifest.json, byte for byte."""
    _, _, content = await _manifest(call)
    tag = f'"{hashlib.sha256(content).hexdigest()}"'
    if tag in call.request.headers.get(hdrs.IF_NONE_MATCH, ""):
        return web.Response(status=304, headers={hdrs.ETAG: tag})
    headers = {hdrs.ETAG: tag, hdrs.CACHE_CONTROL: "private, no-cache"}
    return web.Response(body=content, content_type=JSON, headers=headers)


async def _manifest(call: Call) -> tuple[Json, Place, bytes]:
    record = await find_job(call, call.path("id"), EXTRACTION_ALONE)
    resource = await read_resource(call, record)
    outputs = call.service.outputs
    place = outputs.place(resource)
    return resource, place, await outputs.read(place, "manifest.json")


async def read_slides(call: Call) -> web.Response:
    """Return a job's slides with links to their pictures."""
    resource, place, content = await _manifest(call)
    query: LinksQuery = call.query
    ends = call.service.clock().replace(microsecond=0) + timedelta(seconds=query.expires)
    # Newer runners' manifests have more in them, and anybody may have edited this one.
    try:
        manifest = json.loads(content)
        links = await call.service.outputs.links(place, keys_of(manifest), expires_s=query.expires)
        slides = tuple(_slide(slide, links) for slide in objects(manifest["slides"]))
        artifacts = tuple(_artifacts(manifest, links))
        title = manifest["source"].get("title")
    except (ValueError, LookupError, TypeError, AttributeError) as e:
        raise ProblemError(502, "What lies in the bucket is no manifest") from e
    return answer(
        Slides(
            job_id=resource["metadata"]["uid"],
            title=title,
            manifest_uri=resource["status"]["result"]["manifestURI"],
            expires_at=format_time(ends),
            slides=slides,
            artifacts=artifacts,
        )
    )


def _artifacts(manifest: Json, links: dict[str, str]) -> Iterator[LinkedArtifact]:
    for one in objects(manifest.get("artifacts")):
        if one.get("key") in links:
            yield LinkedArtifact(kind=str(one.get("kind", "")), **_file(one, links))


def _slide(slide: Json, links: dict[str, str]) -> LinkedSlide:
    return LinkedSlide(
        index=slide["index"],
        spans=tuple(Span(**span) for span in objects(slide["spans"])),
        image=Picture.model_validate(_picture(slide["image"], links)),
        builds=tuple(
            LinkedBuild(
                start=step["start"], end=step["end"], image=_picture(step.get("image"), links)
            )
            for step in objects(slide.get("builds"))
        ),
    )


def _picture(image: Any, links: dict[str, str]) -> Picture | None:  # noqa: ANN401 - JSON
    if not isinstance(image, dict) or image.get("key") not in links:
        return None
    size: dict[str, Any] = {name: image.get(name) for name in ("width", "height")}
    return Picture(**_file(image, links), **size)


def _file(file: Json, links: dict[str, str]) -> Json:
    return {
        "key": file["key"],
        "url": links[file["key"]],
        "media_type": file.get("mediaType"),
        "bytes": file.get("bytes"),
    }


async def read_events(call: Call) -> web.Response:
    """Return what Kubernetes tells of a job."""
    record = await find_job(call, call.path("id"))
    found = await call.service.gateway.events(record.namespace, record.uid)
    rows = sorted((_event(one) for one in found), key=lambda row: row.ts or "")
    return answer(Events(job_id=record.uid, events=tuple(rows)))


def _event(event: Json) -> EventRow:
    when = time_of_event(event)
    return EventRow(
        ts=when if isinstance(when, str) else None,
        level=level_of_event(event),
        reason=event.get("reason") or "",
        msg=event.get("message") or "",
        count=event.get("count") or 1,
    )


async def read_logs(call: Call) -> web.Response:
    """Return what happened to a job, from its pods, its status and its Events."""
    record = await find_job(call, call.path("id"))
    query: TailQuery = call.query
    lines = await lines_of_job(call, record)
    return answer(Logs(job_id=record.uid, logs=shown(tail(lines, query.tail))))


ROUTES = (
    Route(
        method="GET",
        path="/jobs/{id}/manifest",
        handler=read_manifest,
        summary="manifest.json of a finished job",
        tag=TAG,
        access=Access.READ,
        answers={200: AnyManifest, 304: None, 404: None, 409: None, 501: None, 502: None},
    ),
    Route(
        method="GET",
        path="/jobs/{id}/slides",
        handler=read_slides,
        summary="Slides of a finished job, with links that need no credentials",
        tag=TAG,
        access=Access.READ,
        query=LinksQuery,
        answers={200: Slides, 404: None, 409: None, 501: None, 502: None},
    ),
    Route(
        method="GET",
        path="/jobs/{id}/events",
        handler=read_events,
        summary="What Kubernetes tells of a job",
        tag=TAG,
        access=Access.READ,
        answers={200: Events, 404: None},
    ),
    Route(
        method="GET",
        path="/jobs/{id}/logs",
        handler=read_logs,
        summary="What happened to a job, line by line",
        tag=TAG,
        access=Access.READ,
        query=TailQuery,
        answers={200: Logs, 404: None},
    ),
)
