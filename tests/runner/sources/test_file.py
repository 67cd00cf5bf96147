"""Local files: read where they lie, and clear words for those that cannot be."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from slides_api.v1alpha1 import Source as SourceSpec
from slides_runner.errors import (
    AccessDeniedError,
    BadUrlError,
    NotAVideoError,
    SlidesError,
    TooBigError,
)
from slides_runner.sources import Media
from slides_runner.sources.file import FileSource

NOBODY = 65534
"""User id without rights, on Linux and macOS alike by convention."""


def _fetch(url: str, max_bytes: int | None = None) -> Media:
    source = FileSource(url, SourceSpec(url=url, max_bytes=max_bytes))
    return source.fetch(Path("unused"), lambda _: None)


def test_a_file_is_used_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "a talk.mp4"
    path.write_bytes(b"video")
    digest = hashlib.sha256(b"video").hexdigest()

    for url in (str(path), path.as_uri(), f"file://localhost{path.as_uri()[7:]}"):
        media = _fetch(url)

        assert media.path == path
        assert not media.temporary
        assert media.sha256 == digest
        assert media.info.key == f"file-{digest[:16]}"
        assert media.info.title == "a talk"
        assert media.info.url is None


def test_files_that_cannot_be_read_are_named_with_a_next_step(tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    cases: list[tuple[Path, type[SlidesError]]] = [
        (tmp_path / "missing.mp4", BadUrlError),
        (tmp_path, BadUrlError),
        (empty / "below-a-file.mp4", BadUrlError),
        (empty, NotAVideoError),
    ]
    for path, error in cases:
        with pytest.raises(error) as caught:
            _fetch(str(path))

        assert str(path) in caught.value.message
        assert caught.value.hint


@contextlib.contextmanager
def _without_privileges() -> Iterator[None]:
    """Be a user whom permissions bind, as root is not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_without_permission_is_access_denied(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    path.write_bytes(b"video")
    path.chmod(0)

    with _without_privileges(), pytest.raises(AccessDeniedError):
        _fetch(str(path))


def test_a_file_above_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    path.write_bytes(b"video")

    with pytest.raises(TooBigError):
        _fetch(str(path), max_bytes=4)
    assert _fetch(str(path), max_bytes=5).size_bytes == 5


def test_a_name_from_a_url_is_unquoted(tmp_path: Path) -> None:
    path = tmp_path / "\u00fcber 100%.mp4"
    path.write_bytes(b"video")

    assert _fetch(path.as_uri()).info.title == "\u00fcber 100%"
