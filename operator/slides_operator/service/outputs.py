"""What runners stored, as the service reads it: manifests, logs, links that need no credentials.

The service has credentials of its own for one bucket. A status can be forged by whoever may write
it, so what it names is believed only where a runner puts outputs of that very video:
`…/{video key}/{options hash}/manifest.json` in the service's bucket.
"""

import asyncio
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from slides_api.names import log_key, storage_prefix
from slides_api.v1alpha1 import Outputs as WantedOutputs
from slides_operator.extraction.objects import Json
from slides_operator.service.problems import ProblemError
from slides_operator.service.settings import ServiceSettings

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

AT_ONCE = 8
"""Requests to the store; chosen: callers wait for each other rather than fill the process."""
ATTEMPTS = 2
CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 15
DEFAULT_REGION = "us-east-1"
"""What stores other than AWS take for any region."""
MOST_BYTES = 32 * 1024 * 1024
"""Of a manifest; chosen: a talk of ten hours that changes every second has a third of it."""
LOGS_REST_S = 30.0
"""Chosen: who polls a log hardly waits, and a store that is back is soon asked."""
MANIFEST = re.compile(r"s3://([^/]+)/((?:.*/)?([^/]+)/[0-9a-f]{8}/)manifest\.json")
NOT_THERE = frozenset({"NoSuchKey", "NoSuchBucket", "404", "NotFound"})
DENIED = frozenset({"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the outputs of one extraction lie."""

    bucket: str
    prefix: str
    """Ends with a slash."""


class Outputs:
    """The bucket of outputs."""

    def __init__(
        self, settings: ServiceSettings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._logs_rest_until_s = 0.0
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._opening = threading.Lock()
        self._client: S3Client | None = None

    def place(self, resource: Json) -> Place:
        """Return where an extraction's result lies.

        Raises ProblemError 409 before there is one, 501 where this service cannot read it.
        """
        status = resource.get("status") or {}
        uri = (status.get("result") or {}).get("manifestURI") or ""
        if not uri:
            raise ProblemError(409, "This job has no result yet")
        found = MANIFEST.fullmatch(uri)
        if found is None or found[3] != (status.get("video") or {}).get("key"):
            raise ProblemError(501, f"{uri} is no place that runners store outputs in")
        if found[1] != self._settings.s3_bucket_name or not self._is_own_store(resource):
            raise ProblemError(
                501, f"{uri} lies in another store than S3_BUCKET_NAME of the service"
            )
        return Place(found[1], found[2])

    def expected_place(self, resource: Json) -> Place | None:
        """Return where an extraction's attempts store what they make, if it is read from here."""
        spec, video = resource["spec"], (resource.get("status") or {}).get("video") or {}
        s3 = (spec.get("storage") or {}).get("s3") or {}
        bucket = s3.get("bucket") or self._settings.s3_bucket_name
        if not video.get("key") or bucket != self._settings.s3_bucket_name:
            return None
        try:
            outputs = WantedOutputs.model_validate(spec.get("outputs") or {})
        except ValueError:  # a newer version's outputs: its options hash is not known here
            return None
        parts = [(s3.get("prefix") or "").strip("/"), storage_prefix(video["key"], outputs)]
        own = self._is_own_store(resource)
        return Place(bucket, "/".join(part for part in parts if part)) if own else None

    def _is_own_store(self, resource: Json) -> bool:
        s3 = (resource["spec"].get("storage") or {}).get("s3") or {}
        named, own = s3.get("endpoint"), self._settings.s3_endpoint
        return not named or named.rstrip("/") == (own or "").rstrip("/")

    async def read(self, place: Place, key: str) -> bytes:
        """Return what lies below a place. Raises ProblemError."""
        return await self._ask(lambda client: _read(client, place, key))

    async def log(self, place: Place, uid: str, attempt: int) -> bytes:
        """Return the log that an attempt left, empty where it left none or none can be read.

        Whoever asks for many would wait for each: a store that failed is left alone for a while.
        """
        if self._clock() < self._logs_rest_until_s:
            return b""
        try:
            return await self.read(place, log_key(uid, attempt))
        except ProblemError as e:
            if e.status != 404:  # noqa: PLR2004 - HTTP: Not Found
                self._logs_rest_until_s = self._clock() + LOGS_REST_S
            return b""

    async def links(self, place: Place, keys: list[str], *, expires_s: int) -> dict[str, str]:
        """Return a link to each key that needs no credentials. Raises ProblemError."""
        return await self._ask(
            lambda client: {key: _link(client, place, key, expires_s) for key in keys}
        )

    async def _ask(self, ask: "Callable[[S3Client], T]") -> T:
        async with self._slots:
            return await asyncio.to_thread(lambda: self._answer(ask))

    def _answer(self, ask: "Callable[[S3Client], T]") -> T:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            with self._opening:
                client = self._client = self._client or build_client(self._settings)
            return ask(client)
        except (BotoCoreError, ClientError) as e:
            raise explain(e) from e


def build_client(settings: ServiceSettings) -> "S3Client":
    """Return an S3 client for the settings, or for boto3's own chain where they name no key.

    Raises ProblemError.
    """
    # Imported where it is needed: boto3 takes 30 MB and a quarter of a second.
    import boto3
    from botocore.config import Config

    access, secret = settings.s3_access_key, settings.s3_secret_key or settings.s3_access_key
    custom = settings.s3_endpoint is not None
    compatible: Literal["when_required", "when_supported"] = (
        "when_required" if custom else "when_supported"
    )
    config = Config(
        signature_version="s3v4",
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        max_pool_connections=AT_ONCE,
        s3={"addressing_style": "path" if custom else "auto"},
        # Trailing checksums are newer than many stores.
        request_checksum_calculation=compatible,
        response_checksum_validation=compatible,
    )
    session = boto3.Session()
    try:
        return session.client(
            "s3",
            endpoint_url=settings.s3_endpoint,
            aws_access_key_id=access.get_secret_value() if access else None,
            aws_secret_access_key=secret.get_secret_value() if secret else None,
            region_name=settings.s3_region or session.region_name or DEFAULT_REGION,
            config=config,
        )
    except ValueError as e:
        raise ProblemError(501, "S3_ENDPOINT of the service is no URL") from e


def _read(client: "S3Client", place: Place, key: str) -> bytes:
    answer = client.get_object(Bucket=place.bucket, Key=place.prefix + key)
    with answer["Body"] as body:
        if answer["ContentLength"] > MOST_BYTES:
            raise ProblemError(502, f"{key} is larger than {MOST_BYTES} bytes")
        return body.read()


def _link(client: "S3Client", place: Place, key: str, expires_s: int) -> str:
    where = {"Bucket": place.bucket, "Key": place.prefix + key}
    return client.generate_presigned_url("get_object", Params=where, ExpiresIn=expires_s)


def explain(error: Exception) -> ProblemError:
    """Return what a caller is told of an error of the store; its own words stay here."""
    from botocore.exceptions import ClientError, NoCredentialsError, PartialCredentialsError

    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return ProblemError(
            501, "The service has no access to outputs: give it S3_ACCESS_KEY and S3_SECRET_KEY"
        )
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in NOT_THERE:
            return ProblemError(404, "The output is not in the bucket any more")
        if code in DENIED:
            return ProblemError(502, "The store refuses the service's credentials")
    return ProblemError(503, "The store does not answer. Ask again.", headers={"Retry-After": "5"})


def stays_within(key: object) -> bool:
    """Return whether a key of a manifest leads nowhere else: anybody may have edited it."""
    if not isinstance(key, str) or "\\" in key:
        return False
    return not any(part in {"", ".", ".."} for part in key.split("/"))


def keys_of(manifest: Json) -> list[str]:
    """Return every key that a manifest names, each once."""
    found: list[Any] = [file.get("key") for file in files_of(manifest)]
    return [key for key in dict.fromkeys(found) if stays_within(key)]


def files_of(manifest: Json) -> list[Json]:
    """Return everything in a manifest that describes a file."""
    slides = objects(manifest.get("slides"))
    shown = [*slides, *(step for slide in slides for step in objects(slide.get("builds")))]
    images = objects([one.get("image") for one in shown])
    return [*images, *objects(manifest.get("artifacts"))]


def objects(value: object) -> list[Json]:
    """Return the objects of a list, whatever it is."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
