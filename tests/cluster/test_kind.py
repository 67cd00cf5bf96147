"""What kind and Docker are told: neither runs everywhere, so both are played here."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.kind import KindNode, create_kind, delete_kind, docker_answers
from tests.cluster.namespaces import NodeError
from tests.cluster.node import NodeCluster

NETWORK = json.dumps([{"IPAM": {"Config": [{"Gateway": "fc00::1"}, {"Gateway": "172.18.0.1"}]}}])
PLAYED = """#!/bin/sh
echo "{name} $*" >> {log}
case "$*" in
  *"network inspect kind"*) echo '{network}' ;;
  *"images import -"*) cat >> {log} ;;
  *refused*) echo no >&2; exit 1 ;;
esac
"""
KUBECONFIG = {"apiVersion": "v1", "kind": "Config", "current-context": "kind-slides-extractor-k"}


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Play docker and kind; return what they were told so far."""
    log = tmp_path / "log"
    for name in ("docker", "kind"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(PLAYED.format(name=name, log=log, network=NETWORK))
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    return lambda: log.read_text().splitlines()


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    return tmp_path / "k_k" / "kind.conf"


def test_makes_a_cluster_under_a_name_that_kind_allows(
    told: Callable[[], list[str]], kubeconfig: Path
) -> None:
    assert create_kind(kubeconfig).name == "slides-extractor-k-k"
    assert told()[-1].startswith("kind create cluster --name=slides-extractor-k-k --kubeconfig=")


def test_this_machine_has_an_address_of_the_fourth_version(
    told: Callable[[], list[str]], kubeconfig: Path
) -> None:
    assert KindNode("one", kubeconfig).host_ip == "172.18.0.1"


def test_loads_an_image_into_the_node(
    told: Callable[[], list[str]], kubeconfig: Path, tmp_path: Path
) -> None:
    (tmp_path / "image.tar").write_text("content of the archive")
    NodeCluster(kubeconfig, KindNode("one", kubeconfig)).load_image(tmp_path / "image.tar")
    assert told() == [
        "docker exec --interactive one-control-plane ctr --namespace=k8s.io images import -",
        "content of the archive",
    ]


def test_a_refusal_says_what_was_tried(told: Callable[[], list[str]], kubeconfig: Path) -> None:
    with pytest.raises(NodeError, match=r"ctr --namespace=k8s\.io refused: no$"):
        KindNode("one", kubeconfig).ctr("refused")


def test_docker_answers_where_it_runs(
    told: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert docker_answers()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not docker_answers()


@pytest.mark.api
def test_deletes_the_cluster_of_its_kubeconfig(
    told: Callable[[], list[str]], kubeconfig: Path
) -> None:
    kubeconfig.parent.mkdir()
    kubeconfig.write_text(json.dumps(KUBECONFIG))
    delete_kind(kubeconfig)
    assert told()[-1].startswith("kind delete cluster --name=slides-extractor-k --kubeconfig=")
    assert not kubeconfig.exists()
