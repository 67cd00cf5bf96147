"""What is in the images, and what is not."""

import json
import os
import re
from pathlib import Path

import pytest

from scripts.images import Image, build_images
from slides_api import __version__
from tests.cluster.tools import REPOSITORY
from tests.images.files import Contents, read_contents

pytestmark = [
    pytest.mark.e2e,
    # The first of these tests builds the images: minutes, on two cores with empty caches.
    pytest.mark.timeout(1800),
]

BUILD_TOOLS = {"cc", "g++", "gcc", "hatch", "ld", "make", "pip", "pip3", "uv"}
URL = re.compile(r"https?://[\w.-]+")
PACKAGES = "/opt/venv/lib/python3.13/site-packages"
LABEL = "org.opencontainers.image"


@pytest.fixture(scope="module")
def operator(operator_image: Image) -> Contents:
    return read_contents(operator_image.archive)


@pytest.fixture(scope="module")
def runner(runner_image: Image) -> Contents:
    return read_contents(runner_image.archive)


@pytest.fixture(params=["operator", "runner"])
def either(request: pytest.FixtureRequest) -> Contents:
    contents: Contents = request.getfixturevalue(request.param)
    return contents


def modules(contents: Contents) -> set[str]:
    """Return the names of what can be imported."""
    inside = (path.removeprefix(f"{PACKAGES}/") for path in contents.files if PACKAGES in path)
    return {path.split("/")[0].partition(".")[0] for path in inside}


def hosts_of_this_machine() -> set[str]:
    """Return the hosts that this machine fetches packages from, where it says so."""
    home = Path.home()
    configured = [Path("/etc/pip.conf"), home / ".config/pip/pip.conf", home / ".pip/pip.conf"]
    sources = Path("/etc/apt").glob("sources.list*/*")
    texts = [path.read_text() for path in [*configured, *sources] if path.is_file()]
    environment = [value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))]
    return {url for text in [*texts, *environment] for url in URL.findall(text)}


def test_starts_without_a_shell(operator: Contents, runner: Contents) -> None:
    assert runner.config["Entrypoint"] == ["slides"]
    assert operator.config["Entrypoint"] == ["python", "-m", "slides_operator"]


def test_names_a_user_by_number(either: Contents) -> None:
    # The kubelet cannot tell whether a name is root's.
    assert either.config["User"] == "65532:65532"


def test_is_labelled(operator: Contents, runner: Contents) -> None:
    for name, contents in (("operator", operator), ("runner", runner)):
        labels = contents.config["Labels"]
        assert labels[f"{LABEL}.title"] == f"slides-extractor-{name}"
        assert labels[f"{LABEL}.version"] == __version__
        assert re.fullmatch(r"([0-9a-f]{40}(-dirty)?|unknown)", labels[f"{LABEL}.revision"])
        assert labels[f"{LABEL}.base.name"]
        assert labels[f"{LABEL}.licenses"].startswith("Apache-2.0")
        assert labels[f"{LABEL}.description"]


def test_brings_nothing_that_builds(either: Contents) -> None:
    programs = {Path(path).name for path in either.files if "/bin/" in path}

    assert "python3" in programs
    assert programs & BUILD_TOOLS == set()
    assert [path for path in either.files if "/pip/" in path or "/pip-" in path] == []
    assert [
        path
        for path in either.files
        if path.startswith(("/src/", "/build/", "/package/", "/var/cache/pip"))
    ] == []


def test_keeps_no_secret_of_the_build(either: Contents) -> None:
    assert [path for path in either.files if path.startswith("/run/secrets")] == []
    assert [path for path in either.files if path.endswith(("/pip.conf", "/.netrc"))] == []
    assert [variable for variable in either.config["Env"] if variable.startswith("PIP_")] == []


def test_names_no_host_that_it_was_fetched_from(either: Contents) -> None:
    noted = {
        path: content.decode(errors="replace")
        for path, content in either.files.items()
        if path.startswith("/etc/") or path.endswith(("/RECORD", "/INSTALLER", "/direct_url.json"))
        # The official base's own, the same for all.
        if not path.startswith("/etc/apt/sources.list.d/")
    }
    made = json.dumps([either.config, either.history])
    hosts = hosts_of_this_machine()

    assert [(path, host) for path, text in noted.items() for host in hosts if host in text] == []
    assert [host for host in hosts if host in made] == []


def test_operator_has_no_part_of_the_runner(operator: Contents) -> None:
    assert {"slides_operator", "slides_api", "kopf"} <= modules(operator)
    assert modules(operator) & {"slides_runner", "cv2", "yt_dlp", "av", "numpy"} == set()
    assert "/opt/venv/bin/slides" not in operator.files


def test_operator_has_the_pages_of_the_service(operator: Contents) -> None:
    service = REPOSITORY / "operator" / "slides_operator" / "service"
    pages = {
        f"{PACKAGES}/slides_operator/service/{path.relative_to(service)}"
        for folder in ("static", "web/static", "web/templates")
        for path in (service / folder).rglob("*.*")
    }

    assert len(pages) > 10
    assert pages - operator.files.keys() == set()


def test_runner_has_no_part_of_the_operator(runner: Contents) -> None:
    assert {"slides_runner", "slides_api", "cv2", "yt_dlp", "av"} <= modules(runner)
    assert modules(runner) & {"slides_operator", "kopf", "kubernetes", "prometheus_client"} == set()
    assert "/opt/venv/bin/slides" in runner.files


def test_every_module_is_compiled(either: Contents) -> None:
    sources = [p for p in either.files if p.startswith("/opt/venv/lib") and p.endswith(".py")]

    missing = [
        path
        for path in sources
        if re.sub(r"([^/]+)\.py$", r"__pycache__/\1.cpython-313.pyc", path) not in either.files
    ]

    assert len(sources) > 100
    assert missing == []


def test_gpu_argument_asks_for_the_driver(runner: Contents) -> None:
    (image,) = build_images(["runner"], is_gpu=True)

    with_gpu = read_contents(image.archive)

    image.archive.unlink()
    assert image.reference.endswith(f":{__version__}-gpu")
    assert "NVIDIA_VISIBLE_DEVICES=all" in with_gpu.config["Env"]
    assert "NVIDIA_DRIVER_CAPABILITIES=compute,utility" in with_gpu.config["Env"]
    assert "NVIDIA_VISIBLE_DEVICES=all" not in runner.config["Env"]
    assert with_gpu.files.keys() == runner.files.keys()
