"""Fixtures of the operator's tests: its client on the light cluster, a namespace for each test."""

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from slides_operator.kube.client import Client, TokenBucket, open_api
from slides_operator.metrics import Metrics
from tests.cluster.light import LightCluster


@pytest.fixture
def namespace(light_cluster: LightCluster) -> Iterator[str]:
    """A namespace of its own for the test."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    light_cluster.kubectl("create", "namespace", name)
    yield name
    light_cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def client(
    light_cluster: LightCluster, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Client]:
    """The operator's client, as the cluster's admin."""
    monkeypatch.setenv("KUBECONFIG", str(light_cluster.kubeconfig))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    async with open_api() as api:
        yield Client(api, TokenBucket(1000, 1000), metrics)
