"""What schemathesis is told beyond the description: ids of jobs that exist."""

import os
import zlib
from typing import Any

import schemathesis

from tests.service.fuzzing import IDS

KNOWN = [name for name in os.environ.get(IDS, "").split(",") if name]
NAMES = frozenset({"id", "job_id", "jobId", "video_id"})


@schemathesis.hook
def map_path_parameters(_: schemathesis.HookContext, parameters: Any) -> Any:
    """Put a job that exists in the place of every other id."""
    if not isinstance(parameters, dict) or not KNOWN:
        return parameters
    return {
        name: _known(str(value)) if name in NAMES else value for name, value in parameters.items()
    }


def _known(value: str) -> str:
    number = zlib.crc32(value.encode(errors="surrogatepass"))
    return KNOWN[number // 2 % len(KNOWN)] if number % 2 else value
