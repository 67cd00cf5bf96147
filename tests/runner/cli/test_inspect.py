"""`slides inspect` shows an output, and finds what is missing or changed."""

import json
from pathlib import Path

import pytest

from slides_api.exit_codes import ExitCode
from tests.runner.command import slides


def test_shows_slides_with_their_times(finished: Path) -> None:
    ended = slides("inspect", "out", cwd=finished)

    assert ended.exit_code == 0
    assert "0:00-0:03, 0:06-0:09" in ended.stdout
    assert "slides/0002.webp" in ended.stdout
    assert str(finished / "out" / "report.html") in ended.stdout


@pytest.mark.parametrize("name", ["out", "out/", "out/manifest.json", "file"])
def test_takes_folder_manifest_or_uri(finished: Path, name: str) -> None:
    place = (finished / "out").as_uri() if name == "file" else name

    document = slides("inspect", place, "--json", cwd=finished).document

    assert document["isWhole"] is True
    assert document["problems"] == []
    assert [one["spans"] for one in document["slides"]] == [
        [{"start": 0.0, "end": 3.0}, {"start": 6.0, "end": 9.0}],
        [{"start": 3.0, "end": 6.0}],
    ]


def test_takes_the_manifest_of_the_working_folder(finished: Path) -> None:
    assert slides("inspect", "manifest.json", cwd=finished / "out").exit_code == 0


def test_finds_what_is_missing_cut_and_changed(finished: Path) -> None:
    out = finished / "out"
    (out / "slides.pdf").unlink()
    (out / "report.html").write_text("short")
    picture = bytearray((out / "slides" / "0001.webp").read_bytes())
    picture[-1] ^= 1
    (out / "slides" / "0001.webp").write_bytes(picture)

    ended = slides("inspect", "out", "--json", cwd=finished)

    problems = {one["key"]: one["problem"] for one in ended.document["problems"]}
    assert ended.exit_code == ExitCode.PARTIALLY_COMPLETED
    assert ended.document["isWhole"] is False
    assert problems.pop("report.html").startswith("5 bytes instead of")
    assert problems == {"slides.pdf": "missing", "slides/0001.webp": "other content"}


def test_people_read_what_is_wrong_and_what_to_do(finished: Path) -> None:
    (finished / "out" / "slides.pdf").unlink()

    ended = slides("inspect", "out", cwd=finished)

    assert ended.exit_code == ExitCode.PARTIALLY_COMPLETED
    assert "slides.pdf: missing" in ended.stderr
    assert "--force" in ended.stderr


def test_links_open_the_files(finished: Path) -> None:
    links = slides("inspect", "out", "--links", "--json", cwd=finished).document["links"]

    assert links["slides/0001.webp"] == (finished / "out" / "slides" / "0001.webp").as_uri()
    assert set(links) >= {"manifest.json", "slides.pdf", "report.html"}


def test_says_that_nothing_finished_lies_there(folder: Path) -> None:
    ended = slides("inspect", "nowhere", "--json", cwd=folder)

    assert (ended.exit_code, ended.error["reason"]) == (ExitCode.BAD_URL, "BadUrl")
    assert "slides extract" in ended.error["hint"]


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"schemaVersion": 2}'], ids=repr
)
def test_says_that_a_manifest_cannot_be_read(folder: Path, content: bytes) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "manifest.json").write_bytes(content)

    ended = slides("inspect", "out", "--json", cwd=folder)

    assert (ended.exit_code, ended.error["reason"]) == (78, "OutputConflict")


def test_manifest_that_leads_out_of_its_folder_is_not_followed(finished: Path) -> None:
    path = finished / "out" / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["artifacts"][0]["key"] = "../talk.mp4"
    path.write_text(json.dumps(manifest))

    ended = slides("inspect", "out", "--json", cwd=finished)

    assert (ended.exit_code, ended.error["reason"]) == (78, "OutputConflict")
    assert "outside" in ended.error["message"]


def test_hostile_title_does_not_reach_the_terminal(finished: Path) -> None:
    path = finished / "out" / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["source"]["title"] = "[red]\x1b[2J\u202e"
    path.write_text(json.dumps(manifest))

    ended = slides("inspect", "out", cwd=finished)

    assert "[red]" in ended.stdout
    assert "\x1b" not in ended.stdout
    assert "\u202e" not in ended.stdout
