import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from tests.cluster.certificates import build_extensions, build_kubeconfig, make_authority
from tests.cluster.images import write_image
from tests.cluster.kwok import PodPlay, build_kwok_configuration, build_nodes
from tests.cluster.network import LINKS, Link, build_rules
from tests.cluster.node import Choice, choose
from tests.cluster.parts import NodePlan, build_commands, build_files, read_nameservers

PLAN = NodePlan("10.199.0.2", "slides-k8s0", ["192.0.2.53"])


def test_every_part_finds_the_files_it_is_told_of() -> None:
    files = build_files(PLAN)
    told = {
        word.removeprefix("--config=/mnt/")
        for command in build_commands(PLAN).values()
        for word in command
        if word.startswith("--config=")
    }
    assert told <= files.keys()


def test_names_outside_are_asked_for_where_the_machine_does() -> None:
    assert "forward . 192.0.2.53" in build_files(PLAN)["Corefile"]
    assert build_files(PLAN)["resolv.conf"] == "nameserver 192.0.2.53\n"


def test_without_a_name_server_no_name_outside_is_asked_for() -> None:
    assert "forward" not in build_files(NodePlan("10.199.0.2", "group", []))["Corefile"]


def test_a_name_server_of_the_machine_alone_is_of_no_use_to_pods(tmp_path: Path) -> None:
    local, other = tmp_path / "local", tmp_path / "other"
    local.write_text("nameserver 127.0.0.53\noptions edns0\n")
    other.write_text("# comment\nnameserver 192.0.2.1\nnameserver ::1\n")
    assert read_nameservers(tmp_path / "absent", local, other) == ["192.0.2.1"]
    assert read_nameservers(local) == []


def test_a_full_disk_costs_no_images() -> None:
    assert json.loads(build_files(PLAN)["kubelet.yaml"])["imageGCHighThresholdPercent"] == 100


@pytest.mark.parametrize(
    ("wish", "named", "kept", "docker", "want"),
    [
        pytest.param("", True, True, True, Choice.EXISTING, id="yours before all others"),
        pytest.param("", False, True, True, Choice.KEPT, id="then that of make cluster"),
        pytest.param("", False, False, True, Choice.KIND, id="then kind, where Docker answers"),
        pytest.param("", False, False, False, Choice.BUILT, id="else one is built"),
        pytest.param("built", True, True, True, Choice.BUILT, id="unless you wish otherwise"),
    ],
)
def test_chooses_a_cluster(wish: str, named: bool, kept: bool, docker: bool, want: Choice) -> None:
    assert choose(wish, named=named, kept=kept, docker=lambda: docker) == want


def test_links_share_no_address_and_no_rule() -> None:
    links = [Link(number) for number in range(LINKS)]
    assert len({ip for link in links for ip in (link.host_ip, link.node_ip)}) == 2 * LINKS
    assert max(len(link.name) for link in links) <= 15  # what Linux allows
    rules = {" ".join(rule) for link in links for rule in build_rules(link)}
    assert len(rules) == 4 * LINKS


def test_an_image_holds_its_program_and_says_so(tmp_path: Path) -> None:
    program = tmp_path / "hello"
    program.write_bytes(b"#!content")
    write_image(tmp_path / "image.tar", "localhost/hello:1", program)
    with tarfile.open(tmp_path / "image.tar") as image:
        parts = {part.name: image.extractfile(part) for part in image.getmembers()}
        content = {name: part.read() for name, part in parts.items() if part}
    manifest = json.loads(content["manifest.json"])[0]
    configuration = json.loads(content[manifest["Config"]])
    layer = content[manifest["Layers"][0]]
    assert manifest["RepoTags"] == ["localhost/hello:1"]
    assert configuration["config"] == {"Entrypoint": ["/hello"], "User": "65532:65532"}
    assert configuration["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    with tarfile.open(fileobj=io.BytesIO(layer)) as files:
        assert [(file.name, file.mode) for file in files] == [("hello", 0o755)]


def test_a_kubeconfig_needs_no_other_file(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    admin = authority.issue("admin", user="admin", group="system:masters")
    config = json.loads(build_kubeconfig("https://192.0.2.1", authority, admin))
    assert set(config["users"][0]["user"]) == {"client-certificate-data", "client-key-data"}
    assert str(tmp_path) not in json.dumps(config)


@pytest.mark.parametrize(
    ("names", "want"),
    [
        pytest.param(("192.0.2.1", "localhost"), "IP:192.0.2.1,DNS:localhost", id="a server"),
        pytest.param((), "DNS:system-node-node1", id="only a client"),
    ],
)
def test_a_certificate_is_good_for_names(names: tuple[str, ...], want: str) -> None:
    told = build_extensions("system:node:node1", names)
    assert told.splitlines()[0] == f"subjectAltName={want}"


def test_kwok_plays_what_it_is_told() -> None:
    documents = build_kwok_configuration(PodPlay(run_ms=500, jitter_ms=100)).split("\n---\n")
    stages = {one["metadata"]["name"]: one for one in map(json.loads, documents[1:])}
    delay = stages["pod-ends"]["spec"]["delay"]
    assert (delay["durationMilliseconds"], delay["jitterDurationMilliseconds"]) == (500, 600)


def test_nodes_are_as_many_as_asked_for() -> None:
    nodes = json.loads(build_nodes(3))["items"]
    assert [node["metadata"]["name"] for node in nodes] == ["kwok-0", "kwok-1", "kwok-2"]
