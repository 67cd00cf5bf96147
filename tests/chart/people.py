"""Who acts on the cluster in these tests: users and ServiceAccounts, with their own tokens."""

import base64
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from slides_api.wellknown import API_VERSION, EXTRACTION_KIND, EXTRACTIONS, RUNNER_MANAGER
from tests.chart.charts import Object
from tests.cluster.client import Cluster, KubectlError
from tests.cluster.light import LightCluster

Status = Mapping[str, Any]

SECOND = "physics"
"""A namespace beside the release's."""
UNSCHEDULED_POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "spec": {
        "serviceAccountName": "slides-runner",
        "containers": [{"name": "runner", "image": "localhost/none"}],
    },
}
POLICY_LIMIT_S = 30.0
"""Chosen: the API server takes a new policy up within seconds."""


@dataclass(frozen=True)
class Question:
    """Whether somebody may do something."""

    user: str
    verb: str
    resource: str
    """With its group and subresource: `slideextractions.slides-extractor.dev/status`."""
    namespace: str = ""
    name: str = ""
    groups: tuple[str, ...] = ()

    def review(self) -> Object:
        """Return the SubjectAccessReview that asks it."""
        resource, _, subresource = self.resource.partition("/")
        resource, _, group = resource.partition(".")
        attributes = {
            "verb": self.verb,
            "group": group,
            "resource": resource,
            "subresource": subresource,
            "namespace": self.namespace,
            "name": self.name,
        }
        return {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": self.user,
                "groups": list(self.groups),
                "resourceAttributes": attributes,
            },
        }


def account(namespace: str, name: str) -> str:
    """Return the user name of a ServiceAccount."""
    return f"system:serviceaccount:{namespace}:{name}"


def answers(cluster: Cluster, questions: Iterable[Question]) -> dict[Question, bool]:
    """Return what the API server says to all of them."""
    asked = list(questions)
    bodies = {"apiVersion": "v1", "kind": "List", "items": [q.review() for q in asked]}
    printed = cluster.kubectl("create", "--filename=-", "--output=json", input=json.dumps(bodies))
    reviews = _documents(printed)
    return {q: review["status"]["allowed"] for q, review in zip(asked, reviews, strict=True)}


def _documents(printed: str) -> list[Object]:
    """Return the objects of kubectl's answer: a List, or one JSON text after the other."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(printed):
        one, at = decoder.raw_decode(printed, at)
        found += one.get("items", [one])
        at += len(printed[at:]) - len(printed[at:].lstrip())
    return found


class RefusedError(Exception):
    """The API server refused; the message is its own."""


@dataclass(frozen=True)
class Person:
    """Somebody who has a token and nothing else."""

    server: str
    tls: ssl.SSLContext = field(repr=False)
    token: str = field(repr=False)

    def call(self, method: str, path: str, body: object = None, *, kind: str = "json") -> Object:
        """Return the API server's answer. Raises RefusedError."""
        request = urllib.request.Request(  # noqa: S310 - the test's own server
            f"{self.server}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": f"application/{kind}",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.tls) as answer:  # noqa: S310 - as above
                answered: Object = json.load(answer)
        except urllib.error.HTTPError as e:
            with e:
                raise RefusedError(json.load(e)["message"]) from None
        return answered

    def apply_status(self, namespace: str, name: str, status: Status) -> Object:
        """Apply a status as the runner does."""
        body = {
            "apiVersion": API_VERSION,
            "kind": EXTRACTION_KIND,
            "metadata": {"name": name},
            "status": status,
        }
        query = f"fieldManager={RUNNER_MANAGER}&force=true"
        return self.call(
            "PATCH", f"{_status(namespace, name)}?{query}", body, kind="apply-patch+yaml"
        )

    def merge_status(self, namespace: str, name: str, status: Status, **others: object) -> Object:
        """Merge into a status."""
        body = {"status": status, **others}
        return self.call("PATCH", _status(namespace, name), body, kind="merge-patch+json")


def _status(namespace: str, name: str) -> str:
    return f"/apis/{API_VERSION}/namespaces/{namespace}/{EXTRACTIONS}/{name}/status"


def authority(cluster: Cluster) -> str:
    """Return the certificate that the API server's is signed with."""
    (one,) = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"]
    return base64.b64decode(one["cluster"]["certificate-authority-data"]).decode()


def person(cluster: LightCluster, token: str) -> Person:
    """Return who has this token."""
    tls = ssl.create_default_context(cadata=authority(cluster))
    return Person(cluster.server, tls, token.strip())


def runner(cluster: LightCluster, *, namespace: str, pod: str, account: str) -> Person:
    """Make a pod of this name and return whoever has its token."""
    meta = {"name": pod, "namespace": namespace}
    spec = {**UNSCHEDULED_POD["spec"], "serviceAccountName": account}
    body = {**UNSCHEDULED_POD, "metadata": meta, "spec": spec}
    cluster.kubectl("create", "--filename=-", input=json.dumps(body))
    bound = ("--bound-object-kind=Pod", f"--bound-object-name={pod}")
    return person(cluster, cluster.kubectl("create", "token", account, "-n", namespace, *bound))


def create_extraction(cluster: Cluster, namespace: str, name: str) -> Object:
    """Create a SlideExtraction and return it."""
    body = {
        "apiVersion": API_VERSION,
        "kind": EXTRACTION_KIND,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"source": {"url": "https://example.com/talk.mp4"}},
    }
    printed = cluster.kubectl("create", "--filename=-", "--output=json", input=json.dumps(body))
    created: Object = json.loads(printed)
    return created


def until_the_policy_works(cluster: Cluster, namespace: str) -> None:
    """Wait until the API server refuses what the policy forbids."""
    name = "is-the-policy-there"
    create_extraction(cluster, namespace, name)
    # A member of masters, so that RBAC does not refuse first.
    stranger = ("--as", account(namespace, "default"), "--as-group=system:masters")
    end = time.monotonic() + POLICY_LIMIT_S
    while True:
        try:
            merged = {"status": {"run": {"attempt": 1}}}
            cluster.kubectl(
                "patch",
                "slx",
                name,
                "-n",
                namespace,
                "--subresource=status",
                "--type=merge",
                f"--patch={json.dumps(merged)}",
                *stranger,
            )
        except KubectlError as e:
            if "ValidatingAdmissionPolicy" in str(e):
                break
            raise
        assert time.monotonic() < end, "the API server does not take up the policy"
        time.sleep(0.2)
    cluster.kubectl("delete", "slx", name, "-n", namespace)
