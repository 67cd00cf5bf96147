"""Delays that differ a little, so that what failed together is not tried again together."""

import hashlib
from datetime import timedelta

JITTER = 0.1
"""Share by which they differ: chosen."""


def spread(delay: timedelta, uid: str, attempt: int) -> timedelta:
    """Return a delay a little longer or shorter, the same for the same attempt."""
    digest = hashlib.sha256(f"{uid}/{attempt}".encode()).digest()
    share = int.from_bytes(digest[:4], "big") / 0x7FFFFFFF - 1
    return delay * (1 + JITTER * share)
