"""JSON by pydantic's parser, the fastest that is here, and by Python's for what that one refuses.

It gives up at some 200 levels and at half a surrogate pair. The API server passes on both where a
schema is open, and an object that cannot be read would keep the cache from ever being full.
"""

import json
from typing import Any

import pydantic_core


def from_json(text: bytes) -> Any:  # noqa: ANN401 - whatever the document is
    """Return what the document says. Raises ValueError for what is no JSON."""
    try:
        return pydantic_core.from_json(text)
    except ValueError:
        return json.loads(text)


def to_json(value: object) -> bytes:
    """Return the document, without spaces."""
    try:
        return pydantic_core.to_json(value)
    except ValueError:  # PydanticSerializationError is one
        return json.dumps(value, separators=(",", ":")).encode()
