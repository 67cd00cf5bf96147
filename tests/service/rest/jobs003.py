"""What the tests of seed 003's interface share: requests, and statuses as they come to be."""

from typing import Any

from tests.service.conftest import RunningService

JOBS = "/api/v1/jobs/"
URL = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
BEGIN = "2099-11-21T12:00:00Z"
END = "2099-11-21T12:01:00Z"
"""Later than any resource of a test is created: the newest of all its times is what is shown."""

Json = dict[str, Any]


async def ask(service: RunningService, method: str, path: str, **options: Any) -> tuple[int, Any]:
    """Return status and body of an answer: JSON, or None where there is none."""
    async with service.client.request(method, service.url + path, **options) as response:
        body = await response.read()
        return response.status, await response.json(content_type=None) if body else None


async def submit(service: RunningService, **fields: Any) -> Json:
    """Return a new job of slide_extraction."""
    wanted = {"youtube_url": URL, "job_type": "slide_extraction", **fields}
    status, job = await ask(service, "POST", JOBS, json=wanted)
    assert status == 201, job
    assert isinstance(job, dict)
    return job


async def resource_of(service: RunningService, job_id: str) -> dict[str, Any]:
    """Return a job's resource as the API server has it."""
    record = service.parts.store.by_uid(job_id)
    assert record is not None
    return await service.api.request("GET", f"{service.path()}/{record.name}")


def succeeded(status: str, reason: str, message: str) -> list[Json]:
    """Return the conditions of a status."""
    return [
        {
            "type": "Succeeded",
            "status": status,
            "reason": reason,
            "message": message,
            "lastTransitionTime": END,
        }
    ]


def working(percent: int = 45, message: str = "Looking for slides") -> Json:
    """Return the status of a job that is worked on."""
    return {
        "phase": "Extracting",
        "startTime": BEGIN,
        "attempts": {"current": 1},
        "conditions": succeeded("Unknown", "Extracting", "The slides are looked for"),
        "run": {"attempt": 1, "percent": percent, "message": message, "updatedAt": END},
        "video": {"id": "dQw4w9WgXcQ", "title": "Example Video", "durationSeconds": 212.5},
    }


def completed() -> Json:
    """Return the status of a job that ended well."""
    return {
        **working(100),
        "phase": "Completed",
        "completionTime": END,
        "conditions": succeeded("True", "Completed", "3 slides"),
        "result": {
            "manifestURI": "s3://slides-extractor/youtube-dQw4w9WgXcQ/0123abcd/manifest.json",
            "slideCount": 3,
            "sha256": "0" * 64,
            "bytes": 1000,
        },
    }


def failed(reason: str = "PrivateVideo", message: str = "The video is private") -> Json:
    """Return the status of a job that failed for good."""
    return {
        **working(10),
        "phase": "Failed",
        "completionTime": END,
        "conditions": succeeded("False", reason, message),
    }


def cancelled() -> Json:
    """Return the status of a job that was cancelled."""
    return {**failed("Cancelled", "spec.cancel is true"), "phase": "Cancelled"}
