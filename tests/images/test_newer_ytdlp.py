"""A runner with another yt-dlp than the one it was released with, as docs/images.md says."""

import json
from pathlib import Path

import pytest
import yt_dlp.version
from packaging.version import Version

from scripts.images import Image
from tests.images.containers import SAMPLE, SLIDES, Containers, Task
from tests.images.newer import build_newer_image
from tests.runner.sources.media_server import Resource, run_media_server

pytestmark = [
    pytest.mark.e2e,
    # The first of these tests builds the images: minutes, on two cores with empty caches.
    pytest.mark.timeout(1800),
]

LOCKED = yt_dlp.version.__version__
SEEN = """
import json, yt_dlp, yt_dlp_ejs
from slides_runner.sources import ytdlp
print(json.dumps([yt_dlp.version.__version__, yt_dlp.__file__, yt_dlp_ejs.__file__]))
"""


@pytest.fixture(scope="module")
def newer(runner_image: Image, tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build_newer_image(runner_image, tmp_path_factory.mktemp("newer"))


def test_newer_version_is_found_first(containers: Containers, newer: Image) -> None:
    said = containers.run(newer, Task(["--version"], entrypoint=["yt-dlp"]))
    seen = containers.run(newer, Task(["-c", SEEN], entrypoint=["python"]))

    assert seen.returncode == 0, seen.stderr
    version, *places = json.loads(seen.stdout)
    assert Version(version) > Version(LOCKED)
    assert all(place.startswith("/opt/newer/") for place in places)
    assert said.stdout.strip() == version


def test_runner_works_with_it(containers: Containers, newer: Image, tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    with run_media_server() as media:
        # A page, which yt-dlp alone can read.
        video = media.put("/media/talk.mp4", Resource(body=SAMPLE.read_bytes()))
        page = f'<html><title>A talk</title><video src="{video}"></video></html>'
        url = media.put("/page", Resource(body=page.encode(), media_type="text/html"))
        task = Task(
            ["extract", url, "--allow-private", "--output", "out"], mounts={"/data": folder}
        )

        done = containers.run(newer, task)

    assert done.returncode == 0, done.stderr
    assert len(json.loads((folder / "out" / "manifest.json").read_text())["slides"]) == SLIDES


def test_released_image_keeps_the_locked_version(
    containers: Containers, runner_image: Image
) -> None:
    said = containers.run(runner_image, Task(["--version"], entrypoint=["yt-dlp"]))

    assert said.stdout.strip() == LOCKED
