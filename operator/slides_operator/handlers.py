"""kopf, as a shell: it watches the project's own kinds, and its handlers note what they see.

This is the only module that knows kopf. Its change detection, finalizers, annotations, Events,
peering and retries are all left off: `on.event` handlers alone write nothing.
"""

import asyncio
import itertools
import logging
import ssl
from collections.abc import Callable, Collection, Iterator
from typing import Any

import kopf
from kubernetes.aio.client import Configuration

from slides_api.wellknown import API_VERSION
from slides_operator.kube.cache import Cache, Key, Kind
from slides_operator.kube.echoes import Echoes

SERVER_TIMEOUT_S = 60
INACTIVITY_TIMEOUT_S = 70
"""The API server closes a watch after the time above; one that it did not close hangs."""
PAGE = 100
"""As for the other kinds, whose first lists are read in the same moment."""
IDLE_TIMEOUT_S = 0.1
"""How long kopf keeps a task per object: chosen; events are noted in microseconds."""
CONNECT_TIMEOUT_S = 5
REQUEST_TIMEOUT_S = 60

RETRY_S = 2.0

Hear = Callable[[Kind, str], None]
"""Told of each event: its kind and namespace."""


class Retries:
    """Pauses without end: kopf's own grow to 21 s, and after 54 s some errors end the process."""

    def __iter__(self) -> Iterator[float]:
        """Begin anew."""
        return itertools.repeat(RETRY_S)


class NoDiffBase(kopf.DiffBaseStorage):
    """Remembers no former state: without change handlers nobody asks for it.

    kopf computes it for each event all the same, at half of an event's cost.
    """

    def build(self, **_: object) -> kopf.BodyEssence:
        """Return nothing."""
        return kopf.BodyEssence({})

    def fetch(self, **_: object) -> kopf.BodyEssence | None:
        """Return nothing."""
        return None

    def store(self, **_: object) -> None:
        """Store nothing."""


def build_registry(
    cache: Cache,
    enqueue: Callable[[Key], None],
    *,
    echoes: Echoes,
    hear: Hear,
    configuration: Configuration,
) -> kopf.OperatorRegistry:
    """Return kopf's handlers: one per kind, and how to sign in."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def sign_in(**_: object) -> kopf.ConnectionInfo:
        return await connection_info(configuration)

    @kopf.on.event(API_VERSION, Kind.EXTRACTION, registry=registry)
    @kopf.on.event(API_VERSION, Kind.BATCH, registry=registry)
    async def note(event: kopf.RawEvent, **_: object) -> None:
        obj: dict[str, Any] = {**event["object"]}
        meta = obj["metadata"]
        hear(Kind(obj["kind"]), meta["namespace"])
        own = Key(Kind(obj["kind"]), meta["namespace"], meta["name"])
        if event["type"] == "DELETED":
            keys = cache.keys_concerned(obj)
            echoes.gone(meta["uid"])
            news = cache.drop(obj)
        else:
            news = cache.put(obj) or _is_untouched(event)
            echoes.seen(meta["uid"], int(meta["resourceVersion"]))
            keys = cache.keys_concerned(obj)
        for key in keys:
            # An own write is no news to the reconcile that made it, yet to the batch of its object.
            if news or key != own:
                enqueue(key)

    return registry


def _is_untouched(event: kopf.RawEvent) -> bool:
    """Return whether an object appears that nobody has looked at yet.

    The cache may know it already: a batch's reconcile put there what it has just made.
    """
    status = event["object"].get("status") or {}
    return event["type"] != "MODIFIED" and not status.get("phase")


class TolerantConnection(kopf.ConnectionInfo):
    """A connection that trusts the authorities clusters really have, as the client's does."""

    def as_ssl_context(self) -> ssl.SSLContext:
        """Return the context without what Python 3.13 asks for beyond a valid chain."""
        context = super().as_ssl_context()
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context


async def connection_info(configuration: Configuration) -> kopf.ConnectionInfo:
    """Return what the client library signs in with, so that both are one user."""
    bearer: str = await configuration.get_api_key_with_prefix("BearerToken") or ""
    scheme, _, token = bearer.partition(" ")
    return TolerantConnection(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        insecure=not configuration.verify_ssl,
        scheme=scheme.title() or None,
        token=token or None,
    )


def build_kopf_settings() -> kopf.OperatorSettings:
    """Return kopf's settings: no Events, no peering, no watching of namespaces and CRDs."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.watching.server_timeout = SERVER_TIMEOUT_S
    settings.watching.inactivity_timeout = INACTIVITY_TIMEOUT_S
    settings.watching.chunk_size = PAGE
    settings.watching.connect_timeout = CONNECT_TIMEOUT_S
    settings.networking.request_timeout = REQUEST_TIMEOUT_S
    settings.networking.connect_timeout = CONNECT_TIMEOUT_S
    settings.networking.error_backoffs = Retries()
    settings.queueing.idle_timeout = IDLE_TIMEOUT_S
    settings.persistence.diffbase_storage = NoDiffBase()
    return settings


async def run_kopf(
    registry: kopf.OperatorRegistry,
    namespaces: Collection[str],
    *,
    on_started: Callable[[], None],
) -> None:
    """Watch until cancelled; `on_started` is called when kopf has taken the process' signals.

    Ends by itself only when a signal came before that. Raises what makes kopf fail.
    """
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)  # else a line per event
    where: dict[str, Any] = {"namespaces": namespaces} if namespaces else {"clusterwide": True}
    started = asyncio.Event()
    running = asyncio.create_task(
        kopf.operator(
            registry=registry, settings=build_kopf_settings(), ready_flag=started, **where
        )
    )
    starting = asyncio.create_task(started.wait())
    try:
        await asyncio.wait([running, starting], return_when=asyncio.FIRST_COMPLETED)
        on_started()
        await running
    finally:
        starting.cancel()
        running.cancel()
        await asyncio.wait([running, starting])
