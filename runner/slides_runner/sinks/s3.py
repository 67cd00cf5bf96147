"""An S3 bucket as a sink: private, parallel, and never half-written with a manifest.

Objects get no ACL: what the bucket's owner decided holds, and links are presigned on demand. The
manifest is written last, under the condition that nobody wrote one meanwhile (If-None-Match), or
that the one to be replaced is still the same (If-Match). A store that knows neither is noticed
beforehand, said, and asked by GET instead, which leaves a moment in which two runs may collide.

A forced replacement takes the old manifest away before the first object changes, so that no
manifest ever names an object that is not the one it describes. Objects that stay the same are not
sent again; when all do, the old manifest stays until the new one takes its place. An interrupted
run leaves objects without a manifest, which the next run takes up. What a killed multipart upload
leaves is the bucket's lifecycle rules to clear.

The credentials need s3:PutObject and s3:GetObject, and s3:DeleteObject for forced replacements.
"""

from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Literal, TypedDict

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's name; the builtin is not used here
    HTTPClientError,
)

from slides_runner.artifacts import LocalFile, sha256_of
from slides_runner.errors import (
    InvalidSpecError,
    OutputConflictError,
    SlidesError,
    StorageUnavailableError,
    UploadDeniedError,
)
from slides_runner.settings import RunnerSettings
from slides_runner.sinks import MANIFEST_KEY, StoredManifest, Warn
from slides_runner.sinks.existing import named_keys

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

PARALLEL_UPLOADS = 8
"""Objects on their way at once; chosen: hides the round trips of small files, easy on any store."""
PARTS_AT_ONCE = 4
MULTIPART_BYTES = 16 * 1024 * 1024
"""Larger files go in parts of this size; S3 wants 5 MiB or more and at most 10,000 parts."""
ATTEMPTS = 4
"""Per request, with botocore's exponential backoff: outlasts a blip, fails within a minute."""
CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 60
DEFAULT_REGION = "us-east-1"
"""What stores other than AWS take for any region."""
LONGEST_LINK_S = 7 * 24 * 3600
"""Signature version 4 allows no longer validity."""
PROBE_KEY = ".slides-extractor-probe"
PROBE_ETAG = '"00000000000000000000000000000000"'
"""An ETag that no object has."""

NOT_THERE = frozenset({"NoSuchKey", "404", "NotFound"})
CONDITION_FAILED = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})
NOT_IMPLEMENTED = frozenset({"NotImplemented", "501"})
TOO_MANY_REQUESTS = 429
SERVER_ERRORS = 500
HINTS = {
    "NoSuchBucket": "Create the bucket, or name another in the output or S3_BUCKET_NAME.",
    "InvalidBucketName": "Name a valid bucket in the output or S3_BUCKET_NAME.",
    "PermanentRedirect": "Set S3_REGION to the bucket's region.",
    "AuthorizationHeaderMalformed": "Set S3_REGION to the bucket's region.",
    "RequestTimeTooSkewed": "Set this machine's clock.",
}
CREDENTIALS_HINT = (
    "Check S3_ACCESS_KEY, S3_SECRET_KEY and S3_ENDPOINT, and that they may read and write there."
)


class Condition(TypedDict, total=False):
    """The header under which a write happens."""

    IfMatch: str
    IfNoneMatch: str


def build_client(settings: RunnerSettings, *, warn: Warn, attempts: int = ATTEMPTS) -> "S3Client":
    """Return an S3 client for the settings, or for boto3's own chain where they name no key.

    Raises InvalidSpecError.
    """
    custom = settings.s3_endpoint is not None
    access_key, secret_key = _credentials(settings, warn)
    compatible: Literal["when_required", "when_supported"] = (
        "when_required" if custom else "when_supported"
    )
    config = Config(
        signature_version="s3v4",
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        max_pool_connections=PARALLEL_UPLOADS * PARTS_AT_ONCE,
        s3={"addressing_style": "path" if custom else "auto"},
        # Trailing checksums are newer than many stores: they store the framing or refuse it.
        request_checksum_calculation=compatible,
        response_checksum_validation=compatible,
    )
    session = boto3.Session()
    try:
        return session.client(
            "s3",
            endpoint_url=settings.s3_endpoint,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            region_name=settings.s3_region or session.region_name or DEFAULT_REGION,
            config=config,
        )
    except ValueError as e:
        raise InvalidSpecError(
            f"S3_ENDPOINT {settings.s3_endpoint!r} is no URL.", hint="It looks like https://host."
        ) from e


