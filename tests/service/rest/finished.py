"""A finished talk as it lies in a bucket, and what its status says."""

from typing import Any

from slides_api.names import storage_prefix
from slides_api.v1alpha1 import Outputs
from tests.s3_server import S3Server
from tests.service.rest.jobs003 import completed

KEY = "youtube-dQw4w9WgXcQ"
PREFIX = storage_prefix(KEY, Outputs())
IMAGE = {"key": "slides/0001.webp", "mediaType": "image/webp", "width": 640, "height": 360}
MANIFEST = {
    "schemaVersion": 1,
    "source": {"key": KEY, "title": "Keynote"},
    "ofANewerVersion": True,
    "slides": [
        {
            "index": 1,
            "image": {**IMAGE, "bytes": 7, "sha256": "0" * 64},
            "spans": [{"start": 0.0, "end": 3.5}, {"start": 6.0, "end": 9.0}],
            "builds": [{"start": 0.0, "end": 1.0, "image": {**IMAGE, "key": "slides/0001-1.webp"}}],
            "confidence": 0.9,
        }
    ],
    "artifacts": [
        {"key": "slides.pdf", "kind": "pdf", "mediaType": "application/pdf", "bytes": 3},
        {"key": "../../secrets", "kind": "pdf"},
    ],
}


def settings_of(s3: S3Server, bucket: str) -> dict[str, Any]:
    """Return the settings of a service that reads this bucket."""
    return {
        "s3_endpoint": s3.endpoint,
        "s3_access_key": s3.access_key,
        "s3_secret_key": s3.secret_key,
        "s3_bucket_name": bucket,
    }


def finished(bucket: str) -> dict[str, Any]:
    """Return the status of a talk whose outputs lie in this bucket."""
    status = completed()
    status["result"]["manifestURI"] = f"s3://{bucket}/{PREFIX}manifest.json"
    status["video"]["key"] = KEY
    return status
