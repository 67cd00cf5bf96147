"""A runner with another yt-dlp than the one it was released with, as docs/images.md says."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yt_dlp.version
from packaging.version import Version

from scripts.images import Image
from scripts.images.engines import Order, find_engine
from tests.images.containers import SAMPLE, SLIDES, Containers, Task
from tests.runner.sources.media_server import Resource, run_media_server

pytestmark = [
    pytest.mark.e2e,
    # The first of these tests builds the images: minutes, on two cores with empty caches.
    pytest.mark.timeout(1800),
]

GUIDE = Path(__file__).parents[2] / "docs" / "images.md"
CHAPTER = "## A newer yt-dlp"
BLOCK = re.compile(r"^```\w+\n(.*?)^```", re.DOTALL | re.MULTILINE)
LOCKED = yt_dlp.version.__version__
NEWER = "2026.10.26.220202.dev0"
"""A nightly of the day on which the locked version came out."""
SEEN = """
import json, yt_dlp, yt_dlp_ejs
from slides_runner.sources import ytdlp
print(json.dumps([yt_dlp.version.__version__, yt_dlp.__file__, yt_dlp_ejs.__file__]))
"""


@pytest.fixture(scope="module")
def newer(runner_image: Image, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The image that the guide's commands make, with the version of this test."""
    folder = tmp_path_factory.mktemp("newer")
    chapter = GUIDE.read_text().partition(f"\n{CHAPTER}\n")[2]
    install, dockerfile, *_ = BLOCK.findall(chapter)
    _install(folder, re.findall(r"\byt-dlp\S*==\S+", install))
    (folder / "Dockerfile").write_text(
        re.sub(r"^FROM .+$", f"FROM {runner_image.reference}", dockerfile, flags=re.MULTILINE)
    )
    reference = f"{runner_image.reference}-newer"
    engine = find_engine()
    identity = engine.build(Order(folder / "Dockerfile", folder, reference, {}, {}))
    engine.save(reference, folder / "newer.tar")
    return Image("runner", reference, identity, folder / "newer.tar", runner_image.base)


def _install(folder: Path, packages: list[str]) -> None:
    """Do what the guide's first command does, with the version of this test."""
    chosen = [re.sub("^yt-dlp==.*", f"yt-dlp=={NEWER}", package) for package in packages]
    uv = subprocess.run(
        ["sh", "scripts/uv.sh"], cwd=GUIDE.parents[1], capture_output=True, text=True, check=True
    )
    subprocess.run(
        [uv.stdout.strip(), "pip", "install", "--quiet", "--no-deps", "--target=newer", *chosen],
        cwd=folder,
        env={**os.environ, "UV_SYSTEM_CERTS": "1"},
        check=True,
    )


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