def _credentials(settings: RunnerSettings, warn: Warn) -> tuple[str | None, str | None]:
    access_key, secret_key = settings.s3_access_key, settings.s3_secret_key
    if access_key is None and secret_key is not None:
        raise InvalidSpecError(
            "S3_SECRET_KEY is set without S3_ACCESS_KEY.", hint="Set both, or neither."
        )
    if access_key is None:
        return None, None
    if secret_key is None:
        warn("S3_SECRET_KEY is not set: S3_ACCESS_KEY serves as both.")
    return access_key.get_secret_value(), (secret_key or access_key).get_secret_value()


class S3Sink:
    """Outputs under one prefix of a bucket; see the module for its rules."""

    def __init__(self, client: "S3Client", *, bucket: str, prefix: str, warn: Warn) -> None:
        """Take a client and the place; `prefix` is empty or ends with a slash."""
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._warn = warn
        self._conditional: bool | None = None
        """Whether the store honours conditions; None until it was asked."""
        self._seen: StoredManifest | None = None
        self._taken_away = False
        self._taking_away = Lock()
        self._written: set[str] = set()

    def uri(self, key: str) -> str:
        """Return s3://bucket/prefix/key."""
        return f"s3://{self._bucket}/{self._prefix}{key}"

    def local_path(self, key: str) -> None:
        """Return None: nothing lies on this machine."""

    def link(self, key: str, *, expires_s: int) -> str:
        """Return a presigned GET link. Raises InvalidSpecError beyond seven days."""
        if not 0 < expires_s <= LONGEST_LINK_S:
            raise InvalidSpecError(
                f"A link cannot be valid for {expires_s} s.", hint="Seven days are the most."
            )
        with self._explained():
            return self._client.generate_presigned_url(
                "get_object", Params=self._object(key), ExpiresIn=expires_s
            )

    def read_manifest(self) -> StoredManifest | None:
        """Return the manifest under the prefix, or None."""
        self._seen = self._read()
        return self._seen

    def prepare(self) -> None:
        """Refuse credentials and buckets that would fail later.

        A write under a condition that nothing meets asks for the permission and shows whether the
        store honours conditions, and changes nothing where it does.
        """
        if self._conditional is None:
            self._conditional = self._probe()

    def put(self, files: Iterable[LocalFile]) -> Generator[LocalFile, None, None]:
        """Upload the files in parallel, yielding each as it is there, in no certain order."""
        self.prepare()
        pool = ThreadPoolExecutor(PARALLEL_UPLOADS, thread_name_prefix="upload")
        try:
            uploads = [pool.submit(self._put, file) for file in files]
            for upload in as_completed(uploads):
                yield upload.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def commit(self, manifest: bytes, *, replaces: StoredManifest | None) -> str:
        """Write the manifest under its condition, then delete what the old one alone named."""
        self.prepare()
        expected = None if self._taken_away else replaces
        if self._read() != expected:
            raise self._conflict()
        if expected is None or expected.content != manifest:
            self._write_manifest(manifest, expected)
        self._delete_stale(replaces)
        return self.uri(MANIFEST_KEY)

    def _object(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + key}

    def _probe(self) -> bool:
        with self._explained():
            try:
                self._client.put_object(
                    Bucket=self._bucket, Key=self._prefix + PROBE_KEY, IfMatch=PROBE_ETAG
                )
            except ClientError as e:
                if code_of(e) in NOT_THERE | CONDITION_FAILED:
                    return True
                if code_of(e) not in NOT_IMPLEMENTED:
                    raise
            self._warn(
                f"The store of {self.uri('')} knows no conditional writes: two runs that upload "
                "the same output at the same time may replace each other's."
            )
            with suppress(ClientError):
                self._client.delete_object(Bucket=self._bucket, Key=self._prefix + PROBE_KEY)
            return False

    def _read(self) -> StoredManifest | None:
        with self._explained():
            try:
                answer = self._client.get_object(
                    Bucket=self._bucket, Key=self._prefix + MANIFEST_KEY
                )
                return StoredManifest(answer["Body"].read(), answer["ETag"])
            except ClientError as e:
                # Without s3:ListBucket, AWS answers AccessDenied for a key that is not there.
                if code_of(e) in NOT_THERE | {"AccessDenied"}:
                    return None
                raise

    def _put(self, file: LocalFile) -> LocalFile:
        with self._explained():
            digest = sha256_of(file.path)
            if not self._is_there(file, digest):
                self._take_manifest_away()
                self._upload(file, digest)
        self._written.add(file.key)
        return file

    def _is_there(self, file: LocalFile, digest: str) -> bool:
        try:
            head = self._client.head_object(Bucket=self._bucket, Key=self._prefix + file.key)
        except ClientError as e:
            if _status(e) in {403, 404}:
                return False
            raise
        same_size = head["ContentLength"] == file.path.stat().st_size
        return same_size and head["Metadata"].get("sha256") == digest

    def _take_manifest_away(self) -> None:
        """Delete the manifest that is being replaced, once, before the first object changes."""
        with self._taking_away:
            if self._taken_away:
                return
            if self._read() != self._seen:
                raise self._conflict()
            if self._seen:
                self._client.delete_object(Bucket=self._bucket, Key=self._prefix + MANIFEST_KEY)
            self._taken_away = True

    def _upload(self, file: LocalFile, digest: str) -> None:
        large = file.path.stat().st_size > MULTIPART_BYTES
        with file.path.open("rb") as content:
            self._client.upload_fileobj(
                content,
                self._bucket,
                self._prefix + file.key,
                ExtraArgs={
                    "ContentType": _content_type(file.media_type),
                    "Metadata": {"sha256": digest},
                },
                Config=TransferConfig(
                    multipart_threshold=MULTIPART_BYTES,
                    multipart_chunksize=MULTIPART_BYTES,
                    max_concurrency=PARTS_AT_ONCE,
                    use_threads=large,
                ),
            )

    def _write_manifest(self, manifest: bytes, expected: StoredManifest | None) -> None:
        condition: Condition = {}
        if self._conditional:
            condition = {"IfMatch": expected.version} if expected else {"IfNoneMatch": "*"}
        with self._explained():
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=self._prefix + MANIFEST_KEY,
                    Body=manifest,
                    ContentType="application/json",
                    **condition,
                )
            except ClientError as e:
                if not condition or code_of(e) not in CONDITION_FAILED | NOT_THERE:
                    raise
                self._check_own(manifest, e)

    def _check_own(self, manifest: bytes, error: ClientError) -> None:
        """Pass over a failed condition if the manifest there is ours.

        A write whose answer was lost is sent again, and then meets itself.
        """
        current = self._read()
        if current is None or current.content != manifest:
            raise self._conflict() from error

    def _delete_stale(self, replaced: StoredManifest | None) -> None:
        stale = named_keys(replaced.content) - self._written if replaced else ()
        for key in sorted(stale):
            try:
                self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)
            except (ClientError, BotoCoreError):
                self._warn(f"{self.uri(key)} is no longer needed but could not be deleted.")

    def _conflict(self) -> OutputConflictError:
        return OutputConflictError(
            f"Another run wrote {self.uri(MANIFEST_KEY)} meanwhile.",
            hint="Run again to see whether its output is what you want.",
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError) as e:
            raise explain(e, place=self.uri("")) from e


