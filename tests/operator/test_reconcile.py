"""The reconciler against a real API server: what it writes is taken, and leads to the end."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from slides_api.v1alpha1 import SlideExtractionStatus
from slides_api.wellknown import API_VERSION, RUNNER_MANAGER
from slides_operator.errors import ConflictError
from slides_operator.extraction.callback import Delivery
from slides_operator.kube.cache import PLURALS, Cache, Key, Kind
from slides_operator.kube.client import APPLY_PATCH, Client
from slides_operator.kube.cluster import Cluster
from slides_operator.kube.echoes import Echoes
from slides_operator.kube.transitions import Transitions
from slides_operator.metrics import Metrics
from slides_operator.reconcile import Reconciler
from slides_operator.webhooks import Deliveries
from tests.cluster.light import LightCluster
from tests.operator.worlds import RESULT, build_settings

pytestmark = pytest.mark.api

Json = dict[str, Any]
LIMIT_S = 60.0
URL = "https://example.com/talk.mp4"


async def _never(key: Key, delivery: Delivery) -> None:
    raise AssertionError(f"{key} has no webhook")


class Operator:
    """A reconciler whose cache is filled by lists, when a test says so."""

    def __init__(self, client: Client, namespace: str, metrics: Metrics) -> None:
        self.client = client
        self.namespace = namespace
        self.settings = build_settings(job_history_seconds=3600)
        self.cache = Cache()
        cluster = Cluster(
            client,
            self.cache,
            self.settings,
            echoes=Echoes(),
            transitions=Transitions(metrics),
        )
        deliveries = Deliveries(_never, wake=lambda _: None)
        self.reconciler = Reconciler(
            cluster, self.cache, self.settings, deliveries, now=lambda: datetime.now(UTC)
        )

    async def reconcile(self, name: str, kind: Kind = Kind.EXTRACTION) -> None:
        await self.look()
        try:
            await self.reconciler.reconcile(Key(kind, self.namespace, name))
        except ConflictError:
            return  # as the work queue has it: again, with what is there by then

    async def look(self) -> None:
        """List everything, as watches would show it."""
        for kind, path in {
            **{kind.value: f"/apis/{API_VERSION}/%s/{PLURALS[kind]}" for kind in Kind},
            "Job": "/apis/batch/v1/%s/jobs",
            "Pod": "/api/v1/%s/pods",
        }.items():
            listed = await self.client.request("GET", path % f"namespaces/{self.namespace}")
            for item in listed["items"]:
                item |= {"kind": kind, "apiVersion": listed["apiVersion"]}
                self.cache.put(item)
            uids = {item["metadata"]["uid"] for item in listed["items"]}
            version = int(listed["metadata"]["resourceVersion"])
            self.cache.retain(kind, uids, version=version)

    async def until(self, name: str, holds: Callable[[Json], bool]) -> Json:
        """Reconcile a resource until its status satisfies."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                await self.reconcile(name)
                found = await self.get(name)
                if found is not None and holds(found.get("status") or {}):
                    return found
                await asyncio.sleep(0.1)

    async def get(self, name: str) -> Json | None:
        await self.look()
        return self.cache.extraction(Key(Kind.EXTRACTION, self.namespace, name))

    async def report(self, name: str, *, attempt: int = 1, result: bool = True) -> None:
        """Report as a runner does."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        status: Json = {"run": {"attempt": attempt, "stage": "Uploading", "updatedAt": now}}
        status |= {"video": {"key": "youtube-x"}} | ({"result": RESULT} if result else {})
        await self.client.request(
            "PATCH",
            f"/apis/{API_VERSION}/namespaces/{self.namespace}/slideextractions/{name}/status",
            query={"fieldManager": RUNNER_MANAGER, "force": "true"},
            body={
                "apiVersion": API_VERSION,
                "kind": "SlideExtraction",
                "metadata": {"name": name},
                "status": status,
            },
            content_type=APPLY_PATCH,
        )


@pytest.fixture
def strict_namespace(light_cluster: LightCluster, namespace: str) -> str:
    """A namespace that takes only pods of the strictest Pod Security."""
    strict = "pod-security.kubernetes.io/enforce=restricted"
    light_cluster.kubectl("label", "namespace", namespace, strict)
    return namespace


@pytest.fixture
def operator(client: Client, strict_namespace: str, metrics: Metrics) -> Operator:
    return Operator(client, strict_namespace, metrics)


def apply(light_cluster: LightCluster, namespace: str, name: str, **spec: Any) -> None:
    body = {
        "apiVersion": API_VERSION,
        "kind": "SlideExtraction",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"source": {"url": URL}} | spec,
    }
    light_cluster.kubectl("apply", "-f", "-", input=json.dumps(body))


def find(light_cluster: LightCluster, namespace: str, what: str) -> list[Json]:
    items: list[Json] = json.loads(
        light_cluster.kubectl("get", what, "-n", namespace, "--output=json")
    )["items"]
    return items


async def until_gone(light_cluster: LightCluster, namespace: str) -> None:
    """Wait until neither Jobs nor pods are left."""
    async with asyncio.timeout(LIMIT_S):
        while find(light_cluster, namespace, "jobs,pods"):  # noqa: ASYNC110 - kubectl has no event
            await asyncio.sleep(0.1)


def succeeded(status: Json) -> str:
    conditions = {one["type"]: one["status"] for one in status.get("conditions") or ()}
    return str(conditions.get("Succeeded", ""))


async def test_an_extraction_runs_to_its_end(
    light_cluster: LightCluster, operator: Operator
) -> None:
    apply(light_cluster, operator.namespace, "talk")
    await operator.reconcile("talk")
    await operator.report("talk")
    ended = await operator.until("talk", lambda status: succeeded(status) == "True")

    status = ended["status"]
    assert status["phase"] == "Completed"
    assert [row["reason"] for row in status["attempts"]["history"]] == ["Completed"]
    assert SlideExtractionStatus.model_validate(status, extra="forbid").to_wire() == status
    (job,) = find(light_cluster, operator.namespace, "jobs")
    assert job["spec"]["ttlSecondsAfterFinished"] == 3600
    (pod,) = find(light_cluster, operator.namespace, "pods")
    assert pod["status"]["phase"] == "Succeeded"

    version = ended["metadata"]["resourceVersion"]
    await operator.reconcile("talk")
    unchanged = await operator.get("talk")
    assert unchanged is not None
    assert unchanged["metadata"]["resourceVersion"] == version


async def test_everything_that_a_spec_may_say_makes_a_job_that_is_taken(
    light_cluster: LightCluster, operator: Operator
) -> None:
    term = {"key": "zone", "operator": "In", "values": ["a"]}
    node = {"requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{"matchExpressions": [term]}]}}  # fmt: skip
    apply(
        light_cluster,
        operator.namespace,
        "a.name-" + "x" * 240,
        source={"url": URL, "secretRef": {"name": "cookies"}},
        storage={"s3": {"bucket": "talks", "secretRef": {"name": "keys"}}},
        workVolume={"claim": {"size": "3Gi", "storageClassName": "fast"}},
        activeDeadlineSeconds=77,
        podTemplate={
            "metadata": {"labels": {"team": "talks"}, "annotations": {"note": "a: b"}},
            "resources": {"requests": {"cpu": 1}, "limits": {"memory": "256Mi"}},
            "nodeSelector": {"disk": "fast"},
            "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
            "affinity": {"nodeAffinity": node},
            "priorityClassName": "system-node-critical",
            "imagePullSecrets": [{"name": "registry"}],
            "serviceAccountName": "own",
            "image": "registry.example.com/runner:2",
        },
    )
    await operator.reconcile("a.name-" + "x" * 240)

    (job,) = find(light_cluster, operator.namespace, "jobs")
    assert len(job["metadata"]["name"]) <= 57
    assert job["spec"]["activeDeadlineSeconds"] == 77
    (claim,) = find(light_cluster, operator.namespace, "persistentvolumeclaims")
    assert claim["spec"]["resources"]["requests"]["storage"] == "3Gi"
    assert claim["metadata"]["ownerReferences"][0]["kind"] == "SlideExtraction"


async def test_a_job_that_the_api_server_refuses_stalls_until_the_spec_is_edited(
    light_cluster: LightCluster, operator: Operator
) -> None:
    terms = [{"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}]
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    nonsense = {"nodeAffinity": required}
    apply(light_cluster, operator.namespace, "talk", podTemplate={"affinity": nonsense})
    refused = await operator.until("talk", lambda status: succeeded(status) == "False")
    stalled = {one["type"]: one["reason"] for one in refused["status"]["conditions"]}
    assert stalled["Stalled"] == "InvalidSpec"
    assert "Exists" in json.dumps(refused["status"]["conditions"])

    apply(light_cluster, operator.namespace, "talk", podTemplate={})
    going = await operator.until("talk", lambda status: succeeded(status) == "Unknown")
    assert going["status"]["attempts"]["current"] == 1
    assert "completionTime" not in going["status"]


async def test_suspended_it_stops_and_resumed_it_goes_on(
    light_cluster: LightCluster, operator: Operator
) -> None:
    apply(light_cluster, operator.namespace, "talk")
    await operator.reconcile("talk")
    apply(light_cluster, operator.namespace, "talk", suspend=True)
    suspended = await operator.until("talk", lambda status: status["phase"] == "Suspended")
    assert [row["reason"] for row in suspended["status"]["attempts"]["history"]] == ["Suspended"]
    await until_gone(light_cluster, operator.namespace)

    apply(light_cluster, operator.namespace, "talk", suspend=False)
    resumed = await operator.until(
        "talk", lambda status: status.get("attempts", {}).get("current") == 2
    )
    assert resumed["status"]["attempts"]["counted"] == 0


@pytest.mark.parametrize("cascade", ["background", "foreground"])
async def test_outputs_are_deleted_before_the_resource(
    light_cluster: LightCluster, operator: Operator, cascade: str
) -> None:
    apply(light_cluster, operator.namespace, "talk", deletionPolicy="Delete")
    async with asyncio.timeout(LIMIT_S):
        while not find(light_cluster, operator.namespace, "jobs"):
            await operator.reconcile("talk")
    await operator.report("talk")
    await operator.until("talk", lambda status: succeeded(status) == "True")

    cascading = f"--cascade={cascade}"
    light_cluster.kubectl(
        "delete", "slx", "talk", "-n", operator.namespace, "--wait=false", cascading
    )
    made: set[str] = set()
    async with asyncio.timeout(LIMIT_S):
        while await operator.get("talk") is not None:
            made |= {
                job["metadata"]["name"] for job in find(light_cluster, operator.namespace, "jobs")
            }
            await operator.reconcile("talk")
            await asyncio.sleep(0.1)
    await until_gone(light_cluster, operator.namespace)
    assert [name for name in made if name.endswith("-delete-1")]


async def test_a_batch_makes_its_extractions_and_counts_them(
    light_cluster: LightCluster, operator: Operator
) -> None:
    items = [{"name": f"item-{n}", "url": URL} for n in range(3)]
    body = {
        "apiVersion": API_VERSION,
        "kind": "SlideExtractionBatch",
        "metadata": {"name": "talks", "namespace": operator.namespace},
        "spec": {"items": items, "parallelism": 2, "template": {"retry": {"limit": 1}}},
    }
    light_cluster.kubectl("apply", "-f", "-", input=json.dumps(body))
    await operator.reconcile("talks", Kind.BATCH)
    children = find(light_cluster, operator.namespace, "slideextractions")
    assert len(children) == 2
    assert {child["spec"]["retry"]["limit"] for child in children} == {1}
    for child in children:
        await operator.reconcile(child["metadata"]["name"])
        await operator.report(child["metadata"]["name"])
        await operator.until(child["metadata"]["name"], lambda status: succeeded(status) == "True")
    await asyncio.sleep(2)
    await operator.reconcile("talks", Kind.BATCH)
    assert len(find(light_cluster, operator.namespace, "slideextractions")) == 3
    (batch,) = find(light_cluster, operator.namespace, "slideextractionbatches")
    assert batch["status"]["counts"] == {
        "total": 3, "completed": 2, "pending": 1, "running": 0, "failed": 0, "cancelled": 0,
    }  # fmt: skip
