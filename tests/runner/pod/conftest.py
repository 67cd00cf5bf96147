"""A pod's surroundings without a kubelet: real API server, real S3 server, real `slides run`."""

import base64
import json
import secrets
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from slides_api.names import job_name
from tests.chart.charts import render
from tests.cluster.light import LightCluster
from tests.media import make_talk
from tests.runner.gate import Gate, run_gate
from tests.runner.pod.extraction import Extraction, Pod
from tests.runner.sources.media_server import MediaServer, Resource, run_media_server
from tests.s3_server import S3Server

MANIFEST_PADDING = 4_000_000
ACCESS = {
    "apiVersion": "v1",
    "kind": "List",
    "items": [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "slides-runner"}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "slides-runner"},
            "rules": [
                {
                    "apiGroups": ["slides-extractor.dev"],
                    "resources": ["slideextractions/status"],
                    "verbs": ["patch"],
                }
            ],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "slides-runner"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "Role",
                "name": "slides-runner",
            },
            "subjects": [
                {"kind": "ServiceAccount", "name": "slides-runner", "namespace": "default"}
            ],
        },
    ],
}
"""All that a runner may do, in one namespace."""

MakeExtraction = Callable[..., Extraction]
MakePod = Callable[..., Pod]


@pytest.fixture(scope="session")
def guarded_cluster(light_cluster: LightCluster) -> LightCluster:
    """The light cluster with a runner's rights and the chart's admission policy."""
    policy = render(None, "--show-only=templates/runner/admissionpolicy.yaml")
    light_cluster.kubectl("apply", "--filename=-", input=json.dumps(ACCESS))
    for document in policy:
        light_cluster.kubectl("apply", "--filename=-", input=json.dumps(document))
    return light_cluster


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A talk of two slides, the first of them shown twice."""
    path = tmp_path_factory.mktemp("talk") / "talk.mp4"
    make_talk(path, slides=((1, 3.0), (2, 3.0), (1, 3.0)))
    return path.read_bytes()


@pytest.fixture(scope="session")
def large_talk(talk: bytes) -> bytes:
    """The talk with a box that players pass over, which makes it a large download."""
    box = MANIFEST_PADDING.to_bytes(4, "big") + b"free" + bytes(MANIFEST_PADDING - 8)
    return talk + box


@pytest.fixture
def server() -> Iterator[MediaServer]:
    with run_media_server() as running:
        yield running


@pytest.fixture
def url(server: MediaServer, talk: bytes) -> str:
    """Where the talk is."""
    return server.put("/talk.mp4", Resource(talk))


@pytest.fixture
def make_extraction(guarded_cluster: LightCluster) -> Iterator[MakeExtraction]:
    """Create SlideExtractions, which are gone after the test."""
    made: list[Extraction] = []

    def make(url: str, **spec: object) -> Extraction:
        name = f"talk-{secrets.token_hex(4)}"
        body = {
            "apiVersion": "slides-extractor.dev/v1alpha1",
            "kind": "SlideExtraction",
            "metadata": {"name": name},
            "spec": {"source": {"url": url}, **spec},
        }
        created = guarded_cluster.kubectl(
            "create", "--filename=-", "--output=json", input=json.dumps(body)
        )
        made.append(Extraction(guarded_cluster, name, json.loads(created)["metadata"]["uid"]))
        return made[-1]

    yield make
    for one in made:
        one.delete()


@pytest.fixture
def gate(guarded_cluster: LightCluster) -> Iterator[Gate]:
    """A way to the API server that can be closed."""
    address = urlsplit(guarded_cluster.server)
    with run_gate(str(address.hostname), int(address.port or 443)) as running:
        yield running


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    return s3_server.make_bucket()


@pytest.fixture
def store(s3_server: S3Server, bucket: str) -> dict[str, str]:
    """What the namespace's ConfigMap and Secret say of the store."""
    return {
        "S3_ENDPOINT": s3_server.endpoint,
        "S3_ACCESS_KEY": s3_server.access_key,
        "S3_SECRET_KEY": s3_server.secret_key,
        "S3_BUCKET_NAME": bucket,
    }


@pytest.fixture
def make_pod(
    guarded_cluster: LightCluster, gate: Gate, store: dict[str, str], tmp_path: Path
) -> MakePod:
    """Make the surroundings of an extraction's pod, its own token among them."""
    authority = json.loads(
        guarded_cluster.kubectl("config", "view", "--raw", "--flatten", "--output=json")
    )["clusters"][0]["cluster"]["certificate-authority-data"]

    def make(extraction: Extraction, *, attempt: int = 1, **task: object) -> Pod:
        folder = tmp_path / f"pod-{secrets.token_hex(4)}"
        account = folder / "account"
        account.mkdir(parents=True)
        pod_name = f"{job_name(extraction.name, extraction.uid, attempt)}-abcde"
        (account / "ca.crt").write_bytes(base64.b64decode(authority))
        (account / "token").write_text(_pod_token(guarded_cluster, pod_name))
        pod = Pod(folder, {**store, "KUBERNETES_SERVICE_PORT": str(gate.port)})
        pod.task = {
            "namespace": "default",
            "name": extraction.name,
            "uid": extraction.uid,
            "attempt": attempt,
            "spec": extraction.read()["spec"],
            **task,
        }
        return pod

    return make


def _pod_token(cluster: LightCluster, name: str) -> str:
    container = {"name": "runner", "image": "none"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"serviceAccountName": "slides-runner", "containers": [container]},
    }
    cluster.kubectl("create", "--filename=-", input=json.dumps(pod))
    bound = ["--bound-object-kind=Pod", f"--bound-object-name={name}"]
    return cluster.kubectl("create", "token", "slides-runner", *bound)


@pytest.fixture
def closed_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
