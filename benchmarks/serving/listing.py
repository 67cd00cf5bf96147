"""Pages of a long list, as the seeds' clients ask for them."""

import random
import statistics
import time

import aiohttp

from benchmarks.reconciling.life import percentile
from benchmarks.serving.program import KEY, Program
from benchmarks.serving.results import Lists

PAGE = 50


def _queries(present: int) -> dict[str, dict[str, str]]:
    """Return what is asked for; OFFSET is a different one each time."""
    return {
        "newest": {},
        "a page anywhere": {"offset": "OFFSET"},
        "one status, anywhere": {"status_filter": "completed", "offset": "OFFSET"},
        "one status and type": {"status_filter": "failed", "job_type": "full_processing"},
        "search": {"search": f"v{present // 2:010}"},
    }


async def measure_lists(service: Program, present: int, requests: int) -> list[Lists]:
    """Ask for each kind of page so many times, one after the other."""
    random_ = random.Random(7)
    measured = []
    async with aiohttp.ClientSession(headers={"X-API-Key": KEY}) as session:
        for what, query in _queries(present).items():
            times = []
            for _ in range(requests):
                offset = str(random_.randrange(max(1, present // 2)))
                asked = {name: value.replace("OFFSET", offset) for name, value in query.items()}
                times.append(await _ask(session, service, asked))
            times.sort()
            measured.append(
                Lists(
                    present=present,
                    what=what,
                    requests=requests,
                    p50_ms=1000 * statistics.median(times),
                    p99_ms=1000 * percentile(times, 0.99),
                )
            )
    return measured


async def _ask(session: aiohttp.ClientSession, service: Program, query: dict[str, str]) -> float:
    begin = time.perf_counter()
    async with session.get(
        f"{service.url}/api/v1/jobs/", params={"limit": PAGE, **query}
    ) as answer:
        content = await answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {content[:300]!r}")
    return time.perf_counter() - begin
