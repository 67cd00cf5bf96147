"""`slides probe` says what would be done, and does nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slides_api.exit_codes import ExitCode
from tests.runner.command import slides
from tests.runner.sources.media_server import MediaServer, Resource, run_media_server


@pytest.fixture
def server() -> Iterator[MediaServer]:
    with run_media_server() as running:
        yield running


def test_tells_all_of_a_local_file_and_leaves_nothing(folder: Path) -> None:
    document = slides("probe", "talk.mp4", "--json", cwd=folder).document

    assert document["title"] == "talk"
    assert document["durationSeconds"] == 9.0
    assert (document["width"], document["height"], document["codec"]) == (640, 360, "h264")
    assert document["bytes"] == (folder / "talk.mp4").stat().st_size
    assert document["prefix"].startswith(f"{document['key']}/")
    assert document["output"] == str(folder / "talk-slides")
    assert document["isDone"] is False
    assert document["estimatedSeconds"] > 0
    assert [path.name for path in folder.iterdir()] == ["talk.mp4"]


def test_prefix_is_where_extract_puts_it(finished: Path) -> None:
    probed = slides("probe", "talk.mp4", "--output", "s", "--json", cwd=finished).document
    inspected = slides("inspect", "out", "--json", cwd=finished).document

    assert probed["key"] == inspected["video"]["key"]


def test_says_that_it_is_done_already(finished: Path) -> None:
    words = slides("probe", "talk.mp4", "--output", "out", cwd=finished).stdout
    document = slides("probe", "talk.mp4", "--output", "out", "--json", cwd=finished).document

    assert "done already" in words
    assert (document["isDone"], document["estimatedSeconds"]) == (True, 0.0)


def test_people_read_what_would_be_done(folder: Path) -> None:
    ended = slides("probe", "talk.mp4", cwd=folder)

    assert ended.exit_code == 0
    assert "0:09, 640x360 h264" in ended.stdout
    assert "would be extracted, roughly in" in ended.stdout


def test_url_is_not_downloaded(folder: Path, server: MediaServer) -> None:
    body = (folder / "talk.mp4").read_bytes() + bytes(500_000)
    url = server.put("/a%20talk.mp4", Resource(body))

    document = slides("probe", url, "--allow-private", "--json", cwd=folder).document

    assert document["title"] == "a talk"
    assert document["bytes"] == len(body)
    assert document["output"] == str(folder / "a talk-slides")
    assert server.sent_bytes() < 50_000
    assert [path.name for path in folder.iterdir()] == ["talk.mp4"]


def test_refuses_as_extract_does(folder: Path) -> None:
    refused = slides("probe", "talk.mp4", "--max-duration", "5", "--json", cwd=folder)
    (folder / "text.mp4").write_text("no video")
    no_video = slides("probe", "text.mp4", cwd=folder)

    assert (refused.error["reason"], refused.exit_code) == ("TooLong", ExitCode.TOO_LONG)
    assert no_video.exit_code == ExitCode.NOT_A_VIDEO
    assert no_video.stderr.startswith("error: ")


def test_refuses_an_output_that_extract_would_refuse(folder: Path) -> None:
    (folder / "file").write_text("mine")

    ended = slides("probe", "talk.mp4", "--output", "file/out", "--json", cwd=folder)

    assert (ended.error["reason"], ended.exit_code) == ("OutputNotWritable", 78)


def test_several_sources_are_a_line_each(folder: Path) -> None:
    ended = slides("probe", "talk.mp4", "missing.mp4", "--json", cwd=folder)

    assert ended.exit_code == 1
    assert [("error" in one) for one in ended.documents] == [False, True]


def test_wrong_option_is_a_usage_error(folder: Path) -> None:
    ended = slides("probe", "talk.mp4", "--max-height", "1", cwd=folder)

    assert ended.exit_code == ExitCode.USAGE
    assert "--max-height" in ended.stderr
