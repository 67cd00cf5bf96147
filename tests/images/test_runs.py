"""Both images do their work as a restricted pod lets them."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.images import Image
from tests.images.containers import SAMPLE, SLIDES, TEMPORARY, Containers, Task
from tests.runner.sources.media_server import MediaServer, Resource, run_media_server
from tests.s3_server import S3Server

pytestmark = [
    pytest.mark.e2e,
    # The first of these tests builds the images: minutes, on two cores with empty caches.
    pytest.mark.timeout(1800),
]

STOP_LIMIT_S = 10.0
"""From SIGTERM to the end, by the contract."""
CONFINED = """
import json, os
def is_writable(path):
    try:
        open(os.path.join(path, "probe"), "w").close()
    except OSError:
        return False
    return True
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "ids": [os.getuid(), os.getgid()],
    "process": os.getpid(),
    "capabilities": int(status["CapEff"], 16) | int(status["CapBnd"], 16),
    "writable": [p for p in ("/", "/data", "/opt/venv", "/tmp") if is_writable(p)],
}))
"""


STOPPED_WHILE_LOADING = """
import os, signal, sys
import slides_runner.cli
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "slides_runner.cli.app":
            os.kill(os.getpid(), signal.SIGTERM)
sys.meta_path.insert(0, Finder())
slides_runner.cli.main()
"""
"""The command, which gets SIGTERM when the first of its modules is loaded."""


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A folder that the images' user may write, with the sample talk in it."""
    folder = tmp_path / "shared"
    folder.mkdir()
    shutil.copy(SAMPLE, folder / "talk.mp4")
    for path in (folder, *folder.iterdir()):
        path.chmod(0o777)
    return folder


@pytest.fixture
def media() -> Iterator[MediaServer]:
    with run_media_server() as server:
        yield server


@pytest.mark.parametrize("name", ["operator", "runner"])
def test_is_confined(containers: Containers, images: list[Image], name: str) -> None:
    image = next(one for one in images if one.name == name)

    done = containers.run(image, Task(["-c", CONFINED], entrypoint=["python"]))

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "ids": [65532, 65532],
        "process": 1,
        "capabilities": 0,
        "writable": [TEMPORARY],
    }


def test_runner_explains_itself(containers: Containers, runner_image: Image) -> None:
    done = containers.run(runner_image, Task(["--help"]))

    assert done.returncode == 0
    assert "slides extract talk.mp4" in done.stdout


def test_extracts_into_a_mounted_folder(
    containers: Containers, runner_image: Image, shared: Path
) -> None:
    task = Task(["extract", "talk.mp4", "--output", "out", "--json"], mounts={"/data": shared})

    done = containers.run(runner_image, task)

    assert done.returncode == 0, done.stderr
    found = json.loads((shared / "out" / "manifest.json").read_text())
    assert len(found["slides"]) == SLIDES
    assert (shared / "out" / "slides.pdf").read_bytes().startswith(b"%PDF")


def test_extracts_from_bucket_to_bucket(
    containers: Containers, runner_image: Image, s3_server: S3Server
) -> None:
    bucket = s3_server.make_bucket()
    s3_server.put(bucket, "talks/talk.mp4", SAMPLE.read_bytes(), content_type="video/mp4")
    environment = {
        "S3_ENDPOINT": s3_server.endpoint,
        "S3_ACCESS_KEY": s3_server.access_key,
        "S3_SECRET_KEY": s3_server.secret_key,
    }
    where = [f"s3://{bucket}/talks/talk.mp4", "--output", f"s3://{bucket}/out"]

    done = containers.run(runner_image, Task(["extract", *where], environment=environment))

    assert done.returncode == 0, done.stderr
    keys = s3_server.keys(bucket, "out/")
    assert any(key.endswith("/manifest.json") or key == "out/manifest.json" for key in keys)
    assert any(key.endswith("slides/0001.webp") for key in keys)


def test_stops_on_sigterm_while_it_downloads(
    containers: Containers, runner_image: Image, media: MediaServer
) -> None:
    url = media.put("/talk.mp4", Resource(body=SAMPLE.read_bytes(), drips=10))
    with containers.started(
        runner_image, Task(["extract", url, "--allow-private", "--output", f"{TEMPORARY}/out"])
    ) as (process, name):
        _wait_for_request(media)

        containers.signal(name, "TERM")

        assert process.wait(STOP_LIMIT_S) == 143


def test_stops_on_sigterm_before_it_began(
    containers: Containers, runner_image: Image, media: MediaServer
) -> None:
    url = media.put("/talk.mp4", Resource(hangs=True))
    task = Task(
        ["-c", STOPPED_WHILE_LOADING, "extract", url, "--allow-private"], entrypoint=["python"]
    )

    done = containers.run(runner_image, task)

    assert done.returncode == 143, done.stderr


def test_operator_says_what_it_lacks(containers: Containers, operator_image: Image) -> None:
    done = containers.run(operator_image, Task([]))

    assert done.returncode != 0
    assert "RUNNER_IMAGE" in done.stderr
    assert "Traceback" not in done.stderr


def test_service_says_what_it_lacks(containers: Containers, operator_image: Image) -> None:
    done = containers.run(operator_image, Task(["serve"]))

    assert done.returncode == 2
    assert "API_PASSWORD or API_KEY" in done.stderr
    assert "Traceback" not in done.stderr


def test_operator_reads_every_module(containers: Containers, operator_image: Image) -> None:
    script = (
        "import importlib, pkgutil, slides_operator as own\n"
        "for module in pkgutil.walk_packages(own.__path__, 'slides_operator.'):\n"
        "    importlib.import_module(module.name)\n"
    )

    done = containers.run(operator_image, Task(["-c", script], entrypoint=["python"]))

    assert done.returncode == 0, done.stderr


def _wait_for_request(media: MediaServer) -> None:
    deadline = time.monotonic() + 60
    while media.peak_parallel == 0:
        assert time.monotonic() < deadline, "nothing was asked for"
        time.sleep(0.05)
