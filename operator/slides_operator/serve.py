"""Run the service: python -m slides_operator serve."""

import asyncio
import gc
import resource
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import structlog
from aiohttp import web
from kubernetes.aio.config import ConfigException

from slides_operator.errors import SettingsError
from slides_operator.health import serve_health
from slides_operator.kube.client import Client, TokenBucket, open_api
from slides_operator.logs import configure_logging
from slides_operator.service.access import Gatekeeper, require_keys
from slides_operator.service.app import build_app
from slides_operator.service.drain import SENTENCE, Drain
from slides_operator.service.feed import Feed
from slides_operator.service.gateway import MANAGER, Gateway
from slides_operator.service.health import OperatorPulse
from slides_operator.service.limits import Limits
from slides_operator.service.metrics import ServiceMetrics
from slides_operator.service.parts import Service
from slides_operator.service.settings import ServiceSettings, idle_variables, load_settings
from slides_operator.service.store import Store

COLLECT_AFTER = 200_000
"""As many objects as two pages of a list are made of, which go without a collection. By default
collections go through every record that is kept, for nothing."""
BACKLOG = 4096
"""Chosen: connections that wait while one is accepted; a restart brings all clients at once."""
CUT_OFF_S = 1.0
"""What requests have that are still open once the drain's time is over."""

log = structlog.get_logger("slides_operator.service")


def run_service(*, insecure: bool) -> int:
    """Serve until told to stop; return 0 then, 1 when a part failed, 2 for unusable settings.

    Raises SettingsError.
    """
    settings = load_settings()
    require_keys(settings, insecure=insecure)
    configure_logging(settings)
    if idle := idle_variables():
        log.warning("these variables have no effect: state is the resource", variables=idle)
    _allow_connections()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    try:
        asyncio.run(_run(settings, insecure=insecure))
    except asyncio.CancelledError:
        log.warning("stopped at once")
    except ConfigException as e:
        log.error("no cluster to talk to", error=str(e))  # noqa: TRY400 - the trace tells nothing
        return 2
    except SettingsError:
        raise
    except Exception:
        log.exception("failed")
        return 1
    return 0


def _allow_connections() -> None:
    """Raise the bound of open files to the highest allowed: each client takes one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _run(settings: ServiceSettings, *, insecure: bool) -> None:
    stop = asyncio.Event()
    _stop_on_signals(stop, asyncio.current_task())
    async with (
        open_service(settings, insecure=insecure) as service,
        serve_health(
            settings.service_health_port,
            alive=[service.feed.trouble],
            ready=[partial(_not_ready, service)],
            registry=service.metrics.registry,
        ),
    ):
        await serve(service, stop, on_started=_tell_started)
    log.info("stopped")


def _stop_on_signals(stop: asyncio.Event, task: asyncio.Task[None] | None) -> None:
    """Begin to end at the first signal, and end at once at the second."""
    assert task is not None  # noqa: S101 - this runs in a task

    def heed() -> None:
        if stop.is_set():
            task.cancel()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heed)


def _not_ready(service: Service) -> str | None:
    if service.drain.draining:
        return SENTENCE
    return None if service.feed.ready.is_set() else "resources are being listed"


def _tell_started(addresses: list[str]) -> None:
    log.info("started", addresses=addresses)


@asynccontextmanager
async def open_service(
    settings: ServiceSettings, *, insecure: bool = False
) -> AsyncIterator[Service]:
    """Open a service's parts; `serve` then has it answer. Raises SettingsError."""
    metrics = ServiceMetrics()
    async with open_api(user_agent=MANAGER) as api:
        client = Client(api, TokenBucket(settings.api_qps, settings.api_burst), metrics)
        service = build_service(client, settings, metrics, insecure=insecure)
        try:
            yield service
        finally:
            await service.limits.aclose()


def build_service(
    client: Client, settings: ServiceSettings, metrics: ServiceMetrics, *, insecure: bool = False
) -> Service:
    """Return a service that reads and writes by a client. Raises SettingsError."""
    store, gateway, drain = Store(), Gateway(client), Drain()
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url else ""
    limits = Limits(settings.request_limit, redis_url=redis_url)
    feed = Feed(client, store, namespaces=settings.watch_namespaces)
    metrics.draining.set_function(lambda: drain.draining)
    metrics.watch_age.set_function(feed.silent_s)
    return Service(
        settings=settings,
        store=store,
        feed=feed,
        gateway=gateway,
        gatekeeper=Gatekeeper(settings, gateway, limits, insecure=insecure),
        limits=limits,
        operator=OperatorPulse(client, namespace=settings.pod_namespace, clock=_now),
        drain=drain,
        metrics=metrics,
        clock=_now,
    )


def _now() -> datetime:
    return datetime.now(UTC)


async def serve(
    service: Service,
    stop: asyncio.Event,
    *,
    on_started: Callable[[list[str]], None],
) -> None:
    """Answer until `stop` is set, then end as GRACEFUL_SHUTDOWN_TIMEOUT_SECONDS allows.

    `on_started` is given the URLs that are served. Raises ExceptionGroup when a part fails.
    """
    settings = service.settings
    runner = web.AppRunner(build_app(service), access_log=None, shutdown_timeout=CUT_OFF_S)
    await runner.setup()
    try:
        async with asyncio.TaskGroup() as group:
            feeding = group.create_task(service.feed.run())
            site = web.TCPSite(
                runner, settings.service_host, settings.service_port, backlog=BACKLOG
            )
            await site.start()
            on_started([f"http://{host}:{port}" for host, port, *_ in runner.addresses])
            await stop.wait()
            service.drain.start()
            await service.drain.settle(settings.graceful_shutdown_timeout_seconds)
            feeding.cancel()
    finally:
        await runner.cleanup()
