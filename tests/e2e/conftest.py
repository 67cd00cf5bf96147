"""The product as users install it: images, chart, a store; once for all end-to-end tests."""

from collections.abc import Iterator

import pytest

from scripts.images import Image
from tests.cluster.node import NodeCluster
from tests.e2e.install import SYSTEM, install_chart
from tests.e2e.product import (
    BUCKET,
    QUICK,
    Product,
    make_config,
    make_namespace,
    make_secret,
)
from tests.e2e.talks import Talks
from tests.media import make_talk, repeat_video
from tests.runner.sources.media_server import Resource, run_media_server
from tests.s3_server import run_s3_server


@pytest.fixture(scope="session")
def product(
    node_cluster: NodeCluster, images: list[Image], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """The product, installed, with a namespace `talks` in which extractions run."""
    folder = tmp_path_factory.mktemp("e2e")
    talk = make_talk(folder / "talk.mp4")
    slow = repeat_video(talk.path, folder / "slow.mp4", times=10)
    for image in images:
        node_cluster.load_image(image.archive)
    host = node_cluster.host_ip
    with run_media_server(host=host) as media, run_s3_server(host=host) as s3:
        for namespace in (SYSTEM, "talks"):
            make_namespace(node_cluster, namespace)
        make_config(node_cluster, "talks", s3, BUCKET)
        make_secret(node_cluster, "talks", s3)
        install_chart(node_cluster)
        # kubectl remembers for hours which kinds a server has; this has it ask again.
        node_cluster.kubectl("api-resources", "--api-group=slides-extractor.dev")
        body = talk.path.read_bytes()
        yield Product(
            cluster=node_cluster,
            talks=Talks(node_cluster.kubectl, "talks", QUICK),
            media=media,
            s3=s3,
            folder=folder,
            talk_bytes=body,
            slow_bytes=slow.read_bytes(),
            talk_duration_s=talk.duration_s,
            talk_url=media.put("/talk.mp4", Resource(body=body)),
        )
