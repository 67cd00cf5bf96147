"""The installed product: chart, images, a store and a server of talks, and ways to disturb them."""

import base64
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import urllib3

from tests.cluster.client import KubectlError
from tests.cluster.node import NodeCluster
from tests.e2e.install import SYSTEM
from tests.e2e.talks import Resource as KubernetesObject
from tests.e2e.talks import Talks
from tests.media import make_talk
from tests.runner.sources.media_server import MediaServer, Resource
from tests.s3_server import S3Server

BUCKET = "talks"
SLOWLY = 20
"""Bytes a hundred times a second: the slow talk then takes minutes, longer than any test waits, and
is no stream yet that the runner takes for a hanging one."""
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
QUICK = {"retry": {"limit": 3, "initialSeconds": 1, "maxSeconds": 5}}


class Refused(Exception):  # noqa: N818 - what the API server says, not a fault of the test
    """The API server refused it."""


@dataclass(frozen=True)
class Product:
    """Everything an end-to-end test touches."""

    cluster: NodeCluster
    talks: Talks
    media: MediaServer
    s3: S3Server
    folder: Path
    talk_bytes: bytes
    slow_bytes: bytes
    """The same talk many times over: of `slow_talk`."""
    talk_duration_s: float
    talk_url: str

    # Talks.

    def new_talk_url(self, **options: Any) -> str:
        """Return the URL of a talk that no other test uses."""
        body = self.talk_bytes
        if options:
            body = make_talk(
                self.folder / f"{secrets.token_hex(4)}.mp4", **options
            ).path.read_bytes()
        return self.media.put(f"/{secrets.token_hex(6)}.mp4", Resource(body=body))

    def slow_talk(self) -> tuple[str, str]:
        """Return path and URL of a talk that takes its time until `hurry` is called."""
        path = f"/{secrets.token_hex(6)}.mp4"
        return path, self.media.put(path, Resource(body=self.slow_bytes, drips=SLOWLY))

    def slow_talk_url(self) -> str:
        return self.slow_talk()[1]

    def hurry(self) -> None:
        """Serve all slow talks at full speed from now on."""
        for resource in self.media.resources.values():
            resource.drips = 0

    def sent_bytes(self, path: str) -> int:
        return sum(one.sent_bytes for one in self.media.log() if one.path == path)

    @staticmethod
    def pause(seconds: float) -> None:
        time.sleep(seconds)

    # The store.

    def object_at(self, uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return self.s3.read(bucket, key)

    def keys_below(self, prefix_uri: str) -> list[str]:
        """Return the keys below a URI, without what they have in common."""
        bucket, _, prefix = prefix_uri.removeprefix("s3://").partition("/")
        return [key.removeprefix(prefix) for key in self.s3.keys(bucket, prefix)]

    def keys_of(self, seen: KubernetesObject) -> list[str]:
        """Return the keys of an extraction's objects, wherever it came to."""
        status = seen["status"]
        if "result" in status:
            return self.keys_below(status["result"]["manifestURI"].removesuffix("manifest.json"))
        key = status.get("video", {}).get("key")
        return self.s3.keys(BUCKET, f"{key}/") if key else []

    @contextmanager
    def s3_away(self) -> Iterator[None]:
        """Refuse connections to the store until the block ends."""
        with self.s3.stopped():
            yield

    @contextmanager
    def s3_frozen(self) -> Iterator[None]:
        """Leave requests to the store without an answer until the block ends."""
        with self.s3.frozen():
            yield

    # Namespaces.

    def new_namespace(
        self,
        name: str,
        *,
        bucket: str = BUCKET,
        secret_key: str | None = None,
        with_secret: bool = True,
    ) -> Talks:
        """Return a further namespace with its own configuration."""
        make_namespace(self.cluster, name)
        make_config(self.cluster, name, self.s3, bucket)
        if with_secret:
            self.make_secret(name, secret_key=secret_key)
        return Talks(self.cluster.kubectl, name, QUICK)

    def make_secret(self, namespace: str, *, secret_key: str | None = None) -> None:
        make_secret(self.cluster, namespace, self.s3, secret_key=secret_key)

    # The operator.

    def leader(self) -> str:
        """Return the name of the pod that leads."""
        lease = json.loads(
            self.cluster.kubectl("-n", SYSTEM, "get", "lease", "slides-operator", "-o", "json")
        )
        return str(lease["spec"].get("holderIdentity") or "").partition("_")[0]

    def kill_leader(self, *, for_good: bool = False) -> None:
        """End the operator that leads with SIGKILL; `for_good` deletes its pod as well."""
        pod = self.leader()
        self.cluster.kill_container(SYSTEM, pod)
        if for_good:
            self.cluster.kubectl("-n", SYSTEM, "delete", "pod", pod, "--grace-period=0", "--force")

    @contextmanager
    def without_operator(self) -> Iterator[None]:
        """Run no operator at all until the block ends."""
        self._scale(0)
        try:
            yield
        finally:
            self._scale(2)

    def _scale(self, replicas: int) -> None:
        chosen = ["-n", SYSTEM, "deployment", "-l", "app.kubernetes.io/component=operator"]
        self.cluster.kubectl("scale", *chosen, f"--replicas={replicas}")
        if replicas:
            self.cluster.kubectl("rollout", "status", *chosen, "--timeout=60s")

    # Tokens.

    def any_pod(self) -> KubernetesObject:
        """Return a runner's pod, running or finished."""
        return self.talks.find("pods")[0]

    def token_of(self, pod: KubernetesObject) -> str:
        bound = ["--bound-object-kind=Pod", f"--bound-object-name={pod['metadata']['name']}"]
        return self.talks.run("create", "token", "slides-runner", *bound).strip()

    def as_token(self, token: str, *arguments: str) -> str:
        """Run kubectl with nothing but a token. Raises Refused."""
        try:
            return self.cluster.as_token(token).kubectl(
                "--namespace", self.talks.namespace, *arguments
            )
        except KubectlError as e:
            raise Refused(str(e)) from e

    def patch_status(self, token: str, name: str, status: KubernetesObject) -> None:
        """Change the status of an extraction with nothing but a token. Raises Refused.

        kubectl reads before it patches, which a runner may not; so this asks as runners do.
        """
        config = json.loads(
            self.cluster.as_token(token).kubectl("config", "view", "--raw", "-ojson")
        )
        cluster = config["clusters"][0]["cluster"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        group = "apis/slides-extractor.dev/v1alpha1"
        path = f"{group}/namespaces/{self.talks.namespace}/slideextractions/{name}/status"
        with urllib3.PoolManager(ca_cert_data=authority) as http:
            answer = http.request(
                "PATCH",
                f"{cluster['server']}/{path}",
                json={"status": status},
                headers={
                    "Authorization": f"Bearer {token}",
                    "Content-Type": "application/merge-patch+json",
                },
            )
        if answer.status != HTTPStatus.OK:
            raise Refused(answer.json()["message"])


def make_namespace(cluster: NodeCluster, name: str) -> None:
    """Make a namespace that admits restricted pods alone."""
    body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": RESTRICTED},
    }
    cluster.kubectl("apply", "-f", "-", input=json.dumps(body))


def make_config(cluster: NodeCluster, namespace: str, s3: S3Server, bucket: str) -> None:
    """Say where outputs go, as users do, and make the bucket."""
    s3.ensure_bucket(bucket)
    data = {"S3_ENDPOINT": s3.endpoint, "S3_BUCKET_NAME": bucket}
    _apply(cluster, namespace, "ConfigMap", "slides-extractor-config", data=data)


def make_secret(
    cluster: NodeCluster, namespace: str, s3: S3Server, *, secret_key: str | None = None
) -> None:
    """Hand over the store's credentials, as users do."""
    data = {
        "S3_ACCESS_KEY": s3.access_key,
        "S3_SECRET_KEY": secret_key or s3.secret_key,
        "API_PASSWORD": "not-for-runners",
    }
    _apply(cluster, namespace, "Secret", "slides-extractor-secrets", stringData=data)


def _apply(
    cluster: NodeCluster, namespace: str, kind: str, name: str, **content: dict[str, str]
) -> None:
    metadata = {"name": name, "namespace": namespace}
    body = {"apiVersion": "v1", "kind": kind, "metadata": metadata, **content}
    cluster.kubectl("apply", "-f", "-", input=json.dumps(body))
