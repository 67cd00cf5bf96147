"""The API server's own count of what each client wrote: its audit log."""

import json
from collections import Counter
from http import HTTPStatus
from pathlib import Path

POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "resources": [{"group": "coordination.k8s.io"}]},
        {"level": "Metadata", "verbs": ["create", "update", "patch", "delete", "deletecollection"]},
        {"level": "None"},
    ],
}
"""All writes but those of Leases, which are made however many resources there are."""

REFUSED = "refused"


class Audit:
    """Counts the writes of the operator as they are made."""

    def __init__(self, folder: Path) -> None:
        self._policy, self._log = folder / "audit-policy.json", folder / "audit.log"
        self._policy.write_text(json.dumps(POLICY))
        self._log.touch()
        self._read = 0
        self._counts: Counter[str] = Counter()

    @property
    def flags(self) -> list[str]:
        """Flags of the API server."""
        return [
            f"--audit-policy-file={self._policy}",
            f"--audit-log-path={self._log}",
            "--audit-log-maxsize=100000",  # MiB: one file, never turned
        ]

    def writes(self) -> Counter[str]:
        """Return the operator's writes so far by verb and resource; refused ones say so."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            for line in log:
                if not line.endswith(b"\n"):
                    break  # the rest of it is still to come
                self._read += len(line)
                if what := _operators(line):
                    self._counts[what] += 1
        return self._counts.copy()


def _operators(line: bytes) -> str:
    """Return what the operator wrote, if this was the operator."""
    if b'"userAgent":"slides-operator' not in line and b'"userAgent":"kopf' not in line:
        return ""
    event = json.loads(line)
    ref = event["objectRef"]
    resource = "/".join(part for part in (ref["resource"], ref.get("subresource")) if part)
    refused = f", {REFUSED}" if event["responseStatus"]["code"] >= HTTPStatus.BAD_REQUEST else ""
    return f"{event['verb']} {resource}{refused}"
