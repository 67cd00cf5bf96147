"""Requests made of the API's own description: nothing may break, nothing may be undescribed."""

import asyncio
import math
from pathlib import Path

import aiohttp

from benchmarks.serving.program import KEY, Program
from benchmarks.serving.results import Fuzz
from tests.service.fuzzing import fuzz

LIMIT_S = 1800.0
KNOWN = 20
"""Jobs that exist and are asked for."""
METHODS = frozenset({"get", "post", "put", "patch", "delete", "head"})


async def fuzz_service(service: Program, cases: int, finished: int, folder: Path) -> Fuzz:
    """Send so many requests or more, and say how they were answered."""
    operations = await _count_operations(service)
    done = await asyncio.to_thread(
        fuzz,
        service.url,
        folder,
        password=KEY,
        per_operation=math.ceil(cases / operations),
        ids=[f"finished-{number:05}" for number in range(min(KNOWN, finished))],
        limit_s=LIMIT_S,
    )
    (folder / "fuzz.log").write_text(done.said)
    return Fuzz(cases=done.cases, server_errors=done.server_errors, failures=list(done.failures))


async def _count_operations(service: Program) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{service.url}/openapi.json") as answer,
    ):
        paths = (await answer.json())["paths"]
    return sum(method in METHODS for item in paths.values() for method in item)
