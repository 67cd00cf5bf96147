"""What the service says of itself: status and links, health, and the order to drain."""

from typing import Literal

from aiohttp import web
from pydantic import BaseModel, Field

from slides_api import __version__
from slides_operator.service.problems import ProblemError
from slides_operator.service.routes import Access, Call, Route, answer

TAG = "Service"
LINKS = {
    "submit": "/process/youtube/{video_id}",
    "progress": "/progress",
    "job": "/jobs/{id}",
    "stream": "/jobs/{id}/stream",
    "jobs": "/api/v1/jobs/",
    "page": "/ui",
    "docs": "/docs",
    "redoc": "/redoc",
    "openapi": "/openapi.json",
    "health": "/health",
    "ready": "/healthz/ready",
    "live": "/healthz/live",
}
"""What `/` names; braces stand for what a caller fills in."""


class Status(BaseModel):
    """What `/` says."""

    name: str = Field(examples=["Slides Extractor"])
    version: str = Field(examples=["1.0.0"])
    status: Literal["ok", "draining"]
    endpoints: dict[str, str] = Field(examples=[LINKS])


class Health(BaseModel):
    """What `/health` says."""

    status: Literal["healthy", "unhealthy"]
    queue_running: bool = Field(description="Whether an operator works at what is submitted.")
    debug: bool


class State(BaseModel):
    """One word on how it goes."""

    status: Literal["ready", "alive", "draining"]


async def read_status(call: Call) -> web.Response:
    """Answer where everything is."""
    return answer(
        Status(
            name=call.service.settings.app_name,
            version=__version__,
            status="draining" if call.service.drain.draining else "ok",
            endpoints=LINKS,
        )
    )


async def read_health(call: Call) -> web.Response:
    """Answer 503 where the service itself is not well; without an operator, work only waits."""
    feed = call.service.feed
    well = feed.ready.is_set() and feed.trouble() is None
    return answer(
        Health(
            status="healthy" if well else "unhealthy",
            queue_running=await call.service.operator.is_running(),
            debug=call.service.settings.debug,
        ),
        status=200 if well else 503,
    )


async def read_readiness(call: Call) -> web.Response:
    """Answer 503 while the service ends, or does not know every resource yet."""
    call.service.drain.refuse_work()
    if not call.service.feed.ready.is_set():
        raise ProblemError(503, "Resources are being listed.")
    return answer(State(status="ready"))


async def read_liveness(call: Call) -> web.Response:
    """Answer 503 where a restart would help; draining is no reason."""
    if trouble := call.service.feed.trouble():
        raise ProblemError(503, trouble)
    return answer(State(status="alive"))


async def drain(call: Call) -> web.Response:
    """Begin to end."""
    if call.caller.user:  # a cluster's user deletes the pod instead
        raise ProblemError(403, "Only the service's password or key may drain it.")
    call.service.drain.start()
    return answer(State(status="draining"), status=202)


ROUTES = (
    Route(
        method="GET",
        path="/",
        handler=read_status,
        summary="Status of the service, and where everything is",
        tag=TAG,
        access=Access.OPEN,
        answers={200: Status},
    ),
    Route(
        method="GET",
        path="/health",
        handler=read_health,
        summary="Health of the service and of the queue behind it",
        tag=TAG,
        access=Access.OPEN,
        answers={200: Health, 503: Health},
    ),
    Route(
        method="GET",
        path="/healthz/ready",
        handler=read_readiness,
        summary="Whether requests should be sent here",
        tag=TAG,
        access=Access.OPEN,
        answers={200: State, 503: None},
    ),
    Route(
        method="GET",
        path="/healthz/live",
        handler=read_liveness,
        summary="Whether the service works; where not, a restart helps",
        tag=TAG,
        access=Access.OPEN,
        answers={200: State, 503: None},
    ),
    Route(
        method="POST",
        path="/drain",
        handler=drain,
        summary="End: refuse new work, close streams, be not ready",
        tag=TAG,
        access=Access.WRITE,
        answers={202: State},
    ),
)
