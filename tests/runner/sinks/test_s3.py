import json
import os
import socket
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from botocore.exceptions import ClientError
from pydantic import SecretStr

from slides_runner.artifacts import LocalFile
from slides_runner.errors import (
    InvalidSpecError,
    OutputConflictError,
    StorageUnavailableError,
    UploadDeniedError,
)
from slides_runner.settings import RunnerSettings
from slides_runner.sinks.s3 import MULTIPART_BYTES, S3Sink, build_client, explain
from tests.runner.sinks.files import run_once, write_files, write_manifest
from tests.runner.sinks.plain_store import Manner, run_plain_store
from tests.s3_server import S3Server

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

CONTENTS = {
    **{f"slides/{n:04d}.webp": f"slide {n}".encode() for n in range(1, 5)},
    "report.html": b"<html>",
}
PREFIX = "file-1/aaaa/"
KEYS = [PREFIX + key for key in sorted([*CONTENTS, "manifest.json"])]


@pytest.fixture
def files(tmp_path: Path) -> tuple[LocalFile, ...]:
    return write_files(tmp_path / "work", CONTENTS)


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    return s3_server.make_bucket()


class Place:
    """A bucket on the test server, and the warnings that its sinks gave."""

    def __init__(self, server: S3Server, bucket: str) -> None:
        self.server = server
        self.bucket = bucket
        self.warnings: list[str] = []

    def settings(self, **changes: str | None) -> RunnerSettings:
        values = {
            "s3_endpoint": self.server.endpoint,
            "s3_access_key": self.server.access_key,
            "s3_secret_key": self.server.secret_key,
        } | changes
        return RunnerSettings.model_validate(values)

    def sink(self, **changes: str | None) -> S3Sink:
        """Return a fresh sink; its client has settings of its own where some are named."""
        client = self._build_client(changes) if changes else self._client
        return S3Sink(client, bucket=self.bucket, prefix=PREFIX, warn=self.warnings.append)

    @cached_property
    def _client(self) -> "S3Client":
        return self._build_client({})

    def _build_client(self, changes: dict[str, str | None]) -> "S3Client":
        return build_client(self.settings(**changes), warn=self.warnings.append, attempts=1)

    def stored(self) -> list[str]:
        return self.server.keys(self.bucket)

    def manifest(self) -> dict[str, object]:
        content = self.server.read(self.bucket, PREFIX + "manifest.json")
        return dict(json.loads(content))

    def uploads(self) -> list[str]:
        """Return the keys that were written so far, the probe for permissions left out."""
        asked = self.server.requests(self.bucket)
        start = f"/{self.bucket}/{PREFIX}"
        written = [r.path.removeprefix(start) for r in asked if r.method == "PUT"]
        return [key for key in written if not key.startswith((".", "/"))]


@pytest.fixture
def place(s3_server: S3Server, bucket: str) -> Place:
    return Place(s3_server, bucket)


def get(url: str) -> tuple[int, bytes]:
    answer = urllib3.request("GET", url)
    return answer.status, answer.data


def test_uploads_everything_with_types_and_the_manifest(
    place: Place, files: tuple[LocalFile, ...]
) -> None:
    uri = run_once(place.sink(), files)
    assert uri == f"s3://{place.bucket}/{PREFIX}manifest.json"
    assert place.stored() == KEYS
    client = place.server.client()
    types = {
        key: client.head_object(Bucket=place.bucket, Key=PREFIX + key)["ContentType"]
        for key in ("slides/0001.webp", "report.html", "manifest.json")
    }
    assert types == {
        "slides/0001.webp": "image/webp",
        "report.html": "text/html; charset=utf-8",
        "manifest.json": "application/json",
    }
    assert place.warnings == []


def test_objects_are_private_and_presigned_links_open_them(
    place: Place, files: tuple[LocalFile, ...]
) -> None:
    sink = place.sink()
    run_once(sink, files)
    for key in ("slides/0001.webp", "manifest.json"):
        assert get(f"{place.server.endpoint}/{place.bucket}/{PREFIX}{key}")[0] == 403
    link = sink.link("slides/0001.webp", expires_s=60)
    assert get(link) == (200, b"slide 1")
    assert get(link.replace("0001", "0002"))[0] == 403


@pytest.mark.parametrize("expires_s", [0, -1, 8 * 24 * 3600])
def test_refuses_links_that_the_signature_cannot_carry(place: Place, expires_s: int) -> None:
    with pytest.raises(InvalidSpecError):
        place.sink().link("slides.pdf", expires_s=expires_s)


@pytest.mark.parametrize("stored", range(len(CONTENTS) + 1))
def test_upload_abandoned_anywhere_leaves_no_manifest_and_the_next_completes(
    place: Place, files: tuple[LocalFile, ...], stored: int
) -> None:
    upload = place.sink().put(files)
    for _ in range(stored):
        next(upload)
    upload.close()
    assert place.sink().read_manifest() is None
    run_once(place.sink(), files)
    assert place.stored() == KEYS


