"""Which source a string means, and what is said of nonsense."""

from pathlib import Path

import pytest

from slides_api.exit_codes import ExitCode
from slides_api.v1alpha1 import Source as SourceSpec
from slides_runner.errors import BadUrlError
from slides_runner.settings import RunnerSettings
from slides_runner.sources import open_source
from slides_runner.sources.file import FileSource
from slides_runner.sources.s3 import S3Source
from slides_runner.sources.web import WebSource
from slides_runner.sources.ytdlp import YtdlpSource, is_known_site


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("talk.mp4", FileSource),
        ("./dir:with:colons/talk.mp4", FileSource),
        ("file:///tmp/talk.mp4", FileSource),
        ("s3://bucket/talks/a.mp4", S3Source),
        ("https://www.youtube.com/watch?v=dQw4w9WgXcQ", WebSource),
        ("HTTPS://example.com/talk.mp4", WebSource),
        ("youtube:dQw4w9WgXcQ", YtdlpSource),
        ("youtube:-_w4w9WgXcQ", YtdlpSource),
        ("instagram:CODE_123", YtdlpSource),
    ],
)
def test_each_form_opens_its_kind(
    text: str, kind: type, local: RunnerSettings, tmp_path: Path
) -> None:
    for name in ("talk.mp4", "dir:with:colons/talk.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")

    assert type(open_source(text, SourceSpec(url=text), local)) is kind


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("dQw4w9WgXcQ", "youtube:dQw4w9WgXcQ"),
        ("youtube.com/watch?v=dQw4w9WgXcQ", "https://youtube.com/watch?v=dQw4w9WgXcQ"),
        ("no-such-file.mp4", "path of a video file"),
        ("ftp://example.com/talk.mp4", "http(s) URL"),
        ("javascript:alert(1)", "http(s) URL"),
        ("data:video/mp4;base64,AAAA", "http(s) URL"),
        ("youtube:short", "11 characters"),
        ("instagram:a/b", "/p/"),
        ("http://", "https://host/path"),
        ("s3://bucket", "s3://bucket/path"),
        ("s3://B/k", "s3://bucket/path"),
        ("file://host/talk.mp4", "file:///"),
        ("a\0b", "path of a video file"),
        ("x" * 5000, "path of a video file"),
    ],
)
def test_nonsense_is_a_bad_url_with_a_next_step(
    text: str, hint: str, local: RunnerSettings
) -> None:
    with pytest.raises(BadUrlError) as caught:
        open_source(text, SourceSpec(url="x"), local)

    assert caught.value.exit_code == ExitCode.BAD_URL
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("https://www.youtube.com/watch?v=dQw4w9WgXcQ", True),
        ("https://vimeo.com/76979871", True),
        ("https://commons.wikimedia.org/wiki/File:Talk.webm", True),
        ("https://talks.example/talk.mp4", False),
    ],
)
def test_known_sites_are_told_from_plain_addresses(url: str, known: bool) -> None:
    assert is_known_site(url) is known
