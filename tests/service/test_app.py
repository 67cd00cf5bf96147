"""What holds for every request, seen from outside."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import BaseModel

from slides_operator.errors import UnreachableError
from slides_operator.service import endpoint
from slides_operator.service.app import build_app
from slides_operator.service.cors import MAX_AGE_S
from slides_operator.service.middlewares import NOTHING_LOADS
from slides_operator.service.routes import Access, Call, Route, answer
from tests.service.conftest import KEY, RunningService, StartService

pytestmark = pytest.mark.api

PAGE = "https://lectures.example"


async def _ask(
    session: aiohttp.ClientSession, method: str, url: str, **options: Any
) -> tuple[int, Mapping[str, str], Any]:
    async with session.request(method, url, **options) as response:
        text = await response.text()
        return response.status, response.headers, json.loads(text) if text else None


async def test_says_where_everything_is(service: RunningService) -> None:
    status, headers, said = await _ask(service.stranger, "GET", service.url)

    assert status == 200
    assert headers["Content-Type"].startswith("application/json")
    assert said["name"] == "Slides Extractor"
    assert said["status"] == "ok"
    assert said["endpoints"]["submit"] == "/process/youtube/{video_id}"
    assert said["endpoints"]["stream"] == "/jobs/{id}/stream"


async def test_every_link_leads_somewhere(service: RunningService) -> None:
    _, _, said = await _ask(service.client, "GET", service.url)

    for name, path in said["endpoints"].items():
        url = service.url + re.sub(r"{\w+}", "none", path)
        async with service.client.get(url) as response:
            missing = "There is nothing at this path" in await response.text()
        assert not missing, name


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/nowhere", 404, id="no such path"),
        pytest.param("PUT", "/health", 405, id="no such method"),
        pytest.param("OPTIONS", "/drain", 405, id="no preflight"),
        pytest.param("POST", "/drain", 401, id="nobody"),
    ],
)
async def test_problems_are_problem_details(
    method: str, path: str, status: int, service: RunningService
) -> None:
    got, headers, problem = await _ask(service.stranger, method, service.url + path)

    assert got == problem["status"] == status
    assert headers["Content-Type"].startswith("application/problem+json")
    assert problem["instance"] == path
    assert problem["request_id"] == headers["X-Request-ID"]
    assert problem["detail"]


async def test_wrong_method_is_told_the_right_ones(service: RunningService) -> None:
    _, headers, _ = await _ask(service.stranger, "DELETE", f"{service.url}/health")

    assert set(headers["Allow"].split(", ")) >= {"GET", "HEAD"}


async def test_head_is_get_without_its_body(service: RunningService) -> None:
    async with service.stranger.head(f"{service.url}/health") as response:
        assert response.status == 200
        assert int(response.headers["Content-Length"]) > 0
        assert await response.read() == b""


async def test_body_has_to_be_json(service: RunningService) -> None:
    status, _, problem = await _ask(
        service.client, "POST", f"{service.url}/process", data={"items": "x"}
    )

    assert status == 415
    assert "application/json" in problem["detail"]


async def test_body_is_bounded(start_service: StartService) -> None:
    async with start_service(max_body_bytes=1024) as service:
        status, _, problem = await _ask(
            service.client, "POST", f"{service.url}/process", json={"items": ["x" * 2000]}
        )

    assert status == 413
    assert "MAX_BODY_BYTES" in problem["detail"]


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        pytest.param("build-7.run_3", True, id="plain"),
        pytest.param("x" * 65, False, id="too long"),
        pytest.param("a b", False, id="not a word"),
        pytest.param("", False, id="empty"),
    ],
)
async def test_callers_own_id_is_kept_when_it_is_harmless(
    sent: str, taken: bool, service: RunningService
) -> None:
    headers = {"X-Request-ID": sent}
    _, got, _ = await _ask(service.stranger, "GET", service.url, headers=headers)

    assert (got["X-Request-ID"] == sent) == taken
    assert got["X-Request-ID"]


async def test_each_request_has_its_own_id(service: RunningService) -> None:
    ids = {(await _ask(service.stranger, "GET", service.url))[1]["X-Request-ID"] for _ in "abc"}

    assert len(ids) == 3


async def test_answers_are_nobodys_to_frame_sniff_or_keep(service: RunningService) -> None:
    _, headers, _ = await _ask(service.stranger, "GET", service.url)

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"] == NOTHING_LOADS
    assert headers["Cache-Control"] == "no-store"
    assert "Server" not in headers


async def test_key_serves_as_well_as_the_password(service: RunningService) -> None:
    status, _, _ = await _ask(
        service.stranger, "POST", f"{service.url}/drain", headers={"X-API-Key": KEY}
    )

    assert status == 202


async def test_namespace_that_is_not_served_is_not_there(service: RunningService) -> None:
    status, _, problem = await _ask(
        service.client, "GET", f"{service.url}/jobs/x?namespace=kube-system"
    )

    assert status == 404
    assert "kube-system" in problem["detail"]


async def test_pages_of_other_origins_may_not_call(service: RunningService) -> None:
    headers = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    status, got, _ = await _ask(
        service.stranger, "OPTIONS", f"{service.url}/process", headers=headers
    )

    assert status == 405
    assert "Access-Control-Allow-Origin" not in got


async def test_pages_of_named_origins_may_call(start_service: StartService) -> None:
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    async with start_service(cors_origins=f"https://other.example, {PAGE}") as service:
        status, preflight, _ = await _ask(
            service.stranger, "OPTIONS", f"{service.url}/process", headers=asked
        )
        _, refused, problem = await _ask(
            service.stranger, "POST", f"{service.url}/process", headers={"Origin": PAGE}
        )
        foreign = {**asked, "Origin": "https://evil.example"}
        _, stranger, _ = await _ask(
            service.stranger, "OPTIONS", f"{service.url}/process", headers=foreign
        )

    assert status == 204
    assert preflight["Access-Control-Allow-Origin"] == PAGE
    assert "POST" in preflight["Access-Control-Allow-Methods"]
    assert "Authorization" in preflight["Access-Control-Allow-Headers"]
    assert preflight["Access-Control-Max-Age"] == str(MAX_AGE_S)
    assert "Access-Control-Allow-Credentials" not in preflight
    # A page has to be able to read what went wrong, too.
    assert problem["status"] == 401
    assert refused["Access-Control-Allow-Origin"] == PAGE
    assert "Origin" in refused["Vary"]
    assert "Access-Control-Allow-Origin" not in stranger


async def test_any_origin_may_be_allowed(start_service: StartService) -> None:
    async with start_service(cors_origins="*") as service:
        _, headers, _ = await _ask(service.stranger, "GET", service.url, headers={"Origin": PAGE})

    assert headers["Access-Control-Allow-Origin"] == "*"


async def test_what_nobody_foresaw_shows_in_the_log_alone(
    service: RunningService,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("s3cr3t")

    monkeypatch.setattr(service.parts.feed, "trouble", fail)
    status, _, problem = await _ask(service.stranger, "GET", f"{service.url}/healthz/live")

    assert status == 500
    assert "s3cr3t" not in json.dumps(problem)
    said = capsys.readouterr()
    assert "s3cr3t" in said.out + said.err
    assert problem["request_id"] in said.out + said.err


@asynccontextmanager
async def _serving(service: RunningService, **changed: Any) -> AsyncIterator[TestClient[Any, Any]]:
    """Serve one route of the test's own, as any other is served."""
    row: dict[str, Any] = {
        "method": "GET",
        "path": "/thing",
        "summary": "A thing",
        "tag": "Things",
        "access": Access.OPEN,
        "answers": {200: None},
    }
    app = build_app(service.parts, [Route(**{**row, **changed})])
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_answer_that_has_begun_is_broken_off(
    service: RunningService, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail_late(call: Call) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(call.request)
        await response.write(b"so far so good")
        raise ZeroDivisionError

    async with _serving(service, handler=fail_late) as client, client.get("/thing") as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()

    assert "ZeroDivisionError" in "".join(capsys.readouterr())


async def test_problems_of_the_api_server_are_answered_where_they_reach(
    service: RunningService,
) -> None:
    async def ask(call: Call) -> web.StreamResponse:
        raise UnreachableError("GET /apis/x: ClientConnectorError: 10.0.0.1:6443", retry_after=3)

    async with (
        _serving(service, handler=ask, error_key=True) as client,
        client.get("/thing") as response,
    ):
        problem = await response.json(content_type=None)

    assert response.status == 503
    assert response.headers["Retry-After"] == "3"
    assert problem["error"] == problem["detail"]
    assert "10.0.0.1" not in str(problem)


async def test_redirects_are_no_problem(service: RunningService) -> None:
    async def lead(call: Call) -> web.StreamResponse:
        raise web.HTTPSeeOther("/elsewhere")

    async with (
        _serving(service, handler=lead) as client,
        client.get("/thing", allow_redirects=False) as response,
    ):
        assert response.status == 303
        assert response.headers["Location"] == "/elsewhere"


async def test_body_that_never_comes_is_not_waited_for(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Anything(BaseModel):
        size: int = 0

    async def take(call: Call) -> web.StreamResponse:
        return answer(call.body)

    monkeypatch.setattr(endpoint, "BODY_S", 0.2)
    async with _serving(service, method="POST", body=Anything, handler=take) as client:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(
            b"POST /thing HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 9\r\n\r\n{"
        )
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        writer.close()
        await writer.wait_closed()

    assert head.startswith(b"HTTP/1.1 408")


async def test_log_tells_of_requests_and_never_of_secrets(
    service: RunningService, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"{service.url}/jobs/none/stream?ticket=t1ck3t"
    await _ask(service.stranger, "GET", url)
    await _ask(service.client, "GET", f"{service.url}/jobs/none")

    said = "".join(capsys.readouterr())
    assert "/jobs/none/stream" in said
    assert "status=401" in said.replace(" ", "") or '"status": 401' in said
    assert "t1ck3t" not in said
    assert "Bearer secret" not in said


async def test_metrics_count_requests_by_route(service: RunningService) -> None:
    for name in ("one", "two"):
        await _ask(service.client, "GET", f"{service.url}/jobs/{name}")
    await _ask(service.stranger, "GET", f"{service.url}/nowhere")

    value = service.parts.metrics.registry.get_sample_value
    by_route = {"route": "/jobs/{id}", "method": "GET", "code": "404"}
    assert value("slides_service_requests_total", by_route) == 2
    nowhere = {"route": "", "method": "GET", "code": "404"}
    assert value("slides_service_requests_total", nowhere) == 1
    duration = {"route": "/jobs/{id}"}
    assert value("slides_service_request_duration_seconds_count", duration) == 2


async def test_words_that_are_no_method_make_no_series(service: RunningService) -> None:
    status, _, _ = await _ask(service.stranger, "PROPFIND", service.url)

    assert status == 405
    value = service.parts.metrics.registry.get_sample_value
    labels = {"route": "", "method": "other", "code": "405"}
    assert value("slides_service_requests_total", labels) == 1
