"""Seed 003's view of all jobs of a namespace: how many are where, and what is done to many."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from statistics import median
from typing import Any, TypeVar

from aiohttp import web

from slides_api.v1alpha1 import Phase
from slides_api.wellknown import CREATED_BY_REST
from slides_operator.errors import ApiError, ConflictError, NotFoundError
from slides_operator.extraction.objects import parse_time
from slides_operator.service.problems import ProblemError, of_api_error
from slides_operator.service.records import Record
from slides_operator.service.rest.job_actions import (
    EXTRACTION,
    cancel_job,
    delete_job,
    find_job,
    give_up,
    look_again,
    retry_job,
)
from slides_operator.service.rest.job_models import (
    BulkAction,
    BulkAnswer,
    BulkRequest,
    BulkRow,
    JobStatus,
    QueueStatus,
    Statistics,
)
from slides_operator.service.rest.jobs import BY_CALLER, PREFIX, TAG, at_both
from slides_operator.service.routes import Access, Call, Route, answer
from slides_operator.service.words import phases_003, seed003

CLEARED = "Cleared from the queue"
AT_ONCE = 8
"""Requests to the API server at once for many jobs; chosen: a part of what API_QPS lets through."""
SAMPLE = 20
"""Jobs that ended lately, whose times stand for the next; chosen."""
FIRST_ERROR = 400
"""Standard: HTTP's own range."""
WAITING = phases_003(JobStatus.PENDING) | phases_003(JobStatus.QUEUED)
VERBS = {BulkAction.CANCEL: "patch", BulkAction.RETRY: "patch", BulkAction.DELETE: "delete"}
DONE = {
    BulkAction.CANCEL: (200, "cancelled"),
    BulkAction.RETRY: (200, "tried again"),
    BulkAction.DELETE: (204, "deleted"),
}
"""What the single request would have been answered, and in a word."""

Done = TypeVar("Done")


def count(call: Call) -> dict[JobStatus, int]:
    """Return how many jobs have each status."""
    counts = dict.fromkeys(JobStatus, 0)
    phases = call.service.store.counts(EXTRACTION, namespaces=(call.namespace,))
    for phase, number in phases.items():
        counts[JobStatus(seed003(phase))] += number
    return counts


async def status(call: Call) -> web.Response:
    """Return how many jobs wait, are worked on and have ended."""
    await call.allow("list")
    counts = count(call)
    waiting = counts[JobStatus.PENDING] + counts[JobStatus.QUEUED]
    return answer(
        QueueStatus(
            is_running=await call.service.operator.is_running(),
            total_jobs=sum(counts.values()),
            pending_jobs=counts[JobStatus.PENDING],
            processing_jobs=counts[JobStatus.PROCESSING],
            completed_jobs=counts[JobStatus.COMPLETED],
            failed_jobs=counts[JobStatus.FAILED],
            cancelled_jobs=counts[JobStatus.CANCELLED],
            active_workers=counts[JobStatus.PROCESSING],
            queue_size=waiting,
            estimated_wait_time=_wait_s(call, waiting, counts[JobStatus.PROCESSING]),
        )
    )


def _wait_s(call: Call, waiting: int, working: int) -> float | None:
    """Return for how long the last one waits, if as many go on working and take as long as lately.

    None where no job has ended yet.
    """
    if not waiting:
        return 0.0
    lately = call.service.store.list(
        EXTRACTION, namespaces=(call.namespace,), phases={Phase.COMPLETED}, limit=SAMPLE
    )
    times = [took for record in lately.records if (took := _took_s(record)) is not None]
    return waiting * median(times) / max(1, working) if times else None


def _took_s(record: Record) -> float | None:
    begin, end = parse_time(record.started), parse_time(record.completed)
    return (end - begin).total_seconds() if begin and end else None


async def statistics(call: Call) -> web.Response:
    """Return how many jobs have each status."""
    await call.allow("list")
    counts = count(call)
    return answer(
        Statistics(
            total_jobs=sum(counts.values()),
            by_status=counts,
            queue_running=await call.service.operator.is_running(),
            active_workers=counts[JobStatus.PROCESSING],
        )
    )


