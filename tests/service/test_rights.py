"""Tokens of a real cluster: their owners may do here what Kubernetes lets them do, no more."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from slides_operator.kube.cache import Kind
from slides_operator.service.app import ROUTES
from slides_operator.service.routes import Access, Route
from tests.cluster.light import LightCluster
from tests.service.accounts import EVERYTHING, Account, make_account
from tests.service.conftest import RunningService, StartService

pytestmark = pytest.mark.api

VIDEO = "dQw4w9WgXcQ"
BODIES: dict[str, Any] = {
    "/process": {"items": [{"platform": "youtube", "code": VIDEO}]},
    "/api/v1/jobs": {"youtube_url": f"https://youtu.be/{VIDEO}", "job_type": "slide_extraction"},
    "/api/v1/jobs/bulk": {"job_ids": ["talk"], "action": "cancel"},
    "/transcribe": {"youtube_urls": [f"https://youtu.be/{VIDEO}"]},
}
"""What a route takes that is not content with {}."""
FORMS: dict[str, dict[str, str]] = {"/ui/new": {"url": f"youtube:{VIDEO}"}}
FOR_EVERYBODY = frozenset(
    {
        "POST /tickets",
        "GET /ws/health",
        "GET /ws/jobs/broadcast",
        "GET /ws/connections/status",
        "GET /connections/status",
        "GET /ui/",
        "GET /ui/new",
    }
)
"""Knowing who one is, is enough: they tell of no resource, the broadcast of those one may watch."""
PARTS = {
    "id": "talk",
    "jobId": "talk",
    "job_id": "talk",
    "video_id": VIDEO,
    "action": "cancel",
    "key:.+": "slides.pdf",
}


def guarded() -> Iterator[Route]:
    for route in ROUTES:
        if route.access is not Access.OPEN and _named(route) not in FOR_EVERYBODY:
            yield route


def _named(route: Route) -> str:
    return f"{route.method} {route.path}"


def _stem(route: Route) -> str:
    return route.path.rstrip("/")


def _path(route: Route) -> str:
    path = route.path
    for name, value in PARTS.items():
        path = path.replace(f"{{{name}}}", value)
    return path


async def ask(service: RunningService, route: Route, account: Account) -> int:
    """Return the status of an answer; where a WebSocket opens, what it says first."""
    url = service.url + _path(route)
    if _stem(route).startswith("/ws/"):
        try:
            async with service.stranger.ws_connect(url, headers=account.headers) as socket:
                message = await socket.receive(timeout=5)
                return socket.close_code or int(message.type)
        except aiohttp.WSServerHandshakeError as e:
            return e.status
    body: dict[str, Any] = {"json": BODIES.get(_stem(route), {})} if route.body else {}
    if route.path in FORMS:
        body = {"data": FORMS[route.path]}
    async with service.stranger.request(
        route.method, url, headers=account.headers, allow_redirects=False, **body
    ) as answer:
        return answer.status


@pytest.fixture(scope="module")
def every_route() -> list[Route]:
    return list(guarded())


async def test_no_route_forgets_to_ask_what_a_token_may(
    service: RunningService, every_route: list[Route]
) -> None:
    await service.create(name="talk")
    nobody = await make_account(service.cluster, service.namespace)

    answers = {_named(route): await ask(service, route, nobody) for route in every_route}

    assert len(answers) > 30
    assert {what: status for what, status in answers.items() if status != 403} == {}


async def test_the_broadcast_tells_each_what_they_may_watch(service: RunningService) -> None:
    await service.create(name="talk")
    reader = await make_account(service.cluster, service.namespace, "watch")
    nobody = await make_account(service.cluster, service.namespace)
    url = f"{service.url}/ws/jobs/broadcast"

    async with (
        service.stranger.ws_connect(url, headers=reader.headers) as read,
        service.stranger.ws_connect(url, headers=nobody.headers) as unread,
    ):
        await service.set_status("talk", {"phase": "Downloading"})
        assert (await read.receive_json(timeout=10))["type"] == "job_update"
        with pytest.raises(TimeoutError):
            await unread.receive(timeout=1)


async def test_who_may_create_submits_and_is_named_in_the_audit_log(
    service: RunningService,
) -> None:
    author = await make_account(service.cluster, service.namespace, *EVERYTHING)

    with capture_logs() as lines:
        url = f"{service.url}/process/youtube/{VIDEO}"
        async with service.stranger.post(url, headers=author.headers) as answer:
            assert answer.status == 200, await answer.text()

    written = [line for line in lines if line["event"] == "write"]
    assert [(line["verb"], line["kind"], line["outcome"]) for line in written] == [
        ("create", Kind.EXTRACTION, "ok")
    ]
    assert (written[0]["caller"], written[0]["caller_kind"]) == (author.user, "token")
    assert written[0]["namespace"] == service.namespace
    assert author.token not in json.dumps(lines, default=str)


async def test_who_may_only_read_cannot_submit(service: RunningService) -> None:
    reader = await make_account(service.cluster, service.namespace, "get", "list", "watch")

    with capture_logs() as lines:
        url = f"{service.url}/process/youtube/{VIDEO}"
        async with service.stranger.post(url, headers=reader.headers) as answer:
            problem = await answer.json()
    async with service.stranger.get(f"{service.url}/jobs", headers=reader.headers) as listed:
        assert listed.status == 200

    assert (problem["status"], problem["type"].rpartition(":")[2]) == (403, "forbidden")
    assert (
        f"You may not create SlideExtraction in namespace {service.namespace}" in problem["detail"]
    )
    refused = [line for line in lines if line["event"] == "refused"]
    assert [(line["caller"], line["status"]) for line in refused] == [(reader.user, 403)]
    assert service.cluster.kubectl("get", "slx", f"--namespace={service.namespace}") == ""


async def test_rights_of_one_namespace_are_none_in_another(
    start_service: StartService, namespace: str, light_cluster: LightCluster
) -> None:
    author = await make_account(light_cluster, namespace, *EVERYTHING)
    async with start_service(watch_namespaces=f"{namespace},default") as service:
        url = f"{service.url}/process/youtube/{VIDEO}"
        async with service.stranger.post(
            url, headers=author.headers, params={"namespace": "default"}
        ) as answer:
            assert answer.status == 403
        async with service.stranger.post(
            url, headers=author.headers, params={"namespace": namespace}
        ) as answer:
            assert answer.status == 200


async def test_a_right_by_group_counts(service: RunningService) -> None:
    """That is how ClusterRoles for all accounts of a namespace are given."""
    member = await make_account(service.cluster, service.namespace)
    where = f"--namespace={service.namespace}"
    group = f"--group=system:serviceaccounts:{service.namespace}"
    service.cluster.kubectl(
        "create",
        "role",
        "readers",
        where,
        "--verb=list",
        "--resource=slideextractions.slides-extractor.dev",
    )
    service.cluster.kubectl("create", "rolebinding", "readers", where, "--role=readers", group)

    async with service.stranger.get(
        f"{service.url}/api/v1/jobs/", headers=member.headers
    ) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("token", ["a.b.c", "wrong", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."])
async def test_what_the_cluster_does_not_know_is_refused(
    service: RunningService, token: str
) -> None:
    headers = {"Authorization": f"Bearer {token}"}

    async with service.stranger.get(f"{service.url}/jobs", headers=headers) as answer:
        problem = await answer.json()
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")

    assert (answer.status, problem["detail"]) == (401, "Invalid or missing API password")


async def test_bytes_that_are_no_text_are_refused(service: RunningService) -> None:
    """No client of a library sends them."""
    host, port = service.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n\r\n")

    status = await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    await writer.wait_closed()

    assert b" 401 " in status


async def test_a_ticket_carries_its_owners_rights_and_no_more(service: RunningService) -> None:
    await service.create(name="talk")
    reader = await make_account(service.cluster, service.namespace, *EVERYTHING)
    nobody = await make_account(service.cluster, service.namespace)

    async def status_of(account: Account) -> int:
        async with service.stranger.post(
            f"{service.url}/tickets", headers=account.headers, json={"path": "/jobs/talk/stream"}
        ) as given:
            assert given.status == 201
            ticket = (await given.json())["ticket"]
        stream = f"{service.url}/jobs/talk/stream"
        async with service.stranger.get(stream, params={"ticket": ticket}) as answer:
            return answer.status

    assert await status_of(reader) == 200
    assert await status_of(nobody) == 403


async def test_a_browsers_websocket_opens_with_a_ticket(service: RunningService) -> None:
    await service.create(name="talk")
    async with service.client.post(f"{service.url}/tickets", json={"path": "/ws/talk"}) as given:
        ticket = (await given.json())["ticket"]

    url = f"{service.url}/ws/talk?ticket={ticket}"
    async with service.stranger.ws_connect(url) as socket:
        assert (await socket.receive_json(timeout=10))["type"] == "initial_status"


async def test_a_refusal_is_audited_without_what_was_sent(service: RunningService) -> None:
    with capture_logs() as lines:
        headers = {"X-API-Key": "not-the-key"}
        async with service.stranger.get(f"{service.url}/jobs", headers=headers) as answer:
            assert answer.status == 401
            request_id = answer.headers["X-Request-ID"]

    refused = next(line for line in lines if line["event"] == "refused")
    assert (refused["caller"], refused["address"]) == ("anonymous", "127.0.0.1")
    assert (refused["status"], refused["request_id"]) == (401, request_id)
    assert "not-the-key" not in json.dumps(lines, default=str)


async def test_a_ticket_opens_no_other_route(service: RunningService) -> None:
    await service.create(name="talk")
    async with service.client.post(
        f"{service.url}/tickets", json={"path": "/jobs/talk?namespace=x"}
    ) as given:
        ticket = (await given.json())["ticket"]

    async with service.stranger.get(
        f"{service.url}/jobs/talk", params={"ticket": ticket}
    ) as answer:
        assert answer.status == 401


@pytest.mark.parametrize("path", ["", "jobs/x", "//evil.example/x", "https://evil.example/x"])
async def test_there_are_tickets_for_our_own_paths_only(service: RunningService, path: str) -> None:
    async with service.client.post(f"{service.url}/tickets", json={"path": path}) as answer:
        assert answer.status == 422
