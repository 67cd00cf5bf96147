"""A real S3 server in a cluster: `s3.yaml`, and the image that it names."""

import tempfile
from pathlib import Path

from tests.cluster.images import write_image
from tests.cluster.node import NodeCluster
from tests.cluster.tools import tool

MANIFEST = Path(__file__).with_name("s3.yaml")
IMAGE = "localhost/versitygw:1"
ENDPOINT = "http://s3.{namespace}.svc:7070"
"""Where pods reach it."""
PORT = 7070
BUCKET = "slides"
"""A bucket that is there from the start."""
ACCESS_KEY = "slides"
SECRET_KEY = "slides-test-only"
"""Both as in the manifest."""


def install_s3(cluster: NodeCluster, namespace: str) -> str:
    """Run the server in a namespace, which is made where it is missing; return its endpoint."""
    with tempfile.TemporaryDirectory(prefix="s3-image-") as folder:
        archive = Path(folder) / "image.tar"
        write_image(archive, IMAGE, tool("versitygw"))
        cluster.load_image(archive)
    if not cluster.kubectl("get", "namespace", namespace, "--ignore-not-found", "--output=name"):
        cluster.kubectl("create", "namespace", namespace)
    cluster.kubectl("--namespace", namespace, "apply", "--filename", MANIFEST)
    cluster.kubectl("--namespace", namespace, "rollout", "status", "deployment/s3", "--timeout=90s")
    return ENDPOINT.format(namespace=namespace)
