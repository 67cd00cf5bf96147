"""Seed 001, asked of a real service before a real API server."""

import uuid
from typing import Any

import pytest

from slides_api.names import child_name
from slides_api.wellknown import API_VERSION, BATCH_LABEL, ITEM
from slides_operator.kube.cache import Kind
from tests.service.conftest import RunningService, StartService
from tests.service.rest.jobs003 import BEGIN, END, ask, completed, failed, working

pytestmark = pytest.mark.api

ITEMS = [
    {"platform": "instagram", "code": "ABC123"},
    {"platform": "youtube", "code": "dQw4w9WgXcQ"},
]
"""The seed's own example, with an id that a video has."""


async def make_child(service: RunningService, batch: dict[str, Any], item: str) -> str:
    """Create the extraction of a batch's item, as the operator does."""
    meta = batch["metadata"]
    name = child_name(meta["name"], meta["uid"], item)
    url = next(one["url"] for one in batch["spec"]["items"] if one["name"] == item)
    owner = {
        "apiVersion": API_VERSION,
        "kind": Kind.BATCH,
        "name": meta["name"],
        "uid": meta["uid"],
    }
    await service.create(
        {"source": {"url": url}},
        name=name,
        labels={BATCH_LABEL: meta["uid"]},
        annotations={ITEM: item},
        ownerReferences=[{**owner, "name": meta["name"], "uid": meta["uid"]}],
    )
    return name


async def start(service: RunningService, **fields: Any) -> tuple[str, dict[str, Any]]:
    """Return the id of a new job, and its batch."""
    status, body = await ask(service, "POST", "/process", json={"items": ITEMS, **fields})
    assert status == 202, body
    record = service.parts.store.by_uid(body["jobId"])
    assert record is not None
    batch = await service.api.request("GET", f"{service.path(Kind.BATCH)}/{record.name}")
    return body["jobId"], batch


async def tell_batch(service: RunningService, batch: dict[str, Any], *phases: str) -> None:
    """Apply what the operator says of a batch whose items are there."""
    rows = [
        {"name": item["name"], "phase": phase}
        for item, phase in zip(batch["spec"]["items"], phases, strict=True)
    ]
    words = {"completed": "Completed", "failed": "Failed", "running": "Extracting"}
    counts = {word: phases.count(phase) for word, phase in words.items()}
    pending = len(phases) - sum(counts.values())
    counts = {"total": len(phases), "pending": pending, **counts}
    phase = "Extracting" if pending or counts["running"] else "Completed"
    status = {"phase": phase, "items": rows, "counts": counts}
    await service.set_status(batch["metadata"]["name"], status, kind=Kind.BATCH)


async def test_example_of_the_seed_works_as_it_is(service: RunningService) -> None:
    body = """
    {
      "items": [
        {
          "platform": "instagram",
          "code": "ABC123"
        },
        {
          "platform": "youtube",
          "code": "XYZ789"
        }
      ]
    }"""
    headers = {"Content-Type": "application/json"}
    status, made = await ask(service, "POST", "/process", data=body, headers=headers)

    _, job = await ask(service, "GET", f"/status/{made['jobId']}")
    (batch,) = (await service.api.request("GET", service.path(Kind.BATCH)))["items"]
    assert status == 202
    assert uuid.UUID(made["jobId"]).version == 4
    assert [(item["platform"], item["code"]) for item in job["items"]] == [
        ("instagram", "ABC123"),
        ("youtube", "XYZ789"),
    ]
    # No video has this code, and its platform says so; the other item goes on.
    assert batch["spec"]["items"][1]["url"] == "https://www.youtube.com/watch?v=XYZ789"


async def test_items_become_a_batch(service: RunningService) -> None:
    status, body = await ask(service, "POST", "/process", json={"items": ITEMS})

    (batch,) = (await service.api.request("GET", service.path(Kind.BATCH)))["items"]
    assert status == 202
    assert body["jobId"] == batch["metadata"]["uid"]
    assert str(uuid.UUID(body["jobId"])) == body["jobId"]
    assert [item["url"] for item in batch["spec"]["items"]] == [
        "instagram:ABC123",
        "youtube:dQw4w9WgXcQ",
    ]
    assert any("frames" in warning for warning in body["warnings"])


async def test_new_job_waits(service: RunningService) -> None:
    job_id, _ = await start(service)

    status, job = await ask(service, "GET", f"/status/{job_id}")

    assert status == 200
    assert set(job) == {"status", "progress", "createdAt", "updatedAt", "items", "logs"}
    assert (job["status"], job["progress"]) == ("pending", 0)
    assert job["items"] == [{**item, "status": "waiting", "error": None} for item in ITEMS]


