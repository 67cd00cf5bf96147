"""Videos in S3: s3://bucket/key, read with the credentials of the settings."""

import contextlib
import functools
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from slides_api.names import url_key
from slides_api.v1alpha1 import Source as SourceSpec
from slides_runner.errors import (
    AccessDeniedError,
    BadUrlError,
    NetworkError,
    NotAVideoError,
    RemovedError,
    SlidesError,
    StorageUnavailableError,
    TimedOutError,
    TooBigError,
)
from slides_runner.settings import RunnerSettings
from slides_runner.sources import Media, OnDownload, VideoInfo
from slides_runner.sources.http import MEDIA_SUFFIXES
from slides_runner.sources.http_client import PARALLEL
from slides_runner.sources.local_media import build_media
from slides_runner.sources.partial import Remote
from slides_runner.sources.patience import DEFAULT_PATIENCE, Patience
from slides_runner.sources.ranges import RemoteChangedError, fetch

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")  # S3's naming rules, shortened
_READ_BYTES = 1 << 18
_DENIED = {
    "403",
    "401",
    "AccessDenied",
    "AllAccessDisabled",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "XAdminUserNotFound",  # versitygw, for an unknown access key
}
_ABSENT = {"404", "NoSuchBucket", "NoSuchKey", "NotFound"}
_OUT_OF_RANGE = {"416", "InvalidRange"}
_REPLACED = {"412", "PreconditionFailed"}
_LATER = "Try again; what was downloaded is kept."


class S3Source:
    """One object of a bucket."""

    def __init__(
        self,
        url: str,
        spec: SourceSpec,
        settings: RunnerSettings,
        *,
        patience: Patience = DEFAULT_PATIENCE,
    ) -> None:
        """Take an s3:// URL.

        Raises BadUrlError when it names no bucket or no key.
        """
        self._bucket, self._key = parse_s3_url(url)
        self._spec = spec
        self._settings = settings
        self._patience = patience

    def probe(self) -> VideoInfo:
        """Return title and size.

        Raises AccessDeniedError, RemovedError, TooBigError or StorageUnavailableError.
        """
        return self._info(self.inspect())

    def fetch(self, work_dir: Path, on_progress: OnDownload) -> Media:
        """Download the object into `work_dir`, going on with what an earlier call left there.

        Raises as `probe` does, and NetworkError, TimedOutError or DiskFullError.
        """
        path = work_dir / f"{url_key(self._url)}{self._suffix()}"
        remote = fetch(
            self,
            path,
            limit_bytes=self._spec.max_bytes,
            patience=self._patience,
            on_progress=on_progress,
        )
        return build_media(path, self._info(remote), temporary=True)

    @property
    def _url(self) -> str:
        return f"s3://{self._bucket}/{self._key}"

    def _suffix(self) -> str:
        suffix = PurePosixPath(self._key).suffix.lower()
        return suffix if suffix in MEDIA_SUFFIXES else ".media"

    @functools.cached_property
    def _client(self) -> "S3Client":
        return build_client(self._settings, self._patience)

    def inspect(self) -> Remote:
        """Return the object's present version.

        Raises as `probe` does.
        """
        # Not HEAD: its answers have no body, so they cannot say what is wrong.
        with self._translated_errors(whole=True):
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key, Range="bytes=0-0")
            answer["Body"].close()
        size = int(answer["ContentRange"].rpartition("/")[2])
        limit = self._spec.max_bytes
        if limit is not None and size > limit:
            raise TooBigError(
                f"{self._url} has {size:,} bytes, {limit:,} are allowed.", hint="Raise maxBytes."
            )
        return Remote(size, answer.get("ETag"), ranged=True, media_type=answer.get("ContentType"))

    @contextlib.contextmanager
    def open(self, remote: Remote, start: int, end: int | None) -> Iterator[Iterator[bytes]]:
        """Open a range of that version.

        Raises RemoteChangedError, and as `probe` does.
        """
        condition: dict[str, Any] = {"IfMatch": remote.validator} if remote.validator else {}
        last = "" if end is None else end - 1
        with self._translated_errors():
            answer = self._client.get_object(
                Bucket=self._bucket, Key=self._key, Range=f"bytes={start}-{last}", **condition
            )
            with contextlib.closing(answer["Body"]) as body:
                yield iter(lambda: body.read(_READ_BYTES), b"")

    def _info(self, remote: Remote) -> VideoInfo:
        return VideoInfo(
            key=url_key(self._url),
            url=self._url,
            extractor="s3",
            title=PurePosixPath(self._key).stem or None,
            size_bytes=remote.size_bytes,
        )

    @contextlib.contextmanager
    def _translated_errors(self, *, whole: bool = False) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if whole and code in _OUT_OF_RANGE:
                raise NotAVideoError(
                    f"{self._url} is empty.", hint="Check that it was uploaded whole."
                ) from error
            if code in _OUT_OF_RANGE | _REPLACED:
                raise RemoteChangedError from error
            raise _client_error(error, self._url) from error
        except BotoCoreError as error:
            raise _transport_error(error, self._url) from error


