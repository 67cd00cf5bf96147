"""Tickets: for streams that a browser opens without headers."""

from datetime import datetime
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field
from yarl import URL

from slides_operator.service.problems import ProblemError
from slides_operator.service.routes import Access, Call, Route, answer
from slides_operator.service.tickets import TooLongError

EXAMPLE = "/jobs/dQw4w9WgXcQ/stream"


class TicketRequest(BaseModel):
    """What a ticket is asked for."""

    path: Annotated[str, Field(pattern=r"^/[^/\\]", max_length=1024, examples=[EXAMPLE])]
    """Path of the stream or WebSocket; a query after it may be left out."""


class Ticket(BaseModel):
    """A ticket: append it to the path as `?ticket=`."""

    ticket: str
    expires_at: datetime
    """Open the stream before; it stays open after."""


async def give(call: Call) -> web.Response:
    """Answer a ticket with the caller's own rights, for one path."""
    try:
        path = URL(call.body.path).path
        ticket, expires_at = call.service.gatekeeper.ticket_for(call.caller, path)
    except (ValueError, TooLongError) as e:
        raise ProblemError(422, "There is no ticket for this path and caller.") from e
    return answer(Ticket(ticket=ticket, expires_at=expires_at), status=201)


ROUTES = (
    Route(
        method="POST",
        path="/tickets",
        handler=give,
        summary="Get a ticket for a stream that is opened without headers",
        tag="Service",
        access=Access.READ,
        body=TicketRequest,
        answers={201: Ticket},
    ),
)
