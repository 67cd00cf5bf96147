"""Worlds for decisions: an extraction, its Jobs and pods, as rows of tests say them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from slides_api.names import deletion_job_name, job_name
from slides_api.wellknown import API_VERSION, ATTEMPT_LABEL, EXTRACTION_LABEL
from slides_operator.extraction.labels import (
    DELETION_LABEL,
    PROGRESS_ANNOTATION,
    TEMPLATE_ANNOTATION,
)
from slides_operator.extraction.objects import format_time
from slides_operator.extraction.observe import Observation, World, observe
from slides_operator.settings import OperatorSettings

Json = dict[str, Any]
NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)
UID = "0a1b2c3d-0000-4000-8000-000000000000"
NAME = "talk"
MANIFEST = "s3://bucket/youtube-x/00000000/manifest.json"
RESULT = {"manifestURI": MANIFEST, "slideCount": 3, "sha256": "0" * 64, "bytes": 10}


def build_settings(**fields: Any) -> OperatorSettings:
    """Return settings that no environment has a say in."""
    defaults: Json = {
        name: field.get_default(call_default_factory=True)
        for name, field in OperatorSettings.model_fields.items()
        if not field.is_required()
    }
    image = {"runner_image": "registry.example.com/runner:1"}
    return OperatorSettings.model_construct(None, **defaults | image | fields)


SETTINGS = build_settings()


def ago(seconds: float) -> str:
    return format_time(NOW - timedelta(seconds=seconds))


def build_extraction(
    *,
    spec: Json | None = None,
    status: Json | None = None,
    retry_at: str = "",
    generation: int = 1,
    **meta: Any,
) -> Json:
    source = {"source": {"url": "https://example.com/talk.mp4"}}
    annotations = {"annotations": {"slides-extractor.dev/retry-at": retry_at}} if retry_at else {}
    return {
        "apiVersion": API_VERSION,
        "kind": "SlideExtraction",
        "metadata": {
            "name": NAME,
            "namespace": "default",
            "uid": UID,
            "resourceVersion": "7",
            "generation": generation,
            "creationTimestamp": ago(3600),
            **annotations,
            **meta,
        },
        "spec": source | (spec or {}),
        "status": status or {},
    }


def build_job(
    number: int = 1,
    end: str = "",
    reason: str = "",
    message: str = "",
    *,
    created: float = 60,
    taken_up: bool = True,
    ended: float = 1,
    ttl: int | None = None,
    deleting: bool = False,
    deletion: bool = False,
    template: str = "",
    active: int = 0,
) -> Json:
    """Return a Job as the Job controller leaves it; `end` is Complete or Failed."""
    name = (deletion_job_name if deletion else job_name)(NAME, UID, number)
    label = DELETION_LABEL if deletion else ATTEMPT_LABEL
    status: Json = {"active": active} | ({"startTime": ago(created)} if taken_up else {})
    if end:
        end_condition = {"type": end, "status": "True", "reason": reason, "message": message}
        status["conditions"] = [end_condition | {"lastTransitionTime": ago(ended)}]
    return {
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": f"job-{name}",
            "creationTimestamp": ago(created),
            "labels": {EXTRACTION_LABEL: UID, label: str(number)},
            "annotations": {PROGRESS_ANNOTATION: "10", TEMPLATE_ANNOTATION: template},
            **({"deletionTimestamp": ago(1)} if deleting else {}),
        },
        "spec": {} if ttl is None else {"ttlSecondsAfterFinished": ttl},
        "status": status,
    }


def build_pod(
    number: int = 1,
    phase: str = "Running",
    *,
    created: float = 60,
    running: float | None = None,
    waiting: tuple[str, str] | None = None,
    code: int | None = None,
    why: str = "",
    said: str | Json = "",
    reason: str = "",
    message: str = "",
    deleting: bool = False,
    disrupted: str = "",
    unschedulable: str = "",
    scheduled: bool = True,
    deletion: bool = False,
) -> Json:
    """Return the pod of an attempt; `said` is its termination message."""
    state: Json = {}
    if code is not None:
        words = said if isinstance(said, str) else json.dumps(said)
        state = {"terminated": {"exitCode": code, "reason": why, "message": words}}
        state["terminated"]["finishedAt"] = ago(2)
    elif running is not None:
        state = {"running": {"startedAt": ago(running)}}
    elif waiting:
        state = {"waiting": {"reason": waiting[0], "message": waiting[1]}}
    conditions = [{"type": "PodScheduled", "status": "True", "lastTransitionTime": ago(created)}]
    if unschedulable:
        conditions[0] |= {"status": "False", "reason": "Unschedulable", "message": unschedulable}
    if disrupted:
        target = {"type": "DisruptionTarget", "status": "True", "message": disrupted}
        conditions.append(target)
    name = (deletion_job_name if deletion else job_name)(NAME, UID, number)
    label = DELETION_LABEL if deletion else ATTEMPT_LABEL
    return {
        "metadata": {
            "name": f"{name}-abcde",
            "uid": f"pod-{name}",
            "creationTimestamp": ago(created),
            "labels": {EXTRACTION_LABEL: UID, label: str(number)},
            "ownerReferences": [{"kind": "Job", "uid": f"job-{name}"}],
            **({"deletionTimestamp": ago(1)} if deleting else {}),
        },
        "spec": {"nodeName": "node-1"},
        "status": {
            "phase": phase,
            "conditions": conditions if scheduled else [],
            "containerStatuses": [{"name": "runner", "state": state}] if state else [],
            **({"reason": reason} if reason else {}),
            **({"message": message} if message else {}),
        },
    }


def build_row(attempt: int = 1, reason: str = "", *, started: float = 60, **more: Any) -> Json:
    """Return a row of history: closed with a reason, open without."""
    row = {"attempt": attempt, "job": job_name(NAME, UID, attempt), "startedAt": ago(started)}
    closed = {"reason": reason, "message": "It failed.", "finishedAt": ago(20)} if reason else {}
    return row | closed | more


def build_status(
    *rows: Json,
    counted: int = 0,
    reason: str = "JobCreated",
    status: str = "Unknown",
    message: str = "",
    **more: Any,
) -> Json:
    """Return a status with these rows of history and the condition Succeeded."""
    return {
        "observedGeneration": 1,
        "phase": "Pending",
        "conditions": [
            build_condition("Succeeded", status, reason, message),
            build_condition("Accepted", "True", "Accepted"),
        ],
        "attempts": {
            "current": max((row["attempt"] for row in rows), default=0),
            "counted": counted,
            "history": list(rows),
        },
        **more,
    }


def build_condition(kind: str, status: str, reason: str, message: str = "") -> Json:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": 1,
        "lastTransitionTime": ago(600),
    }


def build_run(
    attempt: int = 1, stage: str = "Downloading", *, said: float = 5, **more: Any
) -> Json:
    return {"attempt": attempt, "stage": stage, "updatedAt": ago(said), **more}


def see(
    extraction: Json | None = None,
    *,
    jobs: Sequence[Json] = (),
    pods: Sequence[Json] = (),
    **world: Any,
) -> Observation:
    return observe(World(extraction or build_extraction(), jobs, pods, **world))
