"""A pod's log is kept beside its outputs, as far as it fits, and never in their way."""

import json
import threading
import time

import pytest

from slides_api.job_input import JobInput
from slides_api.names import log_key, storage_prefix
from slides_api.v1alpha1 import Outputs
from slides_runner.cli.kept_log import WITHIN_S, KeptLines, KeptLog
from slides_runner.cli.pod import PodSettings, Task
from slides_runner.reporters import Found
from slides_runner.reporters.log import LogDisplay
from slides_runner.settings import RunnerSettings
from slides_runner.sources import VideoInfo
from tests.s3_server import S3Server

UID = "c0ffee00-0000-4000-8000-000000000000"


def test_lines_are_kept_as_they_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    lines = KeptLines()
    display = LogDisplay("INFO", as_json=True, hear=lines.add)

    display.logger.info("Found \N{SNOWMAN}")
    display.logger.debug("quiet")
    display.logger.warning("second")

    assert lines.content().decode() == capsys.readouterr().err
    assert len(lines.content().splitlines()) == 2


def test_oldest_lines_go_first_and_it_is_said() -> None:
    lines = KeptLines(most_bytes=300)
    for number in range(100):
        lines.add(json.dumps({"event": f"line {number}", "timestamp": f"t{number}"}))

    first, *rest = [json.loads(row) for row in lines.content().splitlines()]

    assert 3 < len(rest) < 10
    assert rest[-1]["event"] == "line 99"
    assert first == {
        "event": f"{100 - len(rest)} earlier lines were not kept",
        "level": "warning",
        "timestamp": rest[0]["timestamp"],
    }


def test_line_longer_than_all_leaves_a_word() -> None:
    lines = KeptLines(most_bytes=100)

    lines.add("x" * 1000)

    (row,) = lines.content().splitlines()
    assert json.loads(row)["event"] == "1 earlier lines were not kept"


def task(settings: RunnerSettings) -> Task:
    spec = {"source": {"url": "https://talks.example/talk.mp4"}}
    job = JobInput.model_validate(
        {"namespace": "media", "name": "talk", "uid": UID, "attempt": 2, "spec": spec}
    )
    return Task(PodSettings(), job, settings, None)


def settings(endpoint: str, **more: str) -> RunnerSettings:
    return RunnerSettings.model_validate({"s3_endpoint": endpoint, **more})


def found(key: str) -> Found:
    return Found(VideoInfo(key=key, url=None))


def test_log_lies_beside_the_outputs(s3_server: S3Server) -> None:
    bucket, lines = s3_server.make_bucket(), KeptLines()
    lines.add('{"event": "begun"}')
    chosen = settings(
        s3_server.endpoint,
        s3_access_key=s3_server.access_key,
        s3_secret_key=s3_server.secret_key,
        s3_bucket_name=bucket,
    )
    log = KeptLog(task(chosen), lines)

    log.found(found("youtube-dQw4w9WgXcQ"))
    log.store()

    key = storage_prefix("youtube-dQw4w9WgXcQ", Outputs()) + log_key(UID, 2)
    assert s3_server.keys(bucket) == [key]
    assert key.endswith(f"/logs/{UID}/attempt-2.jsonl")
    assert s3_server.read(bucket, key) == b'{"event": "begun"}\n'


def test_run_that_found_no_video_has_no_place_for_it(s3_server: S3Server) -> None:
    bucket = s3_server.make_bucket()

    KeptLog(task(settings(s3_server.endpoint, s3_bucket_name=bucket)), KeptLines()).store()

    assert s3_server.keys(bucket) == []
    assert [one.method for one in s3_server.requests(bucket)] == ["PUT", "GET"]


@pytest.mark.parametrize("bucket", ["not-there", "x"])
def test_store_that_refuses_fails_nothing(s3_server: S3Server, bucket: str) -> None:
    chosen = settings(
        s3_server.endpoint, s3_access_key="wrong", s3_secret_key="wrong", s3_bucket_name=bucket
    )
    log = KeptLog(task(chosen), KeptLines())
    log.found(found("youtube-dQw4w9WgXcQ"))

    log.store()


@pytest.mark.slow
def test_store_that_hangs_holds_up_little(s3_server: S3Server) -> None:
    bucket = s3_server.make_bucket()
    chosen = settings(
        s3_server.endpoint,
        s3_access_key=s3_server.access_key,
        s3_secret_key=s3_server.secret_key,
        s3_bucket_name=bucket,
    )
    log = KeptLog(task(chosen), KeptLines())
    log.found(found("youtube-dQw4w9WgXcQ"))

    with s3_server.frozen():
        begin = time.monotonic()
        log.store()
        took_s = time.monotonic() - begin

    assert WITHIN_S <= took_s < WITHIN_S + 2
    for thread in threading.enumerate():
        if thread.name == "kept-log":
            thread.join(60)
