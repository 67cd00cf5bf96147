"""Tokens of a real cluster: their owners may do here what Kubernetes lets them do, no more."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import make_mocked_request
from structlog.testing import capture_logs

from slides_operator.errors import UnreachableError
from slides_operator.kube.cache import Kind
from slides_operator.kube.client import Client, TokenBucket, open_api
from slides_operator.service.access import Caller, Gatekeeper, User
from slides_operator.service.app import ROUTES
from slides_operator.service.gateway import Gateway
from slides_operator.service.limits import Limits
from slides_operator.service.metrics import ServiceMetrics
from slides_operator.service.problems import ProblemError
from slides_operator.service.routes import Access, Route
from tests.cluster.light import LightCluster
from tests.service.accounts import EVERYTHING, Account, make_account
from tests.service.conftest import PASSWORD, RunningService, StartService, build_settings

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


class Clock:
    """A time that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Reviews:
    """A gatekeeper on the real API server, whose questions are counted."""

    def __init__(self, client: Client, namespace: str) -> None:
        self.metrics = ServiceMetrics()
        self.clock = Clock()
        own = Client(client._api, TokenBucket(1000, 1000), self.metrics)  # noqa: SLF001 - the same connections, other counters
        self.gatekeeper = Gatekeeper(
            build_settings(namespace), Gateway(own), Limits(""), clock=self.clock
        )

    @property
    def asked(self) -> float:
        """How often the API server was asked to review something."""
        labels = {"verb": "create", "code": "201"}
        name = "slides_service_api_requests_total"
        return self.metrics.registry.get_sample_value(name, labels) or 0

    async def identify(self, token: str) -> Caller:
        headers = {"Authorization": f"Bearer {token}"}
        return await self.gatekeeper.identify(make_mocked_request("GET", "/jobs", headers=headers))


@pytest.fixture
def reviews(api: Client, namespace: str) -> Reviews:
    return Reviews(api, namespace)


async def test_a_token_is_asked_about_once_a_minute(
    reviews: Reviews, light_cluster: LightCluster, namespace: str
) -> None:
    account = await make_account(light_cluster, namespace)

    callers = await asyncio.gather(*(reviews.identify(account.token) for _ in range(50)))
    assert {caller.name for caller in callers} == {account.user}
    assert reviews.asked == 1

    reviews.clock.now = 61
    await reviews.identify(account.token)
    assert reviews.asked == 2


async def test_a_token_whose_account_is_gone_ends_within_a_minute(
    reviews: Reviews, light_cluster: LightCluster, namespace: str
) -> None:
    account = await make_account(light_cluster, namespace)
    await reviews.identify(account.token)
    where = f"--namespace={namespace}"
    light_cluster.kubectl("delete", "serviceaccount", account.name, where)

    reviews.clock.now = 61
    await _until_refused(reviews, account)


async def _until_refused(reviews: Reviews, account: Account) -> None:
    """The API server itself takes a token for some seconds after its account is gone."""
    async with asyncio.timeout(30):
        while await _is_known(reviews, account):
            reviews.clock.now += 61
            await asyncio.sleep(0.5)


async def _is_known(reviews: Reviews, account: Account) -> bool:
    try:
        await reviews.identify(account.token)
    except ProblemError:
        return False
    return True


async def test_rights_are_asked_for_once_and_felt_soon(
    reviews: Reviews, light_cluster: LightCluster, namespace: str
) -> None:
    account = await make_account(light_cluster, namespace, "get")
    caller = await reviews.identify(account.token)
    before = reviews.asked

    for _ in range(20):
        assert await reviews.gatekeeper.may(caller, "get", Kind.EXTRACTION, namespace)
        assert not await reviews.gatekeeper.may(caller, "delete", Kind.EXTRACTION, namespace)
    assert reviews.asked - before == 2

    light_cluster.kubectl("delete", "rolebinding", account.name, f"--namespace={namespace}")
    reviews.clock.now += 11
    assert not await reviews.gatekeeper.may(caller, "get", Kind.EXTRACTION, namespace)


async def test_the_password_asks_the_cluster_nothing(reviews: Reviews, namespace: str) -> None:
    caller = await reviews.identify(PASSWORD)

    assert await reviews.gatekeeper.may(caller, "delete", Kind.BATCH, namespace)
    assert reviews.asked == 0


async def test_a_session_opened_with_a_token_has_its_rights(
    reviews: Reviews, light_cluster: LightCluster, namespace: str
) -> None:
    account = await make_account(light_cluster, namespace, "list")
    here = {"Host": "slides.example", "Origin": "https://slides.example"}
    session = await reviews.gatekeeper.log_in(
        make_mocked_request("POST", "/ui/login", headers=here), account.token
    )

    cookie = {**here, "Cookie": f"slides-session={session}"}
    caller = await reviews.gatekeeper.identify(make_mocked_request("GET", "/ui", headers=cookie))

    assert (caller.kind, caller.name) == ("cookie", account.user)
    assert await reviews.gatekeeper.may(caller, "list", Kind.EXTRACTION, namespace)
    assert not await reviews.gatekeeper.may(caller, "create", Kind.EXTRACTION, namespace)


async def test_without_the_right_to_review_every_token_is_refused(
    light_cluster: LightCluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the chart's `service.kubernetesTokens` is false; the password is as good as ever."""
    powerless = await make_account(light_cluster, namespace)
    config = light_cluster.as_token(powerless.token)
    monkeypatch.setenv("KUBECONFIG", str(config.kubeconfig))
    async with open_api() as api:
        client = Client(api, TokenBucket(1000, 1000), ServiceMetrics())
        reviews = Reviews(client, namespace)
        with capture_logs() as lines, pytest.raises(ProblemError) as caught:
            await reviews.identify(powerless.token)
        assert (await reviews.identify(PASSWORD)).kind == "password"

    assert caught.value.status == 401
    assert [line["event"] for line in lines] == ["this service may not review tokens"]
    assert powerless.token not in json.dumps(lines, default=str)


async def test_an_api_server_that_is_away_refuses_nobody_for_good(
    reviews: Reviews, light_cluster: LightCluster, namespace: str
) -> None:
    """401 would have clients throw away what is right."""
    account = await make_account(light_cluster, namespace)
    user = Caller(account.user, "token", User(account.user))
    light_cluster.stop("kube-apiserver")
    try:
        with pytest.raises(UnreachableError):
            await reviews.identify(account.token)
        with pytest.raises(UnreachableError):
            await reviews.gatekeeper.may(user, "get", Kind.EXTRACTION, namespace)
    finally:
        await asyncio.to_thread(light_cluster.restart_apiserver)

    assert (await reviews.identify(account.token)).kind == "token"
