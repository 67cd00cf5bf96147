"""`make up`, from an empty cluster to slides in a bucket."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.images import Image
from scripts.up import NAMESPACE, Progress, UpError, check, up
from tests.cluster.node import ForeignNode, NodeCluster
from tests.images.containers import SLIDES

RUN = {"attempt": 1, "stage": "Extracting", "percent": 42, "message": "Finding slides"}
SUCCEEDED = {"type": "Succeeded", "status": "Unknown", "message": "Attempt 1 was created."}


@pytest.mark.parametrize(
    ("status", "want"),
    [
        ({}, "Pending"),
        ({"phase": "Pending", "conditions": [SUCCEEDED]}, "Pending Attempt 1 was created."),
        (
            {"phase": "Extracting", "run": RUN, "conditions": [SUCCEEDED]},
            "Extracting 42 % Finding slides",
        ),
        ({"phase": "Extracting", "run": {**RUN, "percent": 0}}, "Extracting 0 % Finding slides"),
    ],
    ids=["not-seen-yet", "waiting", "running", "begun"],
)
def test_says_how_far_it_is(status: dict[str, Any], want: str) -> None:
    assert " ".join(Progress.of({"status": status}).line().split()) == want


def test_says_what_a_foreign_cluster_needs(tmp_path: Path) -> None:
    with pytest.raises(UpError, match="registry"):
        check(NodeCluster(tmp_path / "kubeconfig", ForeignNode()))


@pytest.mark.e2e
@pytest.mark.timeout(1800)  # it may be what builds the images
def test_shows_slides(
    node_cluster: NodeCluster,
    images: list[Image],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    up(node_cluster, images, tmp_path / "up")

    said = capsys.readouterr().out
    manifest = json.loads((tmp_path / "up" / "manifest.json").read_text())
    assert len(manifest["slides"]) == SLIDES
    assert all((tmp_path / "up" / slide["image"]["key"]).is_file() for slide in manifest["slides"])
    assert f"Completed    100 %  {SLIDES} slides" in said
    assert f"kubectl -n {NAMESPACE} get slx" in said
