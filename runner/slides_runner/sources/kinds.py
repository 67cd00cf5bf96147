"""The table of source kinds, and which of them a source string means.

Each kind is imported when it is needed: boto3 and yt-dlp take longer to load than a small talk
takes to read.
"""

import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slides_api.v1alpha1 import Source as SourceSpec
from slides_runner.errors import BadUrlError
from slides_runner.settings import RunnerSettings
from slides_runner.sources import Source
from slides_runner.sources.egress import Egress
from slides_runner.sources.login import read_login, with_login
from slides_runner.sources.patience import Patience
from slides_runner.sources.redaction import redact
from slides_runner.sources.url_guard import AddressGuard

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?!\\)")
_YOUTUBE_ID = re.compile(r"[A-Za-z0-9_-]{11}\Z")
_INSTAGRAM_CODE = re.compile(r"[A-Za-z0-9_-]{5,64}\Z")
_WEB_ADDRESS = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,24}(?::\d+)?/\S", re.IGNORECASE)
_SHOWN_LENGTH = 200  # chosen: a path one can recognise, not a page of data: URL
_FORMS = "Give the path of a video file, an http(s) URL, s3://bucket/key or youtube:ID."


@dataclass(frozen=True)
class Context:
    """What a kind may need to open a source."""

    spec: SourceSpec
    settings: RunnerSettings
    egress: Egress
    patience: Patience

    @property
    def guard(self) -> AddressGuard:
        """The guard that the settings ask for."""
        return AddressGuard(allow_private=self.settings.allow_private_addresses)


def _open_file(url: str, context: Context) -> Source:
    from slides_runner.sources.file import FileSource

    return FileSource(url, context.spec)


def _open_s3(url: str, context: Context) -> Source:
    from slides_runner.sources.s3 import S3Source

    return S3Source(url, context.spec, context.settings, patience=context.patience)


def _open_web(url: str, context: Context) -> Source:
    from slides_runner.sources.http import HttpSource
    from slides_runner.sources.web import WebSource
    from slides_runner.sources.ytdlp import is_known_site

    context.guard.check_url(url)
    direct = HttpSource(
        with_login(url, read_login(context.settings)),
        context.spec,
        egress=context.egress,
        guard=context.guard,
        patience=context.patience,
    )
    site = _open_site(url, context)
    return WebSource(url, direct=direct, site=site, is_known_site=is_known_site)


def _open_site(url: str, context: Context) -> Source:
    from slides_runner.sources.ytdlp import YtdlpSource

    return YtdlpSource(
        url,
        context.spec,
        context.settings,
        egress=context.egress,
        guard=context.guard,
        patience=context.patience,
    )


def _open_youtube(url: str, context: Context) -> Source:
    video_id = url.partition(":")[2]
    if not _YOUTUBE_ID.match(video_id):
        raise BadUrlError(f"{url!r} is no YouTube id.", hint="An id has 11 characters.")
    return _open_site(f"https://www.youtube.com/watch?v={video_id}", context)


def _open_instagram(url: str, context: Context) -> Source:
    code = url.partition(":")[2]
    if not _INSTAGRAM_CODE.match(code):
        raise BadUrlError(f"{url!r} is no Instagram code.", hint="It is the part after /p/.")
    return _open_site(f"https://www.instagram.com/p/{code}/", context)


KINDS: dict[str, Callable[[str, Context], Source]] = {
    "file": _open_file,
    "http": _open_web,
    "https": _open_web,
    "s3": _open_s3,
    "youtube": _open_youtube,
    "instagram": _open_instagram,
}
"""How each scheme is opened; without a scheme it is a path."""


def open_kind(url: str, context: Context) -> Source:
    """Return the source that a string means; nothing is read or asked for yet.

    Raises BadUrlError.
    """
    scheme = _SCHEME.match(url)
    if not scheme or _exists(url):
        _check_path(url)
        return _open_file(url, context)
    open_it = KINDS.get(scheme[1].lower())
    if open_it is None:
        raise BadUrlError(f"{_shown(url)!r}: {scheme[1]} is not supported.", hint=_FORMS)
    return open_it(url, context)


def is_local(url: str) -> bool:
    """Return whether a string means a file of this machine."""
    scheme = _SCHEME.match(url.strip())
    return not scheme or scheme[1].lower() == "file" or _exists(url.strip())


def _check_path(text: str) -> None:
    """Refuse what looks like something else than a path, with what was probably meant."""
    if _exists(text):
        return
    if _YOUTUBE_ID.match(text) and "." not in text:
        raise BadUrlError(
            f"There is no file {text!r}.", hint=f"For the YouTube video write youtube:{text}."
        )
    if _WEB_ADDRESS.match(text):
        raise BadUrlError(
            f"{_shown(text)!r} is neither a file nor a URL.", hint=f"Write https://{_shown(text)}."
        )
    raise BadUrlError(f"There is no file {_shown(text)!r}.", hint=_FORMS)


def _exists(text: str) -> bool:
    try:
        return Path(text).expanduser().exists()
    except (OSError, ValueError, RuntimeError):  # too long, a NUL byte, an unknown ~user
        return False


def _shown(text: str) -> str:
    return textwrap.shorten(redact(text), _SHOWN_LENGTH, placeholder="…")
