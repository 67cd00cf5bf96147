"""The client: errors of this package, retries left to others, never more than agreed."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler
from kubernetes.aio.client import ApiClient, Configuration

from slides_operator.errors import (
    ApiError,
    ConflictError,
    NotFoundError,
    RejectedError,
    ThrottledError,
    UnreachableError,
)
from slides_operator.kube.client import Client, TokenBucket, open_api
from slides_operator.metrics import Metrics

CONFIG_MAPS = "/api/v1/namespaces/{}/configmaps"


async def test_bucket_lets_a_burst_through_and_no_more() -> None:
    bucket = TokenBucket(qps=100, burst=10)
    started = time.monotonic()

    for _ in range(10):
        await bucket.take()
    burst_s = time.monotonic() - started
    for _ in range(20):
        await bucket.take()

    assert burst_s < 0.1
    assert time.monotonic() - started >= 0.19


async def test_paused_bucket_lets_nobody_through() -> None:
    bucket = TokenBucket(qps=1000, burst=1000)
    started = time.monotonic()

    bucket.pause(0.2)
    await asyncio.gather(*(bucket.take() for _ in range(5)))

    assert time.monotonic() - started >= 0.2


@asynccontextmanager
async def _played(handler: Handler, metrics: Metrics) -> AsyncIterator[Client]:
    """Yield a client of an API server that behaves as a real one seldom does."""
    app = web.Application()
    app.router.add_get("/it", handler)
    server = TestServer(app)
    async with server, ApiClient(Configuration(host=str(server.make_url("")).rstrip("/"))) as api:
        yield Client(api, TokenBucket(1000, 1000), metrics)


async def test_throttled_client_waits_as_long_as_it_is_asked(metrics: Metrics) -> None:
    async def throttle(_: web.Request) -> web.Response:
        return web.json_response({"message": "slowly"}, status=429, headers={"Retry-After": "1"})

    async with _played(throttle, metrics) as client:
        with pytest.raises(ThrottledError, match="slowly") as raised:
            await client.request("GET", "/it")
        started = time.monotonic()
        with pytest.raises(ThrottledError):
            await client.request("GET", "/it")

    assert raised.value.retry_after == 1
    assert time.monotonic() - started >= 0.9


async def _hang(_: web.Request) -> web.Response:
    await asyncio.sleep(60)
    return web.Response()


async def _cut(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b'{"kind":')
    assert request.transport
    request.transport.abort()
    return response


async def _break(_: web.Request) -> web.Response:
    return web.Response(text="<html>no JSON at all</html>", status=502)


@pytest.mark.parametrize(
    ("handler", "code"),
    [
        pytest.param(_hang, "none", id="hangs"),
        pytest.param(_cut, "none", id="cut in the middle"),
        pytest.param(_break, "502", id="5xx of a proxy"),
    ],
)
async def test_no_answer_is_said_and_counted(handler: Handler, code: str, metrics: Metrics) -> None:
    async with _played(handler, metrics) as client:
        with pytest.raises(UnreachableError, match="GET /it"):
            await client.request("GET", "/it", timeout_s=0.5)

    labels = {"verb": "get", "code": code}
    assert metrics.registry.get_sample_value("slides_operator_api_requests_total", labels) == 1


async def test_silent_watch_is_given_up(metrics: Metrics) -> None:
    async def fall_silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"type": "BOOKMARK", "object": {}}\n')
        await asyncio.sleep(60)
        return response

    async def follow(client: Client) -> None:
        async with client.stream("/it", query={"watch": "true"}, silence_s=0.3) as events:
            async for event in events:
                heard.append(event["type"])  # noqa: PERF401 - also what comes before the end

    heard: list[str] = []
    async with _played(fall_silent, metrics) as client:
        with pytest.raises(UnreachableError, match="no answer in time"):
            await follow(client)

    assert heard == ["BOOKMARK"]


@pytest.mark.api
async def test_requests_are_counted_by_verb_and_code(
    client: Client, namespace: str, metrics: Metrics
) -> None:
    path = CONFIG_MAPS.format(namespace)

    made = await client.request("POST", path, body={"metadata": {"name": "one"}})
    await client.request("GET", path, verb="list", query={"limit": 1})

    assert made["metadata"]["name"] == "one"
    for labels in ({"verb": "create", "code": "201"}, {"verb": "list", "code": "200"}):
        value = metrics.registry.get_sample_value("slides_operator_api_requests_total", labels)
        assert value == 1


@pytest.mark.api
@pytest.mark.parametrize(
    ("method", "path", "body", "want"),
    [
        pytest.param("GET", f"{CONFIG_MAPS}/none", None, NotFoundError, id="404"),
        pytest.param("POST", CONFIG_MAPS, {"metadata": {"name": "N!"}}, RejectedError, id="422"),
        pytest.param("POST", CONFIG_MAPS, [], RejectedError, id="400"),
        pytest.param(
            "POST",
            CONFIG_MAPS,
            {"metadata": {"name": "taken"}},
            ConflictError,
            id="409",
        ),
        pytest.param(
            "GET", f"{CONFIG_MAPS}?limit=1&continue=nonsense", None, RejectedError, id="bad query"
        ),
    ],
)
async def test_refusals_become_errors_with_their_reason(
    method: str, path: str, body: object, want: type[ApiError], client: Client, namespace: str
) -> None:
    taken = {"metadata": {"name": "taken"}}
    await client.request("POST", CONFIG_MAPS.format(namespace), body=taken)

    with pytest.raises(want, match=f"{method} /api/v1/namespaces/{namespace}"):
        await client.request(method, path.format(namespace), body=body)


@pytest.mark.api
async def test_full_quota_may_pass(client: Client, namespace: str) -> None:
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"count/configmaps": "0"}}}
    await client.request("POST", f"/api/v1/namespaces/{namespace}/resourcequotas", body=quota)
    path = CONFIG_MAPS.format(namespace)

    with pytest.raises(ApiError, match="forbidden") as raised:  # noqa: PT012 - one is refused
        for n in range(100):  # until the quota's controller has counted
            await client.request("POST", path, body={"metadata": {"name": f"map-{n}"}})
            await asyncio.sleep(0.05)

    assert not isinstance(raised.value, RejectedError)


async def test_watches_leave_connections_for_requests(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    forever = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await forever.wait()
        return web.json_response({})

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"kind": "Lease"})

    app = web.Application()
    app.router.add_get("/watch", hang)
    app.router.add_get("/lease", answer)
    async with TestServer(app) as server:
        cluster = {"name": "test", "cluster": {"server": str(server.make_url("")).rstrip("/")}}
        context = {"name": "test", "context": {"cluster": "test", "user": "test"}}
        kubeconfig = tmp_path / "config"
        kubeconfig.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [cluster],
                    "users": [{"name": "test", "user": {}}],
                    "contexts": [context],
                    "current-context": "test",
                }
            )
        )
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
        async with open_api() as api:
            client = Client(api, TokenBucket(1000, 1000), Metrics())
            watches = [asyncio.create_task(client.request("GET", "/watch")) for _ in range(120)]
            await asyncio.sleep(0.5)

            assert await client.request("GET", "/lease", timeout_s=5) == {"kind": "Lease"}

            forever.set()
            await asyncio.gather(*watches)
