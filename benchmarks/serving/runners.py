"""Plays runners: each job says how far it is a second after its last word was taken, as runners do.

They are spread over the second.
"""

import asyncio
import sys
import time
from pathlib import Path

from kubernetes.aio.client import ApiClient

from benchmarks.reconciling.api import open_api
from benchmarks.serving.load import report, running_names

PERIOD_S = 1.0


async def main(kubeconfig: Path, jobs: int) -> None:
    """Report until ended."""
    begun = time.monotonic()
    async with open_api(kubeconfig) as api, asyncio.TaskGroup() as group:
        for number, name in enumerate(running_names(jobs)):
            group.create_task(_work(api, name, begun + number * PERIOD_S / jobs))


async def _work(api: ApiClient, name: str, due: float) -> None:
    frame = 0
    while True:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        frame += 30
        await report(api, name, frame)
        due = time.monotonic() + PERIOD_S


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
