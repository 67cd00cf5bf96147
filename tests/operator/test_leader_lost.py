"""The elector when somebody else holds the Lease although it thought to hold it itself."""

import asyncio
import time
from typing import TYPE_CHECKING, Any, cast

import pytest

from slides_operator import leader
from slides_operator.leader import Elector
from slides_operator.metrics import Metrics

if TYPE_CHECKING:
    from slides_operator.kube.client import Client

RETRY_S = 0.1


class OneLease:
    """Stands in for `Client`: the API server of one Lease."""

    def __init__(self) -> None:
        self.spec: dict[str, Any] = {}

    async def request(self, method: str, path: str, *, body: Any = None, **_: object) -> Any:
        if method in {"PUT", "PATCH"}:
            self.spec |= body["spec"]
        return {"metadata": {"resourceVersion": "1"}, "spec": dict(self.spec)}


@pytest.mark.parametrize("holder", ["two", ""])
async def test_stops_at_once_when_another_holds_it(
    holder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leader, "RETRY_S", RETRY_S)
    lease, started, stopped = OneLease(), asyncio.Event(), asyncio.Event()

    async def lead() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    client = cast("Client", lease)
    elector = Elector(client, namespace="a", identity="one", metrics=Metrics())
    running = asyncio.create_task(elector.run(lead))
    async with asyncio.timeout(5):
        await started.wait()
        lease.spec |= {"holderIdentity": holder, "renewTime": "2027-01-01T00:00:00.000000Z"}
        taken_at = time.monotonic()
        await stopped.wait()
    took_s = time.monotonic() - taken_at
    running.cancel()
    await asyncio.wait([running])

    assert took_s < 5 * RETRY_S
    if holder:
        assert lease.spec["holderIdentity"] == "two", "it is left to whoever has it"
