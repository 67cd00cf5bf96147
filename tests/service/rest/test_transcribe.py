"""Seed 004, asked of a real service before a real API server."""

from typing import Any

import pytest

from slides_operator.kube.cache import Kind
from tests.service.conftest import RunningService, StartService
from tests.service.rest.jobs003 import ask

pytestmark = pytest.mark.api

URL = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
SPEC = {
    "items": [
        {"name": "a", "url": URL},
        {"name": "b", "url": "https://talks.example/b.mp4"},
    ]
}
SUMMARY = {"id", "status", "created_at", "updated_at", "callback_url", "error_message"}


async def make_job(service: RunningService, *phases: str, **spec: Any) -> tuple[str, str]:
    """Return name and id of a batch, whose items are as the phases say."""
    batch = await service.create({**SPEC, **spec}, kind=Kind.BATCH)
    name = batch["metadata"]["name"]
    if phases:
        await tell(service, name, *phases)
    return name, batch["metadata"]["uid"]


async def tell(service: RunningService, name: str, *phases: str) -> None:
    words = {"completed": "Completed", "failed": "Failed", "cancelled": "Cancelled"}
    counts = {word: phases.count(phase) for word, phase in words.items()}
    running = len(phases) - sum(counts.values())
    rows = [
        {"name": item, "phase": phase, "reason": "NotAVideo" if phase == "Failed" else phase}
        for item, phase in zip("ab", phases, strict=True)
    ]
    phase = "Extracting" if running else max(phases)
    status = {
        "phase": phase,
        "items": rows,
        "counts": {"total": len(phases), "pending": 0, "running": running, **counts},
    }
    await service.set_status(name, status, kind=Kind.BATCH)


async def test_transcripts_are_refused_with_the_reason(service: RunningService) -> None:
    status, problem = await ask(service, "POST", "/transcribe", json={"youtube_urls": [URL]})

    assert status == 501
    assert "Transcripts are not available" in problem["detail"]
    assert problem["error"] == problem["detail"]
    assert (await service.api.request("GET", service.path(Kind.BATCH)))["items"] == []


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, "youtube_urls must name at least one URL"),
        ({"youtube_urls": []}, "youtube_urls must name at least one URL"),
        ({"youtube_urls": [URL] * 3}, "Too many URLs in one job: 2 are the most"),
        ({"youtube_urls": "text"}, "youtube_urls"),
        ({"youtube_urls": [1]}, "youtube_urls"),
        ({"youtube_urls": [URL], "callback_url": "ftp://a.example/"}, "http(s)"),
        ({"youtube_urls": [URL], "callback_url": "http://127.0.0.1/hook"}, "refused"),
        ({"youtube_urls": [URL], "callback_url": "http://169.254.169.254/"}, "refused"),
        ({"youtube_urls": [URL], "callback_url": "https://a:b@a.example/"}, "Secret"),
    ],
)
async def test_request_that_is_none_is_refused_first(
    start_service: StartService, body: dict[str, Any], detail: str
) -> None:
    async with start_service(max_urls_per_job=2) as service:
        status, problem = await ask(service, "POST", "/transcribe", json=body)

    assert status == 400
    assert detail in problem["detail"]
    assert problem["error"] == problem["detail"]


@pytest.mark.parametrize(
    ("phases", "word"),
    [
        ((), "pending"),
        (("Extracting", "Failed"), "processing"),
        (("Completed", "Failed"), "completed"),
        (("Failed", "Failed"), "failed"),
        (("Cancelled", "Cancelled"), "cancelled"),
    ],
)
async def test_job_fails_only_if_every_url_does(
    service: RunningService, phases: tuple[str, ...], word: str
) -> None:
    _, job_id = await make_job(service, *phases)

    status, job = await ask(service, "GET", f"/job_status/{job_id}")

    assert (status, job["status"]) == (200, word)


async def test_job_has_a_row_for_each_url(service: RunningService) -> None:
    _, job_id = await make_job(service, "Completed", "Failed")

    _, job = await ask(service, "GET", f"/job_status/{job_id}")

    assert set(job) == SUMMARY | {"transcripts"}
    assert job["id"] == job_id
    first, second = job["transcripts"]
    assert (first["id"], first["url"], first["video_id"]) == (1, URL, "dQw4w9WgXcQ")
    assert (first["status"], first["error_message"], first["transcript"]) == (
        "completed",
        None,
        None,
    )
    assert (second["status"], second["error_message"]) == ("failed", "NotAVideo")
    assert second["video_id"] is None
    assert {"created_at", "updated_at"} <= first.keys()


async def test_job_says_where_its_end_is_told(service: RunningService) -> None:
    _, job_id = await make_job(service, callback={"url": "https://a.example/hook"})

    _, job = await ask(service, "GET", f"/job_status/{job_id}")

    assert job["callback_url"] == "https://a.example/hook"


async def test_delete_gives_up_what_goes_on(service: RunningService) -> None:
    name, job_id = await make_job(service, "Extracting", "Failed")

    status, body = await ask(service, "DELETE", f"/job_status/{job_id}")

    batch = await service.api.request("GET", f"{service.path(Kind.BATCH)}/{name}")
    assert (status, body["job_id"], body["status"]) == (200, job_id, "cancelled")
    assert job_id in body["message"]
    assert batch["spec"]["cancel"] is True


@pytest.mark.parametrize("phase", ["Completed", "Failed", "Cancelled"])
async def test_what_has_ended_cannot_be_given_up(service: RunningService, phase: str) -> None:
    name, job_id = await make_job(service, phase, phase)

    status, problem = await ask(service, "DELETE", f"/job_status/{job_id}")

    batch = await service.api.request("GET", f"{service.path(Kind.BATCH)}/{name}")
    assert (status, problem["error"]) == (400, problem["detail"])
    assert phase.lower() in problem["detail"]
    assert batch["spec"]["cancel"] is False


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_unknown_job_is_not_found(service: RunningService, method: str) -> None:
    status, problem = await ask(service, method, "/job_status/nobody")

    assert (status, problem["error"]) == (404, "Job not found: nobody")


async def test_list_has_pages(service: RunningService) -> None:
    ids = [(await make_job(service))[1] for _ in range(5)]

    pages = [
        (await ask(service, "GET", f"/jobs?page={page}&per_page=2"))[1] for page in (1, 2, 3, 4)
    ]

    assert [page["current_page"] for page in pages] == [1, 2, 3, 4]
    assert {(page["total"], page["pages"]) for page in pages} == {(5, 3)}
    assert [len(page["jobs"]) for page in pages] == [2, 2, 1, 0]
    assert {job["id"] for page in pages for job in page["jobs"]} == set(ids)
    assert set(pages[0]["jobs"][0]) == SUMMARY


@pytest.mark.parametrize("query", ["page=0", "per_page=101", "per_page=0", "page=x"])
async def test_page_that_is_none_is_refused(service: RunningService, query: str) -> None:
    status, problem = await ask(service, "GET", f"/jobs?{query}")

    assert (status, problem["error"]) == (400, problem["detail"])


async def test_list_of_nothing_is_empty(service: RunningService) -> None:
    assert await ask(service, "GET", "/jobs") == (
        200,
        {"jobs": [], "total": 0, "pages": 0, "current_page": 1},
    )
