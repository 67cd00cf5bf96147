"""The client: errors of this package, retries left to others, never more than agreed."""

import asyncio
import time

import pytest

from slides_operator.client import Client, TokenBucket
from slides_operator.errors import (
    ApiError,
    ConflictError,
    NotFoundError,
    RejectedError,
)
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
            {"metadata": {"name": "kube-root-ca.crt"}},
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
