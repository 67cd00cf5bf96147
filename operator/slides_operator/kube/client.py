"""One client for all requests: raw JSON, a timeout on each, no more a second than agreed.

The client library's typed calls build a model of every object that they send and receive, which
costs more than the rest of a reconcile together; its `call_api` moves plain JSON.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from functools import partial
from typing import Any, Protocol
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration
from prometheus_client import Counter

from slides_operator.errors import (
    ApiError,
    ConflictError,
    GoneError,
    NotFoundError,
    RejectedError,
    ThrottledError,
    UnreachableError,
)
from slides_operator.kube.quickjson import from_json

Json = dict[str, Any]

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}

NO_ANSWER = "none"
"""What a request without a status counts as."""
REQUEST_TIMEOUT_S = 15.0
"""Chosen: a hundred times the slowest answer of a busy API server that was measured."""
CONNECT_TIMEOUT_S = 5.0
CONNECTIONS = 0
"""No bound: workers and the bucket bound requests already, and each watched namespace needs two for
good, behind which the Lease's renewal must never queue."""
DEFAULT_RETRY_AFTER_S = 1.0


class ApiMetrics(Protocol):
    """Where requests are counted."""

    api_requests: Counter
    """By verb and status."""


class TokenBucket:
    """Lets `burst` requests through at once and `qps` a second in the long run."""

    def __init__(self, qps: float, burst: int) -> None:
        self._interval = 1 / qps
        self._slack = burst * self._interval
        self._next = 0.0

    async def take(self) -> None:
        """Wait for one's turn."""
        now = time.monotonic()
        self._next = max(self._next, now - self._slack) + self._interval
        if (delay := self._next - now) > 0:
            await asyncio.sleep(delay)

    def pause(self, seconds: float) -> None:
        """Let nobody through for so long: the API server asked for it."""
        self._next = max(self._next, time.monotonic() + seconds)


@asynccontextmanager
async def open_api(*, user_agent: str = "slides-operator") -> AsyncIterator[ApiClient]:
    """Open the client library: with the pod's own account, else with KUBECONFIG."""
    # An environment that names proxies or a netrc has no say between a pod and its API server.
    configuration = Configuration(
        connection_pool_maxsize=CONNECTIONS, client_session_kwargs={"trust_env": False}
    )
    # Python 3.13 asks certificates for more than clusters have, EKS for one:
    # https://github.com/kubernetes-client/python/issues/2394
    configuration.disable_strict_ssl_verification = True
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        config.load_incluster_config(configuration)  # type: ignore[no-untyped-call] # the library's
    else:
        await config.load_kube_config(  # type: ignore[no-untyped-call] # the library's
            config_file=os.environ.get("KUBECONFIG"), client_configuration=configuration
        )
    async with ApiClient(configuration) as api:
        api.user_agent = user_agent
        yield api


