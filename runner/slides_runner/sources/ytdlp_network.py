"""yt-dlp with its requests under guard: every URL, redirect and resolved address is checked.

yt-dlp sends requests through handlers that can be exchanged. Only two are left, each guarded: the
one of `requests`, and the one of curl for sites that want a browser's TLS fingerprint. Those for
FTP, file and WebSocket URLs are gone, and so is ffmpeg, which would fetch what a playlist names
unguarded.
"""
# ruff: noqa: ANN401 - yt-dlp, requests and curl_cffi pass most of these on without types

import collections
import functools
import weakref
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from curl_cffi import CurlOpt
from curl_cffi.requests import Session
from yt_dlp import YoutubeDL
from yt_dlp.downloader import get_suitable_downloader
from yt_dlp.downloader.fragment import FragmentFD
from yt_dlp.networking._curlcffi import CurlCFFIRH  # type: ignore[import-not-found]
from yt_dlp.networking._helper import get_redirect_method
from yt_dlp.networking._requests import (  # type: ignore[import-not-found]
    RequestsHTTPAdapter,
    RequestsRH,
)
from yt_dlp.networking.common import Request, RequestDirector, Response
from yt_dlp.networking.exceptions import HTTPError, RequestError

from slides_runner.errors import AddressRefusedError, BadUrlError
from slides_runner.sources.url_guard import AddressGuard, guard_pools
from slides_runner.sources.ytdlp_fragments import whole_fragments

_MAX_REDIRECTS = 5  # as yt-dlp's own curl handler allows
_REDIRECTS = (301, 302, 303, 307, 308)
_REFUSALS_KEPT = 8  # chosen: an extractor reads the body of the last at most
_PORTS = {"http": 80, "https": 443}


class RefusedRequestError(RequestError):
    """A request that the guard refused; neither yt-dlp nor its extractors repeat it."""


