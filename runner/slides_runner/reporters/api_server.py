"""Writing a resource's status: one server-side apply to the API server that runs this pod.

urllib3 is here already and does all that one PATCH needs; the Kubernetes client would add 40 MB to
the image and half a second to the start of every pod. The token is read anew for each request,
since the kubelet replaces it while the pod runs; the authorities are read for each connection.
"""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import Timeout
from urllib3.util.ssl_ import create_urllib3_context

from slides_api.wellknown import API_VERSION, EXTRACTION_KIND, EXTRACTIONS, RUNNER_MANAGER

APPLY = "application/apply-patch+yaml"
"""JSON is YAML, and this is the one media type of server-side apply."""
CONNECT_S = 2.0
READ_S = 5.0
"""Chosen: an API server that is well answers within milliseconds, and the last state can wait for
two tries."""
LEAST_RETRY_AFTER_S = 1.0
POLICY = "ValidatingAdmissionPolicy"
"""In the words of a refusal by an admission policy; one by RBAC says `cannot patch resource`."""


class Verdict(Enum):
    """What became of a write."""

    WRITTEN = auto()
    THROTTLED = auto()
    """Not now: the API server has too much to do."""
    AWAY = auto()
    """No answer, or one that another try may better."""
    OVER = auto()
    """The resource is gone, or another attempt has taken over."""


@dataclass(frozen=True)
class Answer:
    """What the API server said to a write."""

    verdict: Verdict
    message: str = ""
    """In its own words, empty when it was written."""
    retry_after_s: float = 0.0


@dataclass(frozen=True)
class Resource:
    """Which SlideExtraction."""

    namespace: str
    name: str


class ApiServer:
    """Writes the status of one resource; no method raises for what the network does."""

    def __init__(self, host: str, port: int, *, service_account: Path) -> None:
        """Take the address and the folder with the pod's token and the cluster's authorities."""
        self._address = f"https://{f'[{host}]' if ':' in host else host}:{port}"
        self._token = service_account / "token"
        self._pools = urllib3.PoolManager(
            1,
            ca_certs=str(service_account / "ca.crt"),
            ssl_context=build_tls_context(),
            cert_reqs="CERT_REQUIRED",
            timeout=Timeout(connect=CONNECT_S, read=READ_S),
            retries=False,
        )

    def apply(self, resource: Resource, status: Mapping[str, Any], *, within_s: float) -> Answer:
        """Make `status` all that the runner says of the resource, and return what came of it."""
        try:
            response = self._pools.request(
                "PATCH",
                self._address + status_path(resource),
                body=json.dumps(build_patch(resource, status)).encode(),
                headers={"Content-Type": APPLY, "Authorization": f"Bearer {self._read_token()}"},
                timeout=Timeout(connect=min(CONNECT_S, within_s), read=min(READ_S, within_s)),
            )
        except (HTTPError, OSError, ValueError) as e:  # ValueError: a token that is no header
            return Answer(Verdict.AWAY, f"{type(e).__name__}: {e}")
        return read_answer(response.status, response.data, response.headers.get("Retry-After"))

    def close(self) -> None:
        """Close the connection."""
        self._pools.clear()

    def _read_token(self) -> str:
        return self._token.read_text(encoding="ascii").strip()


def build_tls_context() -> ssl.SSLContext:
    """Return a context that trusts the authorities clusters really have.

    Python 3.13 asks certificates for more than those of clusters have, EKS for one:
    https://github.com/kubernetes-client/python/issues/2394
    """
    context = create_urllib3_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def status_path(resource: Resource) -> str:
    """Return path and query of the apply; `force`, since the runner owns what it says."""
    query = urlencode({"fieldManager": RUNNER_MANAGER, "force": "true"})
    names = (quote(resource.namespace, safe=""), EXTRACTIONS, quote(resource.name, safe=""))
    return f"/apis/{API_VERSION}/namespaces/{'/'.join(names)}/status?{query}"


def build_patch(resource: Resource, status: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of the apply."""
    return {
        "apiVersion": API_VERSION,
        "kind": EXTRACTION_KIND,
        "metadata": {"name": resource.name},
        "status": status,
    }


def read_answer(status: int, body: bytes, retry_after: str | None) -> Answer:
    """Return what an answer of the API server means.

    A refusal by RBAC is no end: a role binding may have been made a moment ago and not be known to
    every API server yet. Neither is 401, which a token gets that is just being replaced.
    """
    if status < HTTPStatus.BAD_REQUEST:
        return Answer(Verdict.WRITTEN)
    message = f"{status}: {_message(body)}"
    match status:
        case HTTPStatus.TOO_MANY_REQUESTS:
            return Answer(Verdict.THROTTLED, message, _seconds(retry_after))
        case HTTPStatus.NOT_FOUND:
            return Answer(Verdict.OVER, message)
        case HTTPStatus.FORBIDDEN if POLICY in message:
            return Answer(Verdict.OVER, message)
    return Answer(Verdict.AWAY, message)


def _message(body: bytes) -> str:
    """Return what a Kubernetes Status says, or the body of something else that answered."""
    try:
        said = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        said = body.decode(errors="replace")
    return str(said)[:500]


def _seconds(retry_after: str | None) -> float:
    # The API server sends seconds, never a date (its flowcontrol and max-in-flight handlers).
    given = float(retry_after) if retry_after and retry_after.strip().isdecimal() else 0.0
    return max(LEAST_RETRY_AFTER_S, given)
