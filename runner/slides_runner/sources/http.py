"""Media behind a plain http(s) URL: fetched in ranges, resumed, bounded."""

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from slides_api.names import url_key
from slides_api.v1alpha1 import Source as SourceSpec
from slides_runner.errors import NetworkError, NotAVideoError, ServerError, TooBigError
from slides_runner.sources import Media, OnDownload, VideoInfo
from slides_runner.sources.egress import Egress, Hop, Lease
from slides_runner.sources.http_client import Answer, HttpClient
from slides_runner.sources.local_media import build_media
from slides_runner.sources.partial import Remote
from slides_runner.sources.patience import DEFAULT_PATIENCE, Patience
from slides_runner.sources.ranges import RemoteChangedError, fetch, pauses
from slides_runner.sources.redaction import identity_url, public_url
from slides_runner.sources.url_guard import AddressGuard

_T = TypeVar("_T")

MEDIA_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("mp4", "m4v", "mov", "mkv", "webm", "avi", "mpg", "mpeg"),
        *("ts", "m2ts", "mts", "wmv", "flv", "ogv", "3gp"),
    )
)
"""Endings of URL paths that promise a video file."""

_OUT_OF_RANGE = (HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,)
_SNIFF_BYTES = 1024  # enough for a doctype behind comments; one packet
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
_MARKUP = re.compile(
    rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body|script)", re.IGNORECASE | re.DOTALL
)
_MANIFEST = re.compile(rb"\s*(?:#EXTM3U|<\?xml[^>]*>\s*(?:<!--.*?-->\s*)*<MPD|<MPD)", re.DOTALL)
_OPAQUE = ("", "application/octet-stream", "binary/octet-stream", "application/x-download")


@dataclass(frozen=True)
class Inspection:
    """What the first bytes behind a URL are."""

    remote: Remote
    media_type: str
    """Without parameters, lower case; empty when the server says nothing."""
    head: bytes

    @property
    def is_page(self) -> bool:
        """Whether a browser would show it as a page."""
        if self.media_type in ("text/html", "application/xhtml+xml"):
            return True
        return self.media_type in _OPAQUE and bool(_MARKUP.match(self.head))

    @property
    def is_manifest(self) -> bool:
        """Whether it lists the pieces of a stream: HLS or DASH."""
        named = self.media_type.endswith(("mpegurl", "dash+xml"))
        return named or bool(_MANIFEST.match(self.head))

    @property
    def is_media(self) -> bool:
        """Whether it may be a video file, as far as anybody can tell before decoding it."""
        if self.is_page or self.is_manifest:
            return False
        named = self.media_type.startswith(("video/", "audio/")) or "mp4" in self.media_type
        return named or self.media_type in _OPAQUE