def explain(error: ClientError | BotoCoreError, *, place: str) -> SlidesError:
    """Return the runner's error for one of botocore about a place in S3."""
    if isinstance(error, ClientError):
        return _explain_answer(error, place)
    if isinstance(error, ConnectionError | HTTPClientError):
        return StorageUnavailableError(
            f"The S3 store of {place} does not answer: {error}.",
            hint="Check S3_ENDPOINT and the network, then run again.",
        )
    return UploadDeniedError(f"{place} cannot be used: {error}.", hint=CREDENTIALS_HINT)


def _explain_answer(error: ClientError, place: str) -> SlidesError:
    code, status = code_of(error), _status(error)
    if status >= SERVER_ERRORS or status == TOO_MANY_REQUESTS or code == "SlowDown":
        return StorageUnavailableError(
            f"The S3 store of {place} fails: {code} ({status}).",
            hint="It may recover: run again later; what was uploaded is not sent again.",
        )
    return UploadDeniedError(
        f"The S3 store refuses {place}: {code}.", hint=HINTS.get(code, CREDENTIALS_HINT)
    )


def code_of(error: ClientError) -> str:
    """Return what S3 calls an error."""
    return error.response.get("Error", {}).get("Code", "")


def _status(error: ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _content_type(media_type: str) -> str:
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type
