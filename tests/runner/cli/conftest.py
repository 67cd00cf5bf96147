"""A small talk and a finished output of it, made once."""

import shutil
from pathlib import Path

import pytest

from tests.media import Talk, make_talk
from tests.runner.command import slides


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds `talk.mp4` and, in `out`, its finished output."""
    folder = tmp_path_factory.mktemp("made")
    make_talk(folder / "talk.mp4", slides=((1, 3.0), (2, 3.0), (1, 3.0)))
    ended = slides("extract", "talk.mp4", "--output", "out", cwd=folder)
    assert ended.exit_code == 0, ended.stderr
    return folder


@pytest.fixture
def folder(made_once: Path, tmp_path: Path) -> Path:
    """Return a folder of the test's own that holds `talk.mp4`."""
    shutil.copy(made_once / "talk.mp4", tmp_path)
    return tmp_path


@pytest.fixture
def finished(made_once: Path, folder: Path) -> Path:
    """Return a folder of the test's own that also holds the finished output `out`."""
    shutil.copytree(made_once / "out", folder / "out")
    return folder


@pytest.fixture(scope="session")
def other_talk(tmp_path_factory: pytest.TempPathFactory) -> Talk:
    """Return another talk."""
    return make_talk(tmp_path_factory.mktemp("other") / "other.mp4", slides=((4, 2.0), (5, 2.0)))
