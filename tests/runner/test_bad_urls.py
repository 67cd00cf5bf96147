"""What servers that refuse, hang or lead astray get: an error that tells them apart."""

from pathlib import Path
from typing import Any

import pytest

from slides_api.exit_codes import ExitCode
from slides_api.v1alpha1 import Source as SourceSpec
from slides_runner.errors import TimedOutError
from slides_runner.settings import RunnerSettings
from slides_runner.sources import open_source
from slides_runner.sources.patience import Patience
from tests.media import (
    make_talk,
)
from tests.runner.command import PAGES_OFF, slides
from tests.runner.sources.forward_proxy import run_forward_proxy
from tests.runner.sources.media_server import MediaServer, Resource, run_media_server

pytestmark = pytest.mark.slow


ANSWERS: dict[str, tuple[Resource, str, int]] = {
    "/page.mp4": (
        Resource(b"<!doctype html><title>x</title>", media_type="text/html"),
        "NotAVideo",
        65,
    ),
    "/401.mp4": (Resource(status=401), "AccessDenied", 77),
    "/403.mp4": (Resource(status=403), "AccessDenied", 77),
    "/404.mp4": (Resource(status=404), "Removed", 67),
    "/410.mp4": (Resource(status=410), "Removed", 67),
    "/429.mp4": (Resource(status=429), "RateLimited", 84),
    "/500.mp4": (Resource(status=500), "ServerError", 81),
    "/503.mp4": (Resource(status=503), "ServerError", 81),
    "/nothing.mp4": (Resource(b""), "NotAVideo", 65),
    "/text.mp4": (Resource(b"no video" * 1000), "NotAVideo", 65),
}
"""What a server answers, and the reason and exit code that it gets."""


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("answers")
    with run_media_server() as server:
        urls = {server.put(path, answer): path for path, (answer, _, _) in ANSWERS.items()}
        # All at once, since most of the time goes into waiting before another try.
        jobs = str(len(urls))
        arguments = ("--allow-private", "--json", "--output", "out", "--jobs", jobs)
        ended = slides("extract", *urls, *arguments, cwd=folder)
    assert not (folder / "out").exists()
    return {urls[one["source"]]: one["error"] for one in ended.documents}


@pytest.mark.parametrize("path", ANSWERS)
def test_what_a_server_refuses_is_told_apart(
    answered: dict[str, dict[str, Any]], path: str
) -> None:
    error = answered[path]

    assert (error["reason"], error["exitCode"]) == ANSWERS[path][1:]
    assert error["hint"]


@pytest.fixture
def server() -> Any:
    with run_media_server() as running:
        yield running


def test_url_that_hangs_is_given_up(
    server: MediaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    url = server.put("/hangs.mp4", Resource(hangs=True))
    spec = SourceSpec(url=url)
    patience = Patience(connect_s=2.0, idle_s=0.3, attempts=2, backoff_s=0.01)
    source = open_source(url, spec, RunnerSettings(allow_private_addresses=True), patience=patience)

    with pytest.raises(TimedOutError) as raised:
        source.probe()

    assert raised.value.exit_code == ExitCode.TIMED_OUT
    assert raised.value.hint


def test_url_that_claims_too_short_a_length_is_no_whole_video(
    server: MediaServer, tmp_path: Path
) -> None:
    body = make_talk(tmp_path / "talk.mp4").path.read_bytes()
    url = server.put("/talk.mp4", Resource(body, ranged=False, announced_length=len(body) // 2))

    ended = slides("extract", url, "--allow-private", "--json", "-o", "out", cwd=tmp_path)

    assert ended.exit_code >= 64
    assert ended.error["hint"]
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_url_that_leads_to_a_private_address_is_refused(
    server: MediaServer, tmp_path: Path
) -> None:
    url = server.put("/talk.mp4", Resource(b"x" * 1000))

    ended = slides("extract", url, "--json", cwd=tmp_path)

    assert (ended.error["reason"], ended.exit_code) == ("AddressRefused", ExitCode.BAD_URL)
    assert server.seen == []


def test_redirect_to_a_private_address_is_refused_unless_allowed(
    server: MediaServer, tmp_path: Path
) -> None:
    body = make_talk(tmp_path / "talk.mp4").path.read_bytes()
    inside = server.put("/inside.mp4", Resource(body))
    server.put("/talk.mp4", Resource(status=302, headers={"Location": inside}))
    url = "http://talks.example/talk.mp4"
    with run_forward_proxy() as proxy:
        proxy.hosts["talks.example"] = proxy.hosts["127.0.0.1"] = ("127.0.0.1", server.port)
        arguments = ("extract", url, *PAGES_OFF, "--proxy", proxy.address, "--json", "-o", "out")
        refused = slides(*arguments, cwd=tmp_path)
        allowed = slides(*arguments, "--allow-private", cwd=tmp_path)

    assert (refused.error["reason"], refused.exit_code) == ("AddressRefused", 73)
    assert allowed.exit_code == 0
    assert len(allowed.document["slides"]) == 3