class Client:
    """Asks the API server, and turns what goes wrong into the errors of this package."""

    def __init__(self, api: ApiClient, bucket: TokenBucket, metrics: ApiMetrics) -> None:
        self._api = api
        self._bucket = bucket
        self._metrics = metrics

    async def request(
        self,
        method: str,
        path: str,
        *,
        verb: str = "",
        query: Mapping[str, Any] | None = None,
        body: object = None,
        content_type: str = JSON,
        accept: str = JSON,
        urgent: bool = False,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> Json:
        """Return the answer's JSON. `verb` says what the method does not; `urgent` never queues.

        Raises ApiError.
        """
        content = await self._ask(
            method,
            path,
            verb=verb or VERBS[method],
            query=query,
            body=body,
            content_type=content_type,
            accept=accept,
            urgent=urgent,
            timeout_s=timeout_s,
        )
        return from_json(content)  # type: ignore[no-any-return] # every answer is an object

    async def text(self, path: str, *, query: Mapping[str, Any]) -> str:
        """Return an answer that is text: a log. Bytes that are none of it are replaced.

        Raises ApiError.
        """
        # Asked for text alone, the API server would have no words for an error.
        content = await self._ask("GET", path, verb="get", query=query, accept="*/*")
        return content.decode(errors="replace")

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        verb: str,
        query: Mapping[str, Any] | None = None,
        body: object = None,
        content_type: str = JSON,
        accept: str = JSON,
        urgent: bool = False,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> bytes:
        if not urgent:
            await self._bucket.take()
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_TIMEOUT_S)
        count = partial(self._metrics.api_requests.labels, verb)
        try:
            response = await self._send(
                method,
                _url(path, query),
                body=body,
                content_type=content_type,
                accept=accept,
                timeout=timeout,
            )
            with _translated(f"{method} {path}"):
                content = await response.read()
        except UnreachableError:
            count(NO_ANSWER).inc()
            raise
        count(str(response.status)).inc()
        if response.ok:
            return content
        error = _error(f"{method} {path}", response, content)
        if isinstance(error, ThrottledError):
            self._bucket.pause(error.retry_after or DEFAULT_RETRY_AFTER_S)
        raise error

    @asynccontextmanager
    async def stream(
        self, path: str, *, query: Mapping[str, Any], silence_s: float
    ) -> AsyncIterator[AsyncIterator[Json]]:
        """Open a watch, and yield its events; silence of so many seconds ends it.

        Raises ApiError, also while the events are read.
        """
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=silence_s
        )
        response = await self._send("GET", _url(path, query), timeout=timeout)
        self._metrics.api_requests.labels("watch", str(response.status)).inc()
        try:
            if not response.ok:
                with _translated(f"WATCH {path}"):
                    content = await response.read()
                raise _error(f"WATCH {path}", response, content)
            async with aclosing(_events(response, path)) as events:
                yield events
        finally:
            response.close()

    async def _send(
        self,
        method: str,
        url: str,
        *,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own, of several parts
        body: object = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> aiohttp.ClientResponse:
        # Packing a page costs the API server more than a cluster's network does for the rest.
        headers = {"Accept": accept, "Accept-Encoding": "identity", "Content-Type": content_type}
        headers |= self._api.default_headers
        with _translated(f"{method} {url}"):
            await self._api.update_params_for_auth(
                headers, None, ["BearerToken"], url, method, None
            )
            answer = await self._api.call_api(
                method,
                self._api.configuration.host + url,
                headers,
                body,
                _request_timeout=timeout,
            )
        response: aiohttp.ClientResponse = answer.response
        return response


def _url(path: str, query: Mapping[str, Any] | None) -> str:
    return f"{path}?{urlencode(query)}" if query else path


async def _events(response: aiohttp.ClientResponse, path: str) -> AsyncGenerator[Json]:
    with _translated(f"WATCH {path}"):
        async for line in response.content:
            yield from_json(line)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except TimeoutError as e:
        raise UnreachableError(f"{what}: no answer in time") from e
    except (aiohttp.ClientError, OSError, ValueError) as e:  # ValueError: an answer cut short
        raise UnreachableError(f"{what}: {type(e).__name__}: {e}") from e


_ERRORS: dict[int, type[ApiError]] = {
    400: RejectedError,
    403: RejectedError,
    404: NotFoundError,
    409: ConflictError,
    410: GoneError,
    422: RejectedError,
    429: ThrottledError,
}


def _error(what: str, response: aiohttp.ClientResponse, content: bytes) -> ApiError:
    message = _message(content) or response.reason or "no reason given"
    kind = _ERRORS.get(response.status, UnreachableError if response.status >= 500 else ApiError)  # noqa: PLR2004 - HTTP's own range
    if response.status == 403 and _may_pass(content):  # noqa: PLR2004 - HTTP: Forbidden
        kind = ApiError
    retry_after = response.headers.get("Retry-After", "")
    return kind(
        f"{what}: {message}",
        status=response.status,
        retry_after=float(retry_after) if retry_after.isdecimal() else None,
    )


def _message(content: bytes) -> str:
    try:
        return str(from_json(content)["message"])
    except (ValueError, KeyError, TypeError):
        return content[:200].decode(errors="replace")


def _may_pass(content: bytes) -> bool:
    """Return whether a 403 can end by itself: a full quota, missing rights, a dying namespace."""
    return any(sign in content for sign in (b"exceeded quota", b" cannot ", b"being terminated"))
