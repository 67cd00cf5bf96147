"""What is applied: SlideExtractions, and for the bare client the same Jobs and first statuses."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from benchmarks.reconciling.api import API_VERSION, NAMESPACE, Json
from slides_operator.extraction.job import build_job, progress_seconds
from slides_operator.extraction.observe import World, observe
from slides_operator.settings import OperatorSettings
from tests.cluster.kwok import ANNOTATIONS

NAME, UID = "name-of-the-talk", "00000000-0000-4000-8000-000000000000"
"""Stand where a resource's own name and UID go."""
RUNNER_IMAGE = "registry.example/slides-extractor-runner:bench"
FOR_EVER = "24h"
"""kwok leaves the pod running: whoever plays the runner ends it."""


def build_extraction(name: str) -> Json:
    """Return a SlideExtraction as somebody would write it, whose pod runs until it is ended."""
    played = {"metadata": {"annotations": {f"{ANNOTATIONS}/run-for": FOR_EVER}}}
    return {
        "apiVersion": API_VERSION,
        "kind": "SlideExtraction",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "source": {"url": f"https://talks.example.org/2026/{name}.mp4", "maxHeight": 1080},
            "outputs": {"slides": {}},
            "podTemplate": played,
        },
    }


def names(first: int, count: int) -> Iterator[str]:
    """Yield names of talks, by number."""
    return (f"talk-{n:05}" for n in range(first, first + count))


def job_text(created: Json) -> str:
    """Return the Job that the operator makes for a resource, as JSON with NAME and UID in it."""
    meta = {**created["metadata"], "name": NAME, "uid": UID}
    seen = observe(World({**created, "metadata": meta}))
    assert seen.spec is not None, seen.spec_error  # noqa: S101 - the API server accepted it
    settings = OperatorSettings(runner_image=RUNNER_IMAGE)
    job = build_job(seen, seen.spec, 1, settings, progress_s=progress_seconds(0))
    return json.dumps(job)


def status_text() -> str:
    """Return a status like the operator's first, as JSON with NAME in it."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def condition(kind: str, status: str, reason: str) -> Json:
        message = "Job name-of-the-talk-00000000-1 was created: waiting for its pod."
        noted = {"lastTransitionTime": now, "observedGeneration": 1}
        return {"type": kind, "status": status, "reason": reason, "message": message, **noted}

    status = {
        "observedGeneration": 1,
        "phase": "Pending",
        "startTime": now,
        "conditions": [
            condition("Succeeded", "Unknown", "JobCreated"),
            condition("Accepted", "True", "Accepted"),
            condition("Running", "False", "Starting"),
            condition("Reconciling", "True", "JobCreated"),
        ],
        "attempts": {
            "current": 1,
            "counted": 0,
            "history": [{"attempt": 1, "job": "name-of-the-talk-00000000-1", "startedAt": now}],
        },
    }
    meta = {"name": NAME}
    body = {"apiVersion": API_VERSION, "kind": "SlideExtraction", "metadata": meta}
    return json.dumps({**body, "status": status})


def filled(text: str, name: str, uid: str) -> Json:
    """Return a document with a resource's own name and UID."""
    own = text.replace(NAME, name).replace(UID, uid).replace(UID[:8], uid[:8])
    document: Json = json.loads(own)
    return document
