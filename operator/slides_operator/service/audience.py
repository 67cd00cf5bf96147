"""Everybody who follows jobs by server-sent events, told without a task waking for each.

A job's frame is made once and written straight into the connections of all who follow it. Whoever
has not taken the last one yet is passed over, and gets the newest as soon as there is room: nothing
queues up here, and nobody waits for anybody.
"""

import asyncio
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from slides_operator.service.feed import EARLY_S, PERIOD_S, Change, Feed
from slides_operator.service.frames import HEARTBEAT, Frame, error, event, farewell, state_json
from slides_operator.service.records import Record

HEARTBEAT_S = 15.0
"""Standard: what the HTML specification advises, for proxies drop what is silent."""
SILENT_S = 300.0
"""Standard: seed 002's streams give up after so long without an update."""
STUCK_S = 300.0
"""Until a client that takes nothing is cut off; chosen, as long as a job may be silent."""
LAG_S = 2.0
"""How much later than another replica this one may hear of a change; chosen, usually it is ms."""
SLACK_S = EARLY_S + 0.01
"""How much sooner than a second after the last an event may be written: what the feed lets come
early, and that it is not written after the same delay each time. Chosen."""
TICK_S = 0.5
"""Between two looks at who left, who has room again and who needs a heartbeat. Chosen."""
AT_ONCE = 256
"""Writes before others have their turn: measured, some 2 ms."""
SOCKET_BYTES = 32 * 1024
"""Of the kernel's own queue; chosen: a hundred frames. Untouched it grows to megabytes, and who
reads late would get thousands of old states first."""
AGAIN_MS = (500, 3_000)
"""When clients of a replica that ends connect again: at random between these, lest all come to
the next one in one moment. Chosen."""

Clock = Callable[[], float]
Item = TypeVar("Item")


class Client:
    """One connection that follows a job."""

    __slots__ = ("chunked", "ended", "held_until", "stuck_since", "told", "topic", "transport")

    def __init__(self, transport: asyncio.Transport, *, chunked: bool, told: int = 0) -> None:
        self.transport = transport
        self.chunked = chunked
        self.told = told
        """The version that it knows."""
        self.topic: Topic | None = None
        self.held_until = 0.0
        self.stuck_since = 0.0
        """When it was first found not to have taken what was written; 0: it has."""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when its request may end."""

    @property
    def is_stuck(self) -> bool:
        """Whether it has not taken yet what was written."""
        return self.transport.get_write_buffer_size() > 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more may be written."""
        return self.ended.done() or self.transport.is_closing()

    def write(self, frame: Frame) -> None:
        """Write a frame."""
        self.transport.write(frame.chunk if self.chunked else frame.plain)

    def end(self, last: Frame | None = None) -> None:
        """Let its request end, after a last word if there is one.

        Who has no room for it is cut off, which clients take for a reason to connect again.
        """
        if last and not self.is_over:
            if self.is_stuck:
                self.transport.abort()
            else:
                self.write(last)
        if not self.ended.done():
            self.ended.set_result(None)

    def send_away(self) -> None:
        """Let its request end with the hint to connect again, to another replica."""
        low, high = AGAIN_MS
        self.end(farewell(low + secrets.randbelow(high - low)))


