"""The limit: plain aiohttp that writes the same bytes to the same number of clients.

It watches nothing, knows no jobs, resumes nothing: every second it makes a new frame for each job
and writes it to all who asked for that one.
"""

import asyncio
import resource
import sys
import time

from aiohttp import web

from benchmarks.serving.load import FRAMES

PERIOD_S = 1.0
STATE = (
    'id: %d\ndata: {"status":"extracting","message":"Looking for slides: frame %d of 108000",'
    '"updated_at":"2026-11-21T12:00:00Z","metadata_uri":null,"error":null,"frame_count":108000,'
    '"current_frame":%d,"slides_processed":null,"total_slides":null,"progress":30}\n\n'
)


class Fanout:
    """Who asked for which job."""

    def __init__(self, jobs: int) -> None:
        self.clients: list[list[web.StreamResponse]] = [[] for _ in range(jobs)]
        self.version = 1_000_000

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """Take a client in."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(self._frame(0))
        self.clients[int(request.match_info["job"])].append(response)
        await asyncio.Event().wait()
        return response

    async def tell(self) -> None:
        """Tell each job once a second, spread over it."""
        due, frame = time.monotonic(), 0
        while True:
            frame += 1
            for clients in self.clients:
                due += PERIOD_S / len(self.clients)
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                data = self._frame(frame)
                for response in clients:
                    await response.write(data)

    def _frame(self, frame: int) -> bytes:
        self.version += 1
        return (STATE % (self.version, frame % FRAMES, frame % FRAMES)).encode()


async def main(port: int, jobs: int) -> None:
    """Serve until ended."""
    fanout = Fanout(jobs)
    app = web.Application()
    app.router.add_get("/jobs/{job}/stream", fanout.follow)
    app.router.add_get("/ready", _ready)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    await fanout.tell()


async def _ready(_: web.Request) -> web.Response:
    return web.Response(text="ok")


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
