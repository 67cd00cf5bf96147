"""Every call of a reconcile, against a real API server: what it does, and what it refuses."""

import asyncio
import uuid
from typing import Any

import pytest

from slides_api.names import job_name
from slides_api.wellknown import API_VERSION, BATCH_LABEL, EXTRACTION_LABEL, OUTPUTS_FINALIZER
from slides_operator.errors import ConflictError, NotFoundError, RejectedError
from slides_operator.kube.cache import Cache, Key, Kind
from slides_operator.kube.client import Client
from slides_operator.kube.cluster import Cluster
from slides_operator.kube.echoes import Echoes
from slides_operator.kube.transitions import Transitions
from slides_operator.metrics import Metrics
from slides_operator.settings import OperatorSettings
from tests.cluster.client import KubectlError
from tests.cluster.light import LightCluster

Json = dict[str, Any]

pytestmark = pytest.mark.api
TRANSITION = "2026-01-01T00:00:00Z"


@pytest.fixture
def cache() -> Cache:
    return Cache()


@pytest.fixture
def settings() -> OperatorSettings:
    return OperatorSettings(runner_image="runner:1")


@pytest.fixture
def cluster(client: Client, cache: Cache, settings: OperatorSettings, metrics: Metrics) -> Cluster:
    return Cluster(client, cache, settings, echoes=Echoes(), transitions=Transitions(metrics))


@pytest.fixture
async def extraction(client: Client, cache: Cache, namespace: str) -> Json:
    body = {
        "apiVersion": API_VERSION,
        "kind": "SlideExtraction",
        "metadata": {"name": "talk"},
        "spec": {"source": {"url": "https://example.com/talk.mp4"}},
    }
    path = f"/apis/{API_VERSION}/namespaces/{namespace}/slideextractions"
    obj = await client.request("POST", path, body=body)
    cache.put(obj)
    return obj


def _key(obj: Json) -> Key:
    return Key(Kind(obj["kind"]), obj["metadata"]["namespace"], obj["metadata"]["name"])


def _version(obj: Json) -> str:
    return str(obj["metadata"]["resourceVersion"])


def _owner(obj: Json) -> Json:
    return {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "name": obj["metadata"]["name"],
        "uid": obj["metadata"]["uid"],
        "controller": True,
    }


def _job(owner: Json, *, name: str = "") -> Json:
    uid = owner["metadata"]["uid"]
    container = {"name": "runner", "image": "runner:1"}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name or job_name(owner["metadata"]["name"], uid, 1),
            "labels": {EXTRACTION_LABEL: uid},
            "ownerReferences": [_owner(owner)],
        },
        "spec": {
            "suspend": True,  # no pod is needed here
            "template": {"spec": {"restartPolicy": "Never", "containers": [container]}},
        },
    }


def _status(reason: str = "JobCreated", **more: Any) -> Json:
    condition = {
        "type": "Succeeded",
        "status": "Unknown",
        "reason": reason,
        "message": "as it is",
        "lastTransitionTime": TRANSITION,
        "observedGeneration": 1,
    }
    return {"phase": "Pending", "observedGeneration": 1, "conditions": [condition], **more}


async def test_created_job_is_in_the_cache_at_once(
    cluster: Cluster, cache: Cache, extraction: Json, namespace: str, metrics: Metrics
) -> None:
    await cluster.create_job(namespace, _job(extraction))

    (job,) = cache.jobs_of(namespace, extraction["metadata"]["uid"])
    assert job["metadata"]["name"].startswith("talk-")
    assert metrics.registry.get_sample_value("slides_operator_queue_wait_seconds_count") == 1


async def test_job_that_is_ours_already_is_as_good(
    cluster: Cluster, cache: Cache, extraction: Json, namespace: str
) -> None:
    await cluster.create_job(namespace, _job(extraction))
    (job,) = cache.jobs_of(namespace, extraction["metadata"]["uid"])
    cache.drop(job)

    await cluster.create_job(namespace, _job(extraction))


