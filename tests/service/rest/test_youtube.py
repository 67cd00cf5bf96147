"""Seeds 000 and 002, asked of a real service before a real API server."""

import asyncio
import json
import os
from typing import Any

import pytest

from slides_operator.kube.cache import Kind
from tests.service.conftest import PASSWORD, RunningService, StartService
from tests.service.rest.jobs003 import ask, cancelled, completed, failed, working

pytestmark = pytest.mark.api

ID = "dQw4w9WgXcQ"
PROCESS = f"/process/youtube/{ID}"
STATE = {
    "status",
    "message",
    "updated_at",
    "metadata_uri",
    "error",
    "frame_count",
    "current_frame",
    "slides_processed",
    "total_slides",
    "progress",
}


async def name_of(service: RunningService, job_id: str) -> str:
    record = service.parts.store.by_uid(job_id)
    assert record is not None
    return record.name


async def extractions(service: RunningService) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await service.api.request("GET", service.path()))["items"]
    return found


async def test_post_starts_an_extraction(service: RunningService) -> None:
    status, body = await ask(service, "POST", PROCESS)

    (made,) = await extractions(service)
    assert status == 200
    assert body == {
        "message": "Download started",
        "video_id": ID,
        "track": f"/jobs/{ID}",
        "stream": f"/jobs/{ID}/stream",
        "job_id": made["metadata"]["uid"],
        "job": None,
    }
    assert made["spec"]["source"]["url"] == f"youtube:{ID}"
    assert made["metadata"]["labels"] == {"slides-extractor.dev/created-by": "rest"}


async def test_example_of_the_seed_works_as_it_is(service: RunningService) -> None:
    example = (
        'curl -X POST "http://localhost:8000/process/youtube/dQw4w9WgXcQ" \\\n'
        '  -H "Authorization: Bearer $API_PASSWORD"\n'
    )
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-euc",
        example.replace("http://localhost:8000", service.url),
        env={"PATH": os.environ["PATH"], "API_PASSWORD": PASSWORD},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )

    printed, _ = await process.communicate()

    assert json.loads(printed)["message"] == "Download started"


async def test_posting_again_starts_nothing_while_it_runs(service: RunningService) -> None:
    _, first = await ask(service, "POST", PROCESS)
    await service.set_status(await name_of(service, first["job_id"]), working(45))

    status, second = await ask(service, "POST", PROCESS)

    assert (status, second["message"]) == (200, "Job already in progress")
    assert second["job_id"] == first["job_id"]
    assert set(second["job"]) == STATE
    assert (second["job"]["status"], second["job"]["progress"]) == ("extracting", 45)


async def test_posting_again_tells_of_what_is_done(service: RunningService) -> None:
    _, first = await ask(service, "POST", PROCESS)
    await service.set_status(await name_of(service, first["job_id"]), completed())

    status, second = await ask(service, "POST", PROCESS)

    assert (status, second["message"]) == (200, "Job already completed")
    assert second["job"]["metadata_uri"].startswith("s3://")
    assert len(await extractions(service)) == 1


@pytest.mark.parametrize("end", [failed(), cancelled()], ids=["failed", "cancelled"])
async def test_what_failed_may_be_posted_again(
    service: RunningService, end: dict[str, Any]
) -> None:
    ids = []
    for _ in range(3):
        status, body = await ask(service, "POST", PROCESS)
        assert (status, body["message"]) == (200, "Download started")
        ids.append(body["job_id"])
        await service.set_status(await name_of(service, body["job_id"]), end)

    assert len(set(ids)) == 3


async def test_posts_at_the_same_time_start_one(service: RunningService) -> None:
    answers = await asyncio.gather(*(ask(service, "POST", PROCESS) for _ in range(8)))

    assert {status for status, _ in answers} == {200}
    assert len({body["job_id"] for _, body in answers}) == 1
    assert min(body["message"] for _, body in answers) == "Download started"
    assert len(await extractions(service)) == 1


async def test_force_starts_another_one(service: RunningService) -> None:
    await ask(service, "POST", PROCESS)

    status, body = await ask(service, "POST", f"{PROCESS}?force=true")

    assert (status, body["message"]) == (200, "Download started")
    assert sorted(one["spec"]["force"] for one in await extractions(service)) == [False, True]


async def test_extraction_by_kubectl_is_joined_if_it_does_the_same(service: RunningService) -> None:
    url = f"https://www.youtube.com/watch?v={ID}"
    other = {"source": {"url": url}, "outputs": {"slides": {"sensitivity": "high"}}}
    await service.create(other)
    same = await service.create({"source": {"url": url}})
    await service.create(other)

    _, body = await ask(service, "POST", PROCESS)

    assert body["message"] == "Job already in progress"
    assert body["job_id"] == same["metadata"]["uid"]


