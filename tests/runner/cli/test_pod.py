"""What a pod is given becomes the settings of its run."""

import json
from pathlib import Path
from typing import Any

import pytest

from slides_runner.cli.pod import PodSettings, load_pod_settings, read_task
from slides_runner.cli.run import build_request
from slides_runner.errors import BadUrlError, InvalidSpecError
from slides_runner.settings import RunnerSettings
from slides_runner.sources.login import read_login

KEYS = {"S3_ACCESS_KEY": "of-namespace", "S3_SECRET_KEY": "of-namespace-too"}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*RunnerSettings.model_fields, *PodSettings.model_fields):
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def job(url: str = "https://talks.example/talk.mp4", **spec: Any) -> str:
    task = {"namespace": "media", "name": "talk", "uid": "u", "attempt": 2}
    return json.dumps({**task, "spec": {"source": {"url": url}, **spec}})


def test_store_of_the_namespace_holds_without_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_BUCKET_NAME", "of-namespace")

    task = read_task(PodSettings(job_input=job()))

    assert task.output == "s3://of-namespace/"


def test_store_of_the_resource_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**KEYS, "S3_ENDPOINT": "http://ns", "S3_REGION": "ns-1"}.items():
        monkeypatch.setenv(name, value)
    s3 = {"endpoint": "http://own", "region": "own-1", "bucket": "own", "prefix": "talks/2026"}

    task = read_task(PodSettings(job_input=job(storage={"s3": s3})))

    settings = task.settings
    assert task.output == "s3://own/talks/2026"
    assert (settings.s3_endpoint, settings.s3_region) == ("http://own", "own-1")
    assert settings.s3_access_key
    assert settings.s3_access_key.get_secret_value() == "of-namespace"


def test_workload_identity_takes_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)

    storage = {"s3": {"workloadIdentity": True}}
    settings = read_task(PodSettings(job_input=job(storage=storage))).settings

    assert (settings.s3_access_key, settings.s3_secret_key) == (None, None)


def test_secret_of_the_source_is_read(tmp_path: Path) -> None:
    secret = {"username": "ann\n", "password": " geheim \r\n", "proxy": "u:p@proxy:1\n"}
    for name, content in {**secret, "cookies.txt": "# Netscape HTTP Cookie File\n"}.items():
        (tmp_path / name).write_text(content)

    task = read_task(PodSettings(job_input=job(), source_secret_dir=tmp_path))

    login = read_login(task.settings)
    assert login
    assert (login.username, login.password) == ("ann", " geheim ")
    assert task.settings.cookies_file == str(tmp_path / "cookies.txt")
    assert build_request(task).proxy == "u:p@proxy:1"
    assert "geheim" not in repr(task)


def test_secret_without_any_key_changes_nothing(tmp_path: Path) -> None:
    task = read_task(PodSettings(job_input=job(), source_secret_dir=tmp_path))

    assert (read_login(task.settings), task.settings.cookies_file, task.proxy) == (None, None, None)


def test_secret_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(b"\xff\xfe")

    with pytest.raises(InvalidSpecError, match="password"):
        read_task(PodSettings(job_input=job(), source_secret_dir=tmp_path))


@pytest.mark.parametrize("url", ["/etc/passwd", "file:///etc/passwd", "talk.mp4", "FILE:/x", "."])
def test_files_of_the_pod_are_no_source(url: str) -> None:
    task = read_task(PodSettings(job_input=job(url)))

    with pytest.raises(BadUrlError, match="is no address"):
        build_request(task)


def test_work_volume_with_a_limit_ends_with_the_pod() -> None:
    limited = build_request(read_task(PodSettings(job_input=job(), work_volume_bytes=1000)))
    claim = build_request(read_task(PodSettings(job_input=job())))

    assert (limited.work_limit_bytes, limited.work_stays) == (1000, False)
    assert (claim.work_limit_bytes, claim.work_stays) == (None, True)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("1000", 1000),
        ("20Gi", 20 * 2**30),
        ("1.5M", 1_500_000),
        (".5Ki", 512),
        ("2k", 2000),
        ("1e9", 10**9),
        ("2E3", 2000),
        ("2E", 2 * 10**18),
        ("1.e+3", 1000),
        ("1500m", 2),
        ("3e-1", 1),
        ("1e99", 2**63 - 1),
        ("1e99999999999999999999", 2**63 - 1),
        ("1e-99999999999999999999", 1),
        ("0e99999999999999999999", 0),
    ],
)
def test_limit_of_the_volume_is_read_as_kubernetes_writes_it(
    text: str, want: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORK_VOLUME_BYTES", text)

    assert load_pod_settings().work_volume_bytes == want


def test_fields_for_the_operator_are_passed_over() -> None:
    task = read_task(PodSettings(job_input=job(retry={"limit": 1}, aFieldOfTomorrow=1)))

    assert task.job.attempt == 2


def test_environment_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORK_VOLUME_BYTES", "much")

    with pytest.raises(InvalidSpecError, match="WORK_VOLUME_BYTES"):
        load_pod_settings()