async def clear(call: Call) -> web.Response:
    """Cancel the jobs that wait, of those that were made by this service."""
    await call.allow("patch")
    waiting = call.service.store.list(
        EXTRACTION,
        namespaces=(call.namespace,),
        phases=WAITING,
        origin=CREATED_BY_REST,
        limit=None,
    )
    await _each([one.uid for one in waiting.records], lambda uid: _clear(call, uid))
    return web.Response(status=204)


async def _clear(call: Call, uid: str) -> None:
    """Cancel a job, unless it began, ended or went meanwhile."""
    with suppress(ProblemError, NotFoundError, ConflictError):
        record = await look_again(call, find_job(call, uid))
        if record.phase in WAITING:
            await give_up(call, record, CLEARED)


async def act_on_many(call: Call) -> web.Response:
    """Cancel, retry or delete many jobs; each has a row of its own in the answer."""
    wanted: BulkRequest = call.body
    await call.allow(VERBS[wanted.action])
    unique = list(dict.fromkeys(wanted.job_ids))
    rows = await _each(unique, lambda job_id: _row(call, wanted.action, job_id))
    succeeded = sum(row.status < FIRST_ERROR for row in rows)
    return answer(
        BulkAnswer(results=tuple(rows), succeeded=succeeded, failed=len(rows) - succeeded), 207
    )


async def _row(call: Call, action: BulkAction, job_id: str) -> BulkRow:
    try:
        await _act(call, action, job_id)
    except ProblemError as e:
        return BulkRow(job_id=job_id, status=e.status, message=e.detail)
    except ApiError as e:
        problem = of_api_error(e)
        return BulkRow(job_id=job_id, status=problem.status, message=problem.detail)
    status_, word = DONE[action]
    return BulkRow(job_id=job_id, status=status_, message=f"Job {job_id} has been {word}")


async def _act(call: Call, action: BulkAction, job_id: str) -> None:
    match action:
        case BulkAction.CANCEL:
            await cancel_job(call, job_id, BY_CALLER)
        case BulkAction.RETRY:
            await retry_job(call, job_id, force=False)
        case BulkAction.DELETE:
            await delete_job(call, job_id)


async def _each(ids: Iterable[str], do: Callable[[str], Coroutine[Any, Any, Done]]) -> list[Done]:
    """Return what became of each, in order; a few are worked on at once.

    What one of them raises is raised once all are through.
    """
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(job_id: str) -> Done:
        async with slots:
            return await do(job_id)

    outcomes = await asyncio.gather(*map(one, ids), return_exceptions=True)
    done: list[Done] = []
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        done.append(outcome)
    return done


def _routes_under(prefix: str) -> tuple[Route, ...]:
    return (
        *at_both(
            Route(
                method="GET",
                path=f"{prefix}/queue/status",
                handler=status,
                summary="Count the jobs that wait, work and ended",
                tag=TAG,
                access=Access.READ,
                answers={200: QueueStatus},
            )
        ),
        *at_both(
            Route(
                method="DELETE",
                path=f"{prefix}/queue/clear",
                handler=clear,
                summary="Cancel the jobs that wait",
                tag=TAG,
                access=Access.WRITE,
                answers={204: None},
            )
        ),
        *at_both(
            Route(
                method="GET",
                path=f"{prefix}/statistics",
                handler=statistics,
                summary="Count jobs by status",
                tag=TAG,
                access=Access.READ,
                answers={200: Statistics},
            )
        ),
    )


ROUTES: tuple[Route, ...] = (
    *at_both(
        Route(
            method="POST",
            path=f"{PREFIX}/bulk",
            handler=act_on_many,
            summary="Cancel, retry or delete many jobs",
            tag=TAG,
            access=Access.WRITE,
            body=BulkRequest,
            answers={207: BulkAnswer},
        )
    ),
    *_routes_under(PREFIX),
    *_routes_under("/api/v1"),
)
