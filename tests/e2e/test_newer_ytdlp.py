"""One extraction works with a newer yt-dlp than the cluster's, without a release of ours."""

from pathlib import Path

import pytest

from scripts.images import Image
from tests.e2e.product import Product
from tests.e2e.talks import reason
from tests.images.newer import build_newer_image
from tests.runner.sources.media_server import Resource

pytestmark = pytest.mark.e2e


def test_image_of_the_pod_template_brings_its_own_yt_dlp(
    product: Product, images: list[Image], tmp_path: Path
) -> None:
    runner = next(image for image in images if image.name == "runner")
    newer = build_newer_image(runner, tmp_path)
    product.cluster.load_image(newer.archive)
    # A page, which yt-dlp alone can read.
    video = product.media.put("/newer/talk.mp4", Resource(body=product.talk_bytes))
    page = f'<html><title>A talk</title><video src="{video}"></video></html>'.encode()
    url = product.media.put("/newer/page", Resource(body=page, media_type="text/html"))

    product.talks.apply("newer", url, podTemplate={"image": newer.reference})

    seen = product.talks.wait_for_end("newer")
    assert reason(seen) == "Completed"
    (pod,) = product.talks.find("pods", "newer")
    assert pod["spec"]["containers"][0]["image"] == newer.reference
