"""Objects as users write them, and how an API server answers them."""

import json
from dataclasses import dataclass
from typing import Any

from slides_api.wellknown import API_VERSION, BATCH_KIND, EXTRACTION_KIND
from tests.cluster.client import Cluster, KubectlError

URL = "https://example.com/talk.mp4"
ITEM = {"name": "one", "url": URL}
LONGEST_NAME = ("a" * 61 + ".") * 4 + "a" * 5
"""253 characters, as long as a name may be."""


def extraction(name: str, **spec: Any) -> dict[str, Any]:
    """A SlideExtraction with a source, unless told otherwise."""
    return _object(EXTRACTION_KIND, name, {"source": {"url": URL}} | spec)


def batch(name: str, **spec: Any) -> dict[str, Any]:
    """A SlideExtractionBatch with an item, unless told otherwise."""
    return _object(BATCH_KIND, name, {"items": [ITEM]} | spec)


def _object(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    given = {key: value for key, value in spec.items() if value is not ...}
    metadata = {"name": name}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": given}


@dataclass(frozen=True)
class Client:
    """kubectl in a namespace of its own."""

    cluster: Cluster
    namespace: str

    def kubectl(self, *arguments: str, send: object = None) -> str:
        """Return what kubectl prints. Raises KubectlError."""
        text = None if send is None else json.dumps(send)
        return self.cluster.kubectl("--namespace", self.namespace, *arguments, input=text)

    def get(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Return an object as the API server has it."""
        name = f"{sent['kind']}/{sent['metadata']['name']}"
        found: dict[str, Any] = json.loads(self.kubectl("get", name, "--output=json"))
        return found

    def create(self, sent: dict[str, Any], *, dry: bool = False) -> dict[str, Any]:
        """Return an object as the API server makes it. Raises KubectlError."""
        flags = ["--dry-run=server"] if dry else []
        answer = self.kubectl("create", *flags, "--filename=-", "--output=json", send=sent)
        made: dict[str, Any] = json.loads(answer)
        return made

    def patch(self, sent: dict[str, Any], spec: dict[str, Any]) -> None:
        """Merge into an object's spec. Raises KubectlError."""
        name = f"{sent['kind']}/{sent['metadata']['name']}"
        self.kubectl("patch", name, "--type=merge", "--patch-file=/dev/stdin", send={"spec": spec})

    def apply_status(self, sent: dict[str, Any], manager: str, status: dict[str, Any]) -> None:
        """Apply a part of a status, as operator and runner do. Raises KubectlError."""
        kept = {key: sent[key] for key in ("apiVersion", "kind")}
        body = kept | {"metadata": {"name": sent["metadata"]["name"]}, "status": status}
        flags = ["--server-side", "--subresource=status", f"--field-manager={manager}"]
        self.kubectl("apply", *flags, "--filename=-", send=body)

    def refusal(self, sent: dict[str, Any]) -> str:
        """Return why an object is refused, nothing where it is not."""
        try:
            self.create(sent, dry=True)
        except KubectlError as e:
            return str(e)
        return ""
