"""Helm, and a cluster with nothing of ours in it until the chart is installed."""

from collections.abc import Callable, Iterator

import pytest

from tests.chart.charts import NAMESPACE, Values, install
from tests.chart.people import SECOND, until_the_policy_works
from tests.cluster.light import TOOLS, LightCluster, run_light_cluster


@pytest.fixture(scope="session", autouse=True)
def helm_is_built(build_tools: Callable[..., None]) -> None:
    """Let whoever runs the tests see that Helm is being built, the first time."""
    build_tools("helm")


@pytest.fixture(scope="module")
def cluster(build_tools: Callable[..., None]) -> Iterator[LightCluster]:
    """An API server without our CRDs; what needs a node stays pending."""
    build_tools(*TOOLS)
    with run_light_cluster(nodes=0, crds=[]) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def installed(cluster: LightCluster) -> LightCluster:
    """The cluster with the chart, for all namespaces."""
    cluster.kubectl("create", "namespace", SECOND)
    values: Values = {"runner": {"namespaces": [SECOND]}}
    install(cluster, values, "--create-namespace")
    until_the_policy_works(cluster, NAMESPACE)
    return cluster
