"""`slides run` as its pod runs it: what the resource's status says, and how it ends."""

import hashlib

import pytest

from tests.runner.pod.conftest import MakeExtraction, MakePod
from tests.s3_server import S3Server

pytestmark = pytest.mark.api


def test_finished_attempt_says_all_of_itself(
    url: str, make_extraction: MakeExtraction, make_pod: MakePod, s3_server: S3Server, bucket: str
) -> None:
    extraction = make_extraction(url)
    extraction.apply_status({"phase": "Pending", "attempts": {"current": 1, "counted": 0}})

    ended = make_pod(extraction).run()

    status = extraction.status()
    run, video, result = status["run"], status["video"], status["result"]
    key = result["manifestURI"].removeprefix(f"s3://{bucket}/")
    manifest = s3_server.read(bucket, key)
    assert (ended.exit_code, ended.words) == (0, {"reason": "Completed", "message": "2 slides"})
    assert (run["attempt"], run["percent"], run["reason"]) == (1, 100, "Completed")
    assert (run["stage"], run["slidesProcessed"], run["totalSlides"]) == ("Uploading", 2, 2)
    assert run["downloads"][0]["status"] == "finished"
    assert (video["title"], video["extractor"], video["webpageURL"]) == ("talk", "http", url)
    assert (video["width"], video["height"], video["durationSeconds"]) == (640, 360, 9.0)
    assert key.startswith(video["key"])
    assert result["slideCount"] == 2
    assert result["sha256"] == hashlib.sha256(manifest).hexdigest()
    assert result["bytes"] == sum(
        len(s3_server.read(bucket, one)) for one in s3_server.keys(bucket)
    )
    assert (status["phase"], status["attempts"]) == ("Pending", {"current": 1, "counted": 0})
    managers = extraction.managers()
    assert managers["slides-runner"] == {"run", "video", "result"}
    assert managers["slides-operator"] == {"phase", "attempts"}
