"""`slides delete-outputs` deletes what one resource stored, and nothing of others."""

import json
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from slides_api.names import storage_prefix
from slides_api.v1alpha1 import Outputs, SlidesOutput
from slides_runner.cli.delete_outputs import folder_of
from slides_runner.sinks import OutputFolder
from tests.runner.pod.extraction import Ended, Pod
from tests.s3_server import S3Server

KEY = "youtube-dQw4w9WgXcQ"
OWN = storage_prefix(KEY, Outputs())
OTHER_OPTIONS = storage_prefix(KEY, Outputs(slides=SlidesOutput(min_duration_seconds=5)))


class Deletion:
    """A bucket with outputs, and the Job that deletes some of them."""

    def __init__(self, folder: Path, s3: S3Server) -> None:
        self.s3 = s3
        self.bucket = s3.make_bucket()
        folder.mkdir()
        self.pod = Pod(
            folder,
            {
                "KUBERNETES_SERVICE_HOST": "",
                "S3_ENDPOINT": s3.endpoint,
                "S3_ACCESS_KEY": s3.access_key,
                "S3_SECRET_KEY": s3.secret_key,
                "S3_BUCKET_NAME": self.bucket,
            },
        )

    def store(self, prefix: str, *, count: int = 3, with_manifest: bool = True) -> None:
        names = [f"slides/{n:04}.webp" for n in range(1, count + 1)]
        keys = [prefix + name for name in [*names, *(["manifest.json"] * with_manifest)]]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: self.s3.put(self.bucket, key, b"x"), keys))

    def uri(self, prefix: str) -> str:
        return f"s3://{self.bucket}/{prefix}manifest.json"

    def delete(self, *, result: str | None = None, keep: list[str] | None = None) -> Ended:
        self.pod.task = self.task(result=result, keep=keep or [])
        return self.pod.run("delete-outputs")

    def task(self, *, result: str | None = None, keep: list[str]) -> dict[str, Any]:
        made = {"manifestURI": result, "slideCount": 3, "sha256": "0" * 64, "bytes": 4}
        return {
            "namespace": "default",
            "name": "talk",
            "uid": "c0ffee00-0000-4000-8000-000000000000",
            "attempt": 1,
            "spec": {"source": {"url": "youtube:dQw4w9WgXcQ"}},
            "video": {"key": KEY},
            **({"result": made} if result else {}),
            "keep": keep,
        }

    def left(self) -> list[str]:
        return self.s3.keys(self.bucket)


@pytest.fixture
def deletion(tmp_path: Path, s3_server: S3Server) -> Deletion:
    return Deletion(tmp_path / "pod", s3_server)


def test_deletes_its_own_prefix_and_nothing_else(deletion: Deletion) -> None:
    others = [OTHER_OPTIONS, f"talks/{OWN}", f"{OWN[:-1]}0/", "youtube-dQw4w9WgXcQ-2/0a1b2c3d/"]
    for prefix in (OWN, *others):
        deletion.store(prefix)
    kept = [key for key in deletion.left() if not key.startswith(OWN)]

    ended = deletion.delete(result=deletion.uri(OWN))

    assert (ended.exit_code, ended.words["reason"]) == (0, "OutputsDeleted")
    assert deletion.left() == kept
    assert len(kept) == 4 * len(others)


def test_manifest_goes_first(deletion: Deletion) -> None:
    deletion.store(OWN)

    deletion.delete(result=deletion.uri(OWN))

    requests = deletion.s3.requests(deletion.bucket)
    deleted = [one.path for one in requests if one.method == "DELETE"]
    assert deleted[0] == f"/{deletion.bucket}/{OWN}manifest.json"


@pytest.mark.slow
def test_many_objects_come_in_pages(deletion: Deletion) -> None:
    deletion.store(OWN, count=1100)

    ended = deletion.delete(result=deletion.uri(OWN))

    assert (ended.exit_code, deletion.left()) == (0, [])


def test_what_an_unfinished_attempt_left_goes_too(deletion: Deletion) -> None:
    deletion.store(OWN, with_manifest=False)
    client = deletion.s3.client()
    client.create_multipart_upload(Bucket=deletion.bucket, Key=f"{OWN}slides.pdf")

    ended = deletion.delete()

    uploads = client.list_multipart_uploads(Bucket=deletion.bucket).get("Uploads", [])
    assert (ended.exit_code, deletion.left(), uploads) == (0, [], [])


def test_outputs_that_another_result_names_stay(deletion: Deletion) -> None:
    deletion.store(OWN)
    before = deletion.left()

    ended = deletion.delete(result=deletion.uri(OWN), keep=[deletion.uri(OWN)])

    assert (ended.exit_code, ended.words["reason"]) == (0, "OutputsKept")
    assert deletion.left() == before


def test_twice_is_as_once(deletion: Deletion) -> None:
    deletion.store(OWN)

    ends = [deletion.delete(result=deletion.uri(OWN)) for _ in range(2)]

    assert [one.exit_code for one in ends] == [0, 0]
    assert ends[1].words["reason"] == "OutputsDeleted"


def test_result_of_an_earlier_place_is_found(deletion: Deletion) -> None:
    elsewhere = f"earlier/{KEY}/0a1b2c3d/"
    deletion.store(elsewhere)

    assert deletion.delete(result=deletion.uri(elsewhere)).exit_code == 0
    assert deletion.left() == []


