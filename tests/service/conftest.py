"""A running service on the light cluster, and hands that do what runners and operators do."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp
import pytest

from slides_api.wellknown import API_VERSION
from slides_operator.kube.cache import PLURALS, Kind
from slides_operator.kube.client import APPLY_PATCH, Client, Json, TokenBucket, open_api
from slides_operator.serve import open_service, serve
from slides_operator.service.metrics import ServiceMetrics
from slides_operator.service.parts import Service
from slides_operator.service.settings import ServiceSettings
from tests.cluster.light import LightCluster

PASSWORD = "secret"
KEY = "key"
LIMIT_S = 10.0
"""Chosen: a hundred times what a watch takes to bring a change."""
SOURCE = {"source": {"url": "https://example.com/talk.mp4"}}


@dataclass
class RunningService:
    """A service that answers at `url`."""

    url: str
    client: aiohttp.ClientSession
    """Sends the password."""
    stranger: aiohttp.ClientSession
    """Sends nothing."""
    cluster: LightCluster
    api: Client
    """The cluster's admin."""
    namespace: str
    parts: Service
    stop: asyncio.Event
    """Set, it ends as by SIGTERM."""
    headers: dict[str, str] = field(default_factory=lambda: {"Authorization": f"Bearer {PASSWORD}"})

    async def create(
        self,
        spec: Json | None = None,
        *,
        name: str = "",
        kind: Kind = Kind.EXTRACTION,
        **metadata: Any,
    ) -> Json:
        """Create a resource as kubectl does, and wait until the service knows it."""
        body = {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": {"name": name or f"talk-{uuid.uuid4().hex[:8]}", **metadata},
            "spec": spec or SOURCE,
        }
        return await self.seen(await self.api.request("POST", self.path(kind), body=body))

    async def set_status(
        self,
        name: str,
        status: Json,
        *,
        kind: Kind = Kind.EXTRACTION,
        manager: str = "test",
        wait: bool = True,
    ) -> Json:
        """Apply a status as runner or operator do; what this manager applied before is replaced."""
        body = {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": {"name": name},
            "status": status,
        }
        obj = await self.api.request(
            "PATCH",
            f"{self.path(kind)}/{name}/status",
            query={"fieldManager": manager, "force": "true"},
            body=body,
            content_type=APPLY_PATCH,
        )
        return await self.seen(obj) if wait else obj

    async def delete(self, name: str, *, kind: Kind = Kind.EXTRACTION) -> None:
        """Delete a resource as kubectl does, and wait until the service knows."""
        await self.api.request("DELETE", f"{self.path(kind)}/{name}")
        store = self.parts.store
        await until(lambda: store.get(kind, self.namespace, name) is None)

    async def seen(self, obj: Json) -> Json:
        """Return an object once the service knows it as it is."""
        uid, version = obj["metadata"]["uid"], int(obj["metadata"]["resourceVersion"])

        def known() -> bool:
            record = self.parts.store.by_uid(uid)
            return record is not None and record.version >= version

        await until(known)
        return obj

    def path(self, kind: Kind = Kind.EXTRACTION) -> str:
        """Return where the API server has a kind's resources of this test's namespace."""
        return f"/apis/{API_VERSION}/namespaces/{self.namespace}/{PLURALS[kind]}"


class StartService(Protocol):
    """Starts a service with other settings; `async with` gives a RunningService."""

    def __call__(
        self, *, insecure: bool = False, **settings: Any
    ) -> AbstractAsyncContextManager[RunningService]: ...


async def until(holds: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    """Wait until something holds. Raises TimeoutError."""
    async with asyncio.timeout(limit_s):
        while not holds():  # noqa: ASYNC110 - whatever it is, it has no event
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have settings be what the test says."""
    for name in (*ServiceSettings.model_fields, "flask_env", "kubernetes_service_host"):
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
async def api(
    light_cluster: LightCluster, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Client]:
    """A client as the cluster's admin."""
    monkeypatch.setenv("KUBECONFIG", str(light_cluster.kubeconfig))
    async with open_api() as opened:
        yield Client(opened, TokenBucket(1000, 1000), ServiceMetrics())


@pytest.fixture
async def namespace(api: Client) -> AsyncIterator[str]:
    """A namespace of its own for the test."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    await api.request("POST", "/api/v1/namespaces", body=body)
    yield name
    await api.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def start_service(light_cluster: LightCluster, api: Client, namespace: str) -> StartService:
    """Start services on the light cluster, in the test's namespace."""

    @asynccontextmanager
    async def start(*, insecure: bool = False, **settings: Any) -> AsyncIterator[RunningService]:
        chosen = build_settings(namespace, **settings)
        async with (
            open_service(chosen, insecure=insecure) as parts,
            _served(parts) as (url, stop),
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {PASSWORD}"}) as client,
            aiohttp.ClientSession() as stranger,
        ):
            yield RunningService(
                url=url,
                client=client,
                stranger=stranger,
                cluster=light_cluster,
                api=api,
                namespace=namespace,
                parts=parts,
                stop=stop,
            )

    return start


@pytest.fixture
async def service(start_service: StartService) -> AsyncIterator[RunningService]:
    """A running service, with password and key."""
    async with start_service() as running:
        yield running


def build_settings(namespace: str, **changed: Any) -> ServiceSettings:
    """Return the settings of a test's service."""
    chosen: dict[str, Any] = {
        "_env_file": None,
        "api_password": PASSWORD,
        "api_key": KEY,
        "secret_key": "0123456789abcdef0123456789abcdef",
        "pod_namespace": namespace,
        "watch_namespaces": namespace,
        "service_host": "127.0.0.1",
        "service_port": 0,
        "graceful_shutdown_timeout_seconds": 0,
        **changed,
    }
    return ServiceSettings(**chosen)


@asynccontextmanager
async def _served(parts: Service) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Serve as `python -m slides_operator serve` does, until the block ends."""
    stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(parts, stop, on_started=started.set_result))
    ready = asyncio.create_task(parts.feed.ready.wait())
    try:
        async with asyncio.timeout(LIMIT_S):
            await asyncio.wait({task, started}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield started.result()[0], stop
    finally:
        ready.cancel()
        stop.set()
        await task
