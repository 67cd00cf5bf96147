"""WebSockets, as seed 003 has them: what happens to one job, or to all, while it happens.

A socket keeps no queue. It has the newest state of each job that its client was not told yet, so a
slow client gets fewer messages, never old ones, and memory does not grow.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiohttp import WSCloseCode, web
from pydantic import BaseModel, ConfigDict

from slides_operator.extraction.objects import format_time
from slides_operator.kube.cache import Kind
from slides_operator.kube.quickjson import to_json
from slides_operator.service.audience import bound_queue
from slides_operator.service.connections import BROADCAST, HEALTH, Backlog, build_message
from slides_operator.service.drain import SENTENCE
from slides_operator.service.feed import PERIOD_S
from slides_operator.service.problems import MEDIA_TYPE as PROBLEM
from slides_operator.service.problems import ProblemError
from slides_operator.service.records import Record
from slides_operator.service.routes import Access, Call, Route, answer

HEARTBEAT_S = 30.0
"""Between pings, half of it until the pong; chosen: proxies let a connection idle for a minute."""
HEALTH_EVERY_S = 30.0
"""Standard: seed 003 says every 30 seconds."""
CLOSE_WITHIN_S = 5.0
"""For the close handshake; chosen: a client that lives answers at once."""
LARGEST_MESSAGE = 4096
"""Of a client, in bytes; chosen: clients have nothing to say here."""
LONGEST_REASON = 123
"""Standard: RFC 6455 leaves a close frame so many bytes for its reason."""

TAG = "WebSocket"


async def follow_job(call: Call) -> web.StreamResponse:
    """Tell of one job: how it is, then what changes."""
    await call.allow("watch")
    wanted = call.path("id")
    service = call.service
    record = service.store.get(Kind.EXTRACTION, call.namespace, wanted)
    async with opened(call) as socket:
        if record is None:
            await close(socket, WSCloseCode.POLICY_VIOLATION, f"Job not found: {wanted}")
            return socket
        backlog = Backlog()
        stop = service.feed.subscribe(record.uid, backlog.add)
        try:
            with call.service.connections.on((record.namespace, record.uid)):
                await run(call, socket, _tell_job(call, socket, record, backlog))
        finally:
            stop()
    return socket


async def _tell_job(
    call: Call, socket: web.WebSocketResponse, record: Record, backlog: Backlog
) -> None:
    service = call.service
    record = service.store.get(Kind.EXTRACTION, record.namespace, record.uid) or record
    await socket.send_str(build_message("initial_status", record))
    told = service.connections.update(record)
    while True:
        await asyncio.sleep(PERIOD_S)
        # The feed may yet hand over what was just told, or a change that shows in no message.
        newest = await backlog.take()
        text = service.connections.update(newest)
        if newest.version > record.version and text != told:
            await socket.send_str(text)
            record, told = newest, text


async def broadcast(call: Call) -> web.StreamResponse:
    """Tell of every job that the caller may read: in `?namespace=`, else wherever jobs are."""
    if "namespace" in call.request.query:
        await call.allow("watch")
    backlog = Backlog()
    stop = call.service.feed.subscribe(None, backlog.add)
    try:
        async with opened(call) as socket:
            with call.service.connections.on(BROADCAST):
                await run(call, socket, _tell_all(call, socket, backlog))
            return socket
    finally:
        stop()


async def _tell_all(call: Call, socket: web.WebSocketResponse, backlog: Backlog) -> None:
    only = call.request.query.get("namespace")
    readable: dict[str, bool] = {}
    while True:
        record = await backlog.take()
        namespace = record.namespace
        if only and namespace != only:
            continue
        if namespace not in readable:
            readable[namespace] = await may_watch(call, namespace)
        if readable[namespace]:
            await socket.send_str(call.service.connections.update(record))


async def may_watch(call: Call, namespace: str) -> bool:
    """Return whether the caller may read the jobs of a namespace."""
    try:
        await call.allow("watch", namespace=namespace)
    except ProblemError:
        return False
    return True


async def tell_health(call: Call) -> web.StreamResponse:
    """Say every 30 seconds that the service is there, and whether an operator is at work."""
    async with opened(call) as socket:
        with call.service.connections.on(HEALTH):
            await run(call, socket, _tell_health(call, socket))
    return socket


async def _tell_health(call: Call, socket: web.WebSocketResponse) -> None:
    while True:
        data = {
            "timestamp": format_time(call.service.clock()),
            "active_connections": call.service.connections.total,
            "queue_running": await call.service.operator.is_running(),
        }
        await socket.send_str(to_json({"type": "health", "data": data}).decode())
        await asyncio.sleep(HEALTH_EVERY_S)


@asynccontextmanager
async def opened(call: Call) -> AsyncIterator[web.WebSocketResponse]:
    """Answer the upgrade. A client that does not close is cut off at the end."""
    # Uncompressed: the messages are small, and a compressor is a quarter of a megabyte a socket.
    socket = web.WebSocketResponse(
        heartbeat=HEARTBEAT_S, max_msg_size=LARGEST_MESSAGE, compress=False, timeout=CLOSE_WITHIN_S
    )
    if not socket.can_prepare(call.request):
        raise ProblemError(
            426, "Connect by WebSocket.", headers={"Upgrade": "websocket", "Connection": "Upgrade"}
        )
    await socket.prepare(call.request)
    if transport := call.request.transport:
        bound_queue(transport)
    gauge = call.service.metrics.streams.labels("websocket")
    gauge.inc()
    try:
        yield socket
    finally:
        gauge.dec()
        # A transport that is only closed waits until a client that reads nothing has read it all.
        if (transport := call.request.transport) and transport.get_write_buffer_size():
            transport.abort()


async def run(
    call: Call, socket: web.WebSocketResponse, telling: Coroutine[Any, Any, None]
) -> None:
    """Tell, until the client is gone or the service drains."""
    draining = asyncio.Event()
    forget = call.service.drain.register(draining.set)
    teller = asyncio.create_task(telling)
    tasks = {teller, asyncio.create_task(_listen(socket)), asyncio.create_task(draining.wait())}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if draining.is_set():
            await close(socket, WSCloseCode.SERVICE_RESTART, f"{SENTENCE}: connect again")
    finally:
        forget()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if teller in done and (error := teller.exception()) and not isinstance(error, OSError):
        raise error


async def _listen(socket: web.WebSocketResponse) -> None:
    """Return when the client is gone; what it says is passed over, its pings are answered."""
    async for _ in socket:
        pass


async def close(socket: web.WebSocketResponse, code: WSCloseCode, reason: str) -> None:
    """Close with a reason."""
    message = reason.encode()[:LONGEST_REASON].decode(errors="ignore").encode()
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_WITHIN_S):
            await socket.close(code=code, message=message)


class ConnectionCounts(BaseModel):
    """How many sockets are open: numbers, and jobs that the caller may read."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    active_connections: int
    """Jobs that are followed."""
    total_connections: int
    """Open sockets."""
    broadcast_connections: int
    health_connections: int
    jobs_with_connections: tuple[str, ...]
    """Those that are followed in the request's namespace."""
    queue_running: bool
    """Whether an operator is at work."""


