"""HTTP for our own downloads: guarded addresses, redirects by hand, statuses as our errors."""

import contextlib
import re
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urljoin

import certifi
import urllib3
from urllib3.contrib.socks import SOCKSProxyManager
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    InsecureRequestWarning,
    LocationValueError,
    NameResolutionError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.exceptions import ProxyError as Urllib3ProxyError
from urllib3.util import Timeout, Url, make_headers, parse_url

from slides_api import __version__
from slides_runner.errors import (
    AccessDeniedError,
    BadUrlError,
    GeoBlockedError,
    NetworkError,
    ProxyError,
    RateLimitedError,
    RemovedError,
    ServerError,
    SlidesError,
    TimedOutError,
)
from slides_runner.sources.egress import Hop
from slides_runner.sources.patience import Patience
from slides_runner.sources.redaction import public_url, redact
from slides_runner.sources.url_guard import AddressGuard, guard_pools

PARALLEL = 4
"""At most as many connections to one server; more is what servers block."""

_MAX_REDIRECTS = 10  # chosen: half of what browsers follow; nothing honest comes close
_READ_BYTES = 1 << 16
_REDIRECTS = (301, 302, 303, 307, 308)
# A download is passed on only whole and unpacked: Range counts the bytes of what is transferred.
_HEADERS = {"User-Agent": f"slides-extractor/{__version__}", "Accept-Encoding": "identity"}


class Answer:
    """A response whose body has not been read yet."""

    def __init__(self, response: urllib3.BaseHTTPResponse, url: str) -> None:
        """Take the response and the URL that gave it, after redirects."""
        self._response = response
        self.url = url
        self.status = response.status
        self.headers = response.headers

    def chunks(self) -> Iterator[bytes]:
        """Yield the body as it arrives, however little arrives at a time.

        Raises NetworkError when it ends before its announced length, TimedOutError when it stalls.
        """
        with translated_errors(self.url):
            while chunk := self._response.read1(_READ_BYTES, decode_content=False):
                yield chunk

    def start(self, size: int, *, within_s: float) -> bytes:
        """Return up to `size` first bytes of the body, as far as they come within that time."""
        deadline = time.monotonic() + within_s
        data = b""
        for chunk in self.chunks():
            data += chunk
            if len(data) >= size or time.monotonic() > deadline:
                break
        return data[:size]

    def close(self) -> None:
        """Drop the connection with whatever was not read."""
        self._response.close()


class HttpClient:
    """Sends GET requests through one hop."""

    def __init__(self, hop: Hop, guard: AddressGuard, patience: Patience) -> None:
        """Take the way out, what may be connected to, and how long to wait."""
        self._guard = guard
        self._pools = _build_pools(hop, guard, patience)

    @contextlib.contextmanager
    def get(
        self, url: str, headers: dict[str, str] | None = None, *, accept: tuple[int, ...] = ()
    ) -> Iterator[Answer]:
        """Yield the answer to a GET after redirects, each of them checked; it is closed at the end.

        Raises what `status_error` says for a status above 399 that is not among those accepted.
        """
        answer = self._follow(url, headers or {})
        try:
            if answer.status >= HTTPStatus.BAD_REQUEST and answer.status not in accept:
                raise status_error(answer.status, answer.url, answer.headers.get("Retry-After"))
            yield answer
        finally:
            answer.close()

    def close(self) -> None:
        """Close idle connections."""
        self._pools.clear()

    def _follow(self, url: str, headers: dict[str, str]) -> Answer:
        origin = _origin(self._guard.check_url(url))
        for _ in range(_MAX_REDIRECTS + 1):
            answer = self._send(url, headers)
            target = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or not target:
                return answer
            answer.close()
            url = urljoin(url, target)
            if _origin(self._guard.check_url(url)) != origin:
                headers = {k: v for k, v in headers.items() if k != "Authorization"}
        raise NetworkError(f"{public_url(url)} redirects in a circle.", hint="Check the URL.")

    def _send(self, url: str, headers: dict[str, str]) -> Answer:
        parsed = self._guard.check_url(url)
        bare = parsed._replace(auth=None).url
        with translated_errors(url):
            response = self._pools.request(
                "GET",
                bare,
                headers=_HEADERS | _basic_auth(parsed) | headers,
                preload_content=False,
                redirect=False,
                retries=False,
            )
        return Answer(response, url)