async def test_job_tells_of_each_item(service: RunningService) -> None:
    job_id, batch = await start(service)
    one, other = [await make_child(service, batch, item["name"]) for item in batch["spec"]["items"]]
    await service.set_status(one, failed("PrivateVideo", "It is private."))
    await service.set_status(other, working(45))
    await tell_batch(service, batch, "Failed", "Extracting")

    _, job = await ask(service, "GET", f"/status/{job_id}")

    assert (job["status"], job["progress"]) == ("running", (100 + 45) // 2)
    assert [item["status"] for item in job["items"]] == ["failed", "processing"]
    assert [item["error"] for item in job["items"]] == ["It is private.", None]


@pytest.mark.parametrize(
    ("phases", "word"),
    [
        (("Completed", "Completed"), "completed"),
        (("Failed", "Completed"), "completed"),
        (("Failed", "Failed"), "failed"),
        (("Completed", "Pending"), "running"),
    ],
)
async def test_one_failed_item_does_not_fail_the_job(
    service: RunningService, phases: tuple[str, str], word: str
) -> None:
    job_id, batch = await start(service)
    await tell_batch(service, batch, *phases)

    _, job = await ask(service, "GET", f"/status/{job_id}")

    assert job["status"] == word


async def test_log_tells_what_happened_to_whom(service: RunningService) -> None:
    job_id, batch = await start(service)
    name = await make_child(service, batch, batch["spec"]["items"][1]["name"])
    attempt = {
        "attempt": 1,
        "job": "j",
        "startedAt": BEGIN,
        "finishedAt": END,
        "reason": "NetworkError",
        "message": "cut off",
    }
    status = {**working(), "attempts": {"current": 2, "history": [attempt]}}
    await service.set_status(name, status)

    _, job = await ask(service, "GET", f"/status/{job_id}")

    said = [(line["level"], line["msg"]) for line in job["logs"]]
    who = "item 2 (dQw4w9WgXcQ): "
    assert ("INFO", f"{who}Attempt 1 started") in said
    assert ("ERROR", f"{who}Attempt 1 ended with NetworkError: cut off") in said
    assert [line["ts"] for line in job["logs"]] == sorted(line["ts"] for line in job["logs"])
    assert all(set(line) == {"ts", "level", "msg"} for line in job["logs"])


async def test_tail_is_the_newest_lines(service: RunningService) -> None:
    job_id, batch = await start(service)
    for item in batch["spec"]["items"]:
        await service.set_status(await make_child(service, batch, item["name"]), completed())
    _, whole = await ask(service, "GET", f"/status/{job_id}")

    for count in (0, 1, 3, 1000):
        _, job = await ask(service, "GET", f"/status/{job_id}?tail={count}")
        assert job["logs"] == (whole["logs"][-count:] if count else [])
    assert len(whole["logs"]) > 3


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"items": []}, "Request must contain at least one video item"),
        ({}, "Request must contain at least one video item"),
        (
            {"items": [{"platform": "youtube", "code": f"AAAAAAAAA{n:02}"} for n in range(4)]},
            "Request exceeds maximum allowed videos per request: 3",
        ),
    ],
)
async def test_none_and_too_many_are_refused(
    start_service: StartService, body: dict[str, Any], detail: str
) -> None:
    async with start_service(max_videos_per_request=3) as service:
        status, problem = await ask(service, "POST", "/process", json=body)

    assert (status, problem["detail"]) == (400, detail)


@pytest.mark.parametrize(
    "item",
    [
        {"platform": "vimeo", "code": "1"},
        {"platform": "youtube", "code": "../etc"},
        {"platform": "youtube"},
        "youtube",
    ],
)
async def test_item_that_is_none_is_refused(service: RunningService, item: object) -> None:
    status, problem = await ask(service, "POST", "/process", json={"items": [item]})

    assert status == 400
    assert "items.0" in problem["detail"]


@pytest.mark.parametrize("job_id", ["not-a-uuid", str(uuid.UUID(int=0)), "a%2Fb", "%00"])
async def test_unknown_and_malformed_ids_are_not_found(
    service: RunningService, job_id: str
) -> None:
    assert (await ask(service, "GET", f"/status/{job_id}"))[0] == 404


async def test_video_that_is_named_twice_is_worked_on_once(service: RunningService) -> None:
    twice = [ITEMS[1], ITEMS[0], ITEMS[1]]

    _, body = await ask(service, "POST", "/process", json={"items": twice})

    _, job = await ask(service, "GET", f"/status/{body['jobId']}")
    assert [item["code"] for item in job["items"]] == ["dQw4w9WgXcQ", "ABC123"]
    assert any("2 times" in warning for warning in body["warnings"])


async def test_equal_job_is_joined_until_it_ends(service: RunningService) -> None:
    first, batch = await start(service)
    again, _ = await start(service)
    await tell_batch(service, batch, "Completed", "Completed")
    later, _ = await start(service)
    forced, _ = await start(service, force=True)

    assert again == first
    assert len({first, later, forced}) == 3


async def test_job_of_one_video_has_a_status_too(service: RunningService) -> None:
    _, body = await ask(service, "POST", "/process/youtube/dQw4w9WgXcQ")

    status, job = await ask(service, "GET", f"/status/{body['job_id']}")

    assert status == 200
    assert job["items"] == [{**ITEMS[1], "status": "waiting", "error": None}]


async def test_many_finished_items_cost_few_requests(service: RunningService) -> None:
    codes = [f"AAAAAAAAA{number:02}" for number in range(40)]
    wanted = {"items": [{"platform": "youtube", "code": code} for code in codes]}
    job_id, batch = await start(service, **wanted)
    for item in batch["spec"]["items"]:
        await service.set_status(await make_child(service, batch, item["name"]), completed())
    await tell_batch(service, batch, *["Completed"] * 40)
    before = requests_of(service)

    _, job = await ask(service, "GET", f"/status/{job_id}")
    first = requests_of(service)
    await ask(service, "GET", f"/status/{job_id}")

    assert sum("Completed: 3 slides" in line["msg"] for line in job["logs"]) == 40
    assert first - before <= 40 + 5  # whether a pod is left, and what all of them are
    assert requests_of(service) - first <= 2


def requests_of(service: RunningService) -> float:
    """Return how many requests the service has sent to the API server."""
    (metric,) = service.parts.metrics.api_requests.collect()
    return sum(sample.value for sample in metric.samples if sample.name.endswith("_total"))
