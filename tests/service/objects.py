"""Resources as the API server writes them, with as much in them as a test asks for."""

import itertools
from typing import Any

from slides_api.wellknown import (
    API_VERSION,
    BATCH_KIND,
    BATCH_LABEL,
    CREATED_BY_LABEL,
    EXTRACTION_KIND,
    ITEM,
    JOB_TYPE_LABEL,
)

CREATED = "2026-11-21T12:00:00Z"
_versions = itertools.count(100)


def succeeded(status: str, reason: str, message: str, at: str = CREATED) -> dict[str, Any]:
    """A condition Succeeded."""
    told = {"status": status, "reason": reason, "message": message}
    return {"type": "Succeeded", "lastTransitionTime": at, **told}


PHASES: dict[str, dict[str, Any]] = {
    "Pending": succeeded("Unknown", "JobCreated", "Attempt 1 was created as Job talk-1."),
    "Queued": succeeded("Unknown", "Accepted", "It waits for its turn."),
    "Downloading": succeeded("Unknown", "Downloading", "Attempt 1 is downloading."),
    "Extracting": succeeded("Unknown", "Extracting", "Attempt 1 is extracting."),
    "Uploading": succeeded("Unknown", "Uploading", "Attempt 1 is uploading."),
    "Completed": succeeded("True", "Completed", "12 slides."),
    "Failed": succeeded("False", "PrivateVideo", "The video is private."),
    "Suspended": succeeded("Unknown", "Suspended", "Suspended."),
    "Cancelled": succeeded("False", "Cancelled", "Cancelled by spec.cancel."),
}
"""The condition that goes with each phase."""


def extraction(
    name: str = "talk",
    *,
    phase: str = "",
    namespace: str = "talks",
    uid: str = "",
    version: int = 0,
    created: str = CREATED,
    url: str = "https://talks.example.org/talk.mp4",
    labels: dict[str, str] | None = None,
    run: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    spec: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A SlideExtraction; a phase brings the condition that goes with it."""
    told: dict[str, Any] = {"phase": phase, "conditions": [PHASES[phase]]} if phase else {}
    if run:
        told |= {"run": {"attempt": 1, **run}, "attempts": {"current": 1}}
    return {
        "apiVersion": API_VERSION,
        "kind": EXTRACTION_KIND,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": uid or f"uid-of-{name}",
            "resourceVersion": str(version or next(_versions)),
            "creationTimestamp": created,
            "labels": labels or {},
        },
        "spec": {"source": {"url": url}, **(spec or {})},
        "status": told | (status or {}),
    }


def made_by_rest(job_type: str = "") -> dict[str, str]:
    """Labels of what this service made."""
    kind = {JOB_TYPE_LABEL: job_type} if job_type else {}
    return {CREATED_BY_LABEL: "rest", **kind}


def child(batch: dict[str, Any], item: str, **more: Any) -> dict[str, Any]:
    """The SlideExtraction of a batch's item."""
    uid = batch["metadata"]["uid"]
    made = extraction(f"child-{item}", labels={BATCH_LABEL: uid}, **more)
    made["metadata"]["annotations"] = {ITEM: item}
    return made


def batch(
    name: str = "talks", *items: str, phase: str = "", status: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A SlideExtractionBatch."""
    made = extraction(name, phase=phase, status=status)
    made["kind"] = BATCH_KIND
    urls = [{"name": item, "url": f"youtube:{item.ljust(11, 'x')}"} for item in items]
    return {**made, "spec": {"items": urls}}
