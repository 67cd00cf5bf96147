"""Health and metrics over HTTP; what is wrong with a watch, by a clock that tests set."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from slides_operator.health import Check, serve_health
from slides_operator.kube.echoes import DEAD_AFTER_S, Echoes
from slides_operator.metrics import Metrics
from tests.cluster.light import free_ports


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def _served(
    *, alive: list[Check] | None = None, ready: list[Check] | None = None
) -> AsyncIterator[aiohttp.ClientSession]:
    registry = Metrics().registry
    (port,) = free_ports(1)
    async with (
        serve_health(port, alive=alive or [], ready=ready or [], registry=registry),
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        yield session


async def _ask(session: aiohttp.ClientSession, path: str) -> tuple[int, str]:
    async with session.get(path) as response:
        return response.status, await response.text()


async def test_healthy_and_ready() -> None:
    async with _served(alive=[lambda: None], ready=[lambda: None]) as session:
        assert await _ask(session, "/healthz") == (200, "ok\n")
        assert await _ask(session, "/readyz") == (200, "ok\n")


async def test_says_what_is_wrong() -> None:
    troubles: list[Check] = [lambda: "the watch is dead", lambda: None, lambda: "so is another"]

    async with _served(alive=troubles, ready=[lambda: "not yet"]) as session:
        assert await _ask(session, "/healthz") == (503, "the watch is dead\nso is another\n")
        assert await _ask(session, "/readyz") == (503, "not yet\n")


async def test_metrics_can_be_read_and_never_name_an_object() -> None:
    async with _served() as session:
        status, text = await _ask(session, "/metrics")

    families = list(text_string_to_metric_families(text))
    labels = {label for f in families for sample in f.samples for label in sample.labels}
    assert status == 200
    assert {f.name for f in families} >= {
        "slides_operator_reconcile",
        "slides_operator_leader",
        "slides_operator_workqueue_depth",
    }
    assert all(f.name.startswith("slides_operator_") for f in families)
    assert not labels & {"name", "namespace", "uid", "key"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def echoes(clock: Clock) -> Echoes:
    return Echoes(clock)


def test_write_that_is_never_seen_back_is_trouble(echoes: Echoes, clock: Clock) -> None:
    echoes.expect("x-1", 7)
    clock.now += DEAD_AFTER_S - 1
    assert echoes.trouble() is None

    clock.now += 1

    assert "never seen" in (echoes.trouble() or "")


@pytest.mark.parametrize(
    "version", [pytest.param(7, id="this write"), pytest.param(8, id="a later one")]
)
def test_write_seen_back_is_well(version: int, echoes: Echoes, clock: Clock) -> None:
    echoes.expect("x-1", 7)

    echoes.seen("x-1", version)
    clock.now += DEAD_AFTER_S

    assert echoes.trouble() is None


def test_late_echo_shows_that_the_watch_lives(echoes: Echoes, clock: Clock) -> None:
    echoes.expect("x-1", 7)
    clock.now += DEAD_AFTER_S - 1

    echoes.seen("x-1", 6)
    clock.now += DEAD_AFTER_S - 1

    assert echoes.trouble() is None


def test_time_runs_from_the_first_unseen_write(echoes: Echoes, clock: Clock) -> None:
    echoes.expect("x-1", 7)
    clock.now += DEAD_AFTER_S - 1
    echoes.expect("x-1", 8)

    clock.now += 1

    assert echoes.trouble() is not None


def test_nothing_is_expected_of_the_deleted(echoes: Echoes, clock: Clock) -> None:
    echoes.expect("x-1", 7)

    echoes.gone("x-1")
    clock.now += DEAD_AFTER_S

    assert echoes.trouble() is None


def test_unreachable_api_server_is_no_dead_watch(echoes: Echoes, clock: Clock) -> None:
    echoes.expect("x-1", 7)
    clock.now += DEAD_AFTER_S

    echoes.pardon()

    assert echoes.trouble() is None