async def count_connections(call: Call) -> web.Response:
    """Return how many sockets are open."""
    await call.allow("list")
    sockets = call.service.connections
    followed = sockets.jobs()
    return answer(
        ConnectionCounts(
            active_connections=len(followed),
            total_connections=sockets.total,
            broadcast_connections=sockets.counts[BROADCAST],
            health_connections=sockets.counts[HEALTH],
            jobs_with_connections=tuple(uid for home, uid in followed if home == call.namespace),
            queue_running=await call.service.operator.is_running(),
        )
    )


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/ws/jobs/broadcast",
        handler=broadcast,
        summary="Follow all jobs that the caller may read",
        tag=TAG,
        access=Access.READ,
        answers={101: None, 426: PROBLEM},
    ),
    Route(
        method="GET",
        path="/ws/health",
        handler=tell_health,
        summary="Hear every 30 seconds that the service is there",
        tag=TAG,
        access=Access.READ,
        answers={101: None, 426: PROBLEM},
    ),
    *(
        Route(
            method="GET",
            path=path,
            handler=count_connections,
            summary="Count the open WebSockets",
            tag=TAG,
            access=Access.READ,
            answers={200: ConnectionCounts},
        )
        for path in ("/ws/connections/status", "/connections/status")
    ),
    Route(
        method="GET",
        path="/ws/{id}",
        handler=follow_job,
        summary="Follow a job: initial_status, then job_update",
        tag=TAG,
        access=Access.READ,
        answers={101: None, 426: PROBLEM},
    ),
)
