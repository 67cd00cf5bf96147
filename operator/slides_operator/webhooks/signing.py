"""Signatures as Standard Webhooks has them, with the keys of a Secret.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime

from standardwebhooks import Webhook

from slides_api.wellknown import WEBHOOK_SECRET
from slides_operator.errors import DeliveryError

PREFIX = "whsec_"
SHORTEST_KEY, LONGEST_KEY = 24, 64
"""Bytes of a key, as the specification bounds them."""


def read_keys(data: Mapping[str, str], *, secret: str) -> tuple[Webhook, ...]:
    """Return the keys that a Secret's data holds: while one is exchanged, several on a line each.

    Raises DeliveryError.
    """
    try:
        text = base64.b64decode(data[WEBHOOK_SECRET], validate=True).decode("ascii")
        keys = tuple(Webhook(_key(line)) for line in text.split())
    except KeyError:
        raise _unusable(secret, f"it has no {WEBHOOK_SECRET}") from None
    except ValueError:  # of which binascii's and Unicode's are; its text would show the key
        keys = ()
    if not keys:
        raise _unusable(
            secret,
            f"its {WEBHOOK_SECRET} is not {PREFIX} and {SHORTEST_KEY} to {LONGEST_KEY} bytes as "
            "base64",
        )
    return keys


def _key(text: str) -> bytes:
    key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise binascii.Error("length")
    return key


def _unusable(secret: str, why: str) -> DeliveryError:
    return DeliveryError(f"Secret {secret} cannot be used: {why}.", result="secret")


def build_headers(
    keys: Sequence[Webhook], body: bytes, *, message_id: str, now: datetime
) -> dict[str, str]:
    """Return the headers of an attempt; without a key there is no signature among them."""
    headers = {"webhook-id": message_id, "webhook-timestamp": str(int(now.timestamp()))}
    if keys:
        text = body.decode()
        signatures = [key.sign(message_id, now, text) for key in keys]
        headers["webhook-signature"] = " ".join(signatures)
    return headers
