"""The order of the ways out, their rotation, and that nothing is given away, at real proxies."""

from pathlib import Path

import pytest

from slides_api.v1alpha1 import Source as SourceSpec
from slides_runner.errors import InvalidSpecError, ProxyError, SlidesError
from slides_runner.sources import Source, open_source
from slides_runner.sources.egress import (
    DIRECT,
    Egress,
    Hop,
    Lease,
    Route,
    build_egress,
    parse_proxy,
)
from slides_runner.sources.patience import Patience
from tests.runner.sources.conftest import MakeSettings
from tests.runner.sources.forward_proxy import ForwardProxy
from tests.runner.sources.media_server import MediaServer, Resource

BODY = bytes(range(256)) * 400
URL = "http://talks.example/talk.mp4"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _routes(*names: str) -> tuple[Route, ...]:
    return tuple(Route(Hop(f"http://{name}:1"), Hop(f"http://{name}:1")) for name in names)


@pytest.mark.parametrize(
    ("given", "want"),
    [
        ("ann:pw@proxy.example:3128", "http://ann:pw@proxy.example:3128"),
        ("proxy.example:3128", "http://proxy.example:3128"),
        (" https://proxy.example:3128/ ", "https://proxy.example:3128"),
        ("socks5h://ann:pw@proxy.example:1080", "socks5h://ann:pw@proxy.example:1080"),
    ],
)
def test_proxies_are_normalised(given: str, want: str) -> None:
    assert parse_proxy(given) == want


@pytest.mark.parametrize("given", ["ftp://geheim@x:1", "geheim:pw@:1", "geheim:pw@x:99999"])
def test_an_unreadable_proxy_is_refused_without_repeating_it(given: str) -> None:
    with pytest.raises(InvalidSpecError) as caught:
        parse_proxy(given)

    assert "geheim" not in str(caught.value)


def test_the_job_s_own_proxy_comes_first(make_settings: MakeSettings) -> None:
    settings = make_settings(datacenter_proxy="dc:1", zyte_api_key="key")

    assert build_egress(settings, "own:2").take().media.label == "own:2"


def test_datacenter_proxies_come_before_zyte(make_settings: MakeSettings) -> None:
    settings = make_settings(datacenter_proxy="a:1, b:1", zyte_api_key="key")
    egress = build_egress(settings)

    assert {egress.take().media.label for _ in range(2)} == {"a:1", "b:1"}


def test_zyte_is_used_with_its_key_as_user_and_unverified_tls(make_settings: MakeSettings) -> None:
    route = build_egress(make_settings(zyte_api_key="key")).take()

    assert route.media == route.metadata == Hop("http://key:@api.zyte.com:8011", verify_tls=False)
    assert "key" not in repr(route)


def test_without_any_proxy_it_is_direct(make_settings: MakeSettings) -> None:
    assert build_egress(make_settings()).take() == Route(DIRECT, DIRECT)


def test_two_hop_reads_pages_by_zyte_and_media_by_datacenter(make_settings: MakeSettings) -> None:
    settings = make_settings(egress_mode="two-hop", zyte_api_key="key", datacenter_proxy="dc:1")
    route = build_egress(settings).take()

    assert (route.metadata.label, route.media.label) == ("api.zyte.com:8011", "dc:1")
    assert (route.metadata.verify_tls, route.media.verify_tls) == (False, True)


def test_an_incomplete_two_hop_is_refused(make_settings: MakeSettings) -> None:
    with pytest.raises(InvalidSpecError, match="DATACENTER_PROXY"):
        build_egress(make_settings(egress_mode="two-hop", zyte_api_key="key"))


def test_routes_take_turns() -> None:
    a, b, c = _routes("a", "b", "c")
    egress = Egress((a, b, c), first=1)

    assert [egress.take() for _ in range(4)] == [b, c, a, b]


def test_a_failing_route_rests_and_comes_back() -> None:
    clock = Clock()
    a, b = _routes("a", "b")
    egress = Egress((a, b), rest_s=60, clock=clock)
    egress.rest(a)

    assert [egress.take(), egress.take()] == [b, b]
    clock.now += 61
    assert {egress.take(), egress.take()} == {a, b}


def test_when_all_rest_the_one_that_rests_least_is_taken() -> None:
    clock = Clock()
    a, b = _routes("a", "b")
    egress = Egress((a, b), rest_s=60, clock=clock)
    egress.rest(b)
    clock.now += 1
    egress.rest(a)

    assert egress.take() == b


def test_a_job_keeps_its_route_until_it_fails() -> None:
    a, b = _routes("a", "b")
    lease = Lease(Egress((a, b)))

    assert lease.attempt(lambda route: route) == a
    assert lease.attempt(lambda route: route) == a

    def fails_at_a(route: Route) -> Route:
        if route == a:
            raise ProxyError("down")
        return route

    assert lease.attempt(fails_at_a) == b
    assert lease.attempt(lambda route: route) == b


def test_when_every_proxy_fails_the_last_error_is_raised() -> None:
    tried: list[Route] = []

    def fail(route: Route) -> None:
        tried.append(route)
        raise ProxyError("down")

    with pytest.raises(ProxyError):
        Lease(Egress(_routes("a", "b", "c"))).attempt(fail)

    assert len(tried) == 3


@pytest.fixture
def talks(server: MediaServer) -> MediaServer:
    server.put("/talk.mp4", Resource(BODY))
    return server