async def test_job_of_somebody_else_is_a_conflict(
    cluster: Cluster, extraction: Json, namespace: str
) -> None:
    await cluster.create_job(namespace, _job(extraction))
    other = {**extraction, "metadata": {**extraction["metadata"], "uid": str(uuid.uuid4())}}
    name = _job(extraction)["metadata"]["name"]

    with pytest.raises(ConflictError):
        await cluster.create_job(namespace, _job(other, name=name))


async def test_job_that_can_never_be_is_rejected(
    cluster: Cluster, extraction: Json, namespace: str
) -> None:
    body = _job(extraction)
    body["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "much"}}

    with pytest.raises(RejectedError, match="quantities must match"):
        await cluster.create_job(namespace, body)


async def test_patched_job_keeps_the_rest(
    cluster: Cluster, cache: Cache, extraction: Json, namespace: str
) -> None:
    await cluster.create_job(namespace, _job(extraction))
    (job,) = cache.jobs_of(namespace, extraction["metadata"]["uid"])

    patch = {"spec": {"ttlSecondsAfterFinished": 60}}
    await cluster.patch_job(namespace, job["metadata"]["name"], patch)
    await cluster.patch_job(namespace, "none", patch)

    (job,) = cache.jobs_of(namespace, extraction["metadata"]["uid"])
    assert job["spec"]["ttlSecondsAfterFinished"] == 60
    assert job["spec"]["suspend"] is True


async def test_deleted_job_goes_with_its_pods(
    cluster: Cluster, cache: Cache, extraction: Json, namespace: str, light_cluster: LightCluster
) -> None:
    await cluster.create_job(namespace, _job(extraction))
    (job,) = cache.jobs_of(namespace, extraction["metadata"]["uid"])
    name = job["metadata"]["name"]

    await cluster.delete_job(namespace, name)
    (leaving,) = cache.jobs_of(namespace, extraction["metadata"]["uid"])
    light_cluster.kubectl("wait", "--for=delete", f"job/{name}", "-n", namespace)
    await cluster.delete_job(namespace, name)  # it is gone, which is what was wanted

    assert leaving["metadata"]["deletionTimestamp"]


async def test_claim_is_made_once_and_deleted(
    cluster: Cluster, extraction: Json, namespace: str, light_cluster: LightCluster
) -> None:
    claim = {
        "metadata": {"name": "talk-work", "ownerReferences": [_owner(extraction)]},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }

    await cluster.create_claim(namespace, claim)
    await cluster.create_claim(namespace, claim)
    found = light_cluster.kubectl("get", "pvc", "-n", namespace, "-o", "name")
    await cluster.delete_claim(namespace, "talk-work")
    await cluster.delete_claim(namespace, "none")

    assert found == "persistentvolumeclaim/talk-work\n"


async def test_applied_status_is_all_that_the_operator_says(
    cluster: Cluster, cache: Cache, extraction: Json
) -> None:
    key = _key(extraction)
    waiting = _status(nextRetryTime=TRANSITION)
    await cluster.apply_status(key, waiting, resource_version=_version(extraction))
    first = cache.extraction(key)
    assert first is not None

    await cluster.apply_status(key, _status(), resource_version=_version(first))

    second = cache.extraction(key)
    assert second is not None
    assert first["status"]["nextRetryTime"] == TRANSITION
    assert "nextRetryTime" not in second["status"]


async def test_status_of_a_changed_resource_is_a_conflict(
    cluster: Cluster, extraction: Json
) -> None:
    key = _key(extraction)
    await cluster.apply_status(key, _status(), resource_version=_version(extraction))

    with pytest.raises(ConflictError):
        await cluster.apply_status(key, _status("Retrying"), resource_version=_version(extraction))


async def test_same_status_changes_nothing(
    cluster: Cluster, cache: Cache, extraction: Json
) -> None:
    key = _key(extraction)
    await cluster.apply_status(key, _status(), resource_version=_version(extraction))
    first = cache.extraction(key)
    assert first is not None

    await cluster.apply_status(key, _status(), resource_version=_version(first))

    assert cache.version_of(extraction["metadata"]["uid"]) == int(_version(first))


async def test_status_leaves_the_runners_part_alone(
    cluster: Cluster, cache: Cache, client: Client, extraction: Json
) -> None:
    key = _key(extraction)
    path = f"/apis/{API_VERSION}/namespaces/{key.namespace}/slideextractions/{key.name}/status"
    run = {"apiVersion": API_VERSION, "kind": key.kind, "status": {"run": {"attempt": 1}}}
    reported = await client.request(
        "PATCH",
        path,
        query={"fieldManager": "slides-runner", "force": "true"},
        body=run,
        content_type="application/apply-patch+yaml",
    )

    await cluster.apply_status(key, _status(), resource_version=_version(reported))

    after = cache.extraction(key)
    assert after is not None
    assert after["status"]["run"] == {"attempt": 1}


async def test_status_of_a_deleted_resource_is_not_found(
    cluster: Cluster, extraction: Json, light_cluster: LightCluster, namespace: str
) -> None:
    light_cluster.kubectl("delete", "slx", "talk", "-n", namespace)

    with pytest.raises(NotFoundError):
        await cluster.apply_status(
            _key(extraction), _status(), resource_version=_version(extraction)
        )


async def test_outcomes_are_counted(
    cluster: Cluster, cache: Cache, extraction: Json, metrics: Metrics
) -> None:
    key = _key(extraction)
    row = {"attempt": 1, "job": "talk-1", "reason": "NetworkError", "finishedAt": TRANSITION}
    over: Json = {"startTime": TRANSITION, "completionTime": "2026-01-01T00:01:00Z"}
    history: Json = {"attempts": {"current": 1, "counted": 1, "history": [row]}}
    await cluster.apply_status(key, _status(**history), resource_version=_version(extraction))
    current = cache.extraction(key)
    assert current is not None

    failed = {**_status("NetworkError", **over, **history), "phase": "Failed"}
    await cluster.apply_status(key, failed, resource_version=_version(current))

    value = metrics.registry.get_sample_value
    assert value("slides_operator_attempts_total", {"reason": "NetworkError"}) == 1
    labels = {"result": "Failed", "reason": "NetworkError"}
    assert value("slides_operator_extractions_finished_total", labels) == 1
    assert value("slides_operator_duration_seconds_sum") == 60


async def test_last_finalizer_taken_off_ends_a_deleted_resource(
    cluster: Cluster, cache: Cache, client: Client, extraction: Json
) -> None:
    key = _key(extraction)
    uid = extraction["metadata"]["uid"]
    await cluster.patch_metadata(
        key, {"finalizers": [OUTPUTS_FINALIZER]}, resource_version=_version(extraction)
    )
    await cluster.delete_extraction(key, uid)
    held = cache.extraction(key)
    assert held is not None
    assert held["metadata"]["deletionTimestamp"]

    await cluster.patch_metadata(key, {"finalizers": None}, resource_version=_version(held))

    assert cache.extraction(key) is None
    await cluster.delete_extraction(key, uid)  # it is gone, which is what was wanted


async def test_delete_leaves_another_of_its_name_alone(
    cluster: Cluster, extraction: Json, light_cluster: LightCluster, namespace: str
) -> None:
    await cluster.delete_extraction(_key(extraction), str(uuid.uuid4()))

    assert "talk" in light_cluster.kubectl("get", "slx", "-n", namespace, "-o", "name")


async def test_spec_is_patched_only_as_it_was_seen(
    cluster: Cluster, cache: Cache, extraction: Json
) -> None:
    key = _key(extraction)

    await cluster.patch_spec(key, {"suspend": True}, resource_version=_version(extraction))
    with pytest.raises(ConflictError):
        await cluster.patch_spec(key, {"suspend": False}, resource_version=_version(extraction))

    after = cache.extraction(key)
    assert after is not None
    assert after["spec"]["suspend"] is True


async def test_child_of_a_batch_is_created_once(
    cluster: Cluster, cache: Cache, client: Client, namespace: str
) -> None:
    batch = await client.request(
        "POST",
        f"/apis/{API_VERSION}/namespaces/{namespace}/slideextractionbatches",
        body={
            "apiVersion": API_VERSION,
            "kind": "SlideExtractionBatch",
            "metadata": {"name": "talks"},
            "spec": {"items": [{"name": "one", "url": "https://example.com/1.mp4"}]},
        },
    )
    uid = batch["metadata"]["uid"]
    child = {
        "apiVersion": API_VERSION,
        "kind": "SlideExtraction",
        "metadata": {
            "name": "talks-one",
            "labels": {BATCH_LABEL: uid},
            "ownerReferences": [_owner(batch)],
        },
        "spec": {"source": {"url": "https://example.com/1.mp4"}},
    }

    await cluster.create_extraction(namespace, child)
    await cluster.create_extraction(namespace, child)

    assert [c["metadata"]["name"] for c in cache.children_of(namespace, uid)] == ["talks-one"]


async def test_event_is_posted_and_read(
    cluster: Cluster, extraction: Json, namespace: str, light_cluster: LightCluster
) -> None:
    await cluster.post_event(extraction, type="Warning", reason="Retrying", message="m" * 2000)

    (event,) = await cluster.events_of(namespace, extraction["metadata"]["uid"])
    assert (event["reason"], event["type"], len(event["message"])) == ("Retrying", "Warning", 1024)
    assert "Retrying" in light_cluster.kubectl("describe", "slx", "talk", "-n", namespace)


async def test_event_that_cannot_be_posted_harms_nothing(
    cluster: Cluster, extraction: Json
) -> None:
    elsewhere = {**extraction["metadata"], "namespace": "none"}

    await cluster.post_event(
        {**extraction, "metadata": elsewhere}, type="Normal", reason="Completed", message="done"
    )


async def test_runner_access_is_granted_once(
    cluster: Cluster, namespace: str, light_cluster: LightCluster, metrics: Metrics
) -> None:
    await asyncio.gather(*(cluster.ensure_runner_access(namespace) for _ in range(4)))

    made = light_cluster.kubectl(
        "get", "rolebinding", "slides-runner", "-n", namespace, "-o", "name"
    )
    account = light_cluster.kubectl("get", "sa", "slides-runner", "-n", namespace, "-o", "name")
    labels = {"verb": "create", "code": "201"}
    assert made.strip().endswith("slides-runner")
    assert account.strip() == "serviceaccount/slides-runner"
    assert metrics.registry.get_sample_value("slides_operator_api_requests_total", labels) == 2


async def test_runner_access_that_is_there_is_left_alone(
    client: Client, cache: Cache, settings: OperatorSettings, metrics: Metrics, namespace: str
) -> None:
    for _ in range(2):  # as after a restart
        cluster = Cluster(
            client, cache, settings, echoes=Echoes(), transitions=Transitions(metrics)
        )
        await cluster.ensure_runner_access(namespace)


async def test_runner_access_in_listed_namespaces_is_the_charts(
    client: Client, cache: Cache, metrics: Metrics, namespace: str, light_cluster: LightCluster
) -> None:
    settings = OperatorSettings(runner_image="runner:1", watch_namespaces=(namespace,))
    cluster = Cluster(client, cache, settings, echoes=Echoes(), transitions=Transitions(metrics))

    await cluster.ensure_runner_access(namespace)

    with pytest.raises(KubectlError, match="NotFound"):
        light_cluster.kubectl("get", "sa", "slides-runner", "-n", namespace)
