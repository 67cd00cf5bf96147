"""Seed 003's jobs, asked of a real service before a real API server."""

from typing import Any

import pytest

from slides_operator.kube.cache import Kind
from tests.service.conftest import RunningService, StartService
from tests.service.rest.jobs003 import (
    BEGIN,
    END,
    JOBS,
    URL,
    ask,
    cancelled,
    completed,
    failed,
    resource_of,
    submit,
    working,
)

pytestmark = pytest.mark.api

ROW = {
    "id",
    "youtube_url",
    "job_type",
    "status",
    "progress",
    "priority",
    "created_at",
    "updated_at",
    "started_at",
    "completed_at",
    "error_message",
    "retry_count",
    "video_title",
    "video_duration",
}
DETAIL = ROW | {
    "transcript",
    "transcript_segments",
    "analysis_results",
    "generated_clips",
    "output_files",
}
OTHER_TYPES = [
    "audio_extraction",
    "transcription",
    "analysis",
    "clip_generation",
    "full_processing",
]


async def name_of(service: RunningService, job_id: str) -> str:
    name: str = (await resource_of(service, job_id))["metadata"]["name"]
    return name


async def test_a_job_is_created(service: RunningService) -> None:
    job = await submit(service)
    assert set(job) == ROW | {"warnings"}
    assert {name: job[name] for name in ROW - {"id", "created_at", "updated_at"}} == {
        "youtube_url": URL,
        "job_type": "slide_extraction",
        "status": "pending",
        "progress": 0.0,
        "priority": 0,
        "started_at": None,
        "completed_at": None,
        "error_message": None,
        "retry_count": 0,
        "video_title": None,
        "video_duration": None,
    }
    assert job["warnings"] == []
    resource = await resource_of(service, job["id"])
    assert resource["kind"] == "SlideExtraction"
    assert resource["spec"]["source"]["url"] == URL
    assert resource["metadata"]["labels"] == {
        "slides-extractor.dev/created-by": "rest",
        "slides-extractor.dev/job-type": "slide_extraction",
    }


async def test_the_answer_says_where_the_job_is(service: RunningService) -> None:
    wanted = {"youtube_url": URL}
    async with service.client.post(service.url + JOBS, json=wanted) as response:
        place, job = response.headers["Location"], await response.json()
    del job["warnings"]
    assert await ask(service, "GET", place) == (200, job | dict.fromkeys(DETAIL - ROW))


async def test_options_reach_the_resource(service: RunningService) -> None:
    options = {
        "sensitivity": "high",
        "min_duration": 2,
        "region": "0,0,0.75,1",
        "image_format": "png",
        "quality": 90,
        "documents": ["pdf"],
        "max_height": 720,
    }
    job = await submit(service, options=options)
    spec = (await resource_of(service, job["id"]))["spec"]
    assert spec["source"] == {"url": URL, "maxHeight": 720}
    assert spec["outputs"] == {
        "slides": {
            "sensitivity": "high",
            "minDurationSeconds": 2,
            "region": {"left": 0, "top": 0, "width": 0.75, "height": 1},
            "image": {"format": "png", "quality": 90},
            "documents": ["pdf"],
        }
    }
    assert job["warnings"] == []


async def test_priority_is_kept_and_said_to_do_nothing(service: RunningService) -> None:
    job = await submit(service, priority=5)
    assert job["priority"] == 5
    assert any("priority" in warning for warning in job["warnings"])
    _, again = await ask(service, "GET", JOBS + job["id"])
    assert again["priority"] == 5


async def test_an_equal_job_that_runs_is_joined_unless_forced(service: RunningService) -> None:
    first = await submit(service)
    second = await submit(service)
    assert second["id"] == first["id"]
    assert "An equal job exists already" in second["warnings"][0]
    third = await submit(service, force=True)
    assert third["id"] != first["id"]
    assert third["warnings"] == []


async def test_a_key_makes_a_request_idempotent(service: RunningService) -> None:
    ids = set()
    for _ in range(2):
        status, job = await ask(
            service,
            "POST",
            JOBS,
            json={"youtube_url": URL, "priority": 3, "force": True},
            headers={"Idempotency-Key": "talk-1"},
        )
        assert status == 201
        assert job["priority"] == 3
        ids.add(job["id"])
    assert len(ids) == 1


