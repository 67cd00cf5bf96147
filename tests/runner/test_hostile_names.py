"""What hostile names and titles get: a harmless folder, and text that stays text."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from slides_api.exit_codes import ExitCode
from tests.media import (
    make_talk,
)
from tests.runner.command import PAGES_OFF, Ended, slides
from tests.runner.sources.media_server import Resource, run_media_server

pytestmark = pytest.mark.slow


HOSTILE_NAMES = [
    pytest.param("[bold red]x[on blue].mp4", id="markup"),
    pytest.param("\x1b[31m\x1b[2Jred.mp4", id="ANSI"),
    pytest.param("line\nbreak\tand\rreturn.mp4", id="control characters"),
    pytest.param("talk\u202e4pm.mp4", id="right-to-left override"),
    pytest.param("..mp4", id="dots"),
    pytest.param("-rf.mp4", id="like an option"),
    pytest.param("a'b\"c;$(touch pwned)`.mp4", id="shell"),
    pytest.param("<script>alert(1)<b>.mp4", id="HTML"),
    pytest.param("y" * 250 + ".mp4", id="longest name"),
    pytest.param("日本語 état 👩\u200d💻.mp4", id="other scripts"),
    pytest.param("con.mp4", id="reserved elsewhere"),
]


@pytest.fixture(scope="module")
def small_talk(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("small") / "talk.mp4"
    return make_talk(path, slides=((1, 2.0), (2, 2.0)), size=(320, 180)).path.read_bytes()


@dataclass(frozen=True)
class HostileResults:
    """What one call made of all hostile names."""

    folder: Path
    words: Ended
    outputs: dict[str, Path]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, small_talk: bytes) -> HostileResults:
    folder = tmp_path_factory.mktemp("hostile")
    names = [str(one.values[0]) for one in HOSTILE_NAMES]
    for name in names:
        (folder / name).write_bytes(small_talk)
    words = slides("extract", *PAGES_OFF, "--", *names, cwd=folder)
    ended = slides("extract", *PAGES_OFF, "--json", "--", *names, cwd=folder)
    outputs = {one["source"]: Path(one["output"]) for one in ended.documents}
    return HostileResults(folder, words, outputs)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_file_name_gives_a_harmless_folder(hostile: HostileResults, name: str) -> None:
    output = hostile.outputs[name]

    assert output.parent == hostile.folder
    assert output.name.endswith("-slides")
    assert not forbidden(output.name)
    assert (output / "manifest.json").exists()


def test_hostile_file_names_do_not_reach_the_terminal(hostile: HostileResults) -> None:
    assert hostile.words.exit_code == 0, hostile.words.stderr
    assert not forbidden(hostile.words.stdout + hostile.words.stderr)
    assert "[bold red]x[on blue]" in hostile.words.stdout
    made = {path for path in hostile.folder.iterdir() if path.is_dir()} - set(
        hostile.outputs.values()
    )
    assert [path.name for path in made] == ["cache"]


def forbidden(text: str) -> set[str]:
    """Return the characters of a text that a terminal acts on."""
    return {c for c in text if c != "\n" and (not c.isprintable()) and c != "\u200d"}


def test_file_name_that_is_not_utf8_is_a_clean_message(tmp_path: Path, small_talk: bytes) -> None:
    name = os.fsdecode(b"caf\xe9.mp4")
    (tmp_path / name).write_bytes(small_talk)

    ended = slides("extract", name, *PAGES_OFF, "--json", "-o", "out", cwd=tmp_path)

    assert ended.exit_code == ExitCode.USAGE
    assert "not UTF-8" in ended.error["message"]
    assert not forbidden(ended.stderr)


def test_hostile_title_of_a_url_is_harmless(tmp_path: Path, small_talk: bytes) -> None:
    path = "/..%2F..%2F%1B%5B2J%E2%80%AE%5Bred%5D" + "t" * 300 + ".mp4"
    with run_media_server() as server:
        url = server.put(path, Resource(small_talk))
        ended = slides("extract", url, "--allow-private", *PAGES_OFF, cwd=tmp_path)

    assert ended.exit_code == 0, ended.stderr
    made = [path.name for path in tmp_path.iterdir() if path.name != "cache"]
    assert len(made) == 1
    assert made[0].endswith("-slides")
    assert not forbidden(ended.stdout + ended.stderr)


def test_hostile_title_in_the_container_stays_text(tmp_path: Path) -> None:
    title = "</script><script>alert(1)</script>[red]\x1b[2J"
    make_talk(tmp_path / "talk.mp4", slides=((1, 2.0), (2, 2.0)), title=title)

    ended = slides("extract", "talk.mp4", "--output", "out", cwd=tmp_path)

    assert ended.exit_code == 0
    assert not forbidden(ended.stdout + ended.stderr)
    assert "<script>alert(1)" not in (tmp_path / "out" / "report.html").read_text()
