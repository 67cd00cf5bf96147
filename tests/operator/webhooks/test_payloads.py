"""What webhooks say, whole: of an extraction, and of a batch with what became of each item."""

from typing import Any

import pytest

from slides_api.names import child_name
from slides_operator.webhooks.payloads import build_payload
from tests.operator.worlds import NAME, RESULT, UID, ago, build_condition, build_extraction

Json = dict[str, Any]
VIDEO = {"key": "youtube-x", "title": "A talk", "durationSeconds": 12.5}


def ended(phase: str, reason: str, **more: Any) -> Json:
    status = "True" if phase == "Completed" else "False"
    return {
        "phase": phase,
        "conditions": [build_condition("Succeeded", status, reason, "words")],
        "startTime": ago(60),
        "completionTime": ago(5),
        "attempts": {"current": 2},
        **more,
    }


def test_an_extraction_that_completed() -> None:
    status = ended("Completed", "Completed", video=VIDEO, result=RESULT)

    assert build_payload(build_extraction(status=status), ()) == {
        "type": "slideextraction.completed",
        "timestamp": ago(5),
        "data": {
            "job_id": UID,
            "name": NAME,
            "namespace": "default",
            "status": "completed",
            "reason": "Completed",
            "message": "words",
            "created_at": ago(3600),
            "started_at": ago(60),
            "completed_at": ago(5),
            "url": "https://example.com/talk.mp4",
            "batch_id": None,
            "item": None,
            "attempts": 2,
            "video": VIDEO,
            "result": RESULT,
        },
    }


@pytest.mark.parametrize(("phase", "reason"), [("Failed", "Removed"), ("Cancelled", "Cancelled")])
def test_an_extraction_that_did_not(phase: str, reason: str) -> None:
    payload = build_payload(build_extraction(status=ended(phase, reason)), ())

    assert payload["type"] == f"slideextraction.{phase.lower()}"
    assert payload["data"]["status"] == phase.lower()
    assert payload["data"]["reason"] == reason
    assert payload["data"]["result"] is None


def test_a_part_that_is_done_is_told_of_what_failed() -> None:
    status = ended("Failed", "PartiallyCompleted", result=RESULT)

    assert build_payload(build_extraction(status=status), ())["data"]["result"] == RESULT


def test_an_item_of_a_batch_says_so() -> None:
    obj = build_extraction(
        status=ended("Completed", "Completed"),
        labels={"slides-extractor.dev/batch": "b-1"},
        annotations={"slides-extractor.dev/item": "keynote"},
    )

    data = build_payload(obj, ())["data"]

    assert (data["batch_id"], data["item"]) == ("b-1", "keynote")


def test_a_batch_says_what_became_of_each_item() -> None:
    names = [child_name("talks", UID, item) for item in ("a", "b")]
    child = build_extraction(status=ended("Completed", "Completed", video=VIDEO, result=RESULT))
    child["metadata"] |= {"name": names[0], "uid": "child-1"}
    counts = {"total": 3, "completed": 2, "failed": 1, "pending": 0, "running": 0, "cancelled": 0}
    rows = [
        {"name": "a", "extraction": names[0], "phase": "Completed", "reason": "Completed"},
        {
            "name": "b", "extraction": names[1], "phase": "Completed", "reason": "Completed",
            "manifestURI": "s3://b/manifest.json", "slideCount": 3,
        },
        {"name": "c", "phase": "Failed", "reason": "InvalidSpec"},
    ]  # fmt: skip
    batch = build_extraction(status=ended("Failed", "PartiallyFailed", counts=counts, items=rows))
    batch["kind"] = "SlideExtractionBatch"
    items = [{"name": name, "url": f"https://example.com/{name}.mp4"} for name in "abc"]
    batch["spec"] = {"items": items}

    payload = build_payload(batch, [child])

    assert payload["type"] == "slideextractionbatch.failed"
    assert payload["data"]["counts"] == counts
    assert payload["data"]["reason"] == "PartiallyFailed"
    first, second, third = payload["data"]["items"]
    assert first == {
        "name": "a",
        "url": "https://example.com/a.mp4",
        "job_id": "child-1",
        "status": "completed",
        "reason": "Completed",
        "message": "words",
        "video": VIDEO,
        "result": RESULT,
    }
    assert second["result"] == {"manifestURI": "s3://b/manifest.json", "slideCount": 3}
    assert second["job_id"] is None, "its SlideExtraction is gone"
    assert (third["status"], third["reason"], third["result"]) == ("failed", "InvalidSpec", None)
