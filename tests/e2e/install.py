"""Installs the chart with helm, as users do."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.cluster.client import Cluster
from tests.cluster.tools import REPOSITORY, tool

CHART = REPOSITORY / "charts" / "slides-extractor"
SYSTEM = "slides-system"
"""The operator's namespace."""
RELEASE = "slides"
HELM_LIMIT_S = 180.0

VALUES: Mapping[str, Any] = {
    "image": {"registry": "localhost", "pullPolicy": "IfNotPresent"},
    "operator": {"resources": {"requests": {"cpu": "10m", "memory": "64Mi"}}},
    "runner": {
        # Small requests, so that many extractions of the tests run side by side on one node.
        "resources": {
            "requests": {"cpu": "10m", "memory": "64Mi"},
            "limits": {"memory": "1Gi"},
        },
        # The tests' talks come from the node's own address.
        "extraEnv": {"ALLOW_PRIVATE_ADDRESSES": "true"},
    },
}
"""What a test cluster needs beyond the defaults."""


def install_chart(
    cluster: Cluster, *, chart: Path = CHART, values: Mapping[str, Any] = VALUES
) -> None:
    """Install the chart, or upgrade to it, and wait until the operator is ready."""
    helm(
        cluster,
        "upgrade",
        "--install",
        RELEASE,
        str(chart),
        f"--namespace={SYSTEM}",
        "--create-namespace",
        "--values=-",
        "--wait",
        "--timeout=120s",
        text=json.dumps(dict(values)),
    )


def helm(cluster: Cluster, *arguments: str, text: str | None = None) -> str:
    """Run helm and return what it prints."""
    done = subprocess.run(
        [tool("helm"), "--kubeconfig", cluster.kubeconfig, *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=HELM_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, f"helm {arguments[0]}: {done.stderr.strip()}"
    return done.stdout