@pytest.mark.parametrize("job_type", OTHER_TYPES)
async def test_what_cannot_be_made_yet_is_said(service: RunningService, job_type: str) -> None:
    status, problem = await ask(
        service, "POST", JOBS, json={"youtube_url": URL, "job_type": job_type}
    )
    assert status == 501
    assert f"job_type {job_type} is not available" in problem["detail"]
    assert (await ask(service, "GET", JOBS))[1]["total"] == 0


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        pytest.param({}, "youtube_url", id="no url"),
        pytest.param({"youtube_url": "talk.mp4"}, "youtube_url", id="a path"),
        pytest.param({"youtube_url": URL, "job_type": "x"}, "job_type", id="type"),
        pytest.param({"youtube_url": URL, "priority": 11}, "priority", id="priority"),
        pytest.param(
            {"youtube_url": URL, "options": {"max_clips": 0}}, "max_clips", id="unused option"
        ),
        pytest.param(
            {"youtube_url": URL, "options": {"region": {"left": 0.5, "width": 0.75}}},
            "region",
            id="what only the API server refuses",
        ),
    ],
)
async def test_wrong_values_are_422(
    service: RunningService, wanted: dict[str, Any], where: str
) -> None:
    status, problem = await ask(service, "POST", JOBS, json=wanted)
    assert status == 422
    assert where in problem["detail"]


async def test_a_private_address_is_refused(service: RunningService) -> None:
    status, _ = await ask(
        service, "POST", JOBS, json={"youtube_url": "http://169.254.169.254/latest"}
    )
    assert status in {400, 422}
    assert (await ask(service, "GET", JOBS))[1]["total"] == 0


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        pytest.param(
            working(),
            {
                "status": "processing",
                "progress": 45.0,
                "started_at": BEGIN,
                "updated_at": END,
                "completed_at": None,
                "error_message": None,
                "video_title": "Example Video",
                "video_duration": 212.5,
                "output_files": None,
            },
            id="processing",
        ),
        pytest.param(
            completed(),
            {"status": "completed", "progress": 100.0, "completed_at": END, "error_message": None},
            id="completed",
        ),
        pytest.param(
            failed(),
            {"status": "failed", "error_message": "The video is private", "output_files": None},
            id="failed",
        ),
        pytest.param(
            cancelled(), {"status": "cancelled", "error_message": "Cancelled"}, id="cancelled"
        ),
        pytest.param({"phase": "Suspended"}, {"status": "pending"}, id="suspended"),
        pytest.param({"phase": "Queued"}, {"status": "queued"}, id="queued"),
    ],
)
async def test_a_job_is_shown_in_the_seeds_words(
    service: RunningService, state: dict[str, Any], shown: dict[str, Any]
) -> None:
    made = await service.create()
    await service.set_status(made["metadata"]["name"], state)
    status, job = await ask(service, "GET", JOBS + made["metadata"]["uid"])
    assert status == 200
    assert set(job) == DETAIL
    assert {name: job[name] for name in shown} == shown
    assert job["created_at"] == made["metadata"]["creationTimestamp"]


async def test_a_store_that_cannot_be_read_leaves_the_manifests_place(
    service: RunningService,
) -> None:
    made = await service.create()
    await service.set_status(made["metadata"]["name"], completed())
    _, job = await ask(service, "GET", JOBS + made["metadata"]["uid"])
    assert job["output_files"] == [completed()["result"]["manifestURI"]]


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_job_is_found_by_uid_name_and_video(service: RunningService, slash: str) -> None:
    job = await submit(service)
    for wanted in (job["id"], await name_of(service, job["id"]), "dQw4w9WgXcQ"):
        status, found = await ask(service, "GET", f"{JOBS}{wanted}{slash}")
        assert (status, found["id"]) == (200, job["id"])


