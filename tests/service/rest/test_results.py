"""What a job made and what happened to it, asked of a real service, API server and S3 server."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from slides_api.names import log_key
from slides_operator.kube.client import Client
from tests.media import make_talk
from tests.runner.pod.extraction import Pod
from tests.runner.sources.media_server import Resource, run_media_server
from tests.s3_server import S3Server
from tests.service.accounts import make_account
from tests.service.conftest import RunningService, StartService
from tests.service.kubelet import Kubelet, run_kubelet
from tests.service.rest.finished import KEY, MANIFEST, PREFIX, finished, settings_of
from tests.service.rest.jobs003 import BEGIN, END, ask, completed, failed, working

pytestmark = pytest.mark.api


@dataclass
class Talk:
    """A finished talk: its job, and what lies in the bucket."""

    service: RunningService
    s3: S3Server
    bucket: str
    name: str
    uid: str

    def store(self, key: str, content: bytes) -> None:
        self.s3.put(self.bucket, PREFIX + key, content)


@pytest.fixture
async def talk(start_service: StartService, s3_server: S3Server) -> AsyncIterator[Talk]:
    bucket = s3_server.make_bucket()
    async with start_service(**settings_of(s3_server, bucket)) as service:
        made = await service.create({"source": {"url": "youtube:dQw4w9WgXcQ"}}, name="talk")
        await service.set_status("talk", finished(bucket))
        talk = Talk(service, s3_server, bucket, "talk", made["metadata"]["uid"])
        talk.store("manifest.json", json.dumps(MANIFEST).encode())
        talk.store("slides/0001.webp", b"picture")
        yield talk


async def test_manifest_comes_byte_for_byte(talk: Talk) -> None:
    for job_id in (talk.name, talk.uid, "dQw4w9WgXcQ"):
        url = f"{talk.service.url}/jobs/{job_id}/manifest"
        async with talk.service.client.get(url) as response:
            assert response.status == 200
            assert await response.read() == json.dumps(MANIFEST).encode()


async def test_manifest_that_is_known_is_not_sent_again(talk: Talk) -> None:
    url = f"{talk.service.url}/jobs/talk/manifest"
    async with talk.service.client.get(url) as response:
        known = {"If-None-Match": response.headers["ETag"]}

    async with talk.service.client.get(url, headers=known) as response:
        assert (response.status, await response.read()) == (304, b"")


async def test_links_open_pictures_without_credentials(talk: Talk) -> None:
    status, body = await ask(talk.service, "GET", "/jobs/talk/slides?expires=60")

    (slide,) = body["slides"]
    assert (status, body["job_id"], body["title"]) == (200, talk.uid, "Keynote")
    assert slide["spans"] == [{"start": 0.0, "end": 3.5}, {"start": 6.0, "end": 9.0}]
    assert (slide["image"]["width"], slide["image"]["bytes"]) == (640, 7)
    assert slide["builds"][0]["image"]["key"] == "slides/0001-1.webp"
    assert [one["key"] for one in body["artifacts"]] == ["slides.pdf"]
    assert "X-Amz-Expires=60" in slide["image"]["url"]
    async with aiohttp.ClientSession() as anybody:
        async with anybody.get(slide["image"]["url"]) as response:
            assert await response.read() == b"picture"
        async with anybody.get(slide["image"]["url"].partition("?")[0]) as response:
            assert response.status == 403


@pytest.mark.parametrize("expires", ["0", "604801", "x"])
async def test_links_for_ever_are_refused(talk: Talk, expires: str) -> None:
    assert (await ask(talk.service, "GET", f"/jobs/talk/slides?expires={expires}"))[0] == 422


@pytest.mark.parametrize(
    "content",
    [
        b"no JSON",
        b"[]",
        b"{}",
        b'{"slides": [{}], "source": {}}',
        b'{"slides": [{"index": 1, "image": {"key": "../x"}, "spans": []}], "source": {}}',
        b'{"slides": [], "source": null}',
    ],
)
async def test_manifest_that_is_none_is_not_the_callers_fault(talk: Talk, content: bytes) -> None:
    talk.store("manifest.json", content)

    status, problem = await ask(talk.service, "GET", "/jobs/talk/slides")

    assert (status, problem["detail"]) == (502, "What lies in the bucket is no manifest")


async def test_output_that_somebody_deleted_is_not_found(talk: Talk) -> None:
    talk.s3.client().delete_object(Bucket=talk.bucket, Key=f"{PREFIX}manifest.json")

    for what in ("manifest", "slides"):
        status, problem = await ask(talk.service, "GET", f"/jobs/talk/{what}")
        assert (status, problem["detail"]) == (404, "The output is not in the bucket any more")


async def test_job_without_a_result_has_none(talk: Talk) -> None:
    await talk.service.create(name="new")

    assert (await ask(talk.service, "GET", "/jobs/new/manifest"))[0] == 409


async def test_result_of_another_store_is_named(talk: Talk) -> None:
    await talk.service.create({"source": {"url": "youtube:AAAAAAAAAAA"}}, name="other")
    await talk.service.set_status("other", finished("another-bucket"))

    status, problem = await ask(talk.service, "GET", "/jobs/other/slides")

    assert status == 501
    assert "another-bucket" in problem["detail"]


@pytest.mark.parametrize("what", ["manifest", "slides", "events", "logs"])
async def test_unknown_job_is_not_found(service: RunningService, what: str) -> None:
    status, problem = await ask(service, "GET", f"/jobs/nobody/{what}")

    assert (status, problem["detail"]) == (404, "Job not found: nobody")


async def test_events_are_told(service: RunningService, api: Client) -> None:
    made = await service.create(name="talk")
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "talk.1"},
        "involvedObject": {
            "kind": "SlideExtraction",
            "namespace": service.namespace,
            "name": "talk",
            "uid": made["metadata"]["uid"],
        },
        "type": "Warning",
        "reason": "Retrying",
        "message": "Attempt 1 failed",
        "lastTimestamp": BEGIN,
        "count": 2,
    }
    await api.request("POST", f"/api/v1/namespaces/{service.namespace}/events", body=event)

    status, body = await ask(service, "GET", "/jobs/talk/events")

    assert status == 200
    assert body["events"] == [
        {
            "ts": BEGIN,
            "level": "WARNING",
            "reason": "Retrying",
            "msg": "Attempt 1 failed",
            "count": 2,
        }
    ]


@pytest.fixture
async def kubelet(api: Client, tmp_path: Path) -> AsyncIterator[Kubelet]:
    async with AsyncExitStack() as stack:
        name = f"kubelet-{uuid.uuid4().hex[:8]}"
        yield await stack.enter_async_context(run_kubelet(api, name, tmp_path))


def row(event: str, at: str, level: str = "info") -> str:
    return json.dumps({"event": event, "level": level, "timestamp": at, "attempt": 1}) + "\n"


async def messages(service: RunningService, name: str, tail: str = "") -> list[str]:
    _, body = await ask(service, "GET", f"/jobs/{name}/logs{tail}")
    return [line["msg"] for line in body["logs"]]


async def test_log_of_a_pod_is_read_while_it_is_there(
    service: RunningService, kubelet: Kubelet
) -> None:
    made = await service.create(name="talk")
    await service.set_status("talk", working())
    await kubelet.add_pod(
        made,
        1,
        row("Found the video", BEGIN) + f"{END} exec failed\n" + row("Slow", END, "warning"),
    )

    _, body = await ask(service, "GET", "/jobs/talk/logs")

    assert {"ts": BEGIN, "level": "INFO", "msg": "Found the video"} in body["logs"]
    assert {"ts": END, "level": "WARNING", "msg": "Slow"} in body["logs"]
    assert {"ts": END, "level": "INFO", "msg": "exec failed"} in body["logs"]
    assert await messages(service, "talk", "?tail=1") == [body["logs"][-1]["msg"]]
    assert kubelet.asked == 1  # who asks twice within seconds gets the same lines


async def test_log_is_kept_when_the_pod_is_gone(talk: Talk, kubelet: Kubelet) -> None:
    service = talk.service
    made = await service.create({"source": {"url": "youtube:AAAAAAAAAAA"}}, name="failing")
    status = failed("NetworkError", "cut off")
    status["video"]["key"] = KEY
    await service.set_status("failing", {**status, "attempts": {"current": 2}})
    await kubelet.add_pod(made, 2, row("second", END))
    talk.store(log_key(made["metadata"]["uid"], 1), row("first", BEGIN).encode())

    said = await messages(service, "failing")

    assert [one for one in said if one in {"first", "second"}] == ["first", "second"]
    assert "NetworkError: cut off" in said


async def test_log_is_there_without_a_store(service: RunningService) -> None:
    await service.create({"source": {"url": "youtube:AAAAAAAAAAA"}}, name="talk")
    status = completed()
    status["video"]["key"] = KEY
    await service.set_status("talk", status)

    assert "Completed: 3 slides" in await messages(service, "talk")


async def test_log_of_a_killed_runner_is_its_pods(talk: Talk, kubelet: Kubelet) -> None:
    service = talk.service
    made = await service.create({"source": {"url": "youtube:AAAAAAAAAAA"}}, name="killed")
    status = failed("OOMKilled", "too little memory")
    status["video"]["key"] = KEY
    await service.set_status("killed", {**status, "attempts": {"current": 2}})
    await kubelet.add_pod(made, 1, row("from the pod", BEGIN))
    pod = await kubelet.add_pod(made, 2, row("last", END))
    talk.store(log_key(made["metadata"]["uid"], 1), row("from the store", BEGIN).encode())

    said = await messages(service, "killed")

    assert [one for one in said if one.startswith(("from", "last"))] == ["from the store", "last"]
    await kubelet.remove_pod(service.namespace, pod)


@pytest.mark.parametrize("path", ["/jobs/{}", "/jobs/{}/logs", "/jobs/{}/manifest", "/status/{}"])
async def test_who_may_read_nothing_learns_no_name(service: RunningService, path: str) -> None:
    await service.create(name="talk")
    stranger = await make_account(service.cluster, service.namespace, "create")

    for name in ("talk", "nobody"):
        url = service.url + path.format(name)
        async with service.stranger.get(url, headers=stranger.headers) as response:
            assert response.status == 403


async def test_who_may_only_create_joins_nobody(service: RunningService) -> None:
    await ask(service, "POST", "/process/youtube/dQw4w9WgXcQ")
    stranger = await make_account(service.cluster, service.namespace, "create")

    codes = []
    for query in ("", "?force=true"):
        url = f"{service.url}/process/youtube/dQw4w9WgXcQ{query}"
        async with service.stranger.post(url, headers=stranger.headers) as response:
            codes.append(response.status)

    assert codes == [403, 200]


async def test_log_of_a_real_runner_is_told_when_its_pod_is_gone(
    talk: Talk, tmp_path: Path
) -> None:
    video = tmp_path / "talk.mp4"
    make_talk(video, slides=((1, 2.0), (2, 2.0)))
    service, s3 = talk.service, talk.s3
    with run_media_server() as media:
        url = media.put("/talk.mp4", Resource(video.read_bytes()))
        made = await service.create({"source": {"url": url}}, name="real")
        pod = Pod(
            tmp_path / "pod",
            {
                "KUBERNETES_SERVICE_HOST": "",
                "S3_ENDPOINT": s3.endpoint,
                "S3_ACCESS_KEY": s3.access_key,
                "S3_SECRET_KEY": s3.secret_key,
                "S3_BUCKET_NAME": talk.bucket,
            },
        )
        pod.folder.mkdir()
        meta = made["metadata"]
        named = {name: meta[name] for name in ("namespace", "name", "uid")}
        pod.task = {**named, "attempt": 1, "spec": made["spec"]}
        ended = await asyncio.to_thread(pod.run)
    (key,) = [line["key"] for line in ended.lines if line["event"] == "Found the video"]
    status = finished(talk.bucket)
    status["video"]["key"] = key
    await service.set_status("real", status)

    _, body = await ask(service, "GET", "/jobs/real/logs")

    said = [(line["level"], line["msg"]) for line in body["logs"]]
    assert ended.exit_code == 0
    assert ("INFO", "2 slides reason=Completed") in said
    assert any(msg.startswith("Found the video title=talk") for _, msg in said)
    assert {line["timestamp"][:19] for line in ended.lines} <= {
        line["ts"][:19] for line in body["logs"]
    }
