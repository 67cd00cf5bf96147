"""The images, and what runs them."""

from collections.abc import Iterator

import pytest

from scripts.images import Image
from tests.images.containers import Containers, open_containers


@pytest.fixture(scope="session")
def operator_image(images: list[Image]) -> Image:
    return next(image for image in images if image.name == "operator")


@pytest.fixture(scope="session")
def runner_image(images: list[Image]) -> Image:
    return next(image for image in images if image.name == "runner")


@pytest.fixture(scope="module")
def containers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    with open_containers(tmp_path_factory.mktemp("containers")) as running:
        yield running
