"""Webhooks: where the end of a resource is told, and how that goes."""

from typing import Annotated

from pydantic import Field

from slides_api.v1alpha1.base import (
    ApiModel,
    Count,
    LocalReference,
    StatusModel,
    Timestamp,
    free_text,
    rule,
    rules,
)

CALLBACK_URL = r"^https?://[^\s/?#@\\]+([/?#]\S*)?$"
"""An http(s) URL without a login, which everyone who may read the resource would see."""
LONGEST_CALLBACK_URL = 2048


class Callback(ApiModel):
    """Where the end is told, by an HTTP POST that is signed as Standard Webhooks has it."""

    url: Annotated[
        str,
        Field(
            min_length=1,
            max_length=LONGEST_CALLBACK_URL,
            json_schema_extra=rules(
                rule(
                    f"self.matches(r'{CALLBACK_URL}')",
                    "give a whole http(s) URL without a login, such as "
                    "https://hooks.example.com/talks",
                )
            ),
        ),
    ]
    """http(s) URL that takes the POST; a private address is refused unless the operator's settings
    allow it."""
    secret_ref: LocalReference | None = None
    """Secret with the signing key, webhook-secret; by default the first that the operator's
    settings let it read, and none where that does not exist."""


class CallbackStatus(StatusModel):
    """How the telling of this end goes."""

    id: Annotated[str, *free_text(64)]
    """The header webhook-id, the same in every attempt to tell this end."""
    attempts: Count = 0
    """Attempts so far."""
    next_attempt_at: Timestamp | None = None
    """When the next attempt is due; absent once it was delivered, or given up."""
    delivered_at: Timestamp | None = None
    """When the receiver took it, the last time."""
    last_code: Annotated[int, Field(ge=100, le=999)] | None = None
    """HTTP status of the last answer; absent where there was none."""
    last_error: Annotated[str, *free_text(1024)] | None = None
    """Why the last attempt did not succeed."""
    last_redeliver_at: Timestamp | None = None
    """The annotation slides-extractor.dev/redeliver-at that was last obeyed."""
