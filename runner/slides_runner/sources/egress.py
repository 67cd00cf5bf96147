"""The way out to the net: direct, through one proxy, or through several that take turns.

In order: the job's own proxy, DATACENTER_PROXY (a comma list rotates), Zyte, direct. One video is
fetched through one egress, since sites sign media URLs for the address that asked for the page.
EGRESS_MODE=two-hop splits it as the first service did: pages by Zyte, media by DATACENTER_PROXY.
"""

import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from slides_runner.errors import InvalidSpecError, ProxyError, SlidesError
from slides_runner.settings import RunnerSettings

_T = TypeVar("_T")

_ZYTE_PORT = 8011  # Zyte's documented port for proxy mode
_REST_S = 300.0  # chosen: long enough for a provider's hiccup, short beside a job's hour
_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_HAS_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


@dataclass(frozen=True)
class Hop:
    """One way out."""

    proxy: str | None = field(default=None, repr=False)
    """Proxy URL with its credentials; None is direct."""
    verify_tls: bool = True
    """False for Zyte alone: its proxy mode answers TLS in the site's place."""

    @property
    def label(self) -> str:
        """Host and port of the proxy, without credentials, for messages."""
        return urlsplit(self.proxy).netloc.rpartition("@")[2] if self.proxy else "direct"


@dataclass(frozen=True)
class Route:
    """The hops of one job."""

    metadata: Hop
    """For pages and what extractors ask of a site."""
    media: Hop
    """For the video itself."""


DIRECT = Hop()


IsWorthAnother = Callable[[SlidesError, int], bool]
"""Whether another route may help against an error, after so many failures."""


class Egress:
    """Hands out routes in turn; a hop that failed rests."""

    def __init__(
        self,
        routes: tuple[Route, ...],
        *,
        rest_s: float = _REST_S,
        first: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the routes to rotate and the index of the one to begin with."""
        self._routes = routes
        self._rest_s = rest_s
        self._next = first
        self._clock = clock
        self._rests_until: dict[Route, float] = {}

    def __len__(self) -> int:
        """Return how many routes there are."""
        return len(self._routes)

    def take(self) -> Route:
        """Return the next route that does not rest, or the one whose rest ends first."""
        now = self._clock()
        turn = self._next % len(self._routes)
        ordered = self._routes[turn:] + self._routes[:turn]
        route = min(ordered, key=lambda one: max(0.0, self._rests_until.get(one, 0.0) - now))
        self._next = self._routes.index(route) + 1
        return route

    def rest(self, route: Route) -> None:
        """Let a route that failed rest for a while."""
        self._rests_until[route] = self._clock() + self._rest_s


class Lease:
    """The route of one job, kept until it fails: sites sign media URLs for one address."""

    def __init__(self, egress: Egress) -> None:
        """Take the routes that several jobs may share."""
        self._egress = egress
        self._route: Route | None = None

    def attempt(
        self, action: Callable[[Route], _T], *, is_worth_another: IsWorthAnother | None = None
    ) -> _T:
        """Return what the action returns, tried on one route after the other.

        Another route is taken when the proxy failed, or when `is_worth_another` says so of the
        error and the number of failures so far. The last route's error is raised.
        """
        for failures in range(1, len(self._egress) + 1):
            route = self._route = self._route or self._egress.take()
            try:
                return action(route)
            except SlidesError as error:
                worth = isinstance(error, ProxyError) or (
                    is_worth_another is not None and is_worth_another(error, failures)
                )
                if worth:
                    self._egress.rest(route)
                    self._route = None
                if not worth or failures == len(self._egress):
                    raise
        raise AssertionError("an egress has at least one route")


def build_egress(settings: RunnerSettings, proxy: str | None = None) -> Egress:
    """Return the egress that the settings and the job's own proxy ask for.

    Raises InvalidSpecError for an unreadable proxy or an incomplete two-hop set-up.
    """
    if proxy:
        return Egress(_single((Hop(parse_proxy(proxy)),)))
    proxies = _datacenter_hops(settings)
    zyte = _zyte_hop(settings)
    if settings.egress_mode == "two-hop":
        routes = _two_hop(zyte, proxies)
    else:
        routes = _single(proxies or ((zyte,) if zyte else (DIRECT,)))
    # Each pod is a new process: beginning at random spreads jobs over the proxies.
    return Egress(routes, first=secrets.randbelow(len(routes)))


def parse_proxy(text: str) -> str:
    """Return the proxy as a URL; `user:pass@host:port` and `host:port` mean http.

    Raises InvalidSpecError, whose message does not repeat the text: it may hold a password.
    """
    text = text.strip()
    url = text if _HAS_SCHEME.match(text) else f"http://{text}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _SCHEMES and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InvalidSpecError(
            "The proxy address cannot be read.",
            hint="Write it as http://user:pass@host:port or user:pass@host:port; "
            f"schemes: {', '.join(_SCHEMES)}.",
        ) from None
    return url.rstrip("/")


def _datacenter_hops(settings: RunnerSettings) -> tuple[Hop, ...]:
    text = settings.datacenter_proxy.get_secret_value() if settings.datacenter_proxy else ""
    return tuple(Hop(parse_proxy(one)) for one in text.split(",") if one.strip())


def _zyte_hop(settings: RunnerSettings) -> Hop | None:
    key = settings.zyte_api_key.get_secret_value() if settings.zyte_api_key else ""
    if not key:
        return None
    return Hop(f"http://{key}:@{settings.zyte_host}:{_ZYTE_PORT}", verify_tls=False)


def _single(hops: tuple[Hop, ...]) -> tuple[Route, ...]:
    return tuple(Route(hop, hop) for hop in hops)


def _two_hop(zyte: Hop | None, proxies: tuple[Hop, ...]) -> tuple[Route, ...]:
    if zyte is None or not proxies:
        raise InvalidSpecError(
            "EGRESS_MODE=two-hop needs both ZYTE_API_KEY and DATACENTER_PROXY.",
            hint="Set both, or EGRESS_MODE=single.",
        )
    return tuple(Route(zyte, hop) for hop in proxies)
