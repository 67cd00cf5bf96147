"""A name and password reach the server of a file, and the login of a site that yt-dlp knows."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from slides_api.v1alpha1 import Source as SourceSpec
from slides_runner.errors import AccessDeniedError, InvalidSpecError
from slides_runner.settings import RunnerSettings
from slides_runner.sources import Download, Source, open_source
from slides_runner.sources.login import Login, read_login, with_login
from slides_runner.sources.patience import Patience
from tests.runner.sources.conftest import MakeSettings
from tests.runner.sources.media_server import MediaServer, Resource

BODY = bytes(range(256)) * 40
BASIC = "Basic YW5uOmdlaGVpbS86QA=="  # ann:geheim/:@
PASSWORD = "geheim/:@"


@pytest.fixture
def signed_in(make_settings: MakeSettings) -> RunnerSettings:
    return make_settings(
        allow_private_addresses=True, source_username="ann", source_password=PASSWORD
    )


def opened(url: str, settings: RunnerSettings, patience: Patience) -> Source:
    return open_source(url, SourceSpec(url=url), settings, patience=patience)


def test_server_of_a_file_gets_it(
    server: MediaServer,
    signed_in: RunnerSettings,
    impatient: Patience,
    work_dir: Path,
    progress: list[Download],
) -> None:
    url = server.put("/talk.mp4", Resource(BODY))

    source = opened(url, signed_in, impatient)
    media = source.fetch(work_dir, progress.append)

    assert {one.headers.get("Authorization") for one in server.seen} == {BASIC}
    assert (source.probe().url, source.probe().key) == (url, media.info.key)


def test_other_servers_do_not(
    server: MediaServer, signed_in: RunnerSettings, impatient: Patience
) -> None:
    target = server.put("/other.mp4", Resource(BODY)).replace("127.0.0.1", "localhost")
    url = server.put("/talk.mp4", Resource(status=302, headers={"Location": target}))

    opened(url, signed_in, impatient).probe()

    seen = {one.path: one.headers.get("Authorization") for one in server.seen}
    assert seen == {"/talk.mp4": BASIC, "/other.mp4": None}


def test_login_of_the_url_itself_comes_first() -> None:
    login = Login("ann", "geheim")

    assert with_login("https://bob:x@h/talk.mp4", login) == "https://bob:x@h/talk.mp4"
    assert with_login("https://h/talk.mp4", login) == "https://ann:geheim@h/talk.mp4"
    assert with_login("https://h/talk.mp4", None) == "https://h/talk.mp4"
    assert with_login("https://h:8/a?b", Login("a@b", "p:/ ")) == "https://a%40b:p%3A%2F%20@h:8/a?b"


def test_site_signs_in_with_it(
    server: MediaServer, signed_in: RunnerSettings, impatient: Patience
) -> None:
    media = server.put("/talk.mp4", Resource(BODY))

    info = opened(f"https://login.example/talk?media={media}", signed_in, impatient).probe()

    assert info.title == f"for ann, who knows {PASSWORD}"


def test_site_without_it_is_closed(
    server: MediaServer, local: RunnerSettings, impatient: Patience
) -> None:
    media = server.put("/talk.mp4", Resource(BODY))

    with pytest.raises(AccessDeniedError):
        opened(f"https://login.example/talk?media={media}", local, impatient).probe()


def test_wrong_password_is_permanent(
    server: MediaServer, signed_in: RunnerSettings, impatient: Patience
) -> None:
    url = f"https://login.example/talk?password=another&media={server.url('/talk.mp4')}"

    with pytest.raises(AccessDeniedError, match="bad username") as raised:
        opened(url, signed_in, impatient).probe()

    assert "SOURCE_PASSWORD" in raised.value.hint


@pytest.mark.parametrize("half", ["source_username", "source_password"])
def test_half_a_login_is_refused(make_settings: MakeSettings, half: str) -> None:
    with pytest.raises(InvalidSpecError, match="both a username and a password") as raised:
        read_login(make_settings(**{half: SecretStr("x") if "pass" in half else "x"}))

    assert "SOURCE_USERNAME" in raised.value.hint
