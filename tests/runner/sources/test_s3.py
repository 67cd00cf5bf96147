"""Objects of a real S3 server as sources."""

import hashlib
import json
import random
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

from slides_api.exit_codes import ExitCode
from slides_api.v1alpha1 import Source as SourceSpec
from slides_runner.errors import (
    AccessDeniedError,
    InterruptedRunError,
    NotAVideoError,
    RemovedError,
    SlidesError,
    StorageUnavailableError,
    TimedOutError,
    TooBigError,
)
from slides_runner.settings import RunnerSettings
from slides_runner.sources import Download, Source, open_source
from slides_runner.sources.patience import Patience
from slides_runner.sources.s3 import parse_s3_url
from tests.runner.sources.conftest import MakeSettings
from tests.runner.sources.media_server import MediaServer, Resource
from tests.s3_server import S3Server

BODY = random.Random(3).randbytes(3_000_000)


@pytest.fixture
def settings(s3_server: S3Server, make_settings: MakeSettings) -> RunnerSettings:
    return make_settings(
        s3_endpoint=s3_server.endpoint,
        s3_access_key=s3_server.access_key,
        s3_secret_key=s3_server.secret_key,
    )


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    return s3_server.make_bucket()


def _put(server: S3Server, bucket: str, key: str, body: bytes) -> str:
    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}),
    )
    client.put_object(Bucket=bucket, Key=key, Body=body)
    return f"s3://{bucket}/{key}"


def _open(
    url: str, settings: RunnerSettings, patience: Patience, max_bytes: int | None = None
) -> Source:
    return open_source(url, SourceSpec(url=url, max_bytes=max_bytes), settings, patience=patience)


def test_an_object_is_fetched(
    s3_server: S3Server, bucket: str, settings: RunnerSettings, impatient: Patience, work_dir: Path
) -> None:
    url = _put(s3_server, bucket, "talks/a talk #1?.mp4", BODY)
    source = _open(url, settings, impatient)
    progress: list[Download] = []

    info = source.probe()
    media = source.fetch(work_dir, progress.append)

    assert (info.title, info.size_bytes, info.url) == ("a talk #1?", len(BODY), url)
    assert media.path.read_bytes() == BODY
    assert media.sha256 == hashlib.sha256(BODY).hexdigest()
    assert progress[-1] == Download(media.path.name, "finished", len(BODY), len(BODY))


def test_a_cut_download_goes_on(
    s3_server: S3Server, bucket: str, settings: RunnerSettings, impatient: Patience, work_dir: Path
) -> None:
    url = _put(s3_server, bucket, "talk.mp4", BODY)
    _leave_half(work_dir, url, settings, impatient)
    received: list[int] = []

    def note(progress: Download) -> None:
        received.append(progress.bytes)

    media = _open(url, settings, impatient).fetch(work_dir, note)

    assert media.path.read_bytes() == BODY
    assert received[0] >= len(BODY) // 2


def _leave_half(work_dir: Path, url: str, settings: RunnerSettings, patience: Patience) -> None:
    """Leave what a killed download leaves that had its first two ranges."""

    def stop(_: Download) -> None:
        raise InterruptedRunError("stopped")

    with pytest.raises(InterruptedRunError):
        _open(url, settings, patience).fetch(work_dir, stop)
    ledger = next(work_dir.glob("*.part.json"))
    state = json.loads(ledger.read_text())
    for index, span in enumerate(state["spans"]):
        span["filled"] = span["end"] if index < 2 else span["start"]
    ledger.write_text(json.dumps(state))
    next(work_dir.glob("*.part")).write_bytes(BODY[: len(BODY) // 2])


def test_an_object_that_was_replaced_is_fetched_anew(
    s3_server: S3Server, bucket: str, settings: RunnerSettings, impatient: Patience, work_dir: Path
) -> None:
    url = _put(s3_server, bucket, "talk.mp4", BODY)
    _leave_half(work_dir, url, settings, impatient)
    changed = bytes(reversed(BODY))
    _put(s3_server, bucket, "talk.mp4", changed)

    assert (
        _open(url, settings, impatient).fetch(work_dir, lambda _: None).path.read_bytes() == changed
    )


@pytest.mark.parametrize(
    ("url", "error", "code"),
    [
        ("s3://{bucket}/missing.mp4", RemovedError, ExitCode.REMOVED),
        ("s3://no-such-bucket-here/talk.mp4", RemovedError, ExitCode.REMOVED),
        ("s3://{bucket}/empty.mp4", NotAVideoError, ExitCode.NOT_A_VIDEO),
        ("s3://{bucket}/big.mp4", TooBigError, ExitCode.TOO_BIG),
    ],
)
def test_objects_that_cannot_be_used_are_named(
    *,
    s3_server: S3Server,
    bucket: str,
    settings: RunnerSettings,
    impatient: Patience,
    url: str,
    error: type[SlidesError],
    code: ExitCode,
) -> None:
    _put(s3_server, bucket, "empty.mp4", b"")
    _put(s3_server, bucket, "big.mp4", bytes(1001))

    with pytest.raises(error) as caught:
        _open(url.format(bucket=bucket), settings, impatient, max_bytes=1000).probe()

    assert caught.value.exit_code == code
    assert caught.value.hint


@pytest.mark.parametrize("wrong", ["s3_access_key", "s3_secret_key"])
def test_wrong_credentials_are_access_denied(
    s3_server: S3Server,
    bucket: str,
    make_settings: MakeSettings,
    impatient: Patience,
    wrong: str,
) -> None:
    url = _put(s3_server, bucket, "talk.mp4", BODY[:1000])
    keys = {"s3_access_key": s3_server.access_key, "s3_secret_key": s3_server.secret_key}
    settings = make_settings(s3_endpoint=s3_server.endpoint, **(keys | {wrong: "geheim"}))

    with pytest.raises(AccessDeniedError) as caught:
        _open(url, settings, impatient).probe()

    assert "geheim" not in str(caught.value)


def test_without_credentials_it_says_which_to_set(
    make_settings: MakeSettings, impatient: Patience, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")

    with pytest.raises(AccessDeniedError, match="credentials") as caught:
        _open(
            "s3://bucket/talk.mp4", make_settings(s3_endpoint="http://127.0.0.1:9"), impatient
        ).probe()

    assert "S3_ACCESS_KEY" in caught.value.hint


def test_a_store_that_is_away_is_unavailable(
    server: MediaServer, make_settings: MakeSettings, impatient: Patience
) -> None:
    keys = {"s3_access_key": "a", "s3_secret_key": "b"}
    away = make_settings(s3_endpoint="http://127.0.0.1:9", **keys)
    server.put("/bucket/talk.mp4", Resource(status=503))
    failing = make_settings(s3_endpoint=f"http://127.0.0.1:{server.port}", **keys)

    for settings in (away, failing):
        with pytest.raises(StorageUnavailableError):
            _open("s3://bucket/talk.mp4", settings, impatient).probe()


def test_a_store_that_hangs_times_out(
    server: MediaServer, make_settings: MakeSettings, impatient: Patience
) -> None:
    server.put("/bucket/talk.mp4", Resource(hangs=True))
    settings = make_settings(
        s3_endpoint=f"http://127.0.0.1:{server.port}", s3_access_key="a", s3_secret_key="b"
    )

    with pytest.raises(TimedOutError):
        _open("s3://bucket/talk.mp4", settings, impatient).probe()


def test_the_key_is_all_that_follows_the_bucket() -> None:
    assert parse_s3_url("s3://bucket/a/b?c#d.mp4") == ("bucket", "a/b?c#d.mp4")
