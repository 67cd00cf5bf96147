"""What a write changed is counted once, whoever brings the news first."""

import json
from typing import Any

import pytest

from slides_api.wellknown import API_VERSION
from slides_operator.kube.cache import Cache, Key, Kind
from slides_operator.kube.client import Client, TokenBucket, open_api
from slides_operator.kube.cluster import Cluster
from slides_operator.kube.echoes import Echoes
from slides_operator.kube.transitions import Transitions
from slides_operator.metrics import Metrics
from slides_operator.settings import OperatorSettings
from tests.cluster.light import LightCluster

pytestmark = pytest.mark.api
ENDED = "2026-01-01T00:00:00Z"


class Overtaken(Client):
    """A client whose answers come after the watch has told the same."""

    def __init__(self, *parts: Any, cache: Cache) -> None:
        super().__init__(*parts)
        self._cache = cache

    async def request(self, *told: Any, **more: Any) -> dict[str, Any]:
        answer = await super().request(*told, **more)
        self._cache.put(json.loads(json.dumps(answer)))
        return answer


async def test_an_end_counts_though_the_watch_told_it_first(
    light_cluster: LightCluster, namespace: str, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(light_cluster.kubeconfig))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    body = {
        "apiVersion": API_VERSION,
        "kind": "SlideExtraction",
        "metadata": {"name": "talk"},
        "spec": {"source": {"url": "https://example.com/talk.mp4"}},
    }
    cache = Cache()
    settings = OperatorSettings(runner_image="runner:1")
    async with open_api() as api:
        client = Overtaken(api, TokenBucket(1000, 1000), metrics, cache=cache)
        cluster = Cluster(
            client, cache, settings, echoes=Echoes(), transitions=Transitions(metrics)
        )
        path = f"/apis/{API_VERSION}/namespaces/{namespace}/slideextractions"
        created = await client.request("POST", path, body=body)
        key = Key(Kind.EXTRACTION, namespace, "talk")
        version = created["metadata"]["resourceVersion"]
        status = {"phase": "Completed", "completionTime": ENDED}
        await cluster.apply_status(key, status, resource_version=version)

    labels = {"result": "Completed", "reason": ""}
    name = "slides_operator_extractions_finished_total"
    assert metrics.registry.get_sample_value(name, labels) == 1
