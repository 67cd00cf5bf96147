"""A job's state as it changes, by server-sent events: seed 002's stream, made resumable."""

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from slides_operator.kube.cache import Kind
from slides_operator.service.audience import Client
from slides_operator.service.frames import OPENING
from slides_operator.service.problems import ProblemError
from slides_operator.service.records import Record
from slides_operator.service.routes import EVENT_STREAM, Access, Call, Route

HEADERS = {
    "Content-Type": f"{EVENT_STREAM}; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",  # nginx would collect events until they fill a page
}
LONGEST_ID = 20
"""Digits of the largest resourceVersion, which has 64 bits."""


class StreamQuery(BaseModel):
    """What a stream may be asked for."""

    model_config = ConfigDict(populate_by_name=True, use_attribute_docstrings=True)

    last_event_id: str | None = Field(default=None, alias="lastEventId")
    """As the header Last-Event-ID, which a new EventSource cannot send; the header wins."""


async def stream(call: Call) -> web.StreamResponse:
    """Tell how a job is, then what changes, until it ends."""
    record = await _find(call)
    told = last_event_id(call)
    if record.ended and told == record.version:
        return web.Response(status=204)  # which tells EventSource not to come back
    if call.request.method == "HEAD":
        return web.Response(headers=HEADERS)
    response = web.StreamResponse(headers=HEADERS)
    await response.prepare(call.request)
    await _follow(call, record, told)
    if call.service.drain.draining:
        response.force_close()
    return response


async def _follow(call: Call, record: Record, told: int) -> None:
    transport, service = call.request.transport, call.service
    if transport is None:
        return
    client = Client(transport, chunked=call.request.version >= (1, 1), told=told)
    client.write(OPENING)
    gauge = service.metrics.streams.labels("sse")
    gauge.inc()
    service.audience.join(service.feed, service.store.by_uid(record.uid) or record, client)
    forget = service.drain.register(client.send_away)
    try:
        await client.ended
    finally:
        forget()
        service.audience.leave(client)
        gauge.dec()


async def _find(call: Call) -> Record:
    """Return the newest record of the path's id. Raises ProblemError 403, 404."""
    wanted, store = call.path("id"), call.service.store
    await call.allow("watch")
    if record := store.get(Kind.EXTRACTION, call.namespace, wanted):
        return record
    if record := store.get(Kind.BATCH, call.namespace, wanted):
        await call.allow("watch", Kind.BATCH)
        return record
    raise ProblemError(404, f"Job not found: {wanted}")


def last_event_id(call: Call) -> int:
    """Return the version that the client knows; 0 for none, and for what is no version."""
    sent = call.request.headers.get("Last-Event-ID") or call.query.last_event_id or ""
    is_version = sent.isascii() and sent.isdecimal() and len(sent) <= LONGEST_ID
    return int(sent) if is_version else 0


ROUTES: tuple[Route, ...] = tuple(
    Route(
        method=method,
        path="/jobs/{id}/stream",
        handler=stream,
        summary="Follow a job by server-sent events until it ends",
        tag="Jobs",
        access=Access.READ,
        query=StreamQuery,
        answers={200: EVENT_STREAM, 204: None},
    )
    for method in ("GET", "HEAD")
)
