"""A kubelet as far as logs go: the API server asks it for those of the pods on its node.

Nodes of the light cluster are played by kwok, whose pods say nothing.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from slides_api.wellknown import ATTEMPT_LABEL, EXTRACTION_LABEL
from slides_operator.errors import RejectedError
from slides_operator.kube.client import Client, Json
from tests.cluster.certificates import make_authority

NODES = "/api/v1/nodes"
LIMIT_S = 20.0
"""For a new namespace's ServiceAccount."""


@dataclass
class Kubelet:
    """A running one, and the node that it stands for."""

    api: Client
    node: str
    logs: dict[str, str] = field(default_factory=dict)
    """By name of the pod."""
    asked: int = 0

    async def add_pod(self, extraction: Json, attempt: int, log: str) -> str:
        """Make the pod of an attempt, which has written so much, and return its name."""
        meta = extraction["metadata"]
        name = f"{meta['name']}-{attempt}-abcde"
        self.logs[name] = log
        labels = {EXTRACTION_LABEL: meta["uid"], ATTEMPT_LABEL: str(attempt)}
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": labels},
            "spec": {"nodeName": self.node, "containers": [{"name": "runner", "image": "none"}]},
        }
        await self._create(f"/api/v1/namespaces/{meta['namespace']}/pods", body)
        return name

    async def _create(self, path: str, body: Json) -> None:
        """Create a pod, once the controller has made its namespace's ServiceAccount."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                with suppress(RejectedError):
                    await self.api.request("POST", path, body=body)
                    return
                await asyncio.sleep(0.1)

    async def remove_pod(self, namespace: str, name: str) -> None:
        """Have a pod be gone."""
        path = f"/api/v1/namespaces/{namespace}/pods/{name}"
        await self.api.request("DELETE", path, body={"gracePeriodSeconds": 0})

    async def answer(self, request: web.Request) -> web.Response:
        """Return a container's log as a kubelet does."""
        self.asked += 1
        return web.Response(text=self.logs[request.match_info["pod"]])


@asynccontextmanager
async def run_kubelet(api: Client, name: str, folder: Path) -> AsyncIterator[Kubelet]:
    """Run a kubelet with a node of this name until the block ends."""
    kubelet = Kubelet(api, name)
    app = web.Application()
    app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", kubelet.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=_certificate(folder))
    await site.start()
    port = runner.addresses[0][1]
    await api.request("POST", NODES, body=_node(name, port))
    try:
        yield kubelet
    finally:
        await api.request("DELETE", f"{NODES}/{name}")
        await runner.cleanup()


def _certificate(folder: Path) -> ssl.SSLContext:
    made = make_authority(folder).issue(
        "kubelet", user="system:node:test", group="system:nodes", names=("127.0.0.1",)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.certificate, made.key)
    return context


def _node(name: str, port: int) -> Json:
    """Return a node that is in a phase already: kwok leaves it alone."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "spec": {"unschedulable": True},
        "status": {
            "phase": "Running",
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        },
    }