@pytest.mark.parametrize(
    ("uri", "want"),
    [
        pytest.param(f"s3://b/{KEY}/0a1b2c3d/manifest.json", f"{KEY}/0a1b2c3d/", id="at the top"),
        pytest.param(f"s3://b/a/{KEY}/0a1b2c3d/manifest.json", f"a/{KEY}/0a1b2c3d/", id="below"),
        pytest.param("s3://b/manifest.json", None, id="whole bucket"),
        pytest.param("s3://b/talks/manifest.json", None, id="of all talks"),
        pytest.param(f"s3://b/{KEY}/manifest.json", None, id="of all options"),
        pytest.param("s3://b/youtube-another/0a1b2c3d/manifest.json", None, id="another talk"),
        pytest.param(f"s3://b/x{KEY}/0a1b2c3d/manifest.json", None, id="a key that ends alike"),
        pytest.param(f"s3://b/{KEY}/0a1b2c3d/../manifest.json", None, id="dots"),
        pytest.param(f"file:///{KEY}/0a1b2c3d/manifest.json", None, id="no bucket"),
    ],
)
def test_result_is_believed_where_a_runner_could_have_put_it(uri: str, want: str | None) -> None:
    found = folder_of(uri, video_key=KEY)

    assert found == (OutputFolder("b", want) if want else None)


def test_forged_result_deletes_nothing(deletion: Deletion) -> None:
    for one in ("talks/", f"{KEY}/ffffffff/", "youtube-another/0a1b2c3d/"):
        deletion.store(one)
    before = deletion.left()

    ended = deletion.delete(result=deletion.uri("youtube-another/0a1b2c3d/"))

    assert (ended.exit_code, deletion.left()) == (0, before)


def test_bucket_that_is_gone_holds_no_outputs(deletion: Deletion) -> None:
    deletion.s3.client().delete_bucket(Bucket=deletion.bucket)

    assert deletion.delete(result=deletion.uri(OWN)).exit_code == 0


def test_resource_without_a_video_stored_nothing(deletion: Deletion) -> None:
    deletion.store(OWN)
    deletion.pod.task = deletion.task(keep=[])
    del deletion.pod.task["video"]

    assert deletion.pod.run("delete-outputs").exit_code == 0
    assert len(deletion.left()) == 4


def test_refused_credentials_are_permanent_and_say_what_is_needed(deletion: Deletion) -> None:
    deletion.pod.variables["S3_SECRET_KEY"] = "wrong"

    ended = deletion.delete(result=deletion.uri(OWN))

    assert (ended.exit_code, ended.words["reason"]) == (78, "UploadDenied")
    assert "s3:DeleteObject" in ended.words["message"]


def test_store_that_is_away_is_retryable(deletion: Deletion) -> None:
    deletion.pod.variables["S3_ENDPOINT"] = "http://127.0.0.1:9"

    ended = deletion.delete(result=deletion.uri(OWN))

    assert (ended.exit_code, ended.words["reason"]) == (89, "StorageUnavailable")


def test_sigterm_stops_it(deletion: Deletion) -> None:
    deletion.pod.task = deletion.task(keep=[])
    with socket.create_server(("127.0.0.1", 0)) as silent:
        deletion.pod.variables["S3_ENDPOINT"] = f"http://127.0.0.1:{silent.getsockname()[1]}"

        with deletion.pod.running("delete-outputs") as process:
            connection, _ = silent.accept()  # it asks, and nobody will answer
            with connection:
                process.send_signal(signal.SIGTERM)
                ended = deletion.pod.ended(process, within_s=10.0)

    assert (ended.exit_code, ended.words["reason"]) == (143, "Interrupted")


@pytest.mark.parametrize(
    ("task", "want"),
    [
        pytest.param("", "JOB_INPUT is not set", id="by hand"),
        pytest.param("{", "JSON", id="no JSON"),
        pytest.param(json.dumps({"namespace": "a"}), "name", id="incomplete"),
        pytest.param(json.dumps({"secret": "hunter2"}), "JOB_INPUT", id="unknown field"),
    ],
)
def test_unusable_task_is_a_clean_end(tmp_path: Path, task: str, want: str) -> None:
    pod = Pod(tmp_path / "pod", {"JOB_INPUT": task})
    pod.folder.mkdir()

    ended = pod.run("delete-outputs" if task else "run")

    assert (ended.exit_code, ended.words["reason"]) == (64, "InvalidSpec")
    assert want in ended.words["message"]
    assert "hunter2" not in ended.log + ended.words["message"]
    assert "Traceback" not in ended.log


def test_own_logs_go_also_from_outputs_that_stay(deletion: Deletion) -> None:
    deletion.store(OWN)
    outputs = deletion.left()
    other = f"{OWN}logs/0ddba110-0000-4000-8000-000000000000/attempt-1.jsonl"
    for key in (f"{OWN}logs/c0ffee00-0000-4000-8000-000000000000/attempt-1.jsonl", other):
        deletion.s3.put(deletion.bucket, key, b"{}\n")

    ended = deletion.delete(result=deletion.uri(OWN), keep=[deletion.uri(OWN)])

    assert (ended.exit_code, ended.words["reason"]) == (0, "OutputsKept")
    assert deletion.left() == sorted([*outputs, other])
