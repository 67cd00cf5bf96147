"""`make up`: a cluster, the images, the chart, an S3 store, and a talk followed to its slides.

It takes the cluster of KUBECONFIG, else kind where Docker answers, else one built on this machine.
What is there already is used again.
"""

import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from scripts.images import Image, ImageError, build_images
from tests.cluster.client import KubectlError
from tests.cluster.namespaces import NodeError
from tests.cluster.node import ForeignNode, NodeCluster, keep_cluster
from tests.cluster.processes import StartError
from tests.cluster.s3 import ACCESS_KEY, BUCKET, PORT, SECRET_KEY, install_s3
from tests.cluster.tools import REPOSITORY, ToolMissingError, tool
from tests.e2e.install import RELEASE, SYSTEM, install_chart

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

NAMESPACE = "slides-demo"
"""Of the talk and of the store."""
SAMPLES = REPOSITORY / "samples"
OUTPUT = REPOSITORY / "build" / "up"
NAME = "talk"
"""Of the resource in samples/talk.yaml."""
SOURCE_KEY = "talks/talk.mp4"
"""Where that resource says the talk is."""
PASSWORD = "slides-demo"  # noqa: S105 - of a trial, which only a forwarded port reaches
"""Of the service."""
FOLLOW_LIMIT_S = 600.0
"""Chosen: more than the deadline of a talk of three minutes has ever needed."""
POLL_S = 0.5

Json = dict[str, Any]


class UpError(Exception):
    """There is no way on; the message says why and what to do."""


@dataclass(frozen=True)
class Progress:
    """What a line says of an extraction that is under way."""

    phase: str
    percent: int | None
    message: str

    @classmethod
    def of(cls, resource: Json) -> "Progress":
        """Read it from a resource."""
        status = resource.get("status", {})
        run = status.get("run", {})
        said = run.get("message") or condition(resource).get("message", "")
        return cls(status.get("phase", "Pending"), run.get("percent"), said)

    def line(self) -> str:
        """Return it for a terminal."""
        percent = "" if self.percent is None else f"{self.percent} %"
        return f"{self.phase:<12} {percent:>5}  {self.message}".rstrip()


def condition(resource: Json, kind: str = "Succeeded") -> dict[str, str]:
    """Return a condition of a resource, empty where it has none."""
    conditions = resource.get("status", {}).get("conditions", [])
    return next((one for one in conditions if one["type"] == kind), {})


def main() -> int:
    """Do it all; return the exit code."""
    begun = time.monotonic()
    try:
        step("cluster")
        cluster = keep_cluster()
        print(f"KUBECONFIG={cluster.kubeconfig}")
        check(cluster)
        step("images")
        up(cluster, build_images(), OUTPUT)
    except (ImageError, KubectlError, NodeError, StartError, ToolMissingError, UpError) as e:
        print(f"up: {e}", file=sys.stderr)
        return 1
    print(f"\nup: {time.monotonic() - begun:.0f} s")
    return 0


def check(cluster: NodeCluster) -> None:
    """Raise UpError where images cannot be brought to the nodes."""
    if isinstance(cluster.node, ForeignNode):
        raise UpError(
            "The nodes of this cluster take images from a registry alone. Push them there"
            " (IMAGE_REGISTRY=… make images) and install the chart (docs/production.md), or unset"
            " KUBECONFIG to have a cluster made."
        )


def up(cluster: NodeCluster, images: list[Image], folder: Path) -> None:
    """Install everything into a cluster, follow the sample talk, copy its slides to a folder."""
    for image in images:
        cluster.load_image(image.archive)
    step("S3 store (versitygw)")
    endpoint = install_s3(cluster, NAMESPACE)
    print(f"{endpoint}, bucket {BUCKET}")
    step("chart")
    install_chart(cluster, values=build_values(endpoint, images))
    print(cluster.kubectl("--namespace", SYSTEM, "get", "deployments,pods").strip())
    step("talk")
    with open_store(cluster) as store:
        store.upload_file(str(SAMPLES / "talk.mp4"), BUCKET, SOURCE_KEY)
        cluster.kubectl("--namespace", NAMESPACE, "apply", "--filename", SAMPLES / "talk.yaml")
        resource = follow(cluster)
        step("slides")
        show(cluster, store, resource, folder)
    print(f"\nLook at them: {folder / 'report.html'}\n{next_steps(cluster)}")


