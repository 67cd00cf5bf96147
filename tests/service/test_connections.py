import asyncio
import json
from typing import Any

import pytest

from slides_operator.service.connections import (
    BROADCAST,
    HEALTH,
    KEPT_UPDATES,
    Backlog,
    Connections,
    build_message,
)
from slides_operator.service.feed import Change
from slides_operator.service.records import Record, record_of

UID = "550e8400-e29b-41d4-a716-446655440000"


def record(
    version: int = 1, *, uid: str = UID, kind: str = "SlideExtraction", **run: Any
) -> Record:
    status = {
        "phase": "Extracting",
        "attempts": {"current": 1},
        "conditions": [
            {
                "type": "Succeeded",
                "status": "Unknown",
                "reason": "Extracting",
                "message": "The slides are looked for",
                "lastTransitionTime": "2026-11-21T12:00:05Z",
            }
        ],
        "run": {"attempt": 1, "updatedAt": "2026-11-21T12:00:09Z", **run},
    }
    return record_of(
        {
            "kind": kind,
            "metadata": {
                "namespace": "talks",
                "name": f"talk-{uid}",
                "uid": uid,
                "resourceVersion": str(version),
                "creationTimestamp": "2026-11-21T12:00:00Z",
            },
            "spec": {"source": {"url": "youtube:dQw4w9WgXcQ"}},
            "status": status,
        }
    )


async def test_a_backlog_has_the_newest_state_of_a_job_and_nothing_older() -> None:
    backlog = Backlog()
    for version in range(1, 1001):
        backlog.add(Change(record(version)))
    assert (await backlog.take()).version == 1000
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(backlog.take(), 0.01)


async def test_a_backlog_wakes_whoever_waits() -> None:
    backlog = Backlog()
    waiting = asyncio.create_task(backlog.take())
    await asyncio.sleep(0)
    backlog.add(Change(record(7)))
    assert (await asyncio.wait_for(waiting, 1)).version == 7


async def test_the_job_that_waited_longest_comes_first() -> None:
    backlog = Backlog()
    for uid in ("a", "b", "c"):
        backlog.add(Change(record(uid=uid)))
    backlog.add(Change(record(2, uid="a")))
    assert [(await backlog.take()).uid for _ in range(3)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(Change(record(), gone=True), id="deleted"),
        pytest.param(Change(record(kind="SlideExtractionBatch")), id="batch"),
    ],
)
async def test_what_is_no_job_is_not_told(change: Change) -> None:
    backlog = Backlog()
    backlog.add(change)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(backlog.take(), 0.01)


def test_a_message_has_the_seeds_fields() -> None:
    message = build_message("job_update", record(percent=45, message="Looking at frame 1000"))
    assert json.loads(message) == {
        "type": "job_update",
        "data": {
            "job_id": UID,
            "status": "processing",
            "progress": 45.0,
            "message": "Looking at frame 1000",
            "timestamp": "2026-11-21T12:00:09Z",
        },
    }


def test_an_update_is_written_once_for_all_sockets() -> None:
    connections = Connections()
    first = connections.update(record(1, percent=10))
    assert connections.update(record(1, percent=10)) is first
    assert json.loads(connections.update(record(2, percent=11)))["data"]["progress"] == 11


def test_few_updates_are_kept() -> None:
    connections = Connections()
    first = connections.update(record(uid="first"))
    for number in range(KEPT_UPDATES):
        connections.update(record(uid=str(number)))
    assert connections.update(record(uid="first")) is not first


def test_sockets_are_counted_while_they_are_open() -> None:
    connections = Connections()
    job = ("talks", UID)
    with connections.on(job), connections.on(job), connections.on(BROADCAST):
        with connections.on(HEALTH):
            assert connections.total == 4
        assert connections.jobs() == [job]
        assert connections.counts[job] == 2
    assert connections.total == 0
    assert not connections.counts