def parse_s3_url(url: str) -> tuple[str, str]:
    """Return bucket and key of an s3:// URL.

    Raises BadUrlError.
    """
    parts = urlsplit(url)
    # The key is everything after the bucket: S3 keys may hold ? and #.
    key = url.partition("://")[2].partition("/")[2]
    if not _BUCKET.match(parts.netloc) or not key or key.endswith("/"):
        raise BadUrlError(
            f"{url!r} names no object in a bucket.", hint="Write s3://bucket/path/to/video.mp4."
        )
    return parts.netloc, key


def build_client(settings: RunnerSettings, patience: Patience) -> "S3Client":
    """Return a client for the settings' endpoint; without keys boto3's own chain finds some."""
    access, secret = settings.s3_access_key, settings.s3_secret_key or settings.s3_access_key
    # A custom endpoint has no region of its own, but the signature needs one.
    region = "us-east-1" if settings.s3_endpoint else None
    return boto3.session.Session().client(
        "s3",
        endpoint_url=settings.s3_endpoint,
        region_name=settings.s3_region or boto3.session.Session().region_name or region,
        aws_access_key_id=access.get_secret_value() if access else None,
        aws_secret_access_key=secret.get_secret_value() if access and secret else None,
        config=Config(
            connect_timeout=patience.connect_s,
            read_timeout=patience.idle_s,
            retries={"total_max_attempts": patience.attempts, "mode": "standard"},
            max_pool_connections=PARALLEL,
            s3={"addressing_style": "path" if settings.s3_endpoint else "auto"},
        ),
    )


def _client_error(error: ClientError, url: str) -> SlidesError:
    code = error.response["Error"]["Code"]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _DENIED or status in (401, 403):
        return AccessDeniedError(
            f"{url} may not be read ({code}).", hint="Check S3_ACCESS_KEY and the bucket's policy."
        )
    if code in _ABSENT or status == HTTPStatus.NOT_FOUND:
        return RemovedError(f"{url} does not exist.", hint="Check bucket and key.")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or code in ("SlowDown", "RequestTimeout"):
        return StorageUnavailableError(f"{url}: the store answers {code}.", hint="Try again later.")
    return AccessDeniedError(f"{url}: the store refuses the request ({code}).", hint="Check it.")


def _transport_error(error: BotoCoreError, url: str) -> SlidesError:
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return AccessDeniedError(
            f"No credentials for {url}.", hint="Set S3_ACCESS_KEY and S3_SECRET_KEY."
        )
    if isinstance(error, (ConnectTimeoutError, ReadTimeoutError)):
        return TimedOutError(f"The store does not answer in time for {url}.", hint=_LATER)
    if isinstance(error, ResponseStreamingError):
        return NetworkError(f"{url}: the connection was cut.", hint=_LATER)
    return StorageUnavailableError(
        f"The store cannot be reached for {url}.", hint="Check S3_ENDPOINT, or try again later."
    )
