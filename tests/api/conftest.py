"""A namespace of a real API server for each module of tests."""

import uuid

import pytest

from tests.api.objects import Client
from tests.cluster.light import LightCluster


@pytest.fixture(scope="module")
def client(light_cluster: LightCluster) -> Client:
    """kubectl in a new namespace."""
    name = f"api-{uuid.uuid4().hex[:8]}"
    light_cluster.kubectl("create", "namespace", name)
    return Client(light_cluster, name)
