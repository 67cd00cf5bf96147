"""Whether an operator works at what is submitted, by the Lease that its leader renews."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from slides_operator.errors import ApiError
from slides_operator.extraction.objects import parse_time
from slides_operator.kube.client import Client
from slides_operator.leader import LEASE_NAME

FRESH = timedelta(seconds=30)
"""Chosen: three times what a Lease lasts, so that clocks may differ and a leader may change."""
ASK_AGAIN_AFTER = timedelta(seconds=5)
"""Chosen: whatever asks /health every second costs the API server a request in five."""

log = structlog.get_logger("slides_operator.service")


class OperatorPulse:
    """Says whether an operator leads; asks the API server now and then."""

    def __init__(self, client: Client, *, namespace: str, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{LEASE_NAME}"
        self._clock = clock
        self._asked_at: datetime | None = None
        self._running = False

    async def is_running(self) -> bool:
        """Return whether the Lease was renewed of late; false where nobody can tell."""
        now = self._clock()
        if self._asked_at is None or now >= self._asked_at + ASK_AGAIN_AFTER:
            self._asked_at = now
            self._running = await self._ask(now)
        return self._running

    async def _ask(self, now: datetime) -> bool:
        try:
            lease = await self._client.request("GET", self._path)
        except ApiError as e:
            log.info("the operator's Lease cannot be read", error=e.message)
            return False
        spec = lease.get("spec") or {}
        renewed_at = parse_time(spec.get("renewTime"))
        return (
            bool(spec.get("holderIdentity"))
            and renewed_at is not None
            and (now < renewed_at + FRESH)
        )
