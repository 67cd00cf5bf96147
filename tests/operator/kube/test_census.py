"""The census: knows when the first list is complete, what vanished, and that a watch is dead."""

import pytest

from slides_api.wellknown import API_VERSION
from slides_operator.errors import NotFoundError
from slides_operator.kube.cache import Cache, Key, Kind
from slides_operator.kube.census import DEAD_AFTER_S, Census, build_censuses, wait_until_served
from slides_operator.kube.client import Client
from slides_operator.kube.echoes import Echoes
from slides_operator.metrics import Metrics
from tests.operator.objects import Json, build_extraction

pytestmark = pytest.mark.api


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache() -> Cache:
    return Cache()


@pytest.fixture
def enqueued() -> list[Key]:
    return []


@pytest.fixture
def echoes(clock: Clock) -> Echoes:
    return Echoes(clock)


@pytest.fixture
def census(
    client: Client,
    cache: Cache,
    enqueued: list[Key],
    namespace: str,
    clock: Clock,
    echoes: Echoes,
) -> Census:
    return Census(
        client,
        cache,
        enqueued.append,
        kind=Kind.EXTRACTION,
        echoes=echoes,
        namespace=namespace,
        clock=clock,
    )


async def _create(client: Client, namespace: str, name: str) -> Json:
    return await client.request(
        "POST",
        f"/apis/{API_VERSION}/namespaces/{namespace}/slideextractions",
        body={
            "apiVersion": API_VERSION,
            "kind": "SlideExtraction",
            "metadata": {"name": name},
            "spec": {"source": {"url": "https://example.com/talk.mp4"}},
        },
    )


async def test_nothing_there_is_complete(census: Census) -> None:
    await census.count()

    assert census.synced.is_set()


async def test_complete_once_the_cache_has_all(
    census: Census, cache: Cache, client: Client, namespace: str
) -> None:
    objects = [await _create(client, namespace, f"talk-{n}") for n in range(3)]

    for obj in objects:
        await census.count()
        assert not census.synced.is_set()
        cache.put(obj)
    await census.count()

    assert census.synced.is_set()


async def test_what_the_watch_never_brings_is_trouble(
    census: Census, client: Client, namespace: str, clock: Clock
) -> None:
    await census.count()
    await _create(client, namespace, "talk")

    await census.count()
    assert census.trouble() is None
    clock.now += DEAD_AFTER_S
    await census.count()

    assert "slideextractions" in (census.trouble() or "")


async def test_event_shows_that_the_watch_lives(
    census: Census, client: Client, namespace: str, clock: Clock
) -> None:
    await census.count()
    await _create(client, namespace, "talk")
    await census.count()

    clock.now += DEAD_AFTER_S
    census.hear()

    assert census.trouble() is None


async def test_watch_that_catches_up_is_well(
    census: Census, cache: Cache, client: Client, namespace: str, clock: Clock
) -> None:
    await census.count()
    obj = await _create(client, namespace, "talk")
    await census.count()
    cache.put(obj)
    await census.count()

    clock.now += DEAD_AFTER_S

    assert census.trouble() is None


async def test_forgets_what_vanished_unseen(
    census: Census, cache: Cache, client: Client, namespace: str, enqueued: list[Key]
) -> None:
    cache.put(await _create(client, namespace, "stays"))
    cache.put(build_extraction("ghost", 1, name="ghost", namespace=namespace))

    await census.count()  # it may only be on its way
    assert cache.count(Kind.EXTRACTION) == 2
    await census.count()

    (left,) = cache.keys()
    assert left.name == "stays"
    assert enqueued == [Key(Kind.EXTRACTION, namespace, "ghost")]


async def test_is_taken_of_each_kind_and_namespace(client: Client) -> None:
    def taken(*namespaces: str) -> list[tuple[Kind, str | None]]:
        built = build_censuses(
            client, Cache(), print, echoes=Echoes(), namespaces=namespaces, metrics=Metrics()
        )
        return [(census.kind, census.namespace) for census in built]

    assert taken() == [(Kind.EXTRACTION, None), (Kind.BATCH, None)]
    assert len(taken("a", "b")) == 4


async def test_served_kinds_are_not_waited_for(client: Client) -> None:
    await wait_until_served(client, ())


async def test_refused_census_is_the_callers_to_hear(client: Client, clock: Clock) -> None:
    census = Census(
        client, Cache(), print, kind=Kind.BATCH, echoes=Echoes(clock), namespace="a/b", clock=clock
    )

    with pytest.raises(NotFoundError):
        await census.count()


async def test_a_ghost_is_not_waited_for(
    census: Census, cache: Cache, namespace: str, clock: Clock, echoes: Echoes
) -> None:
    """What was written to an object that vanished unseen never comes back through the watch."""
    cache.put(build_extraction("ghost", 1, name="ghost", namespace=namespace))
    echoes.expect("ghost", 1)

    for _ in range(2):
        await census.count()
    clock.now += DEAD_AFTER_S

    assert echoes.trouble() is None


async def test_a_ghost_is_found_although_the_counts_agree(
    census: Census,
    cache: Cache,
    client: Client,
    namespace: str,
    clock: Clock,
    echoes: Echoes,
) -> None:
    await _create(client, namespace, "unseen")
    cache.put(build_extraction("ghost", 1, name="ghost", namespace=namespace))
    echoes.expect("ghost", 1)

    clock.now += DEAD_AFTER_S / 2
    await census.count()
    await census.count()
    clock.now += DEAD_AFTER_S

    assert echoes.trouble() is None
    assert "has missed some" in (census.trouble() or "")