class GuardedYoutubeDL(YoutubeDL):
    """yt-dlp that connects only where the guard lets it."""

    def __init__(
        self,
        options: dict[str, Any],
        *,
        guard: AddressGuard,
        trusted_url: str | None = None,
        before_request: Callable[[], None] = lambda: None,
    ) -> None:
        """Take yt-dlp's options and the guard.

        `trusted_url` names a service of our own, say the PO-token provider, that may lie in a
        private network. `before_request` may raise to end a download that is being stopped.
        """
        self._guard = guard
        self._trusted_url = trusted_url
        self._before_request = before_request
        self._answers: weakref.WeakSet[Response] = weakref.WeakSet()
        self._refusals: collections.deque[Response] = collections.deque(maxlen=_REFUSALS_KEPT)
        parameters: Any = options
        super().__init__(parameters)

    def urlopen(self, req: Any) -> Response:
        """Send a request, unless the download is being stopped."""
        self._before_request()
        try:
            answer = super().urlopen(req)
        except HTTPError as error:
            if len(self._refusals) == self._refusals.maxlen:
                self._refusals.popleft().close()
            self._refusals.append(error.response)
            raise
        self._answers.add(answer)
        return answer

    def close(self) -> None:
        """Close what is open: yt-dlp leaves the answers of a stopped download to chance."""
        for answer in (*self._answers, *self._refusals):
            answer.close()
        super().close()

    def dl(self, name: str, info: Any, subtitle: bool = False, test: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Download a file; one that comes in fragments never resumes with a hole."""
        kind: Any = get_suitable_downloader(info, self.params)
        if subtitle or test or kind is None or not issubclass(kind, FragmentFD):
            return super().dl(name, info, subtitle, test)
        inner: Any = self
        downloader = whole_fragments(kind)(inner, inner.params)
        for hook in inner._progress_hooks:  # noqa: SLF001 - as the method that this replaces
            downloader.add_progress_hook(hook)
        copied = inner._copy_infodict(info)  # noqa: SLF001
        if copied.get("http_headers") is None:
            copied["http_headers"] = inner._calc_headers(copied)  # noqa: SLF001
        try:
            return downloader.download(name, copied, subtitle)
        finally:
            downloader.close_file()

    def build_request_director(
        self, handlers: Iterable[Any], preferences: Iterable[Any] | None = None
    ) -> RequestDirector:
        """Return a director with the guarded handlers in place of all others."""
        del handlers
        guarded: Any = [
            functools.partial(GuardedRequestsRH, guard=self._guard, trusted_url=self._trusted_url),
            functools.partial(GuardedCurlCFFIRH, guard=self._guard),
        ]
        return super().build_request_director(guarded, list(preferences or ()))


class _GuardedAdapter(RequestsHTTPAdapter):  # type: ignore[misc]
    """Sends each request, redirects included, only after a look at where it goes."""

    def __init__(self, guard: AddressGuard, **options: Any) -> None:
        self._guard = guard
        super().__init__(**options)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        if not self._guard.allow_private:
            guard_pools(self.poolmanager)

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> Any:
        try:
            self._guard.check_url(request.url or "")
            return super().send(request, *args, **options)
        except (AddressRefusedError, BadUrlError) as error:
            raise RefusedRequestError(cause=error) from error


class GuardedRequestsRH(RequestsRH):  # type: ignore[misc]
    """yt-dlp's first choice, guarded."""

    RH_NAME = "requests"

    def __init__(
        self, *, guard: AddressGuard, trusted_url: str | None = None, **options: Any
    ) -> None:
        """Take the guard and what yt-dlp gives its handlers."""
        self._guard = guard
        self._trusted_url = trusted_url
        super().__init__(**options)

    def _create_instance(self, cookiejar: Any, legacy_ssl_support: Any = None) -> Any:
        session = super()._create_instance(cookiejar, legacy_ssl_support=legacy_ssl_support)
        plain = session.get_adapter("https://")
        guarded = _GuardedAdapter(
            self._guard,
            ssl_context=self._make_sslcontext(legacy_ssl_support=legacy_ssl_support),
            source_address=self.source_address,
            max_retries=urllib3.Retry(0),
        )
        session.mount("https://", guarded)
        session.mount("http://", guarded)
        if self._trusted_url:
            session.mount(self._trusted_url.rstrip("/") + "/", plain)
        return session


class GuardedCurlCFFIRH(CurlCFFIRH):  # type: ignore[misc]
    """The handler that poses as a browser, guarded: curl gets the addresses that were checked."""

    RH_NAME = "curl_cffi"

    def __init__(self, *, guard: AddressGuard, **options: Any) -> None:
        """Take the guard and what yt-dlp gives its handlers."""
        self._guard = guard
        self._pins: dict[str, str] = {}
        self._options: dict[CurlOpt, list[str]] = {}
        super().__init__(**options)

    def _create_instance(self, cookiejar: Any = None) -> Any:
        # A session reads its options at each request, so that they may change in between.
        options: Any = self._options
        return Session(cookies=cookiejar, allow_redirects=False, curl_options=options)

    def _send(self, request: Request) -> Response:
        for _ in range(_MAX_REDIRECTS):
            self._check(request)
            try:
                return self._send_once(request)
            except HTTPError as error:
                target = error.response.headers.get("location")
                if error.status not in _REDIRECTS or not target:
                    raise
                error.close()
                request = _redirected(request, error.status, target)
        self._check(request)
        return self._send_once(request)

    def _send_once(self, request: Request) -> Response:
        response: Response = super()._send(request)
        return response

    def _check(self, request: Request) -> None:
        try:
            parsed = self._guard.check_url(request.url)
            if self._guard.allow_private or any(self._get_proxies(request).values()):
                return
            host, port = str(parsed.host), parsed.port or _PORTS[str(parsed.scheme)]
            addresses = self._guard.resolve(host, port)
        except (AddressRefusedError, BadUrlError, OSError) as error:
            raise RefusedRequestError(cause=error) from error
        self._pins[f"{host.strip('[]')}:{port}"] = ",".join(addresses)
        self._options[CurlOpt.RESOLVE] = [":".join(pin) for pin in self._pins.items()]


def _redirected(request: Request, status: int, target: str) -> Request:
    url = urljoin(request.url, target)
    following = request.copy()
    following.method = get_redirect_method(request.method, status)
    if following.method != request.method:
        following.data = None
    if urlsplit(url)[:2] != urlsplit(request.url)[:2]:
        for name in ("Authorization", "Cookie"):
            following.headers.pop(name, None)
    following.url = url
    return following
