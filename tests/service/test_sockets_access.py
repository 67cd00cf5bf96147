"""Who may open which WebSocket."""

import aiohttp
import pytest

from tests.service.conftest import PASSWORD, RunningService, StartService
from tests.service.hearing import BROADCAST, NOBODY, hear, job_elsewhere, make_job
from tests.service.rest.jobs003 import ask

pytestmark = pytest.mark.api


async def test_a_broadcast_tells_only_what_a_tokens_owner_may_read(
    start_service: StartService, namespace: str
) -> None:
    async with start_service(watch_namespaces=f"{namespace},default") as service:
        admin = service.cluster
        admin.kubectl("create", "serviceaccount", "reader", "-n", namespace)
        admin.kubectl(
            "create",
            "role",
            "reader",
            "--verb=get,list,watch",
            "--resource=slideextractions.slides-extractor.dev",
            "-n",
            namespace,
        )
        admin.kubectl(
            "create",
            "rolebinding",
            "reader",
            "--role=reader",
            f"--serviceaccount={namespace}:reader",
            "-n",
            namespace,
        )
        token = admin.kubectl("create", "token", "reader", "-n", namespace).strip()
        headers = {"Authorization": f"Bearer {token}"}
        url = service.url + BROADCAST
        async with service.stranger.ws_connect(url, headers=headers) as ws:
            async with job_elsewhere(service):
                own = await make_job(service)
                assert (await hear(ws))["data"]["job_id"] == own
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await service.stranger.ws_connect(f"{url}?namespace=default", headers=headers)
        assert refused.value.status == 403


@pytest.mark.parametrize("path", [f"/ws/{NOBODY}", BROADCAST, "/ws/health"])
async def test_strangers_are_refused_before_the_upgrade(service: RunningService, path: str) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await service.stranger.ws_connect(service.url + path)
    assert refused.value.status == 401


async def test_a_ticket_opens_the_socket_that_it_is_for(service: RunningService) -> None:
    uid = await make_job(service)
    path = f"/ws/{uid}"
    status, ticket = await ask(service, "POST", "/tickets", json={"path": path})
    assert status == 201
    query = f"?ticket={ticket['ticket']}"
    async with service.stranger.ws_connect(service.url + path + query) as ws:
        assert (await hear(ws))["type"] == "initial_status"
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await service.stranger.ws_connect(service.url + BROADCAST + query)
    assert refused.value.status == 401


async def test_the_pages_cookie_opens_a_socket_for_the_page_alone(
    service: RunningService,
) -> None:
    own = {"Origin": service.url}
    form = {"password": PASSWORD}
    jar = aiohttp.CookieJar(unsafe=True)  # unsafe: of an address, not of a name
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        async with browser.post(f"{service.url}/ui/login", data=form, headers=own) as response:
            assert response.ok
        url = f"{service.url}/ws/health"
        async with browser.ws_connect(url, headers=own) as ws:
            assert (await hear(ws))["type"] == "health"
        for foreign in ({"Origin": "https://example.com"}, {}):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await browser.ws_connect(url, headers=foreign)
            assert refused.value.status == 403


@pytest.mark.parametrize("path", [f"/ws/{NOBODY}", BROADCAST, "/ws/health"])
async def test_a_plain_request_is_told_to_upgrade(service: RunningService, path: str) -> None:
    async with service.client.get(service.url + path) as response:
        assert response.status == 426
        assert response.headers["Upgrade"] == "websocket"
        assert response.content_type == "application/problem+json"
