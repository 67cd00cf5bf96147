"""One replica leads at a time, by a Lease; the others follow with warm caches.

The client library's own elector cannot create its Lease and ends at a refused connection. Here
whoever holds the Lease renews it every 2 s and stops working 7 s after the last success; others
take it 10 s after its last change, by their own clocks alone.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from enum import Enum, auto

import structlog

from slides_operator.errors import ApiError, NotFoundError
from slides_operator.kube.client import MERGE_PATCH, Client, Json
from slides_operator.metrics import Metrics

LEASE_NAME = "slides-operator"
LEASE_S = 10
RENEW_WITHIN_S = 7.0
RETRY_S = 2.0
"""Chosen: another replica leads within 20 s of a kill; client-go's 15/10/2, drawn in."""
TIMEOUT_S = 3.0

log = structlog.get_logger()


class Answer(Enum):
    """How asking for the Lease ended."""

    HELD = auto()
    LOST = auto()
    """Somebody else has it, or had it meanwhile."""
    UNKNOWN = auto()
    """The API server did not say."""


class Elector:
    """Leads while it holds the Lease."""

    def __init__(self, client: Client, *, namespace: str, identity: str, metrics: Metrics) -> None:
        self._client = client
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._path = f"{self._collection}/{LEASE_NAME}"
        self._identity = identity
        self._metrics = metrics
        self._seen: tuple[object, ...] = ()
        self._seen_at = 0.0
        metrics.leader.set(0)

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Call `lead` each time that the Lease is won, and cancel it when it is lost.

        Ends when `lead` ends by itself. A cancelled one gives the Lease back.
        """
        try:
            while True:
                await self._win()
                if await self._hold(asyncio.ensure_future(lead())):
                    return
        finally:
            await self._release()

    async def _win(self) -> None:
        while True:
            if await self._ask(self._take, TIMEOUT_S) is Answer.HELD:
                break
            await asyncio.sleep(RETRY_S)
        log.info("leading", identity=self._identity)
        self._metrics.leader.set(1)

    async def _hold(self, work: asyncio.Future[None]) -> bool:
        """Renew the Lease while the work goes on; return whether it ended by itself."""
        deadline = time.monotonic() + RENEW_WITHIN_S
        try:
            while (left_s := deadline - time.monotonic()) > 0:
                await asyncio.wait([work], timeout=min(RETRY_S, left_s))
                if work.done():
                    await work
                    return True
                asked_at = time.monotonic()
                answer = await self._ask(self._renew, min(TIMEOUT_S, deadline - asked_at))
                if answer is Answer.LOST:
                    break
                if answer is Answer.HELD:
                    deadline = asked_at + RENEW_WITHIN_S
        finally:
            self._metrics.leader.set(0)
            work.cancel()
            await asyncio.wait([work])
        log.warning("no longer leading: the Lease is not to be had", identity=self._identity)
        return False

    async def _ask(self, ask: Callable[[], Awaitable[Answer]], within_s: float) -> Answer:
        try:
            async with asyncio.timeout(within_s):
                return await ask()
        except (ApiError, TimeoutError) as e:
            log.info("lease not had", error=str(e) or "no answer in time")
            return Answer.UNKNOWN

    async def _take(self) -> Answer:
        """Take the Lease if nobody holds it."""
        try:
            lease = await self._request("GET", self._path)
        except NotFoundError:
            body = {"metadata": {"name": LEASE_NAME}, "spec": self._spec({})}
            await self._request("POST", self._collection, body)
            return Answer.HELD
        if not self._is_free(lease.get("spec") or {}):
            return Answer.LOST
        return await self._write(lease)

    async def _renew(self) -> Answer:
        """Renew the Lease that was held: whoever had it meanwhile may have worked as well."""
        try:
            lease = await self._request("GET", self._path)
        except NotFoundError:
            return Answer.LOST
        if (lease.get("spec") or {}).get("holderIdentity") != self._identity:
            return Answer.LOST
        return await self._write(lease)

    async def _write(self, lease: Json) -> Answer:
        meta = {"name": LEASE_NAME, "resourceVersion": lease["metadata"]["resourceVersion"]}
        spec = self._spec(lease.get("spec") or {})
        await self._request("PUT", self._path, {"metadata": meta, "spec": spec})
        return Answer.HELD

    def _is_free(self, spec: Json) -> bool:
        holder = spec.get("holderIdentity")
        now, seen = time.monotonic(), (holder, spec.get("renewTime"))
        if seen != self._seen:
            self._seen, self._seen_at = seen, now
        lasts_s = spec.get("leaseDurationSeconds") or LEASE_S
        return holder in {None, "", self._identity} or now - self._seen_at >= lasts_s

    def _spec(self, old: Json) -> Json:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        mine = old.get("holderIdentity") == self._identity
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": LEASE_S,
            "acquireTime": old.get("acquireTime", now) if mine else now,
            "renewTime": now,
            "leaseTransitions": int(old.get("leaseTransitions") or 0) + (0 if mine else 1),
        }

    async def _release(self) -> None:
        with suppress(ApiError, TimeoutError):
            async with asyncio.timeout(TIMEOUT_S):
                lease = await self._request("GET", self._path)
                if lease["spec"].get("holderIdentity") != self._identity:
                    return
                version = lease["metadata"]["resourceVersion"]
                free = {
                    "metadata": {"resourceVersion": version},
                    "spec": {"holderIdentity": None},
                }
                await self._request("PATCH", self._path, free, MERGE_PATCH)
                log.info("lease released", identity=self._identity)

    async def _request(
        self, method: str, path: str, body: object = None, content_type: str = "application/json"
    ) -> Json:
        return await self._client.request(
            method,
            path,
            body=body,
            content_type=content_type,
            urgent=True,
            timeout_s=TIMEOUT_S,
        )