async def test_same_key_is_the_same_request(service: RunningService) -> None:
    headers = {"Idempotency-Key": "2026-11-21/1"}

    _, first = await ask(service, "POST", f"{PROCESS}?force=true", headers=headers)
    _, again = await ask(service, "POST", f"{PROCESS}?force=true", headers=headers)
    status, problem = await ask(service, "POST", "/process/youtube/AAAAAAAAAAA", headers=headers)

    assert again["job_id"] == first["job_id"]
    assert len(await extractions(service)) == 1
    assert (status, problem["detail"]) == (422, "This Idempotency-Key was used for another request")


@pytest.mark.parametrize("wrong", ["short", ID + "x", "dQw4w9WgXc."])
async def test_id_that_no_video_has_is_refused(service: RunningService, wrong: str) -> None:
    status, problem = await ask(service, "POST", f"/process/youtube/{wrong}")

    assert (status, problem["detail"]) == (400, f"Invalid YouTube video id: {wrong}")
    assert await extractions(service) == []


async def test_dry_run_says_why_it_cannot(service: RunningService) -> None:
    status, problem = await ask(service, "POST", f"{PROCESS}?dryRun=true")

    assert status == 501
    assert "slides probe" in problem["detail"]
    assert await extractions(service) == []


async def test_strangers_start_nothing(service: RunningService) -> None:
    async with service.stranger.post(service.url + PROCESS) as response:
        problem = await response.json(content_type="application/problem+json")

    assert (response.status, problem["detail"]) == (401, "Invalid or missing API password")
    assert await extractions(service) == []


async def test_job_has_every_key_from_its_beginning(service: RunningService) -> None:
    _, body = await ask(service, "POST", PROCESS)

    status, state = await ask(service, "GET", body["track"])

    assert status == 200
    assert set(state) == STATE
    assert state["status"] == "pending"
    assert {state[key] for key in STATE - {"status", "message", "updated_at", "progress"}} == {None}


async def test_job_is_found_by_name_uid_and_video(service: RunningService) -> None:
    made = await service.create({"source": {"url": f"https://youtu.be/{ID}"}}, name="talk")
    await service.set_status("talk", failed("NotAVideo", "no video there"))

    for job_id in ("talk", made["metadata"]["uid"], ID):
        status, state = await ask(service, "GET", f"/jobs/{job_id}")
        assert (status, state["status"], state["error"]) == (200, "failed", "no video there")


async def test_unknown_job_is_not_found(service: RunningService) -> None:
    status, problem = await ask(service, "GET", "/jobs/nobody")

    assert (status, problem["detail"]) == (404, "Job not found: nobody")


async def test_batch_has_a_state_too(service: RunningService) -> None:
    spec = {"items": [{"name": "a", "url": f"youtube:{ID}"}]}
    await service.create(spec, name="course", kind=Kind.BATCH)

    status, state = await ask(service, "GET", "/jobs/course")

    assert (status, set(state)) == (200, STATE)


async def test_progress_tells_of_downloads_that_go_on(service: RunningService) -> None:
    assert await ask(service, "GET", "/progress") == (200, {})
    await service.create(name="talk")
    await service.create(name="done")
    run = {
        "attempt": 1,
        "downloads": [
            {
                "file": "video.mp4",
                "status": "downloading",
                "bytes": 25_000_000,
                "totalBytes": 100_000_000,
            },
            {
                "file": "audio.m4a",
                "status": "finished",
                "bytes": 5_000_000,
                "totalBytes": 5_000_000,
            },
            {"file": "live.ts", "status": "downloading", "bytes": 1_234_567},
        ],
    }
    await service.set_status("talk", {**working(), "phase": "Downloading", "run": run})
    await service.set_status("done", {**completed(), "run": run})

    _, files = await ask(service, "GET", "/progress")

    assert files == {
        "talk/video.mp4": {
            "status": "downloading",
            "percent": 25.0,
            "downloaded_mb": 25.0,
            "total_mb": 100.0,
        },
        "talk/audio.m4a": {
            "status": "finished",
            "percent": 100.0,
            "downloaded_mb": 5.0,
            "total_mb": 5.0,
        },
        "talk/live.ts": {
            "status": "downloading",
            "percent": None,
            "downloaded_mb": 1.23,
            "total_mb": None,
        },
    }


async def test_posts_are_counted_against_the_limit(start_service: StartService) -> None:
    async with start_service(request_limit="2/hour") as service:
        codes = [(await ask(service, "POST", PROCESS))[0] for _ in range(3)]

    assert codes == [200, 200, 429]