@pytest.mark.parametrize(
    ("method", "action"),
    [("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("POST", "/retry")],
)
async def test_an_unknown_job_is_404(service: RunningService, method: str, action: str) -> None:
    status, problem = await ask(service, method, f"{JOBS}nobody{action}")
    assert (status, problem["detail"]) == (404, "Job not found: nobody")


async def test_a_batch_is_no_job(service: RunningService) -> None:
    spec = {"items": [{"name": "one", "url": "youtube:dQw4w9WgXcQ"}]}
    batch = await service.create(spec, kind=Kind.BATCH)
    status, _ = await ask(service, "GET", JOBS + batch["metadata"]["uid"])
    assert status == 404
    assert (await ask(service, "GET", JOBS))[1]["total"] == 0


async def test_jobs_are_listed_page_by_page_newest_first(service: RunningService) -> None:
    names = [f"talk-{number}" for number in range(5)]
    ids = [(await service.create(name=name))["metadata"]["uid"] for name in names]
    everything = (await ask(service, "GET", JOBS))[1]
    assert {job["id"] for job in everything["jobs"]} == set(ids)
    assert set(everything["jobs"][0]) == ROW
    order = [job["id"] for job in everything["jobs"]]
    created = [job["created_at"] for job in everything["jobs"]]
    assert created == sorted(created, reverse=True)
    page = (await ask(service, "GET", f"{JOBS}?limit=2&offset=2"))[1]
    assert [job["id"] for job in page["jobs"]] == order[2:4]
    assert (page["total"], page["page"], page["per_page"], page["pages"]) == (5, 2, 2, 3)
    oldest = (await ask(service, "GET", f"{JOBS}?sort=created_at"))[1]
    assert [job["id"] for job in oldest["jobs"]] == order[::-1]


async def test_an_empty_list_has_no_pages(service: RunningService) -> None:
    assert await ask(service, "GET", JOBS) == (
        200,
        {"jobs": [], "total": 0, "page": 1, "per_page": 50, "pages": 0},
    )


async def test_jobs_are_filtered_before_they_are_paged(service: RunningService) -> None:
    states = {"a": completed(), "b": failed(), "c": working(), "d": None, "e": failed()}
    for name, state in states.items():
        await service.create({"source": {"url": f"https://example.com/{name}.mp4"}}, name=name)
        if state:
            await service.set_status(name, state)

    async def found(query: str) -> set[str]:
        page = (await ask(service, "GET", f"{JOBS}?{query}"))[1]
        return {job["youtube_url"][-5] for job in page["jobs"]}

    assert await found("status_filter=failed") == {"b", "e"}
    assert await found("status_filter=pending") == {"d"}
    assert await found("status_filter=processing&limit=10&offset=0") == {"c"}
    assert await found("job_type=slide_extraction") == set(states)
    assert await found("job_type=transcription") == set()
    assert await found("search=EXAMPLE%20video&status_filter=completed") == {"a"}
    assert await found("search=d.mp4") == {"d"}
    page = (await ask(service, "GET", f"{JOBS}?status_filter=failed&limit=1&offset=1"))[1]
    assert (page["total"], len(page["jobs"])) == (2, 1)


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "offset=-1", "status_filter=done", "job_type=x", "sort=x"],
)
async def test_a_wrong_query_is_422(service: RunningService, query: str) -> None:
    status, problem = await ask(service, "GET", f"{JOBS}?{query}")
    assert status == 422
    assert query.partition("=")[0] in problem["detail"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ""),
        ("GET", ""),
        ("GET", "one"),
        ("DELETE", "one"),
        ("POST", "one/cancel"),
        ("POST", "one/retry"),
        ("POST", "bulk"),
        ("GET", "queue/status"),
        ("DELETE", "queue/clear"),
        ("GET", "statistics"),
    ],
)
async def test_strangers_are_turned_away(service: RunningService, method: str, path: str) -> None:
    await service.create(name="one")
    body = {"youtube_url": URL, "job_ids": ["one"], "action": "cancel"}
    json = body if method == "POST" else None
    async with service.stranger.request(method, service.url + JOBS + path, json=json) as response:
        assert response.status == 401
        assert (await response.json())["detail"] == "Invalid or missing API password"


async def test_without_keys_nobody_needs_one(start_service: StartService) -> None:
    async with (
        start_service(insecure=True, api_password=None, api_key=None) as service,
        service.stranger.post(service.url + JOBS, json={"youtube_url": URL}) as response,
    ):
        assert response.status == 201