class HttpSource:
    """One media file at a URL."""

    def __init__(
        self,
        url: str,
        spec: SourceSpec,
        *,
        egress: Egress,
        guard: AddressGuard,
        patience: Patience = DEFAULT_PATIENCE,
    ) -> None:
        """Take the URL, the limits of the spec and the way out."""
        self._url = url
        self._spec = spec
        self._lease = Lease(egress)
        self._guard = guard
        self._patience = patience

    def inspect(self) -> Inspection:
        """Return what the URL answers with, having read no more than its first bytes.

        Raises what the answer's status stands for, NotAVideoError for an empty file.
        """
        return self._through_egress(self._inspect)

    def inspect_accepted(self, client: HttpClient) -> Remote:
        """Return the present version of the file.

        Raises as `probe` does.
        """
        inspection = self._inspect(client)
        self._refuse(inspection)
        return inspection.remote

    def probe(self) -> VideoInfo:
        """Return title and size.

        Raises NotAVideoError for a page, TooBigError, and what the answer's status stands for.
        """
        return self._through_egress(lambda client: self._info(self.inspect_accepted(client)))

    def fetch(self, work_dir: Path, on_progress: OnDownload) -> Media:
        """Download the file into `work_dir`, going on with what an earlier call left there.

        Raises as `probe` does, and NetworkError, TimedOutError, ServerError or DiskFullError.
        """
        return self._through_egress(lambda client: self._fetch(client, work_dir, on_progress))

    def _through_egress(self, action: Callable[[HttpClient], _T]) -> _T:
        return self._lease.attempt(lambda route: self._with_client(route.media, action))

    def _with_client(self, hop: Hop, action: Callable[[HttpClient], _T]) -> _T:
        with contextlib.closing(HttpClient(hop, self._guard, self._patience)) as client:
            return action(client)

    def _inspect(self, client: HttpClient) -> Inspection:
        retrying = Retrying(
            retry=retry_if_exception_type((NetworkError, ServerError)),
            stop=stop_after_attempt(self._patience.attempts),
            wait=pauses(self._patience),
            reraise=True,
        )
        return retrying(self._inspect_once, client)

    def _inspect_once(self, client: HttpClient) -> Inspection:
        header = {"Range": f"bytes=0-{_SNIFF_BYTES - 1}"}
        with client.get(self._url, header, accept=_OUT_OF_RANGE) as answer:
            remote = observe_remote(answer)
            head = answer.start(_SNIFF_BYTES, within_s=self._patience.connect_s)
        if not head or answer.status in _OUT_OF_RANGE:
            raise NotAVideoError(
                f"{public_url(self._url)} is empty.", hint="Check that it was uploaded whole."
            )
        return Inspection(remote, remote.media_type or "", head)

    def _refuse(self, inspection: Inspection) -> None:
        if inspection.is_page:
            raise NotAVideoError(
                f"{public_url(self._url)} answers a web page, not a video.",
                hint="Give the address of the file itself, or of a page that plays the video.",
            )
        if not inspection.is_media and not inspection.media_type.startswith("text/plain"):
            raise NotAVideoError(
                f"{public_url(self._url)} answers {inspection.media_type}, not a video.",
                hint="Give the address of a video file.",
            )
        limit, size = self._spec.max_bytes, inspection.remote.size_bytes
        if limit is not None and size is not None and size > limit:
            raise TooBigError(
                f"{public_url(self._url)} has {size:,} bytes, {limit:,} are allowed.",
                hint="Raise maxBytes.",
            )

    def _fetch(self, client: HttpClient, work_dir: Path, on_progress: OnDownload) -> Media:
        path = work_dir / _file_name(self._url)
        remote = fetch(
            _HttpFile(self, client, self._url),
            path,
            limit_bytes=self._spec.max_bytes,
            patience=self._patience,
            on_progress=on_progress,
        )
        return build_media(path, self._info(remote), temporary=True)

    def _info(self, remote: Remote) -> VideoInfo:
        return VideoInfo(
            key=url_key(identity_url(self._url)),
            url=public_url(self._url),
            extractor="http",
            title=unquote(PurePosixPath(urlsplit(self._url).path).stem) or None,
            size_bytes=remote.size_bytes,
        )


@dataclass(frozen=True)
class _HttpFile:
    """The file seen through one client."""

    source: HttpSource
    client: HttpClient
    url: str

    def inspect(self) -> Remote:
        return self.source.inspect_accepted(self.client)

    @contextlib.contextmanager
    def open(self, remote: Remote, start: int, end: int | None) -> Iterator[Iterator[bytes]]:
        headers = _range_headers(remote, start, end) if remote.ranged else {}
        with self.client.get(self.url, headers, accept=_OUT_OF_RANGE) as answer:
            if remote.ranged and not _is_same(answer, remote, start):
                raise RemoteChangedError
            yield answer.chunks()


def observe_remote(answer: Answer) -> Remote:
    """Return what an answer to a request for the first bytes says of the whole file."""
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    ranged, size = _observed_size(answer)
    return Remote(size, _validator(answer), ranged, media_type)


def _observed_size(answer: Answer) -> tuple[bool, int | None]:
    found = _CONTENT_RANGE.match(answer.headers.get("Content-Range", ""))
    if answer.status == HTTPStatus.PARTIAL_CONTENT and found and found[3] != "*":
        return True, int(found[3])
    length = answer.headers.get("Content-Length", "")
    if answer.status == HTTPStatus.OK and length.isdecimal():
        return False, int(length)
    return False, None


def _validator(answer: Answer) -> str | None:
    # RFC 9110 13.1.5: If-Range takes no weak ETag; a date serves then.
    etag = answer.headers.get("ETag", "")
    return etag if etag.startswith('"') else answer.headers.get("Last-Modified")


def _range_headers(remote: Remote, start: int, end: int | None) -> dict[str, str]:
    headers = {"Range": f"bytes={start}-{'' if end is None else end - 1}"}
    if remote.validator:
        headers["If-Range"] = remote.validator
    return headers


def _is_same(answer: Answer, remote: Remote, start: int) -> bool:
    found = _CONTENT_RANGE.match(answer.headers.get("Content-Range", ""))
    if answer.status != HTTPStatus.PARTIAL_CONTENT or not found or not found[1]:
        return False
    return int(found[1]) == start and found[3] in ("*", str(remote.size_bytes))


def _file_name(url: str) -> str:
    suffix = PurePosixPath(urlsplit(url).path).suffix.lower()
    digest = hashlib.sha256(identity_url(url).encode()).hexdigest()[:16]
    return digest + (suffix if suffix in MEDIA_SUFFIXES else ".media")
