"""Deleting an output from S3: its manifest first, so that nothing half-deleted looks complete.

The credentials need s3:ListBucket and s3:DeleteObject, and s3:AbortMultipartUpload to clear what a
killed upload left. Objects go one by one, eight at once: not every store deletes many at a time.
Whatever is gone already, the bucket itself included, is as it should be.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from slides_runner.errors import UploadDeniedError
from slides_runner.sinks import MANIFEST_KEY, OutputFolder
from slides_runner.sinks.s3 import NOT_THERE, code_of, explain

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

AT_ONCE = 8
"""Chosen: hides the round trips, easy on any store."""
PERMISSIONS = "Deleting outputs needs s3:ListBucket and s3:DeleteObject."


def delete_output(client: "S3Client", folder: OutputFolder, *, check: Callable[[], None]) -> int:
    """Delete everything in a folder and return how many objects that were.

    `check` is called before each page and raises InterruptedRunError to stop. Raises
    UploadDeniedError and StorageUnavailableError; called again, it goes on.
    """
    try:
        return _delete(client, folder, check)
    except ClientError as e:
        if code_of(e) == "NoSuchBucket":
            return 0
        raise _explained(e, folder) from e
    except BotoCoreError as e:
        raise _explained(e, folder) from e


def _explained(error: ClientError | BotoCoreError, folder: OutputFolder) -> Exception:
    ours = explain(error, place=f"s3://{folder.bucket}/{folder.prefix}")
    if isinstance(ours, UploadDeniedError):
        ours.hint = f"{ours.hint} {PERMISSIONS}"
    return ours


def _delete(client: "S3Client", folder: OutputFolder, check: Callable[[], None]) -> int:
    listing = client.get_paginator("list_objects_v2")
    deleted = 0
    for number, page in enumerate(listing.paginate(Bucket=folder.bucket, Prefix=folder.prefix)):
        check()
        if number == 0:  # only now: whoever may not list could not go on where this stops
            _delete_object(client, folder.bucket, folder.prefix + MANIFEST_KEY)
        keys = [found["Key"] for found in page.get("Contents", [])]
        _delete_objects(client, folder.bucket, keys)
        deleted += len(keys)
    _abort_uploads(client, folder)
    return deleted


def _delete_objects(client: "S3Client", bucket: str, keys: Iterable[str]) -> None:
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="delete") as pool:
        for one in [pool.submit(_delete_object, client, bucket, key) for key in keys]:
            one.result()


def _delete_object(client: "S3Client", bucket: str, key: str) -> None:
    try:
        client.delete_object(Bucket=bucket, Key=key)
    except ClientError as e:
        if code_of(e) not in NOT_THERE:
            raise


def _abort_uploads(client: "S3Client", folder: OutputFolder) -> None:
    """Clear the parts of uploads that were never finished, where the store lets us."""
    with suppress(ClientError):
        found = client.list_multipart_uploads(Bucket=folder.bucket, Prefix=folder.prefix)
        for upload in found.get("Uploads", []):
            client.abort_multipart_upload(
                Bucket=folder.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
            )