def _build_pools(hop: Hop, guard: AddressGuard, patience: Patience) -> urllib3.PoolManager:
    options: dict[str, Any] = {
        "maxsize": PARALLEL,
        "timeout": Timeout(connect=patience.connect_s, read=patience.idle_s),
        "ssl_context": _tls(verify=hop.verify_tls),
    }
    if hop.proxy is None:
        pools = urllib3.PoolManager(**options)
        if not guard.allow_private:
            guard_pools(pools)
        return pools
    if hop.proxy.startswith("socks"):
        return SOCKSProxyManager(hop.proxy, **options)
    auth = parse_url(hop.proxy).auth
    proxy_headers = make_headers(proxy_basic_auth=unquote(auth)) if auth else None
    return urllib3.ProxyManager(hop.proxy, proxy_headers=proxy_headers, **options)


def _tls(*, verify: bool) -> ssl.SSLContext:
    """Return a context that trusts the system's authorities and certifi's: one may be missing."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if not verify:
        # Told once, by the documentation of Zyte's proxy mode; not again at each request.
        urllib3.disable_warnings(InsecureRequestWarning)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _basic_auth(url: Url) -> dict[str, str]:
    if not url.auth:
        return {}
    made = make_headers(basic_auth=unquote(url.auth))
    return {"Authorization": made["authorization"]}


def _origin(url: Url) -> tuple[str | None, str | None, int | None]:
    return url.scheme, url.host, url.port


@contextlib.contextmanager
def translated_errors(url: str) -> Iterator[None]:
    """Turn urllib3's errors into ours."""
    try:
        yield
    except HTTPError as error:
        raise _transport_error(error, public_url(url)) from error
    except OSError as error:  # a socket error that urllib3 let through while reading
        raise NetworkError(f"{public_url(url)}: {redact(str(error))}.", hint=_LATER) from error


_LATER = "Try again; what was downloaded is kept."


def _transport_error(error: HTTPError, url: str) -> SlidesError:
    if isinstance(error, Urllib3ProxyError):
        why = redact(str(error.original_error))
        return ProxyError(f"The egress proxy failed for {url}: {why}.", hint="Check the proxy.")
    if isinstance(error, (ConnectTimeoutError, ReadTimeoutError)):
        return TimedOutError(f"{url} does not answer in time.", hint=_LATER)
    if isinstance(error, SSLError):
        return NetworkError(
            f"{url}: no trusted connection: {redact(str(error))}.", hint="Check the address."
        )
    if isinstance(error, NameResolutionError):
        return NetworkError(f"The host of {url} has no address.", hint="Check its spelling.")
    if isinstance(error, LocationValueError):
        return BadUrlError(f"{url!r} is not an http(s) URL.", hint="Check its spelling.")
    return NetworkError(f"{url}: {redact(str(error))}.", hint=_LATER)


def status_error(status: int, url: str, retry_after: str | None) -> SlidesError:
    """Return the error that an HTTP status above 399 stands for."""
    what = f"{public_url(url)} answers {status}"
    when = parse_retry_after(retry_after, datetime.now(UTC))
    match status:
        case 401 | 403:
            return AccessDeniedError(
                f"{what}: access is denied.",
                hint="Give a login for it, or a signed URL that is fresh.",
            )
        case 404 | 410:
            return RemovedError(f"{what}: nothing is there.", hint="Check the URL.")
        case 407:
            return ProxyError(
                "The egress proxy refuses its credentials (407).", hint="Check the proxy's URL."
            )
        case 429:
            return RateLimitedError(
                f"{what}: too many requests.", hint="Try again later.", retry_after=when
            )
        case 451:
            return GeoBlockedError(
                f"{what}: withheld for legal reasons.", hint="Use a proxy in another country."
            )
    if status in (408, 425) or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServerError(f"{what}: a server error.", hint="Try again later.", retry_after=when)
    return AccessDeniedError(f"{what}: the server refuses the request.", hint="Check the URL.")


def parse_retry_after(value: str | None, now: datetime) -> datetime | None:
    """Return when a Retry-After header (seconds or an HTTP date, RFC 9110 10.2.3) points to."""
    if not value:
        return None
    if re.fullmatch(r"\d{1,9}", value.strip()):
        return now + timedelta(seconds=int(value))
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
