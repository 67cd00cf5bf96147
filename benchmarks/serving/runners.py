"""Plays runners: each job says how far it is a second after its last word was taken, as runners do.

They are spread over the second. What they say goes into the store past the API server, which sends
it to who watches as it does any change: what it costs to check a request is not measured here, and
would take the core that the clients are on.
"""

import asyncio
import sys
import time

import aiohttp

from benchmarks.serving.etcd import Store
from benchmarks.serving.load import run, running_names

PERIOD_S = 1.0


async def main(etcd: str, jobs: int) -> None:
    """Report until ended."""
    begun = time.monotonic()
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        store = Store(session, etcd)
        for number, name in enumerate(running_names(jobs)):
            group.create_task(_work(store, name, begun + number * PERIOD_S / jobs))


async def _work(store: Store, name: str, due: float) -> None:
    job, frame = await store.read(name), 0
    while True:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        frame += 30
        job["status"]["run"] = run(frame)
        await store.write([job])
        due = time.monotonic() + PERIOD_S


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
