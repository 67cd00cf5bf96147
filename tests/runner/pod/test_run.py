"""`slides run` as its pod runs it: what the resource's status says, and how it ends."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from slides_api.conditions import Reason
from slides_api.exit_codes import EXIT_CODES
from tests.runner.pod.conftest import MakeExtraction, MakePod
from tests.runner.pod.extraction import Ended, Extraction, Pod
from tests.runner.sources.forward_proxy import run_forward_proxy
from tests.runner.sources.media_server import MediaServer, Resource
from tests.s3_server import S3Server

pytestmark = pytest.mark.api

OPERATOR_PART = {"phase": "Pending", "attempts": {"current": 1, "counted": 0}}
HOSTILE = "%1b%5b2J%e2%80%ae"


def test_finished_attempt_says_all_of_itself(
    url: str, make_extraction: MakeExtraction, make_pod: MakePod, s3_server: S3Server, bucket: str
) -> None:
    extraction = make_extraction(url)
    extraction.apply_status(OPERATOR_PART)

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
    outputs = [one for one in s3_server.keys(bucket) if "/logs/" not in one]
    assert result["bytes"] == sum(len(s3_server.read(bucket, one)) for one in outputs)


def test_what_the_operator_says_is_left_alone(
    url: str, make_extraction: MakeExtraction, make_pod: MakePod
) -> None:
    extraction = make_extraction(url)
    extraction.apply_status(OPERATOR_PART)

    make_pod(extraction).run()

    status, managers = extraction.status(), extraction.managers()
    assert {name: status[name] for name in OPERATOR_PART} == OPERATOR_PART
    assert managers["slides-runner"] == {"run", "video", "result"}
    assert managers["slides-operator"] == set(OPERATOR_PART)


def test_output_that_is_there_already_is_a_result_too(
    url: str, make_extraction: MakeExtraction, make_pod: MakePod
) -> None:
    first, second = make_extraction(url), make_extraction(url)
    make_pod(first).run()

    ended = make_pod(second).run()

    assert (ended.exit_code, ended.words["reason"]) == (0, "AlreadyCompleted")
    assert second.status()["run"]["reason"] == "AlreadyCompleted"
    for part in ("result", "video"):
        assert second.status()[part] == first.status()[part]


def test_resource_says_where_its_outputs_go(
    url: str, make_extraction: MakeExtraction, make_pod: MakePod, s3_server: S3Server
) -> None:
    own = s3_server.make_bucket()
    s3 = {"endpoint": s3_server.endpoint, "bucket": own, "prefix": "talks/2026", "region": "x-1"}
    extraction = make_extraction(url, storage={"s3": {**s3, "region": s3_server.region}})
    pod = make_pod(extraction)
    pod.variables |= {"S3_ENDPOINT": "http://127.0.0.1:9", "S3_BUCKET_NAME": "other"}

    assert pod.run().exit_code == 0
    uri = extraction.status()["result"]["manifestURI"]
    assert uri.startswith(f"s3://{own}/talks/2026/url-")


def test_failed_attempt_keeps_what_an_earlier_one_found(
    server: MediaServer, make_extraction: MakeExtraction, make_pod: MakePod
) -> None:
    found = {"key": "url-0123456789abcdef", "title": "A talk"}
    extraction = make_extraction(server.url("/gone.mp4"))

    make_pod(extraction, attempt=2, video=found).run()

    assert extraction.status()["video"] == found
    assert extraction.status()["run"]["attempt"] == 2


def test_hostile_title_is_harmless_and_fits(
    server: MediaServer, talk: bytes, make_extraction: MakeExtraction, make_pod: MakePod
) -> None:
    path = f"/{HOSTILE}{'t' * 2000}.mp4"
    extraction = make_extraction(server.put(path, Resource(talk)))

    ended = make_pod(extraction).run()

    title = extraction.status()["video"]["title"]
    assert ended.exit_code == 0
    assert title.startswith("\ufffd[2J\ufffdttt")
    assert len(title) == 1024


FAILURES = {
    "gone": (Resource(status=404), "Removed"),
    "refused": (Resource(status=403), "AccessDenied"),
    "busy": (Resource(status=429, headers={"Retry-After": "3600"}), "RateLimited"),
    "broken": (Resource(status=500), "ServerError"),
    "silent": (Resource(hangs=True), "TimedOut"),
    "text": (Resource(b"<html>no video</html>", media_type="text/html"), "NotAVideo"),
}


@pytest.mark.slow
def test_each_failure_of_a_source_has_its_exit_code(
    server: MediaServer, talk: bytes, make_extraction: MakeExtraction, make_pod: MakePod
) -> None:
    cut = Resource(talk, cut_after=20_000, etag=None, ranged=False)
    cases = {**FAILURES, "cut": (cut, "NetworkError")}
    pods: dict[str, tuple[Extraction, Pod]] = {}
    for name, (resource, _) in cases.items():
        extraction = make_extraction(server.put(f"/{name}.mp4", resource))
        pods[name] = (extraction, make_pod(extraction))
    with ThreadPoolExecutor(2) as pool:  # most of them wait
        ends = dict(zip(pods, pool.map(lambda one: one[1].run(), pods.values()), strict=True))

    for name, (_, reason) in cases.items():
        run = pods[name][0].status()["run"]
        assert_ended(ends[name], reason)
        assert (run["reason"], run["message"]) == (reason, ends[name].words["message"])
        assert "Traceback" not in ends[name].log
    retry_after = datetime.fromisoformat(ends["busy"].words["retryAfter"])
    assert abs(retry_after - datetime.now(UTC) - timedelta(hours=1)) < timedelta(minutes=3)
    assert pods["busy"][0].status()["run"]["retryAfter"] == ends["busy"].words["retryAfter"]


def assert_ended(ended: Ended, reason: str) -> None:
    assert (ended.words["reason"], ended.exit_code) == (reason, EXIT_CODES[Reason(reason)])


def test_download_that_is_cut_once_goes_on(
    server: MediaServer, large_talk: bytes, make_extraction: MakeExtraction, make_pod: MakePod
) -> None:
    resource = Resource(large_talk, cut_after=300_000, cuts=1)
    extraction = make_extraction(server.put("/talk.mp4", resource))

    assert make_pod(extraction).run().exit_code == 0


def test_wrong_credentials_of_the_store_are_permanent(
    url: str, make_extraction: MakeExtraction, make_pod: MakePod
) -> None:
    extraction = make_extraction(url)
    pod = make_pod(extraction)
    pod.variables["S3_SECRET_KEY"] = "wrong"

    ended = pod.run()

    assert (ended.exit_code, ended.words["reason"]) == (78, "UploadDenied")
    assert "S3_SECRET_KEY" in ended.words["message"]


@pytest.mark.slow
def test_store_that_is_away_is_retryable(
    url: str, make_extraction: MakeExtraction, make_pod: MakePod, closed_port: int
) -> None:
    extraction = make_extraction(url)
    pod = make_pod(extraction)
    pod.variables["S3_ENDPOINT"] = f"http://127.0.0.1:{closed_port}"

    ended = pod.run()

    assert (ended.exit_code, ended.words["reason"]) == (89, "StorageUnavailable")
    assert extraction.status()["run"]["reason"] == "StorageUnavailable"


@pytest.mark.parametrize("announced", [True, False], ids=["known size", "unknown size"])
def test_work_volume_is_never_overfilled(
    server: MediaServer,
    large_talk: bytes,
    make_extraction: MakeExtraction,
    make_pod: MakePod,
    announced: bool,
) -> None:
    slowly = Resource(large_talk, drips=10_000, without_length=not announced, ranged=announced)
    extraction = make_extraction(server.put("/talk.mp4", slowly))
    pod = make_pod(extraction)
    pod.variables["WORK_VOLUME_BYTES"] = "2500000"

    ended = pod.run()

    assert (ended.exit_code, ended.words["reason"]) == (88, "DiskFull")
    assert "work volume" in ended.words["message"]
    assert "kept in" not in ended.words["message"]  # an emptyDir ends with its pod
    assert (server.sent_bytes() < 100_000) == announced
    assert sum(path.stat().st_size for path in pod.work_dir.rglob("*")) < 4_000_000


def test_secret_of_the_source_signs_in_and_names_a_proxy(
    server: MediaServer, url: str, make_extraction: MakeExtraction, make_pod: MakePod
) -> None:
    with run_forward_proxy() as proxy:
        proxy.hosts["127.0.0.1"] = ("127.0.0.1", server.port)
        extraction = make_extraction(url)
        pod = make_pod(extraction)
        secret = pod.folder / "secret"
        secret.mkdir()
        (secret / "username").write_text("ann\n")
        (secret / "password").write_text("s:e@cret\n")
        (secret / "proxy").write_text(f"{proxy.address}\n")
        pod.variables["SOURCE_SECRET_DIR"] = str(secret)

        ended = pod.run()

    assert ended.exit_code == 0, ended.log
    assert {one.headers.get("Authorization") for one in server.seen} == {"Basic YW5uOnM6ZUBjcmV0"}
    assert proxy.seen
    assert "s:e@cret" not in ended.log
    assert extraction.status()["video"]["webpageURL"] == url


def test_file_of_the_pod_is_no_source(
    url: str, make_extraction: MakeExtraction, make_pod: MakePod
) -> None:
    extraction = make_extraction(url)
    pod = make_pod(extraction)
    pod.task["spec"]["source"]["url"] = str(pod.folder / "account" / "token")

    ended = pod.run()

    assert (ended.exit_code, ended.words["reason"]) == (73, "BadUrl")


def test_log_is_a_document_a_line(
    url: str, make_extraction: MakeExtraction, make_pod: MakePod
) -> None:
    extraction = make_extraction(url)

    lines = make_pod(extraction).run().lines

    assert {(one["namespace"], one["name"], one["attempt"]) for one in lines} == {
        ("default", extraction.name, 1)
    }
    assert lines[-1]["event"] == "2 slides"
    assert [one["level"] for one in lines if one["level"] != "info"] == []


def test_settings_in_the_working_folder_are_nobodys(
    url: str, make_extraction: MakeExtraction, make_pod: MakePod
) -> None:
    pod = make_pod(make_extraction(url))
    Path(pod.folder / ".env").write_text("S3_BUCKET_NAME=somebody-elses\nEGRESS_MODE=triple\n")

    assert pod.run().exit_code == 0


def test_log_is_kept_beside_the_outputs(
    url: str, make_extraction: MakeExtraction, make_pod: MakePod, s3_server: S3Server, bucket: str
) -> None:
    extraction = make_extraction(url)

    ended = make_pod(extraction, attempt=3).run()

    (key,) = [one for one in s3_server.keys(bucket) if "/logs/" in one]
    manifest = extraction.status()["result"]["manifestURI"].removeprefix(f"s3://{bucket}/")
    prefix = manifest.removesuffix("manifest.json")
    assert key == f"{prefix}logs/{extraction.uid}/attempt-3.jsonl"
    assert s3_server.read(bucket, key).decode() == ended.log
    assert b"logs/" not in s3_server.read(bucket, manifest)


def test_log_of_a_failed_attempt_is_kept_too(
    server: MediaServer,
    make_extraction: MakeExtraction,
    make_pod: MakePod,
    s3_server: S3Server,
    bucket: str,
) -> None:
    text = Resource(b"no video", media_type="text/plain")
    extraction = make_extraction(server.put("/text.mp4", text))

    ended = make_pod(extraction).run()

    (key,) = s3_server.keys(bucket)
    log = s3_server.read(bucket, key).decode()
    assert key.startswith(extraction.status()["video"]["key"])
    assert log == ended.log
    assert "NotAVideo" in log
