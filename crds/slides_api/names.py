"""Names that are computed, never chosen: of videos, storage prefixes, Jobs, claims and items."""

import hashlib
import re

from slides_api.v1alpha1 import Outputs

_HASH_DIGITS = 16
_OPTIONS_DIGITS = 8
_OBJECT_BASE = 40
"""Characters of a resource's name in a Job's: a Job's pods get its name whole up to 57."""
_UID_DIGITS = 8
_CHILD_BASE = 180
"""Characters of a batch's name in an item's: 253 with a dash, 63 of the item, a dash, the UID."""
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


def log_folder(uid: str) -> str:
    """Return where the logs of a resource's attempts lie, below its outputs' prefix."""
    return f"logs/{uid}/"


def log_key(uid: str, attempt: int) -> str:
    """Return where the log of an attempt lies, below its outputs' prefix.

    The UID keeps apart resources that make, or find, the same output.
    """
    return f"{log_folder(uid)}attempt-{attempt}.jsonl"


def job_name(name: str, uid: str, attempt: int) -> str:
    """Return the name of an attempt's Job; the admission policy computes the same in CEL."""
    return f"{_object_base(name, uid)}-{attempt}"


def deletion_job_name(name: str, uid: str, attempt: int) -> str:
    """Return the name of the nth Job that deletes a resource's outputs."""
    return f"{_object_base(name, uid)}-delete-{attempt}"


def claim_name(name: str, uid: str) -> str:
    """Return the name of a resource's work claim."""
    return f"{_object_base(name, uid)}-work"


def child_name(batch: str, uid: str, item: str) -> str:
    """Return the name of the SlideExtraction of a batch's item.

    The batch's UID keeps apart what `a` / `b-c` and `a-b` / `c` would make one, and a batch from
    the children of an earlier one of its name.
    """
    return f"{batch.replace('.', '-')[:_CHILD_BASE]}-{item}-{uid[:_UID_DIGITS]}"


def _object_base(name: str, uid: str) -> str:
    return f"{name.replace('.', '-')[:_OBJECT_BASE]}-{uid[:_UID_DIGITS]}"
