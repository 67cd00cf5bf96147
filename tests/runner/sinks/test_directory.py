import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from slides_runner.artifacts import LocalFile
from slides_runner.errors import (
    DiskFullError,
    OutputConflictError,
    OutputNotWritableError,
)
from slides_runner.sinks.directory import JOURNAL, DirectorySink, explain
from tests.runner.sinks.files import run_once, write_files, write_manifest

CONTENTS = {
    "slides/0001.webp": b"first",
    "slides/0002.webp": b"second",
    "report.html": b"<html>",
}
NOBODY = 65534


@pytest.fixture
def files(tmp_path: Path) -> tuple[LocalFile, ...]:
    return write_files(tmp_path / "work", CONTENTS)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def names_in(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_writes_files_and_manifest_and_nothing_else(
    out: Path, files: tuple[LocalFile, ...]
) -> None:
    uri = run_once(DirectorySink(out), files)
    assert names_in(out) == {*CONTENTS, "manifest.json"}
    assert (out / "slides/0002.webp").read_bytes() == b"second"
    assert uri == (out / "manifest.json").as_uri()


def test_manifest_comes_last(out: Path, files: tuple[LocalFile, ...]) -> None:
    sink = DirectorySink(out)
    for file in sink.put(files):
        assert (out / file.key).read_bytes() == CONTENTS[file.key]
        assert not (out / "manifest.json").exists()


def test_uri_escapes_what_a_url_must_not_hold(tmp_path: Path) -> None:
    assert (
        DirectorySink(tmp_path / "a b#c").uri("slides/1.webp").endswith("/a%20b%23c/slides/1.webp")
    )


@pytest.mark.parametrize("stored", range(len(CONTENTS) + 1))
def test_run_abandoned_anywhere_leaves_no_manifest_and_the_next_completes(
    out: Path, files: tuple[LocalFile, ...], stored: int
) -> None:
    upload = iter(DirectorySink(out).put(files))
    for _ in range(stored):
        next(upload)
    del upload
    assert DirectorySink(out).read_manifest() is None
    run_once(DirectorySink(out), files)
    assert names_in(out) == {*CONTENTS, "manifest.json"}


def test_killed_run_leaves_no_manifest_and_the_next_completes(
    out: Path, files: tuple[LocalFile, ...]
) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from slides_runner.sinks.directory import DirectorySink
from slides_runner.artifacts import LocalFile
out, *paths = map(Path, sys.argv[1:])
files = [LocalFile(f"slides/{p.name}", p, "slide", "image/webp") for p in paths]
for _ in DirectorySink(out).put(files):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    paths = [str(f.path) for f in files]
    killed = subprocess.run([sys.executable, "-c", program, out, *paths], check=False)
    assert killed.returncode == -9
    assert names_in(out) == {"slides/0001.webp", JOURNAL}
    run_once(DirectorySink(out), files)
    assert names_in(out) == {*CONTENTS, "manifest.json"}


def test_clears_leftovers_of_an_interrupted_run_but_not_the_users_files(
    tmp_path: Path, out: Path, files: tuple[LocalFile, ...]
) -> None:
    out.mkdir()
    (out / "talk.mp4").write_bytes(b"the talk itself")
    longer = write_files(tmp_path / "longer", {"slides/0009.webp": b"gone later"})
    next(iter(DirectorySink(out).put(longer)))
    run_once(DirectorySink(out), files)
    assert names_in(out) == {*CONTENTS, "manifest.json", "talk.mp4"}


def test_forced_run_with_the_same_files_keeps_the_manifest_until_it_is_replaced(
    out: Path, files: tuple[LocalFile, ...]
) -> None:
    run_once(DirectorySink(out), files, note="old")
    before = {name: (out / name).stat().st_mtime_ns for name in CONTENTS}
    sink = DirectorySink(out)
    replaces = sink.read_manifest()
    list(sink.put(files))
    assert json.loads((out / "manifest.json").read_bytes())["note"] == "old"
    sink.commit(write_manifest(CONTENTS, note="new"), replaces=replaces)
    assert json.loads((out / "manifest.json").read_bytes())["note"] == "new"
    assert {name: (out / name).stat().st_mtime_ns for name in CONTENTS} == before


def test_forced_run_takes_the_manifest_away_before_the_first_file_changes(
    tmp_path: Path, out: Path, files: tuple[LocalFile, ...]
) -> None:
    run_once(DirectorySink(out), files)
    changed = write_files(tmp_path / "changed", {"slides/0001.webp": b"another"})
    sink = DirectorySink(out)
    replaces = sink.read_manifest()
    for _ in sink.put(changed):
        assert not (out / "manifest.json").exists()
    sink.commit(write_manifest(["slides/0001.webp"]), replaces=replaces)
    assert names_in(out) == {"slides/0001.webp", "manifest.json"}
    assert (out / "slides/0001.webp").read_bytes() == b"another"


def test_replacing_never_deletes_what_an_edited_manifest_names_outside(
    tmp_path: Path, out: Path, files: tuple[LocalFile, ...]
) -> None:
    outside = tmp_path / "diary.txt"
    outside.write_text("dear")
    run_once(DirectorySink(out), files)
    (out / "manifest.json").write_bytes(write_manifest(["../diary.txt", str(outside)]))
    run_once(DirectorySink(out), files, note="new")
    assert outside.exists()


@pytest.mark.parametrize("taken", ["slides/0001.png", "slides.pdf", "report.html"])
def test_refuses_names_taken_by_something_else(
    out: Path, files: tuple[LocalFile, ...], taken: str
) -> None:
    (out / taken).parent.mkdir(parents=True)
    (out / taken).write_bytes(b"someone's")
    with pytest.raises(OutputConflictError, match=r"written by something else.*Choose another"):
        DirectorySink(out).prepare()
    with pytest.raises(OutputConflictError):
        list(DirectorySink(out).put(files))
    assert names_in(out) == {taken}


def test_second_writer_is_refused_while_the_first_writes(
    out: Path, files: tuple[LocalFile, ...]
) -> None:
    first = iter(DirectorySink(out).put(files))
    next(first)
    with pytest.raises(OutputConflictError, match="right now"):
        list(DirectorySink(out).put(files))
    list(first)


def test_writer_that_comes_second_is_refused(out: Path, files: tuple[LocalFile, ...]) -> None:
    late = DirectorySink(out)
    assert late.read_manifest() is None
    run_once(DirectorySink(out), files, note="first")
    with pytest.raises(OutputConflictError, match="meanwhile"):
        list(late.put(files))
    assert names_in(out) == {*CONTENTS, "manifest.json"}


def test_manifest_that_appears_without_the_lock_is_not_overwritten(
    out: Path, files: tuple[LocalFile, ...]
) -> None:
    sink = DirectorySink(out)
    list(sink.put(files))
    (out / "manifest.json").write_bytes(b"another's")
    with pytest.raises(OutputConflictError, match="first"):
        sink.commit(b"ours", replaces=None)
    assert (out / "manifest.json").read_bytes() == b"another's"


def test_refuses_a_folder_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputNotWritableError, match="Choose another --output"):
        DirectorySink(tmp_path / "file" / "out").prepare()


