"""The queue: each key once, one worker per key, growing pauses after failures."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest

from slides_operator.errors import ApiError, ConflictError, ThrottledError
from slides_operator.kube.cache import Key, Kind
from slides_operator.metrics import Metrics
from slides_operator.workqueue import LONGEST_PAUSE_S, MOMENT_S, Reconcile, WorkQueue, pause_s

A, B = Key(Kind.EXTRACTION, "default", "a"), Key(Kind.EXTRACTION, "default", "b")
SOON_S = 5.0


@asynccontextmanager
async def _running(
    queue: WorkQueue, reconcile: Reconcile, *, keys: tuple[Key, ...] = (), workers: int = 4
) -> AsyncIterator[None]:
    work = asyncio.create_task(queue.run(reconcile, keys=keys, workers=workers))
    await asyncio.sleep(0)
    try:
        yield
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON_S):
        while not holds():  # noqa: ASYNC110 - a test may look now and then
            await asyncio.sleep(0.005)


class Recorder:
    """Reconciles by noting the key, held up until it may go on."""

    def __init__(self) -> None:
        self.seen: list[Key] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.errors: list[Exception] = []
        self.again_at: datetime | None = None

    async def __call__(self, key: Key) -> datetime | None:
        self.seen.append(key)
        await self.go_on.wait()
        if self.errors:
            raise self.errors.pop(0)
        when, self.again_at = self.again_at, None
        return when


async def test_reconciles_all_keys_it_starts_with() -> None:
    recorder = Recorder()

    async with _running(WorkQueue(Metrics()), recorder, keys=(A, B)):
        await _until(lambda: recorder.seen == [A, B])


async def test_key_added_twice_is_reconciled_once() -> None:
    recorder, queue = Recorder(), WorkQueue(Metrics())

    async with _running(queue, recorder, workers=1):
        for key in (A, A, B, A):
            queue.add(key)
        await _until(lambda: B in recorder.seen)

    assert recorder.seen == [A, B]


async def test_key_added_while_in_work_is_reconciled_once_more_and_never_twice_at_once() -> None:
    recorder, queue = Recorder(), WorkQueue(Metrics())
    recorder.go_on.clear()

    async with _running(queue, recorder, keys=(A,)):
        await _until(lambda: recorder.seen == [A])
        queue.add(A)
        queue.add(A)
        await asyncio.sleep(0.05)
        assert recorder.seen == [A]
        recorder.go_on.set()
        await _until(lambda: recorder.seen == [A, A])
        await asyncio.sleep(0.05)

    assert recorder.seen == [A, A]


async def test_key_returns_when_its_reconcile_said_so() -> None:
    recorder, queue = Recorder(), WorkQueue(Metrics())
    recorder.again_at = datetime.now(UTC) + timedelta(milliseconds=80)

    async with _running(queue, recorder, keys=(A,)):
        await asyncio.sleep(0.03)
        assert recorder.seen == [A]
        await _until(lambda: recorder.seen == [A, A])


async def test_later_word_replaces_an_earlier_one() -> None:
    recorder, queue = Recorder(), WorkQueue(Metrics())
    recorder.again_at = datetime.now(UTC) + timedelta(milliseconds=80)

    async with _running(queue, recorder, keys=(A,)):
        await _until(lambda: recorder.seen == [A])
        queue.add(A)  # and now it needs no other look
        await _until(lambda: recorder.seen == [A, A])
        await asyncio.sleep(0.15)

    assert recorder.seen == [A, A]


async def test_small_changes_are_looked_at_together() -> None:
    recorder, queue = Recorder(), WorkQueue(Metrics())

    async with _running(queue, recorder):
        for _ in range(5):
            queue.add_soon(A)
            await asyncio.sleep(0.02)
        assert recorder.seen == []
        await _until(lambda: recorder.seen == [A])
        await asyncio.sleep(MOMENT_S)

    assert recorder.seen == [A]


async def test_small_change_while_in_work_is_not_lost() -> None:
    recorder, queue = Recorder(), WorkQueue(Metrics())
    recorder.go_on.clear()

    async with _running(queue, recorder, keys=(A,)):
        await _until(lambda: recorder.seen == [A])
        queue.add_soon(A)
        recorder.go_on.set()
        await _until(lambda: recorder.seen == [A, A])


async def test_small_change_puts_off_nothing() -> None:
    recorder, queue = Recorder(), WorkQueue(Metrics())

    async with _running(queue, recorder):
        queue.add_after(A, datetime.now(UTC) + timedelta(milliseconds=50))
        queue.add_soon(A)
        await asyncio.sleep(0.2)

    assert recorder.seen == [A]


async def test_failure_is_tried_again_and_counted() -> None:
    recorder, metrics = Recorder(), Metrics()
    recorder.errors = [ConflictError("changed meanwhile")]

    async with _running(WorkQueue(metrics), recorder, keys=(A, B)):
        await _until(lambda: recorder.seen.count(A) == 2)

    assert recorder.seen.count(B) == 1
    count = metrics.registry.get_sample_value
    assert count("slides_operator_reconcile_total", {"result": "conflict"}) == 1
    assert count("slides_operator_reconcile_total", {"result": "ok"}) == 2


async def test_bug_in_one_reconcile_stops_no_worker() -> None:
    recorder, queue = Recorder(), WorkQueue(Metrics())
    recorder.errors = [ZeroDivisionError()]

    async with _running(queue, recorder, keys=(A,), workers=1):
        await _until(lambda: recorder.seen == [A])
        queue.add(B)
        await _until(lambda: B in recorder.seen)


async def test_nothing_is_kept_while_nobody_works() -> None:
    recorder, queue = Recorder(), WorkQueue(Metrics())
    queue.add(A)
    queue.add_after(B, datetime.now(UTC))

    async with _running(queue, recorder):
        await asyncio.sleep(0.05)

    assert recorder.seen == []


async def test_stopped_queue_starts_anew() -> None:
    recorder, queue = Recorder(), WorkQueue(Metrics())
    recorder.go_on.clear()
    async with _running(queue, recorder, keys=(A, B), workers=1):
        await _until(lambda: recorder.seen == [A])
    recorder.go_on.set()

    async with _running(queue, recorder, keys=(A, B), workers=1):
        await _until(lambda: recorder.seen == [A, A, B])


async def test_depth_and_age_are_measured() -> None:
    recorder, metrics = Recorder(), Metrics()
    recorder.go_on.clear()
    value = metrics.registry.get_sample_value

    async with _running(WorkQueue(metrics), recorder, keys=(A, B), workers=1):
        await _until(lambda: recorder.seen == [A])
        await asyncio.sleep(0.02)
        depth = value("slides_operator_workqueue_depth")
        age = value("slides_operator_workqueue_oldest_seconds")

    assert depth == 1
    assert age is not None
    assert age > 0.01


@pytest.mark.parametrize(
    ("failures", "error", "want"),
    [
        pytest.param(1, ConflictError("x"), 0.5, id="first"),
        pytest.param(2, ConflictError("x"), 1.0, id="doubled"),
        pytest.param(4, ZeroDivisionError(), 4.0, id="any error"),
        pytest.param(500, ApiError("x"), LONGEST_PAUSE_S, id="bounded"),
        pytest.param(1, ThrottledError("x", retry_after=7), 7.0, id="as the API server asks"),
    ],
)
def test_pause_grows(failures: int, error: Exception, want: float) -> None:
    assert want <= pause_s(failures, error) <= want * 1.1
