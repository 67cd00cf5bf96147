"""Names that are computed, never chosen: video keys, option hashes, storage prefixes."""

import hashlib
import re

from slides_api.v1alpha1 import Outputs

_HASH_DIGITS = 16
_OPTIONS_DIGITS = 8
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


def extractor_key(extractor: str, video_id: str) -> str:
    """Return the key of a video that a site names itself: `youtube-dQw4w9WgXcQ`.

    A character that is unsafe in paths makes the id a hash, since replacing it could make two
    videos one.
    """
    if not video_id or _UNSAFE.search(video_id):
        video_id = hashlib.sha256(video_id.encode()).hexdigest()[:_HASH_DIGITS]
    return f"{_UNSAFE.sub('-', extractor.lower())}-{video_id}"


def url_key(url: str) -> str:
    """Return the key of a video known by its URL alone."""
    return f"url-{hashlib.sha256(url.encode()).hexdigest()[:_HASH_DIGITS]}"


def file_key(sha256_hex: str) -> str:
    """Return the key of a local file, from the SHA-256 of its content."""
    return f"file-{sha256_hex[:_HASH_DIGITS]}"


def options_hash(outputs: Outputs) -> str:
    """Return 8 hexadecimal digits that differ when other outputs are asked for."""
    canonical = outputs.with_default().model_dump_json(by_alias=True, exclude_none=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:_OPTIONS_DIGITS]


def storage_prefix(video_key: str, outputs: Outputs) -> str:
    """Return the prefix of all outputs of a video made with these options, with a final slash."""
    return f"{video_key}/{options_hash(outputs)}/"