class Topic:
    """A job, and who follows it."""

    def __init__(self, record: Record, clock: Clock) -> None:
        self._clock = clock
        self.record = record
        self.clients: dict[Client, None] = {}
        self.is_over = False
        self.unsubscribe: Callable[[], None] = _nothing
        self._behind: dict[Client, None] = {}
        self._heard_at = self._written_at = clock()
        self._show(record)

    def add(self, client: Client) -> None:
        """Take a client in, and tell it how things are unless it knows."""
        client.topic = self
        self.clients[client] = None
        now = self._clock()
        if client.told > self.record.version:  # another replica, or another cluster, told it
            client.told, client.held_until = 0, now + LAG_S
        self._offer(client, now)

    def remove(self, client: Client) -> None:
        """Forget a client."""
        self.clients.pop(client, None)
        self._behind.pop(client, None)

    def hear(self, change: Change) -> None:
        """Take a change, and tell it to all."""
        self._heard_at = self._clock()
        if change.gone:
            self.close(error(f"Job {self.record.name} was deleted"))
        elif change.record.version > self.record.version:
            before = self._state
            self._show(change.record)
            if self._state != before:
                self._written_at = self._heard_at
                _each(list(self.clients), partial(self._offer, now=self._heard_at))

    def close(self, last: Frame) -> None:
        """Tell everybody the last thing, and let their requests end."""
        self.is_over = True
        for client in self.clients:
            client.end(last)

    def tick(self) -> None:
        """See to those who left, those who lag behind, and those who heard nothing for long."""
        now = self._clock()
        for client in self.clients:
            if client.transport.is_closing():
                client.end()
        # Soon after a change the next one may come, and who was told of both had two in a second.
        is_quiet = now - self._heard_at >= PERIOD_S
        for client in list(self._behind):
            if client.stuck_since or is_quiet:
                self._offer(client, now)
            if client.stuck_since and now - client.stuck_since >= STUCK_S:
                client.transport.abort()
        if self.record.at_work and now - self._heard_at >= SILENT_S:
            name = self.record.name
            self.close(error(f"No updates for job {name} in the last {SILENT_S:.0f} seconds"))
        elif now - self._written_at >= HEARTBEAT_S:
            self._written_at = now
            _each(list(self.clients), self._keep_alive)

    def _show(self, record: Record) -> None:
        self.record = record
        self._state = state_json(record)
        self._event = event(record.version, self._state)

    def _offer(self, client: Client, now: float) -> None:
        """Write the newest state to a client that needs it, has room and was told none just now."""
        self._behind.pop(client, None)
        if client.is_over or client.told >= self.record.version:
            return
        if client.is_stuck:
            client.stuck_since = client.stuck_since or now
        if client.is_stuck or now < client.held_until:
            self._behind[client] = None
            return
        client.write(self._event)
        client.told, client.stuck_since = self.record.version, 0.0
        client.held_until = now + PERIOD_S - SLACK_S
        if self.record.ended:
            client.end()

    def _keep_alive(self, client: Client) -> None:
        if not client.is_over and not client.is_stuck:
            client.write(HEARTBEAT)


class Audience:
    """All topics that somebody follows."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._topics: dict[str, Topic] = {}
        self._ticker: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """Return how many clients there are."""
        return sum(len(topic.clients) for topic in self._topics.values())

    def clients(self) -> Iterator[Client]:
        """Yield all clients."""
        return (client for topic in self._topics.values() for client in topic.clients)

    def join(self, feed: Feed, record: Record, client: Client) -> None:
        """Have a client told of a job from now on; the record is the newest there is."""
        bound_queue(client.transport)
        topic = self._topics.get(record.uid)
        if topic is None or topic.is_over:
            topic = self._topics[record.uid] = Topic(record, self._clock)
            topic.unsubscribe = feed.subscribe(record.uid, topic.hear)
        topic.add(client)
        if self._ticker is None:
            self._tick()

    def leave(self, client: Client) -> None:
        """Forget a client, and a topic that nobody follows any more."""
        topic = client.topic
        if topic is None:
            return
        topic.remove(client)
        if not topic.clients:
            topic.unsubscribe()
            if self._topics.get(topic.record.uid) is topic:
                del self._topics[topic.record.uid]

    def _tick(self) -> None:
        for topic in self._topics.values():
            topic.tick()
        again = bool(self._topics)
        loop = asyncio.get_running_loop()
        self._ticker = loop.call_later(TICK_S, self._tick) if again else None


def _each(clients: Sequence[Client], act: Callable[[Client], object]) -> None:
    """Do it for each, some at a time."""
    for client in clients[:AT_ONCE]:
        act(client)
    if rest := clients[AT_ONCE:]:
        asyncio.get_running_loop().call_soon(_each, rest, act)


def bound_queue(transport: asyncio.BaseTransport) -> None:
    """Have the kernel hold little for a client, so that one who reads late reads what is new."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)


def _nothing() -> None:
    """Do nothing."""
