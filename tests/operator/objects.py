"""Objects as the API server writes them, small."""

from typing import Any

from slides_api.wellknown import API_VERSION, BATCH_LABEL, EXTRACTION_LABEL
from slides_operator.kube.cache import LAST_APPLIED

Json = dict[str, Any]


def build_meta(
    uid: str, version: int, *, name: str = "", namespace: str = "default", **more: Any
) -> Json:
    return {
        "namespace": namespace,
        "name": name or uid,
        "uid": uid,
        "resourceVersion": str(version),
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [{"manager": "kubectl"}],
        **more,
    }


def build_extraction(
    uid: str = "x-1", version: int = 1, *, batch: str = "", manifest: str = "", **more: Any
) -> Json:
    labels = {BATCH_LABEL: batch} if batch else {}
    annotations = {LAST_APPLIED: "{}", "note": "kept"}
    return {
        "apiVersion": API_VERSION,
        "kind": "SlideExtraction",
        "metadata": build_meta(uid, version, labels=labels, annotations=annotations, **more),
        "spec": {"source": {"url": "https://example.com/talk.mp4"}},
        "status": {"phase": "Completed", "result": {"manifestURI": manifest}} if manifest else {},
    }


def build_batch(uid: str = "b-1", version: int = 1) -> Json:
    return {
        "apiVersion": API_VERSION,
        "kind": "SlideExtractionBatch",
        "metadata": build_meta(uid, version),
        "spec": {"items": []},
    }


def build_job(
    uid: str = "j-1", version: int = 1, *, of: str = "x-1", ended: bool = False, **more: Any
) -> Json:
    condition = {"type": "Complete", "status": "True"}
    owner = {"kind": "SlideExtraction", "uid": of, "controller": True}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": build_meta(
            uid, version, labels={EXTRACTION_LABEL: of}, ownerReferences=[owner], **more
        ),
        "spec": {"backoffLimit": 0, "template": {"spec": {"containers": []}}},
        "status": {"conditions": [condition]} if ended else {},
    }


def build_pod(uid: str = "p-1", version: int = 1, *, of: str = "x-1", **more: Any) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": build_meta(uid, version, labels={EXTRACTION_LABEL: of}, **more),
        "spec": {"nodeName": "node-1", "containers": [{"name": "runner"}]},
        "status": {"phase": "Running"},
    }
