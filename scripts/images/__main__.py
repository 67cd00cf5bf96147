"""`make images`: builds both images, keeps them in build/images/ and says how large they are.

IMAGE_REGISTRY, TAG, PYTHON_IMAGE and IMAGE_ENGINE in the environment change what is built, on what
and with which tool; GPU=1 makes the runner's image for GPUs.
"""

import argparse
import os
import sys
import time

from scripts.images.build import NAMES, REPOSITORY, build_images
from scripts.images.engines import ImageError
from scripts.images.sizes import render


def main() -> int:
    """Build and say what came of it; return the exit code."""
    parser = argparse.ArgumentParser(prog="make images", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *NAMES], help="by default both")
    parser.add_argument("--sizes", action="store_true", help="print the table of the README")
    options = parser.parse_args()
    begun = time.monotonic()
    try:
        images = build_images(
            options.names or NAMES,
            registry=os.environ.get("IMAGE_REGISTRY", ""),
            tag=os.environ.get("TAG", ""),
            is_gpu=os.environ.get("GPU", "") not in {"", "0"},
        )
    except ImageError as e:
        print(f"images: {e}", file=sys.stderr)
        return 1
    for image in images:
        size_mb = image.archive.stat().st_size / 1e6
        where = image.archive.relative_to(REPOSITORY)
        print(f"{image.reference}  {size_mb:.0f} MB  {where}")
    print(f"images: {time.monotonic() - begun:.0f} s, on {images[0].base}")
    if options.sizes:
        print(render(images))
    return 0


if __name__ == "__main__":
    sys.exit(main())
