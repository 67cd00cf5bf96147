"""The command line: runs the operator, or the service beside it."""

import argparse
import asyncio
import gc
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import structlog
from kubernetes.aio.config import ConfigException

from slides_operator.errors import SettingsError
from slides_operator.kube.cache import Cache
from slides_operator.kube.client import Client, TokenBucket, open_api
from slides_operator.kube.cluster import Cluster
from slides_operator.logs import configure_logging
from slides_operator.metrics import Metrics
from slides_operator.reconcile import Reconciler
from slides_operator.replica import Replica
from slides_operator.settings import OperatorSettings, load_settings
from slides_operator.webhooks import Deliveries
from slides_operator.workqueue import Reconcile

COLLECT_AFTER = 50_000
"""Chosen: by default collections were 7 % of a busy operator's time, and found next to nothing."""

log = structlog.get_logger("slides_operator")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until told to stop; return 0 then, 1 when a part failed, 2 for unusable settings."""
    options = _build_parser().parse_args(arguments)
    try:
        return _run_service(insecure=options.insecure) if options.command else _run_operator()
    except SettingsError as e:
        sys.stderr.write(f"{e}\n")
        return 2


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m slides_operator",
        usage="%(prog)s [-h] [serve [-h] [--insecure]]",
        description="Run the operator, which turns SlideExtractions into Jobs; with `serve` the "
        "service: REST, SSE and WebSocket over the same resources.",
        epilog="Settings come from the environment and, outside a cluster, from .env: see "
        ".env.example. The cluster is the pod's own, else that of KUBECONFIG.",
    )
    commands = parser.add_subparsers(dest="command", metavar="serve")
    serve = commands.add_parser(
        "serve",
        usage="%(prog)s [-h] [--insecure]",
        help="run the service instead",
        description="Serve at SERVICE_HOST:SERVICE_PORT (0.0.0.0:8000). API_PASSWORD or API_KEY "
        "has to be set.",
    )
    serve.add_argument(
        "--insecure",
        action="store_true",
        help="let everybody do everything; needs ENVIRONMENT=development",
    )
    parser.set_defaults(insecure=False)
    return parser


def _run_service(*, insecure: bool) -> int:
    from slides_operator.serve import run_service  # the operator has no use for what it imports

    return run_service(insecure=insecure)


def _run_operator() -> int:
    settings = load_settings()
    configure_logging(settings)
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    try:
        asyncio.run(_run(settings))
    except asyncio.CancelledError:
        log.info("stopped")
        return 0
    except ConfigException as e:
        log.error("no cluster to talk to", error=str(e))  # noqa: TRY400 - the trace tells nothing
        return 2
    except Exception:
        log.exception("failed")
        return 1
    return 1


async def _run(settings: OperatorSettings) -> None:
    stop = partial(_stop_on_signals, asyncio.current_task())
    stop()  # now, and again once kopf has taken the signals for itself
    metrics = Metrics()
    async with open_api() as api:
        client = Client(api, TokenBucket(settings.api_qps, settings.api_burst), metrics)
        replica = Replica(
            client,
            api.configuration,
            settings=settings,
            metrics=metrics,
            make_reconcile=_make_reconcile,
        )
        await replica.run(on_watching=stop)


def _stop_on_signals(task: asyncio.Task[None] | None) -> None:
    loop = asyncio.get_running_loop()
    assert task is not None  # noqa: S101 - this runs in a task
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)


def _make_reconcile(
    cluster: Cluster, cache: Cache, settings: OperatorSettings, deliveries: Deliveries
) -> Reconcile:
    now = partial(datetime.now, UTC)
    return Reconciler(cluster, cache, settings, deliveries, now=now).reconcile
