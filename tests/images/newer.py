"""A runner's image with another yt-dlp, made by the commands that docs/images.md shows."""

import os
import re
import subprocess
from pathlib import Path

from scripts.images import Image
from scripts.images.engines import Order, find_engine

GUIDE = Path(__file__).parents[2] / "docs" / "images.md"
CHAPTER = "## A newer yt-dlp"
BLOCK = re.compile(r"^```\w+\n(.*?)^```", re.DOTALL | re.MULTILINE)
NEWER = "2026.10.26.220202.dev0"
"""A nightly of the day on which the locked version came out."""


def build_newer_image(runner: Image, folder: Path) -> Image:
    """Return the image that the guide's commands make, with the version of this module."""
    chapter = GUIDE.read_text().partition(f"\n{CHAPTER}\n")[2]
    install, dockerfile, *_ = BLOCK.findall(chapter)
    _install(folder, re.findall(r"\byt-dlp\S*==\S+", install))
    (folder / "Dockerfile").write_text(
        re.sub(r"^FROM .+$", f"FROM {runner.reference}", dockerfile, flags=re.MULTILINE)
    )
    reference = f"{runner.reference}-newer"
    engine = find_engine()
    identity = engine.build(Order(folder / "Dockerfile", folder, reference, {}, {}))
    engine.save(reference, folder / "newer.tar")
    return Image("runner", reference, identity, folder / "newer.tar", runner.base)


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
