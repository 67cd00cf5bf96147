"""What a batch passes on goes to its items in bursts, as they are created, and to all of them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from slides_api.wellknown import API_VERSION
from slides_operator.batch.plan import BURST
from slides_operator.kube.cache import Key, Kind
from tests.operator.fake_api import FakeApi
from tests.operator.mortal import MortalOperator

Json = dict[str, Any]
KEY = Key(Kind.BATCH, "default", "talks")
COUNT = 2 * BURST + 7


def test_suspending_many_reaches_all_in_bursts() -> None:
    time = datetime(2027, 1, 1, tzinfo=UTC)

    def now() -> datetime:
        return time

    api = FakeApi(now)
    items = [{"name": f"item-{n}", "url": "https://example.com/talk.mp4"} for n in range(COUNT)]
    body = {
        "apiVersion": API_VERSION,
        "metadata": {"name": "talks", "namespace": "default"},
        "spec": {"items": items},
    }
    batch = api.create("slideextractionbatches", body)
    operator = MortalOperator(api, now)

    def patched() -> int:
        return sum(write.startswith("PATCH slideextractions/") for write in api.writes)

    with asyncio.Runner() as runner:
        for _ in range(5):
            operator.reconcile(runner, KEY)
            time += timedelta(seconds=3)
        for suspend in (True, False):
            api.edit("slideextractionbatches", batch, suspend=suspend)
            api.deliver_all(operator.cache)
            for _ in range(5):
                before = patched()
                operator.reconcile(runner, KEY)
                assert patched() - before <= BURST
                time += timedelta(seconds=3)
            children = api.all("slideextractions")
            assert {child["spec"]["suspend"] for child in children} == {suspend}
            assert len(children) == COUNT
