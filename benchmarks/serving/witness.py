"""Another client of the API server: when its watch brings each version, which the service watches.

A process of its own, so that nothing delays it. Writes a line for each: the version and the time.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from benchmarks.reconciling.api import open_api, send, watch
from benchmarks.serving.load import PATH


async def main(kubeconfig: Path) -> None:
    """Watch until ended."""
    async with open_api(kubeconfig) as api:
        page = json.loads(await send(api, "GET", f"{PATH}?limit=1"))
        async for event in watch(api, PATH, version=page["metadata"]["resourceVersion"]):
            version = event["object"]["metadata"]["resourceVersion"]
            sys.stdout.write(f"{version} {time.monotonic():.6f}\n")
            sys.stdout.flush()


def read(path: Path) -> dict[int, float]:
    """Return when each version was seen."""
    lines = (
        line.split() for line in path.read_text().splitlines(keepends=True) if line[-1] == "\n"
    )
    return {int(version): float(at) for version, at in lines}


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