def test_killed_upload_leaves_no_manifest_then_completes_then_does_nothing(
    place: Place, files: tuple[LocalFile, ...]
) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from slides_runner.artifacts import LocalFile
from slides_runner.settings import RunnerSettings
from slides_runner.sinks.registry import open_sink
output, folder, *paths = sys.argv[1:]
sink = open_sink(output, folder=folder, settings=RunnerSettings(), warn=print)
files = [LocalFile(f"slides/{Path(p).name}", Path(p), "slide", "image/webp") for p in paths]
for _ in sink.put(files):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {
        **os.environ,
        "S3_ENDPOINT": place.server.endpoint,
        "S3_ACCESS_KEY": place.server.access_key,
        "S3_SECRET_KEY": place.server.secret_key,
    }
    paths = [str(f.path) for f in files if f.kind == "slide"]
    killed = subprocess.run(
        [sys.executable, "-c", program, f"s3://{place.bucket}", PREFIX, *paths],
        env=environment,
        check=False,
    )
    assert killed.returncode == -9
    there = place.stored()
    assert there
    assert PREFIX + "manifest.json" not in there

    run_once(place.sink(), files)
    assert place.stored() == KEYS
    done = place.uploads()
    assert sorted(done) == sorted([*CONTENTS, "manifest.json"]), "nothing was sent twice"

    run_once(place.sink(), files)
    assert place.uploads() == done


def test_concurrent_second_writer_is_refused(place: Place, files: tuple[LocalFile, ...]) -> None:
    first, second = place.sink(), place.sink()
    for sink in (first, second):
        assert sink.read_manifest() is None
        list(sink.put(files))
    first.commit(write_manifest(CONTENTS, note="first"), replaces=None)
    with pytest.raises(OutputConflictError, match="meanwhile"):
        second.commit(write_manifest(CONTENTS, note="second"), replaces=None)
    assert place.manifest()["note"] == "first"


def test_two_replacements_of_the_same_output_leave_one(
    place: Place, files: tuple[LocalFile, ...]
) -> None:
    run_once(place.sink(), files, note="old")
    first, second = place.sink(), place.sink()
    replaced = [sink.read_manifest() for sink in (first, second)]
    first.commit(write_manifest(CONTENTS, note="first"), replaces=replaced[0])
    with pytest.raises(OutputConflictError):
        second.commit(write_manifest(CONTENTS, note="second"), replaces=replaced[1])
    assert place.manifest()["note"] == "first"


def test_store_itself_enforces_the_condition(place: Place, files: tuple[LocalFile, ...]) -> None:
    """Both writers ask before either writes: only the store can still tell them apart."""
    run_once(place.sink(), files)
    sink = place.sink()
    sink.prepare()
    with pytest.raises(OutputConflictError):
        sink._write_manifest(b"another", None)  # noqa: SLF001 - the moment between asking and writing
    assert place.manifest()["source"] == {"key": "file-1"}


def test_forced_run_with_the_same_objects_replaces_the_manifest_alone(
    place: Place, files: tuple[LocalFile, ...]
) -> None:
    run_once(place.sink(), files, note="old")
    before = place.uploads()
    run_once(place.sink(), files, note="new")
    assert place.uploads() == [*before, "manifest.json"]
    assert place.manifest()["note"] == "new"


def test_forced_run_takes_the_manifest_away_before_the_first_object_changes(
    tmp_path: Path, place: Place, files: tuple[LocalFile, ...]
) -> None:
    run_once(place.sink(), files)
    changed = write_files(tmp_path / "changed", {"slides/0001.webp": b"another"})
    sink = place.sink()
    replaces = sink.read_manifest()
    for _ in sink.put(changed):
        assert PREFIX + "manifest.json" not in place.stored()
    sink.commit(write_manifest(["slides/0001.webp"]), replaces=replaces)
    assert place.stored() == [PREFIX + "manifest.json", PREFIX + "slides/0001.webp"]
    assert place.server.read(place.bucket, PREFIX + "slides/0001.webp") == b"another"


def test_replacement_is_refused_when_another_came_first(
    tmp_path: Path, place: Place, files: tuple[LocalFile, ...]
) -> None:
    run_once(place.sink(), files, note="old")
    late = place.sink()
    late.read_manifest()
    run_once(place.sink(), files, note="first")
    changed = write_files(tmp_path / "changed", {"slides/0001.webp": b"another"})
    with pytest.raises(OutputConflictError):
        list(late.put(changed))
    assert place.manifest()["note"] == "first"
    assert place.server.read(place.bucket, PREFIX + "slides/0001.webp") == b"slide 1"


