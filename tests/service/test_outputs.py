"""What the service reads of the bucket, and what it does not."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from slides_api.names import storage_prefix
from slides_api.v1alpha1 import Outputs as Wanted
from slides_operator.service.outputs import Outputs, Place, build_client, keys_of, stays_within
from slides_operator.service.problems import ProblemError
from slides_operator.service.settings import ServiceSettings
from tests.s3_server import S3Server

KEY = "youtube-dQw4w9WgXcQ"
URI = f"s3://slides-extractor/{KEY}/0123abcd/manifest.json"


def settings(**changed: Any) -> ServiceSettings:
    chosen: dict[str, Any] = {"_env_file": None, **changed}
    return ServiceSettings(**chosen)


def finished(uri: str = URI, key: str = KEY, **s3: str) -> dict[str, Any]:
    storage = {"storage": {"s3": s3}} if s3 else {}
    return {
        "spec": {"source": {"url": "youtube:dQw4w9WgXcQ"}, **storage},
        "status": {"video": {"key": key}, "result": {"manifestURI": uri}},
    }


@pytest.mark.parametrize(
    ("resource", "prefix"),
    [
        (finished(), f"{KEY}/0123abcd/"),
        (
            finished(f"s3://slides-extractor/talks/2026/{KEY}/0123abcd/manifest.json"),
            f"talks/2026/{KEY}/0123abcd/",
        ),
        (finished(bucket="slides-extractor", endpoint="https://s3.example/"), f"{KEY}/0123abcd/"),
    ],
)
def test_result_lies_where_runners_put_it(resource: dict[str, Any], prefix: str) -> None:
    outputs = Outputs(settings(s3_endpoint="https://s3.example"))

    assert outputs.place(resource) == Place("slides-extractor", prefix)


@pytest.mark.parametrize(
    ("resource", "status"),
    [
        ({"spec": {}, "status": {}}, 409),
        ({"spec": {}}, 409),
        (finished("s3://other/youtube-dQw4w9WgXcQ/0123abcd/manifest.json"), 501),
        (finished(f"s3://slides-extractor/{KEY}/0123abcd/secrets.json"), 501),
        (finished("s3://slides-extractor/somebody-elses/0123abcd/manifest.json"), 501),
        (finished(f"s3://slides-extractor/{KEY}/manifest.json"), 501),
        (finished("https://slides-extractor/a/0123abcd/manifest.json"), 501),
        (finished(endpoint="https://other.example"), 501),
    ],
    ids=["no result", "no status", "bucket", "file", "video", "folder", "scheme", "store"],
)
def test_forged_result_is_not_followed(resource: dict[str, Any], status: int) -> None:
    with pytest.raises(ProblemError) as caught:
        Outputs(settings(s3_endpoint="https://s3.example")).place(resource)

    assert caught.value.status == status


def test_attempts_store_where_the_options_lead() -> None:
    outputs = Outputs(settings())
    resource = finished(prefix="talks")

    assert outputs.expected_place(resource) == Place(
        "slides-extractor", f"talks/{storage_prefix(KEY, Wanted())}"
    )


@pytest.mark.parametrize(
    "resource",
    [
        finished(key=""),
        finished(bucket="other"),
        finished(endpoint="https://other.example"),
        {**finished(), "spec": {"outputs": {"holograms": {}}}},
    ],
)
def test_nobody_looks_where_attempts_store_nothing(resource: dict[str, Any]) -> None:
    assert Outputs(settings()).expected_place(resource) is None


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", "../a", "a/../../b", ".", "a\\b", None, 1, {}]
)
def test_key_that_leads_elsewhere_is_none(key: object) -> None:
    assert not stays_within(key)


def test_keys_of_a_manifest_are_its_files() -> None:
    manifest = {
        "slides": [
            {
                "image": {"key": "slides/0001.webp"},
                "builds": [{"image": {"key": "slides/0001-1.webp"}}, {"start": 1}],
            },
            {"image": {"key": "../other"}},
            {"image": "text"},
            1,
        ],
        "artifacts": [{"key": "slides.pdf"}, {"key": "slides.pdf"}],
    }

    assert keys_of(manifest) == ["slides/0001.webp", "slides/0001-1.webp", "slides.pdf"]
    assert keys_of({"slides": "text", "artifacts": None}) == []


async def test_missing_credentials_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")

    with pytest.raises(ProblemError) as caught:
        await Outputs(settings()).read(Place("slides-extractor", "a/"), "manifest.json")

    assert caught.value.status == 501
    assert "S3_ACCESS_KEY" in caught.value.detail


def test_endpoint_that_is_no_url_is_named() -> None:
    with pytest.raises(ProblemError, match="S3_ENDPOINT"):
        build_client(settings(s3_endpoint="no url"))


def of_server(
    s3: S3Server, bucket: str, *, clock: Callable[[], float] = time.monotonic, **changed: str
) -> Outputs:
    own = {
        "s3_endpoint": s3.endpoint,
        "s3_access_key": s3.access_key,
        "s3_secret_key": s3.secret_key,
        "s3_bucket_name": bucket,
    }
    return Outputs(settings(**{**own, **changed}), clock=clock)


async def test_store_that_refuses_is_not_the_callers_fault(s3_server: S3Server) -> None:
    bucket = s3_server.make_bucket()
    s3_server.put(bucket, "a/manifest.json", b"{}")

    with pytest.raises(ProblemError) as caught:
        await of_server(s3_server, bucket, s3_secret_key="wrong").read(
            Place(bucket, "a/"), "manifest.json"
        )

    assert caught.value.status == 502
    assert "wrong" not in caught.value.detail


async def test_store_that_is_away_is_worth_another_try(s3_server: S3Server) -> None:
    bucket = s3_server.make_bucket()
    outputs = of_server(s3_server, bucket)

    with s3_server.stopped(), pytest.raises(ProblemError) as caught:
        await outputs.read(Place(bucket, "a/"), "manifest.json")

    assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "5"})


async def test_store_that_failed_is_asked_for_no_log_for_a_while(s3_server: S3Server) -> None:
    bucket, now = s3_server.make_bucket(), [0.0]
    s3_server.put(bucket, "a/logs/uid/attempt-1.jsonl", b"{}\n")
    outputs = of_server(s3_server, bucket, clock=lambda: now[0])

    with s3_server.stopped():
        assert await outputs.log(Place(bucket, "a/"), "uid", 1) == b""
    assert await outputs.log(Place(bucket, "a/"), "uid", 1) == b""
    now[0] = 31.0
    assert await outputs.log(Place(bucket, "a/"), "uid", 1) == b"{}\n"


async def test_log_that_nobody_kept_is_empty(s3_server: S3Server) -> None:
    bucket = s3_server.make_bucket()
    s3_server.put(bucket, "a/logs/uid/attempt-2.jsonl", b"{}\n")
    outputs = of_server(s3_server, bucket)

    assert await outputs.log(Place(bucket, "a/"), "uid", 1) == b""
    assert await outputs.log(Place(bucket, "a/"), "uid", 2) == b"{}\n"
