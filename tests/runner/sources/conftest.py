"""Servers and settings for the tests of sources."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slides_runner.settings import RunnerSettings
from slides_runner.sources import Download
from slides_runner.sources.patience import Patience
from tests.runner.sources.forward_proxy import ForwardProxy, run_forward_proxy
from tests.runner.sources.media_server import MediaServer, run_media_server

# Where yt-dlp finds plugins: here an extractor that raises what sites' own extractors raise.
sys.path.append(str(Path(__file__).parent / "plugins"))


@pytest.fixture
def server() -> Iterator[MediaServer]:
    with run_media_server() as running:
        yield running


@pytest.fixture
def proxy() -> Iterator[ForwardProxy]:
    with run_forward_proxy() as running:
        yield running


@pytest.fixture
def second_proxy() -> Iterator[ForwardProxy]:
    with run_forward_proxy() as running:
        yield running


MakeSettings = Callable[..., RunnerSettings]


@pytest.fixture
def make_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> MakeSettings:
    """Settings from keyword arguments alone: no environment, no .env."""
    for name in RunnerSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    return RunnerSettings


@pytest.fixture
def local(make_settings: MakeSettings) -> RunnerSettings:
    """Settings under which the servers of these tests may be reached."""
    return make_settings(allow_private_addresses=True)


@pytest.fixture
def impatient() -> Patience:
    return Patience(
        connect_s=2.0,
        idle_s=1.0,
        attempts=3,
        backoff_s=0.01,
        backoff_max_s=0.02,
        rate_window_s=0.5,
    )


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    path = tmp_path / "work"
    path.mkdir()
    return path


@pytest.fixture
def progress() -> list[Download]:
    return []