def build_values(endpoint: str, images: list[Image]) -> Json:
    """Return the chart's values for a cluster to try things out."""
    operator = next(image for image in images if image.name == "operator")
    return {
        "image": {"registry": "localhost"},
        # The tag is the same after a change of the code: the id has the operator start anew.
        "operator": {"replicas": 1, "podAnnotations": {"slides-extractor.dev/image": operator.id}},
        "runner": {"namespaces": [NAMESPACE], "resources": {"requests": {"cpu": "100m"}}},
        "config": {"create": True, "data": {"S3_ENDPOINT": endpoint, "S3_BUCKET_NAME": BUCKET}},
        "secrets": {
            "create": True,
            "data": {
                "S3_ACCESS_KEY": ACCESS_KEY,
                "S3_SECRET_KEY": SECRET_KEY,
                "API_PASSWORD": PASSWORD,
            },
        },
        "service": {"enabled": True},
        "networkPolicy": {"runner": {"allowedNamespaces": [NAMESPACE]}},
    }


@contextmanager
def open_store(cluster: NodeCluster) -> Iterator["S3Client"]:
    """Give a client of the store in the cluster, by a forwarded port."""
    with cluster.forward("service/s3", PORT, namespace=NAMESPACE) as port:
        client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}),
        )
        with closing(client):
            yield client


def follow(cluster: NodeCluster) -> Json:
    """Print what becomes of the talk until it is done, and return the resource.

    Raises UpError where it failed.
    """
    deadline = time.monotonic() + FOLLOW_LIMIT_S
    last: Progress | None = None
    while time.monotonic() < deadline:
        resource = read(cluster)
        if (now := Progress.of(resource)) != last:
            print(now.line(), flush=True)
            last = now
        match condition(resource).get("status"):
            case "True":
                return resource
            case "False":
                raise UpError(condition(resource)["message"])
        time.sleep(POLL_S)
    raise UpError(
        f"Not done after {FOLLOW_LIMIT_S:.0f} s: kubectl -n {NAMESPACE} describe slx/{NAME}"
    )


def read(cluster: NodeCluster) -> Json:
    """Return the talk's resource."""
    text = cluster.kubectl("--namespace", NAMESPACE, "get", f"slx/{NAME}", "--output=json")
    resource: Json = json.loads(text)
    return resource


def show(cluster: NodeCluster, store: "S3Client", resource: Json, copy: Path) -> None:
    """Print the resource and what is in the bucket, and copy that here to look at."""
    print(cluster.kubectl("--namespace", NAMESPACE, "get", "slideextractions").strip())
    manifest: str = resource["status"]["result"]["manifestURI"]
    folder = manifest.removesuffix("manifest.json")
    prefix = folder.removeprefix(f"s3://{BUCKET}/")
    print(f"\n{folder}")
    shutil.rmtree(copy, ignore_errors=True)
    for page in store.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix):
        for item in page.get("Contents", []):
            name = item["Key"].removeprefix(prefix)
            print(f"{item['Size']:>9,}  {name}")
            fetch(store, item["Key"], copy / name)


def next_steps(cluster: NodeCluster) -> str:
    """Return the commands that somebody new to it tries next."""
    return f"""
Go on:
  export KUBECONFIG={cluster.kubeconfig}
  export PATH="$PATH:{tool("kubectl").parent}"
  kubectl -n {NAMESPACE} get slx -o wide
  kubectl -n {NAMESPACE} describe slx/{NAME}
  kubectl explain slx.spec.outputs --recursive
  helm -n {SYSTEM} get notes {RELEASE}
  kubectl -n {SYSTEM} port-forward service/{RELEASE}-slides-extractor 8000:80 &
  curl -N -H 'Authorization: Bearer {PASSWORD}' 'http://localhost:8000/jobs/{NAME}/stream?namespace={NAMESPACE}'
  http://localhost:8000/ui?namespace={NAMESPACE} is its page, with the password {PASSWORD}
  make cluster-down"""


def fetch(store: "S3Client", key: str, path: Path) -> None:
    """Copy an object to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    store.download_file(BUCKET, key, str(path))


def step(title: str) -> None:
    """Say what comes next."""
    print(f"\n== {title}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
