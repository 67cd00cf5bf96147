"""Work folders: kept after failures, gone after success, never shared."""

import os
from pathlib import Path

import pytest

from slides_runner.errors import DiskFullError, NetworkError, OutputNotWritableError
from slides_runner.workspace import claim, default_root


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
