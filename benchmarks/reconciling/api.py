"""The API server as the benchmark talks to it: a client library, raw answers, watches."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from kubernetes.aio import client, config

Json = dict[str, Any]
Item = TypeVar("Item")

GROUP, VERSION = "slides-extractor.dev", "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
PLURAL = "slideextractions"
NAMESPACE = "bench"
EXTRACTION_LABEL = f"{GROUP}/extraction"
APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
CONNECTIONS = 64
WATCH_S = 3600
"""Longer than any run."""


@asynccontextmanager
async def open_api(kubeconfig: Path) -> AsyncIterator[client.ApiClient]:
    """Open the client library on a cluster."""
    # An environment that names proxies has no say on the loopback address.
    configuration = client.Configuration(
        connection_pool_maxsize=CONNECTIONS, client_session_kwargs={"trust_env": False}
    )
    await config.load_kube_config(  # type: ignore[no-untyped-call] # the library's
        config_file=str(kubeconfig), client_configuration=configuration
    )
    async with client.ApiClient(configuration) as api:
        api.user_agent = "bench"
        yield api


async def send(
    api: client.ApiClient, method: str, path: str, body: object = None, content_type: str = ""
) -> bytes:
    """Return what the API server answers. Raises RuntimeError on anything but success."""
    headers = {"Content-Type": content_type or "application/json", "User-Agent": api.user_agent}
    answer = await api.call_api(method, api.configuration.host + path, headers, body)
    content: bytes = await answer.response.read()
    if not answer.response.ok:
        raise RuntimeError(f"{method} {path}: {answer.response.status} {content[:300]!r}")
    return content


async def watch(
    api: client.ApiClient, path: str, *, selector: str = "", version: str = ""
) -> AsyncIterator[Json]:
    """Yield the events of a watch since a version, else beginning with what is there.

    One that ends is taken up again: the API server ends a watch whose reader is slow, as on a
    machine that is busy otherwise. Raises RuntimeError when it does not know any more what was
    missed.
    """
    while True:
        async for event in _watch_once(api, path, selector=selector, version=version):
            if event["type"] == "ERROR":
                raise RuntimeError(f"watch of {path}: {event['object']}")
            version = event["object"]["metadata"]["resourceVersion"]
            if event["type"] != "BOOKMARK":
                yield event


async def _watch_once(
    api: client.ApiClient, path: str, *, selector: str, version: str
) -> AsyncIterator[Json]:
    query = f"watch=1&allowWatchBookmarks=true&timeoutSeconds={WATCH_S}"
    query += f"&labelSelector={selector}&resourceVersion={version}"
    timeout = aiohttp.ClientTimeout(total=None)
    url = f"{api.configuration.host}{path}?{query}"
    answer = await api.call_api("GET", url, {}, None, _request_timeout=timeout)
    content: aiohttp.StreamReader = answer.response.content
    try:
        async for line in content:
            yield json.loads(line)
    finally:
        # Closed politely, TLS waits for the other side, perhaps for longer than the loop runs.
        if (connection := answer.response.connection) and connection.transport:
            connection.transport.abort()
        answer.response.close()


async def each(
    items: Iterable[Item], work: Callable[[Item], Awaitable[object]], *, in_flight: int
) -> None:
    """Do the work for every item, so many at a time."""
    queue = iter(items)

    async def worker() -> None:
        for item in queue:
            await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(worker())