def test_large_files_go_in_parts_and_are_not_sent_again(tmp_path: Path, place: Place) -> None:
    content = os.urandom(MULTIPART_BYTES + 1)
    large = write_files(tmp_path / "large", {"audio.flac": content})
    list(place.sink().put(large))
    assert place.uploads().count("audio.flac") == 2, "two parts"
    assert place.server.read(place.bucket, PREFIX + "audio.flac") == content
    list(place.sink().put(large))
    assert place.uploads().count("audio.flac") == 2


@pytest.mark.parametrize(
    "wrong",
    [{"s3_secret_key": "wrong"}, {"s3_access_key": "nobody"}],
    ids=["secret", "key"],
)
def test_wrong_credentials_are_refused_before_any_work(
    place: Place, wrong: dict[str, str | None]
) -> None:
    with pytest.raises(UploadDeniedError, match="S3_SECRET_KEY"):
        place.sink(**wrong).prepare()


def test_missing_bucket_is_refused_before_any_work(place: Place) -> None:
    place.bucket = "no-such-bucket"
    with pytest.raises(UploadDeniedError, match="Create the bucket"):
        place.sink().prepare()


def test_preparing_leaves_nothing_behind(place: Place) -> None:
    place.sink().prepare()
    assert place.stored() == []


def test_server_that_is_down_is_retryable(place: Place, files: tuple[LocalFile, ...]) -> None:
    with socket.socket() as taken:  # bound and never listening: every connection is refused
        taken.bind(("127.0.0.1", 0))
        down = place.sink(s3_endpoint=f"http://127.0.0.1:{taken.getsockname()[1]}")
        for attempt in (down.prepare, down.read_manifest, lambda: list(down.put(files))):
            with pytest.raises(StorageUnavailableError, match="Check S3_ENDPOINT"):
                attempt()


@pytest.mark.parametrize(
    ("code", "status", "want", "hint"),
    [
        ("SlowDown", 503, StorageUnavailableError, "run again"),
        ("InternalError", 500, StorageUnavailableError, "run again"),
        ("TooManyRequests", 429, StorageUnavailableError, "run again"),
        ("AccessDenied", 403, UploadDeniedError, "S3_ACCESS_KEY"),
        ("PermanentRedirect", 301, UploadDeniedError, "S3_REGION"),
        ("RequestTimeTooSkewed", 403, UploadDeniedError, "clock"),
    ],
)
def test_explains_answers(code: str, status: int, want: type[Exception], hint: str) -> None:
    response: Any = {
        "Error": {"Code": code, "Message": ""},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    explained = explain(ClientError(response, "PutObject"), place="s3://b/")
    assert type(explained) is want
    assert hint in explained.hint


def test_access_key_alone_serves_as_both_and_says_so(
    place: Place, files: tuple[LocalFile, ...]
) -> None:
    sink = place.sink(s3_secret_key=None)
    assert place.warnings == ["S3_SECRET_KEY is not set: S3_ACCESS_KEY serves as both."]
    with pytest.raises(UploadDeniedError):
        list(sink.put(files))


def test_secret_without_key_is_refused(place: Place) -> None:
    with pytest.raises(InvalidSpecError, match="S3_ACCESS_KEY"):
        place.sink(s3_access_key=None)


def test_endpoint_that_is_no_url_is_refused(place: Place) -> None:
    with pytest.raises(InvalidSpecError, match="https://"):
        place.sink(s3_endpoint="not a url")


def test_keys_come_from_botos_own_chain_where_the_settings_name_none(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", place.server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", place.server.secret_key)
    place.sink(s3_access_key=None, s3_secret_key=None).prepare()


@pytest.mark.parametrize("manner", ["ignores", "refuses"])
def test_store_without_conditions_is_asked_instead_and_it_is_said(
    manner: Manner, files: tuple[LocalFile, ...]
) -> None:
    warnings: list[str] = []
    with run_plain_store(manner) as store:
        settings = RunnerSettings(
            s3_endpoint=store.endpoint, s3_access_key=SecretStr("a"), s3_secret_key=SecretStr("b")
        )
        client = build_client(settings, warn=warnings.append, attempts=1)
        first, second = (
            S3Sink(client, bucket="talks", prefix=PREFIX, warn=warnings.append) for _ in range(2)
        )
        for sink in (first, second):
            list(sink.put(files))
        first.commit(b"first", replaces=None)
        with pytest.raises(OutputConflictError):
            second.commit(b"second", replaces=None)
        assert store.objects[f"/talks/{PREFIX}manifest.json"][0] == b"first"
        assert sorted(store.objects) == [f"/talks/{key}" for key in KEYS]
        client.close()
    assert len(warnings) == 2
    assert "no conditional writes" in warnings[0]
