"""A namespace that the API server does not show, as it was deleted with its Role: others go on."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import pytest

from slides_operator.errors import ApiError
from slides_operator.kube import census
from slides_operator.kube.cache import JOB, Cache, Key, Kind
from slides_operator.kube.census import Census, wait_until_served
from slides_operator.kube.echoes import Echoes
from slides_operator.kube.watches import Watch

if TYPE_CHECKING:
    from slides_operator.kube.client import Client
    from slides_operator.replica import Follower

SOON_S = 5.0


class Refusing:
    """A client that may see no namespace but `there`."""

    async def request(self, _method: str, path: str, **_: object) -> dict[str, Any]:
        if "/namespaces/there/" not in path:
            raise ApiError("it cannot list them", status=403)
        return {"items": [], "metadata": {"resourceVersion": "1"}}


class NoQueue:
    """Nothing is ever seen here."""

    def add(self, key: Key) -> None:
        raise AssertionError(key)

    add_soon = add


def build_watch(namespace: str | None) -> Watch:
    client = cast("Client", Refusing())
    return Watch(client, Cache(), NoQueue(), kind=JOB, namespace=namespace)


def build_census(namespace: str | None) -> Census:
    return Census(
        cast("Client", Refusing()),
        Cache(),
        NoQueue().add,
        kind=Kind.EXTRACTION,
        echoes=Echoes(),
        namespace=namespace,
    )


@pytest.mark.parametrize("build", [build_watch, build_census])
@pytest.mark.parametrize(
    ("namespace", "settled"),
    [pytest.param("gone", True, id="one of several"), pytest.param(None, False, id="all")],
)
async def test_only_a_namespace_may_be_refused(
    build: Any, namespace: str | None, settled: bool
) -> None:
    follower: Follower = build(namespace)
    running = asyncio.create_task(follower.run())
    await asyncio.sleep(0.1)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running

    assert follower.settled.is_set() == settled
    assert not follower.synced.is_set()


async def test_kinds_are_served_if_any_namespace_shows_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(census, "SERVED_PERIOD_S", 0.01)
    async with asyncio.timeout(SOON_S):
        await wait_until_served(cast("Client", Refusing()), ("gone", "there"))
