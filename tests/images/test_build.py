"""How the tool is chosen, and when an image is made anew."""

import gzip
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.images.build import fingerprint, version
from scripts.images.engines import ENGINES, ImageError, Order, find_engine
from scripts.images.sizes import layers
from slides_api import __version__

ROOT = Path(__file__).parents[2]

MakeProgram = Callable[..., Path]


@pytest.fixture
def make_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeProgram:
    """Return a function that puts a program on a PATH where nothing else is."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr("scripts.images.engines.SYSTEM_PATH", str(folder))
    monkeypatch.delenv("IMAGE_ENGINE", raising=False)

    def make(name: str, *, exit_code: int = 0) -> Path:
        program = folder / name
        program.write_text(f"#!/bin/sh\nexit {exit_code}\n")
        program.chmod(0o755)
        return program

    return make


@pytest.mark.parametrize(
    ("answering", "want"),
    [
        ({"docker": 0, "podman": 0, "buildah": 0}, "docker"),
        ({"docker": 1, "podman": 0, "buildah": 0}, "podman"),
        ({"docker": 1, "buildah": 0}, "buildah"),
    ],
    ids=["all", "docker-without-an-engine", "no-podman"],
)
def test_takes_the_first_that_answers(
    make_program: MakeProgram, answering: dict[str, int], want: str
) -> None:
    for name, exit_code in answering.items():
        make_program(name, exit_code=exit_code)

    assert find_engine().name == want


def test_takes_the_one_that_is_named(
    make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    for engine in ENGINES:
        make_program(engine.name)
    monkeypatch.setenv("IMAGE_ENGINE", "podman")

    assert find_engine().name == "podman"


def test_says_which_named_one_does_not_work(
    make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_program("docker", exit_code=1)
    monkeypatch.setenv("IMAGE_ENGINE", "docker")

    with pytest.raises(ImageError, match="IMAGE_ENGINE=docker"):
        find_engine()


def test_version_is_the_package_s() -> None:
    assert version() == __version__


@pytest.fixture
def order(tmp_path: Path) -> Order:
    """An order in a small project."""
    shutil.copy(ROOT / ".dockerignore", tmp_path)
    for name in ("crds", "operator", "runner", "requirements", "scripts/images"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("Dockerfile.runner", "pyproject.toml", "README.md", "LICENSE"):
        (tmp_path / name).write_text(name)
    for name in ("install.sh", "strip.py"):
        (tmp_path / "scripts" / "images" / name).write_text(name)
    return Order(tmp_path / "Dockerfile.runner", tmp_path, "a/b:1", {"GPU": ""}, {})


def change_nothing(order: Order) -> Order:
    return order


def change_source(order: Order) -> Order:
    (order.context / "runner" / "new.py").write_text("")
    return order


def change_dockerfile(order: Order) -> Order:
    order.dockerfile.write_text("FROM scratch")
    return order


def change_argument(order: Order) -> Order:
    return Order(order.dockerfile, order.context, order.image, {"GPU": "1"}, {})


def change_bytecode(order: Order) -> Order:
    (order.context / "runner" / "__pycache__").mkdir()
    (order.context / "runner" / "__pycache__" / "new.pyc").write_text("")
    return order


def change_tests(order: Order) -> Order:
    (order.context / "tests").mkdir()
    (order.context / "tests" / "test_it.py").write_text("")
    return order


@pytest.mark.parametrize(
    ("change", "is_made_anew"),
    [
        (change_nothing, False),
        (change_bytecode, False),
        (change_tests, False),
        (change_source, True),
        (change_dockerfile, True),
        (change_argument, True),
    ],
)
def test_is_made_anew_when_what_goes_in_changes(
    order: Order, change: Callable[[Order], Order], is_made_anew: bool
) -> None:
    before = fingerprint(order)

    assert (fingerprint(change(order)) != before) == is_made_anew


def test_every_source_of_the_dockerfiles_is_let_in() -> None:
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines()]
    lines = [
        line.split()[1:-1]
        for name in ("operator", "runner")
        for line in (ROOT / f"Dockerfile.{name}").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
    ]

    copied = {source for sources in lines for source in sources}

    assert "crds" in copied
    missing = [
        source
        for source in copied
        if not any(source.startswith(name) or name.startswith(source) for name in let_in if name)
    ]
    assert missing == []


def test_sizes_come_layer_by_layer(tmp_path: Path) -> None:
    content = {"base.tar": bytes(50_000), "own.tar": bytes(range(256)) * 10}
    config = {"history": [{"created_by": "base"}, {"empty_layer": True}, {"created_by": "own"}]}
    manifest = [{"Config": "config.json", "Layers": list(content)}]
    files = {
        **content,
        "config.json": json.dumps(config).encode(),
        "manifest.json": json.dumps(manifest).encode(),
    }
    with tarfile.open(tmp_path / "image.tar", "w") as archive:
        for name, body in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))

    base, own = layers(tmp_path / "image.tar")

    assert (base.made_by, base.unpacked_bytes) == ("base", 50_000)
    assert (own.made_by, own.unpacked_bytes) == ("own", 2560)
    assert own.pulled_bytes == len(gzip.compress(content["own.tar"], 6))
    assert base.pulled_bytes < 200
