from pathlib import Path

import pytest

from slides_runner.outputs import SlideSet, Talk
from slides_runner.outputs.slide_images import write_slides
from tests.media import make_talk
from tests.runner.outputs.talks import open_talk


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds that show four pictures: 1, 2, 1 again, 3."""
    path = tmp_path_factory.mktemp("video") / "talk.mp4"
    return make_talk(path, slides=((1, 2.0), (2, 2.0), (1, 2.0), (3, 2.0))).path


@pytest.fixture
def talk(video: Path, tmp_path: Path) -> Talk:
    return open_talk(video, tmp_path / "work")


@pytest.fixture
def slide_set(talk: Talk) -> SlideSet:
    return write_slides(talk)