def test_refuses_a_folder_without_permission(
    tmp_path: Path, out: Path, files: tuple[LocalFile, ...]
) -> None:
    out.mkdir()
    out.chmod(0o555)
    tmp_path.chmod(0o755)
    with without_privileges(), pytest.raises(OutputNotWritableError, match="Permission denied"):
        DirectorySink(out).prepare()
    with without_privileges(), pytest.raises(OutputNotWritableError, match="Permission denied"):
        list(DirectorySink(out).put(files))


@contextmanager
def without_privileges() -> Iterator[None]:
    """Be an ordinary user for a moment: permissions do not bind root."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(was)


def test_preparing_creates_nothing(out: Path) -> None:
    DirectorySink(out / "deep" / "er").prepare()
    assert DirectorySink(out).read_manifest() is None
    assert not out.exists()


@pytest.mark.parametrize(
    ("number", "want"),
    [
        (errno.ENOSPC, DiskFullError),
        (errno.EDQUOT, DiskFullError),
        (errno.EACCES, OutputNotWritableError),
        (errno.EROFS, OutputNotWritableError),
        (errno.ENOTDIR, OutputNotWritableError),
    ],
    ids=lambda value: errno.errorcode[value] if isinstance(value, int) else "",
)
def test_explains_errors_of_the_system(tmp_path: Path, number: int, want: type[Exception]) -> None:
    explained = explain(OSError(number, os.strerror(number)), tmp_path)
    assert type(explained) is want
    assert explained.hint


def test_full_disk_leaves_no_manifest(tmp_path: Path, files: tuple[LocalFile, ...]) -> None:
    program = """
import sys
from pathlib import Path
from slides_runner.artifacts import LocalFile
from slides_runner.errors import DiskFullError
from slides_runner.sinks.directory import DirectorySink
out, *paths = map(Path, sys.argv[1:])
sink = DirectorySink(out)
try:
    list(sink.put([LocalFile(f"slides/{p.name}", p, "slide", "image/webp") for p in paths]))
except DiskFullError as e:
    print(e)
assert sink.read_manifest() is None
"""
    large = tmp_path / "large.webp"
    large.write_bytes(bytes(200_000))
    volume = tmp_path / "volume"
    volume.mkdir()
    mount = f"mount -t tmpfs -o size=64k none {volume}"
    private = ["unshare", "--mount", "--map-root-user", "--user", "sh", "-c"]
    if subprocess.run([*private, mount], check=False, capture_output=True).returncode != 0:
        pytest.skip("this machine lets nobody mount a small disk")
    paths = [str(files[0].path), str(large)]
    done = subprocess.run(
        [*private, f'{mount} && exec "$@"', "sh", sys.executable, "-c", program, volume, *paths],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("No space is left")
