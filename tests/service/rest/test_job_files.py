"""The files of a finished job of seed 003, from a real S3 server."""

import json

import pytest

from tests.s3_server import S3Server
from tests.service.conftest import StartService
from tests.service.rest.finished import MANIFEST, PREFIX, finished, settings_of
from tests.service.rest.jobs003 import JOBS, ask

pytestmark = pytest.mark.api


@pytest.mark.parametrize(
    ("manifest", "names"),
    [
        pytest.param(
            json.dumps(MANIFEST),
            ["manifest.json", "slides/0001.webp", "slides/0001-1.webp", "slides.pdf"],
            id="whole",
        ),
        pytest.param("[]", ["manifest.json"], id="not a manifest"),
        pytest.param("{", ["manifest.json"], id="not JSON"),
        pytest.param(None, ["manifest.json"], id="gone"),
    ],
)
async def test_a_finished_job_names_its_files(
    start_service: StartService, s3_server: S3Server, manifest: str | None, names: list[str]
) -> None:
    bucket = s3_server.make_bucket()
    if manifest is not None:
        s3_server.client().put_object(
            Bucket=bucket, Key=f"{PREFIX}manifest.json", Body=manifest.encode()
        )
    async with start_service(**settings_of(s3_server, bucket)) as service:
        await service.create({"source": {"url": "youtube:dQw4w9WgXcQ"}}, name="talk")
        await service.set_status("talk", finished(bucket))
        status, job = await ask(service, "GET", f"{JOBS}talk")
    assert status == 200
    assert job["output_files"] == [f"s3://{bucket}/{PREFIX}{name}" for name in names]


async def test_a_store_that_hangs_holds_nobody_up(
    start_service: StartService, s3_server: S3Server
) -> None:
    bucket = s3_server.make_bucket()
    async with start_service(**settings_of(s3_server, bucket)) as service:
        await service.create({"source": {"url": "youtube:dQw4w9WgXcQ"}}, name="talk")
        await service.set_status("talk", finished(bucket))
        with s3_server.frozen():
            status, job = await ask(service, "GET", f"{JOBS}talk")
    assert status == 200
    assert job["output_files"] == [f"s3://{bucket}/{PREFIX}manifest.json"]
