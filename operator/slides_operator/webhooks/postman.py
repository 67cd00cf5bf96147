"""One attempt to deliver a webhook: what is told now, signed with the key that holds now, sent."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import structlog
from standardwebhooks import Webhook

from slides_operator.addresses import LookUp, look_up
from slides_operator.errors import FORBIDDEN, ApiError, DeliveryError, NotFoundError
from slides_operator.extraction.callback import Delivery, Tried, is_open
from slides_operator.extraction.objects import Json
from slides_operator.kube.cache import Cache, Key, Kind
from slides_operator.kube.cluster import Cluster
from slides_operator.metrics import Metrics
from slides_operator.settings import OperatorSettings
from slides_operator.webhooks.deliveries import Deliveries
from slides_operator.webhooks.payloads import build_body
from slides_operator.webhooks.sender import GONE, Sender, open_sender
from slides_operator.webhooks.signing import build_headers, read_keys

log = structlog.get_logger()


class Postman:
    """Makes attempts."""

    def __init__(
        self,
        sender: Sender,
        cluster: Cluster,
        cache: Cache,
        settings: OperatorSettings,
        metrics: Metrics,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._sender = sender
        self._cluster = cluster
        self._cache = cache
        self._settings = settings
        self._metrics = metrics
        self._now = now

    async def deliver(self, key: Key, delivery: Delivery) -> Tried | None:
        """Make an attempt, and return how it went; None where nothing is to be told any more."""
        obj = self._cache.extraction(key) if key.kind is Kind.EXTRACTION else self._cache.batch(key)
        if obj is None or not _is_due(obj, delivery):
            return None
        started = time.monotonic()
        answer = await self._attempt(key, obj, delivery)
        self._metrics.webhook_duration.observe(time.monotonic() - started)
        tried = partial(Tried, delivery.id, delivery.attempt, self._now())
        if not isinstance(answer, DeliveryError):
            self._note(key, delivery, "delivered", answer)
            return tried(code=answer)
        self._note(key, delivery, answer.kind, answer.code)
        return tried(
            code=answer.code,
            error=answer.message,
            retry_after=answer.retry_after,
            final=answer.kind == GONE,
        )

    async def _attempt(self, key: Key, obj: Json, delivery: Delivery) -> int | DeliveryError:
        """Return the receiver's status, or why it did not take it."""
        try:
            return await self._send(key, obj, delivery)
        except DeliveryError as e:
            return e
        except Exception:  # the boundary of a task: it counts as an attempt, or would never end
            log.exception("webhook broke", key=str(key))
            return DeliveryError("The operator failed: see its log.", result="bug")

    def _note(self, key: Key, delivery: Delivery, result: str, code: int | None) -> None:
        self._metrics.webhook_attempts.labels(result).inc()
        log.info(
            "webhook",
            kind=key.kind,
            namespace=key.namespace,
            name=key.name,
            id=delivery.id,
            attempt=delivery.attempt,
            result=result,
            code=code,
        )

    async def _send(self, key: Key, obj: Json, delivery: Delivery) -> int:
        callback = obj["spec"]["callback"]
        keys = await self._keys(key.namespace, (callback.get("secretRef") or {}).get("name"))
        children = []
        if key.kind is Kind.BATCH:
            children = self._cache.children_of(key.namespace, obj["metadata"]["uid"])
        body = build_body(obj, children)
        headers = build_headers(keys, body, message_id=delivery.id, now=self._now())
        return await self._sender.post(callback["url"], body, headers)

    async def _keys(self, namespace: str, named: str | None) -> tuple[Webhook, ...]:
        """Return the keys to sign with; none where no Secret is named, and the usual is not there.

        Raises DeliveryError: what is to be signed is never sent without.
        """
        readable = self._settings.webhook_secret_names
        if named and named not in readable:
            raise DeliveryError(
                f"Secret {named} is none that the operator may read: see WEBHOOK_SECRET_NAMES.",
                result="secret",
            )
        if not (name := named or next(iter(readable), "")):
            return ()
        try:
            data = await self._cluster.secret(namespace, name)
        except ApiError as e:
            absent = isinstance(e, NotFoundError) or e.status == FORBIDDEN
            if absent and not named:
                return ()
            raise DeliveryError(f"Secret {name} cannot be read: {e}", result="secret") from e
        return read_keys(data, secret=name)


def _is_due(obj: Json, delivery: Delivery) -> bool:
    """Return whether this is still what is to be told, and by whom."""
    told = (obj.get("status") or {}).get("callback") or {}
    return (
        "deletionTimestamp" not in obj["metadata"]
        and bool((obj.get("spec") or {}).get("callback"))
        and is_open(told)
        and told["id"] == delivery.id
    )


@asynccontextmanager
async def open_deliveries(
    cluster: Cluster,
    cache: Cache,
    settings: OperatorSettings,
    metrics: Metrics,
    *,
    wake: Callable[[Key], None],
    resolve: LookUp = look_up,
) -> AsyncIterator[Deliveries]:
    """Open what makes deliveries, until the block ends; `wake` has a resource reconciled."""
    allow_private = settings.allow_private_callbacks
    async with open_sender(allow_private=allow_private, resolve=resolve) as sender:
        postman = Postman(sender, cluster, cache, settings, metrics, now=lambda: datetime.now(UTC))
        deliveries = Deliveries(postman.deliver, wake=wake)
        metrics.webhooks_waiting.set_function(lambda: len(deliveries))
        try:
            yield deliveries
        finally:
            await deliveries.close()
