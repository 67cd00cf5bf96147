"""Who follows a job gets its newest state, and neither waits for others nor makes them wait."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from slides_operator.service.audience import (
    AT_ONCE,
    HEARTBEAT_S,
    LAG_S,
    SILENT_S,
    SOCKET_BYTES,
    STUCK_S,
    Audience,
    Client,
    Topic,
)
from slides_operator.service.feed import Feed
from slides_operator.service.records import Record
from slides_operator.service.store import Store
from tests.service.objects import extraction

LIMIT_S = 10.0
NO_CLUSTER: Any = None
ROOM = 2048
"""Bytes of receive buffer of a client that is going to read late."""


@dataclass
class Reader:
    """The other end of a connection."""

    connection: socket.socket
    client: Client
    seen: bytes = b""

    async def read(self) -> str:
        """Return what came since the last read, and is still to come now."""
        while True:
            before = len(self.seen)
            self.take()
            await asyncio.sleep(0.05)
            if len(self.seen) == before:
                break
        said, self.seen = self.seen.decode(), b""
        return said

    def take(self) -> None:
        """Keep what is there."""
        with suppress(BlockingIOError):
            while more := self.connection.recv(65536):
                self.seen += more

    async def states(self) -> list[dict[str, Any]]:
        """Return the states that came since the last read."""
        lines = (await self.read()).splitlines()
        return [json.loads(line.removeprefix("data: ")) for line in lines if line[:6] == "data: "]

    async def ids(self) -> list[int]:
        """Return the ids of the events that came since the last read."""
        lines = (await self.read()).splitlines()
        return [int(line.removeprefix("id: ")) for line in lines if line[:4] == "id: "]


@dataclass
class World:
    """An audience with a clock of its own, and the feed that it hears."""

    now: float = 1000.0
    readers: list[Reader] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = Store()
        self.feed = Feed(NO_CLUSTER, self.store, clock=self.time)
        self.audience = Audience(self.time)
        self.versions = 100

    def time(self) -> float:
        return self.now

    def tell(self, phase: str = "Extracting", *, after_s: float = 1.0, **run: Any) -> Record:
        """Change the job, some time later."""
        self.now += after_s
        self.versions += 1
        obj = extraction(phase=phase, version=self.versions, run=run or {"percent": self.versions})
        return self.feed.note(obj)

    async def follow(
        self, *, told: int = 0, chunked: bool = False, room: int | None = None
    ) -> Reader:
        """Connect a client."""
        ours, theirs = _connected(room)
        transport, _ = await asyncio.get_running_loop().create_connection(
            asyncio.Protocol, sock=ours
        )
        reader = Reader(theirs, Client(transport, chunked=chunked, told=told))
        record = self.store.by_uid("uid-of-talk")
        assert record is not None
        self.audience.join(self.feed, record, reader.client)
        self.readers.append(reader)
        return reader

    def topic(self) -> Topic:
        """The only topic."""
        topic = self.readers[-1].client.topic
        assert topic is not None
        return topic

    def tick(self, after_s: float = 0.0) -> None:
        """Let the topic look round, some time later."""
        self.now += after_s
        self.topic().tick()

    def leave(self) -> None:
        """Let everybody go."""
        for reader in self.readers:
            self.audience.leave(reader.client)
            reader.client.transport.abort()
            reader.connection.close()


def _connected(room: int | None) -> tuple[socket.socket, socket.socket]:
    """Return two ends of a TCP connection."""
    with socket.socket() as listener:
        if room:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    theirs.setblocking(False)
    return ours, theirs


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    made.tell(percent=1)
    yield made
    made.leave()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not holds():  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)


async def test_a_newcomer_is_told_how_things_are(world: World) -> None:
    reader = await world.follow()

    assert [state["progress"] for state in await reader.states()] == [1]


async def test_all_are_told_what_changes(world: World) -> None:
    readers = [await world.follow(chunked=chunked) for chunked in (False, True, True)]
    for reader in readers:
        await reader.read()

    world.tell(percent=2)

    plain, *chunks = [await reader.read() for reader in readers]
    assert json.loads(plain.splitlines()[1].removeprefix("data: "))["progress"] == 2
    assert chunks == [f"{len(plain):x}\r\n{plain}\r\n"] * 2


async def test_many_are_told_in_turns(world: World) -> None:
    readers = [await world.follow() for _ in range(AT_ONCE + 3)]

    world.tell(percent=2)
    await until(lambda: all(reader.client.told == world.versions for reader in readers))

    await asyncio.sleep(0.05)
    for reader in readers:
        reader.take()
        assert b'"progress":2}' in reader.seen


async def test_what_clients_cannot_see_is_not_told(world: World) -> None:
    reader = await world.follow()
    await reader.read()

    world.tell(percent=1)
    assert await reader.read() == ""

    world.tell(percent=2)
    assert await reader.ids() == [world.versions]


@pytest.mark.parametrize("back", [0, 1])
async def test_who_comes_back_hears_what_is_new_and_nothing_else(world: World, back: int) -> None:
    reader = await world.follow(told=world.versions - back)

    assert await reader.ids() == [world.versions] * back


async def test_who_was_told_more_elsewhere_waits_for_it(world: World) -> None:
    reader = await world.follow(told=world.versions + 1)
    assert await reader.read() == ""

    world.tell(percent=2, after_s=LAG_S)

    assert await reader.ids() == [world.versions]


async def test_who_was_told_of_another_history_is_told_of_this_one(world: World) -> None:
    reader = await world.follow(told=10**18)

    world.tick(LAG_S / 2)
    assert await reader.read() == ""
    world.tick(LAG_S / 2)

    assert await reader.ids() == [world.versions]


async def test_a_newcomer_too_hears_no_more_than_once_a_second(world: World) -> None:
    reader = await world.follow()
    await reader.read()

    world.tell(percent=2, after_s=0.5)
    world.tick(0.6)
    assert await reader.read() == ""  # the next change may come any moment
    world.tell(percent=3, after_s=0.4)
    assert await reader.ids() == [world.versions]
    world.tell(percent=4)
    assert await reader.ids() == [world.versions]


async def test_a_newcomer_is_told_of_a_change_that_none_follows(world: World) -> None:
    reader = await world.follow()
    await reader.read()

    world.tell(percent=2, after_s=0.5)
    world.tick(1.0)
    assert await reader.ids() == [world.versions]
    world.tell(percent=3, after_s=0.2)
    assert await reader.read() == ""
    world.tick(1.0)
    assert await reader.ids() == [world.versions]


async def flood(world: World, quick: Reader) -> None:
    """Tell more than a client that does not read has room for."""
    for number in range(1000):
        world.tell(message=f"{number} {'x' * 500}")
        quick.take()
        await asyncio.sleep(0)


async def test_who_reads_late_gets_the_newest_and_no_queue(world: World) -> None:
    slow, quick = await world.follow(room=ROOM), await world.follow()

    await flood(world, quick)
    assert slow.client.transport.get_write_buffer_size() < 1000
    assert await quick.ids() == list(range(101, world.versions + 1))
    told = await slow.ids()
    await until(lambda: not slow.client.is_stuck)
    world.tick(1.0)
    told += await slow.ids()

    assert told[-1] == world.versions
    assert len(told) * 500 < 4 * SOCKET_BYTES
    assert told == sorted(set(told))


async def test_who_takes_nothing_for_long_is_cut_off(world: World) -> None:
    slow, quick = await world.follow(room=ROOM), await world.follow()
    while not slow.client.is_stuck:
        world.tell(message=f"{world.versions} {'x' * 500}")
        quick.take()
    world.tell(percent=1)

    world.tell(after_s=STUCK_S - 1)
    world.tick()
    assert not slow.client.transport.is_closing()
    world.tell(after_s=2)
    world.tick()

    assert slow.client.transport.is_closing()
    world.tick()
    assert slow.client.ended.done()
    assert not quick.client.ended.done()


@pytest.mark.parametrize("phase", ["Completed", "Failed", "Cancelled"])
async def test_the_end_is_told_and_ends_the_request(world: World, phase: str) -> None:
    reader = await world.follow()
    await reader.read()

    world.tell(phase)

    assert (await reader.states())[-1]["status"] in {"completed", "failed"}
    assert reader.client.ended.done()


async def test_who_has_no_room_for_the_end_gets_it_later(world: World) -> None:
    slow = await world.follow(room=ROOM)
    while not slow.client.is_stuck:
        world.tell(message=f"{world.versions} {'x' * 500}")

    world.tell("Completed")
    assert not slow.client.ended.done()
    await slow.read()
    await until(lambda: not slow.client.is_stuck)
    world.tick(1.0)

    assert (await slow.states())[-1]["status"] == "completed"
    assert slow.client.ended.done()


async def test_nothing_follows_the_end(world: World) -> None:
    reader = await world.follow()
    world.tell("Completed")
    await reader.read()

    world.tell("Downloading", percent=3)

    assert await reader.read() == ""


async def test_a_deleted_job_ends_with_an_error(world: World) -> None:
    reader = await world.follow()
    await reader.read()

    world.feed.forget(world.topic().record)

    assert await reader.read() == 'event: error\ndata: {"error":"Job talk was deleted"}\n\n'
    assert reader.client.ended.done()


async def test_silence_is_broken_by_heartbeats(world: World) -> None:
    reader = await world.follow()
    await reader.read()

    world.tick(HEARTBEAT_S - 1)
    assert await reader.read() == ""
    world.tick(1)
    world.tick(1)

    assert await reader.read() == ": alive\n\n"


async def test_an_attempt_that_gives_no_sign_of_life_ends_the_stream(world: World) -> None:
    reader = await world.follow()
    world.tick(SILENT_S - 1)
    await reader.read()

    world.tell(percent=1, after_s=0)  # nothing to show, yet a sign of life
    world.tick(SILENT_S - 1)
    assert "event: error" not in await reader.read()
    world.tick(1)

    said = await reader.read()
    assert said.startswith("event: error\n")
    assert "No updates for job talk in the last 300 seconds" in said
    assert reader.client.ended.done()


@pytest.mark.parametrize("phase", ["Pending", "Queued", "Suspended"])
async def test_what_waits_may_be_silent(world: World, phase: str) -> None:
    world.tell(phase)
    reader = await world.follow()

    world.tick(SILENT_S)
    world.tick(SILENT_S)

    assert "event: error" not in await reader.read()
    assert not reader.client.ended.done()


async def test_who_comes_after_a_topic_ended_gets_another(world: World) -> None:
    first = await world.follow()
    world.tick(SILENT_S)
    assert first.client.ended.done()

    second = await world.follow()

    assert [state["progress"] for state in await second.states()] == [1]
    world.audience.leave(first.client)
    world.tell(percent=2)
    assert [state["progress"] for state in await second.states()] == [2]


async def test_who_left_is_noticed_and_nothing_stays(world: World) -> None:
    readers = [await world.follow(), await world.follow()]
    assert (len(world.audience), world.feed.subscriptions) == (2, 1)

    for reader in readers:
        reader.connection.close()
    await until(lambda: all(reader.client.transport.is_closing() for reader in readers))
    world.tick()

    assert all(reader.client.ended.done() for reader in readers)
    for reader in readers:
        world.audience.leave(reader.client)
    assert (len(world.audience), world.feed.subscriptions) == (0, 0)


async def test_a_replica_that_ends_sends_clients_elsewhere(world: World) -> None:
    reader = await world.follow()
    await reader.read()

    reader.client.send_away()

    comment, retry, *_ = (await reader.read()).splitlines()
    assert comment.startswith(": ")
    assert 500 <= int(retry.removeprefix("retry: ")) < 3000
    assert reader.client.ended.done()


async def test_it_looks_round_by_itself_while_somebody_is_there(world: World) -> None:
    reader = await world.follow()
    reader.connection.close()

    await until(reader.client.ended.done)

    world.audience.leave(reader.client)
    pending = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert pending == []