def _open(make_settings: MakeSettings, patience: Patience, url: str = URL, **env: str) -> Source:
    return open_source(url, SourceSpec(url=url), make_settings(**env), patience=patience)


def test_a_direct_download_goes_through_the_proxy_with_its_credentials(
    talks: MediaServer,
    proxy: ForwardProxy,
    make_settings: MakeSettings,
    impatient: Patience,
    work_dir: Path,
) -> None:
    proxy.hosts["talks.example"] = ("127.0.0.1", talks.port)
    proxy.credentials = "ann:geheim"
    source = _open(make_settings, impatient, datacenter_proxy=f"ann:geheim@{proxy.address}")

    media = source.fetch(work_dir, lambda _: None)

    assert media.path.read_bytes() == BODY
    assert set(proxy.seen) == {URL}
    assert len(proxy.seen) == len(talks.seen)


def test_a_site_s_page_and_media_go_through_the_proxy(
    talks: MediaServer,
    proxy: ForwardProxy,
    make_settings: MakeSettings,
    impatient: Patience,
    work_dir: Path,
) -> None:
    proxy.hosts["talks.example"] = ("127.0.0.1", talks.port)
    talks.put("/page", Resource(b"<html>page</html>", "text/html"))
    url = f"https://stub.example/x?case=page&page=http://talks.example/page&media={URL}"

    source = _open(make_settings, impatient, url, datacenter_proxy=proxy.address)
    media = source.fetch(work_dir, lambda _: None)

    assert media.path.read_bytes() == BODY
    assert proxy.seen[0] == "http://talks.example/page"
    assert URL in proxy.seen


def test_two_hops_split_page_and_media(
    *,
    talks: MediaServer,
    proxy: ForwardProxy,
    second_proxy: ForwardProxy,
    make_settings: MakeSettings,
    impatient: Patience,
    work_dir: Path,
) -> None:
    for one in (proxy, second_proxy):
        one.hosts["talks.example"] = ("127.0.0.1", talks.port)
    talks.put("/page", Resource(b"<html>page</html>", "text/html"))
    url = f"https://stub.example/x?case=page&page=http://talks.example/page&media={URL}"
    route = Route(Hop(f"http://{proxy.address}"), Hop(f"http://{second_proxy.address}"))
    source = open_source(
        url, SourceSpec(url=url), make_settings(), egress=Egress((route,)), patience=impatient
    )

    source.fetch(work_dir, lambda _: None)

    assert set(proxy.seen) == {"http://talks.example/page"}
    assert set(second_proxy.seen) == {URL}


@pytest.mark.parametrize(
    "url", [URL, f"https://stub.example/x?media={URL}"], ids=["direct", "site"]
)
def test_a_dead_proxy_is_left_for_the_next(
    *,
    talks: MediaServer,
    proxy: ForwardProxy,
    make_settings: MakeSettings,
    impatient: Patience,
    work_dir: Path,
    url: str,
) -> None:
    proxy.hosts["talks.example"] = ("127.0.0.1", talks.port)
    dead = Hop("http://ann:geheim@127.0.0.1:9")  # the discard port
    alive = Hop(f"http://{proxy.address}")
    egress = Egress((Route(dead, dead), Route(alive, alive)))
    source = open_source(
        url, SourceSpec(url=url), make_settings(), egress=egress, patience=impatient
    )

    assert source.fetch(work_dir, lambda _: None).path.read_bytes() == BODY


@pytest.mark.parametrize(
    "url", [URL, f"https://stub.example/x?media={URL}"], ids=["direct", "site"]
)
@pytest.mark.parametrize("credentials", ["ann:geheim", "wrong:geheim"])
def test_proxy_errors_keep_the_credentials_secret(
    *,
    proxy: ForwardProxy,
    make_settings: MakeSettings,
    impatient: Patience,
    work_dir: Path,
    url: str,
    credentials: str,
) -> None:
    proxy.credentials = "ann:right"
    source = _open(make_settings, impatient, url, datacenter_proxy=f"{credentials}@{proxy.address}")

    with pytest.raises(SlidesError) as caught:
        source.fetch(work_dir, lambda _: None)

    assert isinstance(caught.value, ProxyError)
    assert "geheim" not in f"{caught.value} {caught.value.hint}"


def test_a_dead_proxy_alone_is_a_proxy_error(
    make_settings: MakeSettings, impatient: Patience, work_dir: Path
) -> None:
    for url in (URL, f"https://stub.example/x?media={URL}"):
        source = _open(make_settings, impatient, url, datacenter_proxy="ann:geheim@127.0.0.1:9")

        with pytest.raises(ProxyError) as caught:
            source.fetch(work_dir, lambda _: None)

        assert "geheim" not in str(caught.value)


def test_another_proxy_is_tried_once_when_a_site_takes_us_for_a_bot(
    make_settings: MakeSettings, impatient: Patience
) -> None:
    taken: list[Route] = []

    class Counting(Egress):
        def take(self) -> Route:
            taken.append(super().take())
            return taken[-1]

    url = "https://stub.example/x?case=bot"
    source = open_source(
        url,
        SourceSpec(url=url),
        make_settings(),
        egress=Counting(_routes("a", "b", "c")),
        patience=impatient,
    )

    with pytest.raises(SlidesError):
        source.probe()

    assert [route.media.label for route in taken] == ["a:1", "b:1"]
