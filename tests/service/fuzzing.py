"""Requests made of the API's description, and answers held against it, by schemathesis.

Streams and jobs that exist are asked for too: half of the ids are those that it is given.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
HOOKS = "tests.service.fuzz_hooks"
IDS = "FUZZ_IDS"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
)
"""That no answer is undocumented. What is right to refuse, tests of each route say."""
SERVER_ERRORS = frozenset({"ServerError", "ContentTypeServerError"})
CONFIGURATION = """\
[checks]
# 501 is no failure: a kind of job whose outputs are still to come says so.
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "501"]

[[operations]]
# The stream of a job that waits goes on: what comes of it by then is looked at.
include-path = "/jobs/{id}/stream"
request-timeout = 1.0
"""
LEFT_OUT = "/drain"
"""After it, every submission is refused."""
SEED = 1
"""The same requests again, so that a run stands beside the one before."""


@dataclass(frozen=True)
class Fuzzed:
    """What came of it."""

    cases: int
    server_errors: int
    """Kinds of 5xx."""
    failures: tuple[str, ...]
    """All that was not as described, 5xx among it."""
    said: str
    """What schemathesis printed, with a curl command for each failure."""


def fuzz(
    url: str,
    folder: Path,
    *,
    password: str,
    per_operation: int,
    ids: Sequence[str] = (),
    limit_s: float = 540,
) -> Fuzzed:
    """Send what covers each part of the description, and so many random requests per operation."""
    report = folder / "report.json"
    configuration = folder / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)
    options = {
        "header": f"Authorization: Bearer {password}",
        "exclude-path": LEFT_OUT,
        "max-examples": per_operation,
        "phases": "coverage,fuzzing",
        "checks": ",".join(CHECKS),
        "report": "json",
        "report-json-path": report,
        "seed": SEED,
        "generation-database": "none",
        "request-timeout": 30,
    }
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--no-color"),
            *(f"--config-file={configuration}", "run", f"{url}/openapi.json"),
            *(f"--{name}={value}" for name, value in options.items()),
            "--no-shrink",
        ],
        cwd=folder,  # it leaves what it remembers there
        env={
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "SCHEMATHESIS_HOOKS": HOOKS,
            IDS: ",".join(ids),
        },
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )
    if not report.exists():
        raise RuntimeError(f"schemathesis did not run: {done.stdout}{done.stderr}")
    return _read(json.loads(report.read_text()), done.stdout)


def _read(report: dict[str, Any], said: str) -> Fuzzed:
    found = [*report["failures"], *report["errors"]]
    return Fuzzed(
        cases=report["test_cases"]["generated"],
        server_errors=sum(one.get("type") in SERVER_ERRORS for one in found),
        failures=tuple(f"{one.get('title')}: {one.get('operations')}" for one in found),
        said=said,
    )
