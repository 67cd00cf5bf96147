"""/healthz, /readyz and /metrics.

A loop that hangs answers nothing at all, which the kubelet's own timeout notices. kopf's probes
are not used: one that raises hangs as well.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

Check = Callable[[], str | None]
"""Returns what is wrong, if anything."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SHUTDOWN_S = 1.0


@asynccontextmanager
async def serve_health(
    port: int,
    *,
    alive: Sequence[Check],
    ready: Sequence[Check],
    registry: CollectorRegistry,
) -> AsyncIterator[None]:
    """Serve on all addresses."""
    app = web.Application()
    app.router.add_get("/healthz", _answer(alive))
    app.router.add_get("/readyz", _answer(ready))
    app.router.add_get("/metrics", _metrics(registry))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, port=port).start()
        yield
    finally:
        await runner.cleanup()


def _answer(checks: Sequence[Check]) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        troubles = [trouble for check in checks if (trouble := check())]
        text = "\n".join(troubles) or "ok"
        return web.Response(text=f"{text}\n", status=503 if troubles else 200)

    return answer


def _metrics(registry: CollectorRegistry) -> Handler:
    async def metrics(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    return metrics
