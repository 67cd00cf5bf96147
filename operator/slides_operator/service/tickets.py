"""Signed claims that expire: tickets for streams, and the page's session.

Both are `claims.mac`, HMAC-SHA256 over purpose and claims: nothing is stored, so every replica
with the same SECRET_KEY takes what another gave.
"""

import base64
import binascii
import hashlib
import hmac
import json
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from slides_operator.errors import SettingsError

Claims = dict[str, Any]

SHORTEST_KEY = 16
"""Chosen: whoever holds a ticket may try keys in peace; so many characters are beyond guessing."""
LONGEST = 4096
"""Chosen: browsers refuse longer cookies (RFC 6265 6.1), and a URL has to stay below 8 KiB."""
FINGERPRINT_BYTES = 12


class Purpose(StrEnum):
    """What signed claims are for; one is never taken for another."""

    TICKET = "ticket"
    SESSION = "session"


class TooLongError(Exception):
    """The claims are more than a URL or a cookie can carry."""


class Signer:
    """Signs claims with the first of its keys, and takes what any of them has signed."""

    def __init__(self, keys: str, now: Callable[[], datetime]) -> None:
        """Take SECRET_KEY: a comma list, the new key before those it replaces.

        Raises SettingsError.
        """
        self._keys = [key.strip().encode() for key in keys.split(",") if key.strip()]
        if not self._keys or min(map(len, self._keys)) < SHORTEST_KEY:
            raise SettingsError(f"SECRET_KEY: each key needs {SHORTEST_KEY} characters or more")
        self._now = now

    def sign(self, purpose: Purpose, claims: Claims, *, lifetime_s: float) -> tuple[str, datetime]:
        """Return the signed claims and when they expire. Raises TooLongError."""
        expires = int(self._now().timestamp() + lifetime_s)
        plain = json.dumps({**claims, "exp": expires}, separators=(",", ":")).encode()
        body = _encode(zlib.compress(plain, 9))
        signed = f"{body}.{_encode(_mac(self._keys[0], purpose, body))}"
        if len(signed) > LONGEST:
            raise TooLongError(f"{len(signed)} characters")
        return signed, datetime.fromtimestamp(expires, UTC)

    def read(self, purpose: Purpose, signed: str) -> Claims | None:
        """Return the claims; None if they were not signed here for this, or have expired."""
        body, _, mac = signed.partition(".")
        if len(signed) > LONGEST or not self._is_ours(purpose, body, mac):
            return None
        claims: Claims = json.loads(zlib.decompress(_decode(body)))
        return claims if claims.pop("exp") > self._now().timestamp() else None

    def fingerprint(self, secret: str) -> str:
        """Return what tells a secret from another without giving it away."""
        return _fingerprint(self._keys[0], secret)

    def is_of(self, fingerprint: str, secret: str) -> bool:
        """Return whether a fingerprint is this secret's, by any of the keys."""
        return any(
            hmac.compare_digest(_fingerprint(key, secret), fingerprint) for key in self._keys
        )

    def _is_ours(self, purpose: Purpose, body: str, mac: str) -> bool:
        try:
            given = _decode(mac)
        except (binascii.Error, ValueError):
            return False
        return any(hmac.compare_digest(_mac(key, purpose, body), given) for key in self._keys)


def _mac(key: bytes, purpose: str, text: str) -> bytes:
    message = f"{purpose}\0{text}".encode(errors="surrogateescape")
    return hmac.new(key, message, hashlib.sha256).digest()


def _fingerprint(key: bytes, secret: str) -> str:
    return _encode(_mac(key, "fingerprint", secret)[:FINGERPRINT_BYTES])


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
