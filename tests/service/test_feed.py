"""One watch of each kind: what it brings to the store and to listeners, and what it outlives."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from slides_api.v1alpha1 import Phase
from slides_api.wellknown import API_VERSION
from slides_operator.kube.cache import Kind
from slides_operator.kube.client import APPLY_PATCH, Client
from slides_operator.kube.follow import DEAD_AFTER_S
from slides_operator.service import feed as feeding
from slides_operator.service.feed import Change, Feed
from slides_operator.service.records import record_of
from slides_operator.service.store import Store
from tests.cluster.light import LightCluster
from tests.service.objects import extraction

LIMIT_S = 30.0
NO_CLUSTER: Any = None


class Heard:
    """A feed without a cluster, its clock, and what a listener heard."""

    def __init__(self, uid: str | None = None) -> None:
        self.now = 1000.0
        self.feed = Feed(NO_CLUSTER, Store(), clock=lambda: self.now)
        self.changes: list[Change] = []
        self.stop = self.feed.subscribe(uid, self.changes.append)

    def tell(self, version: int, *, after_s: float = 0.0, **more: Any) -> None:
        self.now += after_s
        self.feed.note(extraction(version=version, **more))

    @property
    def versions(self) -> list[int]:
        return [change.record.version for change in self.changes]


async def test_listeners_hear_of_their_resource_or_of_all() -> None:
    heard = Heard("uid-of-talk")
    everything: list[Change] = []
    heard.feed.subscribe(None, everything.append)

    heard.tell(1)
    heard.tell(2, name="other")

    assert heard.versions == [1]
    assert [change.record.name for change in everything] == ["talk", "other"]


async def test_who_stops_listening_hears_nothing_and_is_forgotten() -> None:
    heard = Heard("uid-of-talk")
    other: list[Change] = []
    stop_other = heard.feed.subscribe("uid-of-talk", other.append)

    heard.stop()
    heard.stop()
    heard.tell(1)

    assert (heard.versions, len(other)) == ([], 1)
    stop_other()
    assert heard.feed.subscriptions == 0


async def test_what_is_not_new_is_not_told() -> None:
    heard = Heard()

    heard.tell(2)
    heard.tell(2, after_s=5)
    heard.tell(1, after_s=5)

    assert heard.versions == [2]


async def test_each_second_at_most_and_always_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "PERIOD_S", 0.2)
    heard = Heard()
    clock = asyncio.get_running_loop().time
    heard.feed = Feed(NO_CLUSTER, Store(), clock=clock)
    times: list[float] = []
    heard.feed.subscribe(None, lambda _: times.append(clock()))
    heard.feed.subscribe(None, heard.changes.append)

    begin = clock()
    for version in range(1, 60):
        heard.tell(version)
        await asyncio.sleep(0.01)
    took = clock() - begin
    heard.tell(100, phase="Completed")
    async with asyncio.timeout(LIMIT_S):
        while heard.versions[-1] != 100:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)

    assert len(times) <= took / 0.2 + 3
    assert heard.changes[-1].record.ended
    assert times[-1] - begin < took + 0.3


async def test_one_second_a_bit_early_now_and_then_is_no_delay() -> None:
    heard = Heard()
    for version, after_s in enumerate([5.0, 0.95, 1.05, 0.92, 1.08], start=1):
        heard.tell(version, after_s=after_s)

        assert heard.versions[-1] == version


async def test_too_early_again_and_again_waits() -> None:
    heard = Heard()
    for version in range(1, 12):
        heard.tell(version, after_s=0.92)

    assert len(heard.versions) < 11


async def test_a_deletion_does_not_swallow_the_last_state() -> None:
    heard = Heard()
    heard.tell(1)
    heard.tell(2, phase="Completed")
    assert heard.versions == [1]

    record = heard.feed.note(extraction(version=3, phase="Completed"))
    heard.feed.forget(record)

    assert [(c.record.version, c.record.phase, c.gone) for c in heard.changes[1:]] == [
        (3, Phase.COMPLETED, False),
        (3, Phase.COMPLETED, True),
    ]


async def test_paces_of_what_is_quiet_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "MOST_PACES", 10)
    heard = Heard()
    for number in range(100):
        heard.tell(number + 1, after_s=1, name=f"t{number}")

    assert len(heard.feed._paces) <= 10  # noqa: SLF001 - memory is what this is about
    assert len(heard.versions) == 100


async def test_own_writes_are_there_before_the_watch_brings_them() -> None:
    store = Store()
    feed = Feed(NO_CLUSTER, store)

    assert feed.note(extraction(version=5)) == store.by_uid("uid-of-talk")
    assert feed.note(extraction(version=4)).version == 4
    known = store.by_uid("uid-of-talk")
    assert known is not None
    assert known.version == 5


async def test_a_list_tells_what_is_gone() -> None:
    heard = Heard()
    for number, name in enumerate(["stays", "went", "newer"]):
        heard.tell(number + 1, name=name)
    heard.tell(9, name="newer", after_s=2)
    heard.changes.clear()

    heard.feed.retain(Kind.EXTRACTION, {"uid-of-stays"}, version=5, namespace=None)

    assert [(change.record.name, change.gone) for change in heard.changes] == [("went", True)]


async def test_a_list_of_one_namespace_says_nothing_of_others() -> None:
    heard = Heard()
    heard.tell(1)

    heard.feed.retain(Kind.EXTRACTION, set(), version=5, namespace="elsewhere")
    heard.feed.retain(Kind.BATCH, set(), version=5, namespace="talks")

    assert heard.versions == [1]


class Cluster:
    """A namespace of the light cluster, and a feed that follows it."""

    def __init__(self, client: Client, namespace: str) -> None:
        self.client = client
        self.path = f"/apis/{API_VERSION}/namespaces/{namespace}/slideextractions"
        self.namespace = namespace
        self.store = Store()
        self.now = 0.0
        self.feed = Feed(client, self.store, namespaces=(namespace,), clock=lambda: self.now)
        self.changes: list[Change] = []
        self.feed.subscribe(None, self.changes.append)

    async def create(self, name: str) -> dict[str, Any]:
        """Create an extraction."""
        sent = extraction(name, namespace=self.namespace)
        body = {key: sent[key] for key in ("apiVersion", "kind", "spec")}
        return await self.client.request(
            "POST", self.path, body=body | {"metadata": {"name": name}}
        )

    async def say(self, name: str, phase: str) -> None:
        """Apply a status."""
        sent = extraction(name, phase=phase)
        status = {"phase": phase, "conditions": sent["status"]["conditions"]}
        body = {
            "apiVersion": API_VERSION,
            "kind": "SlideExtraction",
            "metadata": {"name": name},
            "status": status,
        }
        await self.client.request(
            "PATCH",
            f"{self.path}/{name}/status",
            query={"fieldManager": "test", "force": "true"},
            body=body,
            content_type=APPLY_PATCH,
        )

    async def delete(self, name: str) -> None:
        """Delete an extraction."""
        await self.client.request("DELETE", f"{self.path}/{name}")

    def names(self) -> list[str]:
        """The names that the store knows."""
        return sorted(one.name for one in self.store.list(Kind.EXTRACTION).records)

    def told(self) -> list[tuple[str, Phase, bool]]:
        """What the listener heard."""
        return [(one.record.name, one.record.phase, one.gone) for one in self.changes]

    def phase(self, name: str) -> Phase | None:
        """The phase that the store knows."""
        record = self.store.get(Kind.EXTRACTION, self.namespace, name)
        return record.phase if record else None

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds, while time passes."""
        async with asyncio.timeout(LIMIT_S):
            while not holds():
                await asyncio.sleep(0.02)
                self.now += 0.02

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow until the block ends."""
        task = asyncio.create_task(self.feed.run())
        try:
            async with asyncio.timeout(LIMIT_S):
                await self.feed.ready.wait()
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
def cluster(api: Client, namespace: str) -> Cluster:
    return Cluster(api, namespace)


@pytest.mark.api
async def test_the_store_follows_the_api_server(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "PAGE", 2)
    for name in ("a", "b", "c", "d", "e"):
        await cluster.create(name)
    cluster = Cluster(cluster.client, cluster.namespace)
    async with cluster.running():
        assert cluster.names() == ["a", "b", "c", "d", "e"]

        await cluster.create("f")
        await cluster.say("a", "Completed")
        await cluster.delete("b")

        await cluster.until(lambda: cluster.names() == ["a", "c", "d", "e", "f"])
        assert cluster.phase("a") is Phase.COMPLETED
        await cluster.until(lambda: any(change.gone for change in cluster.changes))


@pytest.mark.api
@pytest.mark.slow
async def test_no_final_state_is_missed_while_the_api_server_restarts(
    cluster: Cluster, light_cluster: LightCluster
) -> None:
    for name in ("a", "b"):
        await cluster.create(name)
    async with cluster.running():
        await asyncio.to_thread(light_cluster.restart_apiserver, kill=True)
        await cluster.say("a", "Completed")
        await cluster.delete("b")

        await cluster.until(lambda: cluster.phase("a") is Phase.COMPLETED)
        await cluster.until(lambda: cluster.names() == ["a"])
        assert cluster.feed.trouble() is None
        await cluster.until(lambda: ("a", Phase.COMPLETED, False) in cluster.told())
        assert ("b", Phase.PENDING, True) in cluster.told()


@pytest.mark.api
async def test_a_watch_that_does_not_move_is_trouble(cluster: Cluster) -> None:
    cluster.now += DEAD_AFTER_S
    assert cluster.feed.trouble() is None  # it has not begun
    async with cluster.running():
        assert cluster.feed.trouble() is None
        assert cluster.feed.silent_s() == 0

        cluster.now += DEAD_AFTER_S

        assert "has not moved" in (cluster.feed.trouble() or "")
        assert cluster.feed.silent_s() == DEAD_AFTER_S


def test_records_of_lists_and_watches_are_the_same() -> None:
    whole = extraction(phase="Completed", version=3)
    listed = {key: value for key, value in whole.items() if key not in {"kind", "apiVersion"}}

    assert record_of(listed | {"kind": Kind.EXTRACTION}) == record_of(whole)
