"""What full disks, foreign folders and closed streams get: a clear error, and nothing lost."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from slides_api.exit_codes import ExitCode
from tests.media import (
    make_talk,
)
from tests.runner.command import PAGES_OFF, slides
from tests.runner.sources.media_server import Resource, run_media_server

pytestmark = pytest.mark.slow


def limit_file_sizes() -> None:
    """Let no file grow beyond a few kilobytes: to a program as good as a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def test_no_space_in_the_work_folder_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    make_talk(tmp_path / "talk.mp4")
    arguments = ("extract", "talk.mp4", *PAGES_OFF, "--json", "--output", "out")

    ended = slides(*arguments, cwd=tmp_path, before=limit_file_sizes)

    assert (ended.error["reason"], ended.exit_code) == ("DiskFull", ExitCode.DISK_FULL)
    assert "--work-dir" in ended.error["hint"]
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert slides(*arguments, cwd=tmp_path).exit_code == 0  # once there is space again


def test_no_space_for_the_output_is_said_and_leaves_no_manifest(tmp_path: Path) -> None:
    make_talk(tmp_path / "talk.mp4")
    (tmp_path / "out").mkdir()
    # As an interrupted run may leave it, but that a file's place is where nothing ever fits.
    (tmp_path / "out" / ".slides-extractor-incomplete").write_text("slides/0001.webp\n")
    (tmp_path / "out" / "slides").mkdir()
    (tmp_path / "out" / "slides" / ".0001.webp.part").symlink_to("/dev/full")

    ended = slides("extract", "talk.mp4", *PAGES_OFF, "--json", "-o", "out", cwd=tmp_path)

    assert (ended.error["reason"], ended.exit_code) == ("DiskFull", ExitCode.DISK_FULL)
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_no_space_for_the_download_is_said(tmp_path: Path) -> None:
    talk = make_talk(tmp_path / "talk.mp4")
    with run_media_server() as server:
        url = server.put("/talk.mp4", Resource(talk.path.read_bytes()))
        ended = slides(
            "extract", url, "--allow-private", "--json", cwd=tmp_path, before=limit_file_sizes
        )

    assert (ended.error["reason"], ended.exit_code) == ("DiskFull", ExitCode.DISK_FULL)


def test_result_that_stdout_does_not_take_is_said(tmp_path: Path) -> None:
    make_talk(tmp_path / "talk.mp4")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "slides_runner", "extract", "talk.mp4", "--json", "-o", "out"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == ExitCode.DISK_FULL
    assert "cannot be written to stdout" in done.stderr


@pytest.mark.parametrize(
    "output",
    [
        pytest.param("file.txt/out", id="below a file"),
        pytest.param("file.txt", id="a file"),
        pytest.param("/proc/slides-output", id="file system without room for files"),
    ],
)
def test_output_folder_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, output: str
) -> None:
    make_talk(tmp_path / "talk.mp4")
    (tmp_path / "file.txt").write_text("mine")

    ended = slides("extract", "talk.mp4", "--verbose", "--json", "--output", output, cwd=tmp_path)

    assert ended.error["reason"] == "OutputNotWritable"
    assert ended.exit_code == ExitCode.OUTPUT_REFUSED
    assert ended.error["hint"]
    assert "Finding slides" not in ended.stderr
    assert (tmp_path / "file.txt").read_text() == "mine"


@pytest.mark.parametrize("work_dir", ["file.txt/work", "/proc/work"])
def test_work_folder_that_cannot_be_written_is_refused(tmp_path: Path, work_dir: str) -> None:
    make_talk(tmp_path / "talk.mp4")
    (tmp_path / "file.txt").write_text("mine")

    ended = slides("extract", "talk.mp4", "--json", "--work-dir", work_dir, cwd=tmp_path)

    assert (ended.error["reason"], ended.exit_code) == ("OutputNotWritable", 78)
    assert "--work-dir" in ended.error["hint"]


def test_folder_with_another_talks_output_is_refused_even_by_force(tmp_path: Path) -> None:
    make_talk(tmp_path / "one.mp4")
    make_talk(tmp_path / "two.mp4", slides=((4, 3.0), (5, 3.0)))
    slides("extract", "one.mp4", *PAGES_OFF, "--output", "out", cwd=tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}

    ended = slides("extract", "two.mp4", "--force", "--json", "--output", "out", cwd=tmp_path)

    assert (ended.error["reason"], ended.exit_code) == ("OutputConflict", 78)
    assert "another talk" in ended.error["message"]
    assert before
    assert all(path.read_bytes() == content for path, content in before.items())


def test_folder_with_somebodys_files_is_refused(tmp_path: Path) -> None:
    make_talk(tmp_path / "talk.mp4")
    (tmp_path / "out" / "slides").mkdir(parents=True)
    (tmp_path / "out" / "slides" / "0001.webp").write_text("mine")

    ended = slides("extract", "talk.mp4", "--json", "--output", "out", cwd=tmp_path)

    assert (ended.error["reason"], ended.exit_code) == ("OutputConflict", 78)
    assert (tmp_path / "out" / "slides" / "0001.webp").read_text() == "mine"
