"""Requests made of the API's own description: nothing may break, nothing may be undescribed."""

import asyncio
import math
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from benchmarks.serving.load import finished_name
from benchmarks.serving.program import KEY, Program
from benchmarks.serving.results import Fuzz
from tests.service.fuzzing import fuzz

LIMIT_S = 1800.0
KNOWN = 20
"""Jobs that exist and are asked for."""
METHODS = frozenset({"get", "post", "put", "patch", "delete", "head"})


async def fuzz_service(service: Program, cases: int, finished: int, log: Path) -> Fuzz:
    """Send so many requests or more, and say how they were answered; the log has each failure."""
    per_operation = math.ceil(cases / await _count_varied(service))
    with TemporaryDirectory(prefix="bench-fuzz-") as folder:
        while True:
            done = await asyncio.to_thread(
                fuzz,
                service.url,
                Path(folder),
                password=KEY,
                per_operation=per_operation,
                ids=[finished_name(number) for number in range(min(KNOWN, finished))],
                limit_s=LIMIT_S,
            )
            await asyncio.to_thread(log.write_text, done.said)
            if done.cases >= cases or done.failures:
                break
            per_operation *= 2  # some operations have fewer requests than were hoped for
    return Fuzz(
        wanted=cases,
        cases=done.cases,
        server_errors=done.server_errors,
        failures=list(done.failures),
    )


async def _count_varied(service: Program) -> int:
    """Return how many operations take anything, so that requests can differ."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{service.url}/openapi.json") as answer,
    ):
        paths = (await answer.json())["paths"]
    operations = [item[method] for item in paths.values() for method in METHODS & item.keys()]
    return sum("parameters" in one or "requestBody" in one for one in operations) or 1
