"""Fixtures that several folders of tests share."""

from collections.abc import Callable, Iterator

import pytest

from scripts.images import Image, ImageError, build_images
from tests.cluster.built import TOOLS as NODE_TOOLS
from tests.cluster.light import TOOLS as LIGHT_TOOLS
from tests.cluster.light import LightCluster, run_light_cluster
from tests.cluster.node import NodeCluster, run_node_cluster
from tests.cluster.tools import ToolMissingError, build
from tests.s3_server import S3Server, run_s3_server


@pytest.fixture(scope="session")
def build_tools(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Return a function that builds tools while whoever runs the tests sees how far it is."""
    capture = request.config.pluginmanager.get_plugin("capturemanager")

    def build_seen(*names: str) -> None:
        assert capture is not None
        try:
            with capture.global_and_fixture_disabled():
                build(names)
        except ToolMissingError as e:
            pytest.skip(str(e))

    return build_seen


@pytest.fixture(scope="session")
def s3_server(build_tools: Callable[..., None]) -> Iterator[S3Server]:
    """A real S3 server; the first use on a machine builds it."""
    build_tools("versitygw")
    with run_s3_server() as server:
        yield server


@pytest.fixture(scope="session")
def light_cluster(build_tools: Callable[..., None]) -> Iterator[LightCluster]:
    """A real API server with controllers, a node that kwok plays, and this project's CRDs."""
    build_tools(*LIGHT_TOOLS)
    with run_light_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def node_cluster(build_tools: Callable[..., None]) -> Iterator[NodeCluster]:
    """A cluster with a real node: that of KUBECONFIG or `make cluster`, else one for this run."""
    build_tools(*NODE_TOOLS)
    try:
        with run_node_cluster() as cluster:
            yield cluster
    except ToolMissingError as e:
        pytest.skip(str(e))


@pytest.fixture(scope="session")
def images(request: pytest.FixtureRequest) -> list[Image]:
    """Both images, built from this checkout while whoever runs the tests sees how far it is."""
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    assert capture is not None
    try:
        with capture.global_and_fixture_disabled():
            return build_images()
    except ImageError as e:
        pytest.skip(str(e))
