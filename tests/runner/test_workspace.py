"""Work folders: kept after failures, gone after success, never shared."""

import itertools
import os
from pathlib import Path

import pytest

from slides_runner.errors import DiskFullError, NetworkError, OutputNotWritableError
from slides_runner.workspace import Room, WorkFolder, claim, default_root, used_bytes


def test_is_removed_at_the_end(tmp_path: Path) -> None:
    with claim(tmp_path, "talk") as work:
        (work.downloads / "talk.mp4.part").write_text("half")
        (work.made / "0001.webp").write_text("slide")

    assert list(tmp_path.iterdir()) == []


def test_keeps_downloads_alone_after_a_failure_and_says_so(tmp_path: Path) -> None:
    def fail() -> None:
        (work.downloads / "talk.mp4.part").write_text("half")
        (work.made / "0001.webp").write_text("slide")
        raise NetworkError("Cut.", hint="Try again.")

    with pytest.raises(NetworkError) as raised, claim(tmp_path, "talk") as work:
        fail()

    assert raised.value.hint.startswith("Try again. What was downloaded is kept in ")
    assert str(work.path) in raised.value.hint
    assert not work.made.exists()
    with claim(tmp_path, "talk") as again:
        assert (again.downloads / "talk.mp4.part").read_text() == "half"


def test_a_failure_without_downloads_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        (work.made / "0001.webp").write_text("slide")
        raise NetworkError("Cut.", hint="Try again.")

    with pytest.raises(NetworkError) as raised, claim(tmp_path, "talk") as work:
        fail()

    assert raised.value.hint == "Try again."
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_made_is_cleared(tmp_path: Path) -> None:
    with claim(tmp_path, "talk") as work:
        path = work.path
    (path / "made").mkdir(parents=True)
    (path / "made" / "0001.webp").write_text("of another run")

    with claim(tmp_path, "talk") as work:
        assert list(work.made.iterdir()) == []


def test_two_runs_of_one_source_work_apart(tmp_path: Path) -> None:
    with claim(tmp_path, "talk") as one, claim(tmp_path, "talk") as two:
        assert one.path != two.path

    with claim(tmp_path, "talk") as again:
        assert again.path == one.path


def test_sources_work_apart(tmp_path: Path) -> None:
    with claim(tmp_path, "one") as one, claim(tmp_path, "two") as two:
        assert one.path != two.path


def test_a_full_disk_is_told_from_other_errors(tmp_path: Path) -> None:
    with pytest.raises(DiskFullError, match="No space") as raised, claim(tmp_path, "talk"):
        Path("/dev/full").write_text("x")

    assert isinstance(raised.value.__cause__, OSError)


def test_other_errors_of_the_system_pass(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), claim(tmp_path, "talk"):
        (tmp_path / "missing").read_text()


@pytest.mark.parametrize("root", ["file/work", "file"])
def test_a_place_that_takes_no_folder_is_refused(tmp_path: Path, root: str) -> None:
    (tmp_path / "file").write_text("mine")

    with pytest.raises(OutputNotWritableError, match="cannot"), claim(tmp_path / root, "talk"):
        pytest.fail("it was entered")


@pytest.mark.parametrize(
    ("environment", "want"),
    [
        pytest.param({"XDG_CACHE_HOME": "/c", "HOME": "/h"}, "/c/slides-extractor/work", id="XDG"),
        pytest.param({"HOME": "/h"}, "/h/.cache/slides-extractor/work", id="home"),
        pytest.param(
            {"XDG_CACHE_HOME": "relative", "HOME": "/h"},
            "/h/.cache/slides-extractor/work",
            id="relative is invalid by the specification",
        ),
    ],
)
def test_lies_in_the_users_cache(environment: dict[str, str], want: str) -> None:
    assert default_root(environment) == Path(want)


def test_lies_in_the_temporary_folder_of_a_user_without_home() -> None:
    assert os.fspath(default_root({})).endswith("slides-extractor/work")


def test_volume_that_ends_with_the_run_is_not_promised(tmp_path: Path) -> None:
    def fail() -> None:
        (work.downloads / "talk.mp4.part").write_text("half")
        raise NetworkError("Cut.", hint="Try again.")

    with pytest.raises(NetworkError) as raised, claim(tmp_path, "talk", stays=False) as work:
        fail()

    assert raised.value.hint == "Try again."


def room(folder: Path, limit_bytes: int | None) -> Room:
    seconds = itertools.count(0.0, 10.0)
    return Room(folder, limit_bytes, clock=lambda: next(seconds))


def test_room_has_its_limit(tmp_path: Path) -> None:
    half = room(tmp_path, 200_000)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "talk.mp4").write_bytes(bytes(100_000))

    half.check()
    (tmp_path / "more").write_bytes(bytes(100_000))
    with pytest.raises(DiskFullError, match="200,000 bytes is full"):
        half.check()
    room(tmp_path, None).check()


def test_room_is_looked_at_once_a_second(tmp_path: Path) -> None:
    moments = iter([0.0, 0.0, 0.5, 0.9, 1.1, 1.1])
    seen = Room(tmp_path, 1000, clock=lambda: next(moments))
    seen.check()
    (tmp_path / "talk.mp4").write_bytes(bytes(100_000))

    seen.check()
    seen.check()
    with pytest.raises(DiskFullError):
        seen.check()


def test_download_that_cannot_fit_is_refused_before_it_begins(tmp_path: Path) -> None:
    work = WorkFolder(tmp_path / "work")
    work.downloads.mkdir(parents=True)
    (work.downloads / "talk.mp4.part").write_bytes(bytes(400_000))

    room(tmp_path, 1_000_000).refuse(900_000, work)  # nearly half of it is here already
    room(tmp_path, 1_000_000).refuse(None, work)
    with pytest.raises(DiskFullError, match="1,200,000 bytes"):
        room(tmp_path, 1_000_000).refuse(1_200_000, work)


def test_what_lies_on_the_disk_is_counted_not_what_is_claimed(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(10_000_000)

    assert used_bytes(tmp_path) < 1_000_000
    assert used_bytes(tmp_path / "missing") == 0
