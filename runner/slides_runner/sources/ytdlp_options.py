"""The options yt-dlp is called with: pure functions from our settings to its dictionary.

By its API yt-dlp's defaults differ from its command line's: no repetitions at all, for one.
"""

import io
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slides_api.v1alpha1 import Source as SourceSpec
from slides_runner.errors import CookiesBadError
from slides_runner.sources.egress import Hop
from slides_runner.sources.http_client import PARALLEL
from slides_runner.sources.login import Login
from slides_runner.sources.patience import Patience
from slides_runner.sources.redaction import redact

_CHUNK_BYTES = 10 << 20  # what YouTube serves unthrottled in one request
_THROTTLED_BYTES_PER_S = (
    100 << 10
)  # yt-dlp's documented example; YouTube throttles to about 50 KiB/s
NO_FFMPEG = "/dev/null/ffmpeg"
"""A path that cannot exist."""


def build_format(max_height: int) -> str:
    """Return a format selector: the picture alone where a site offers it, never above the height.

    The last choices take what there is: a height may be unknown, or all may be above.
    """
    bound = f"[height<=?{max_height}]"
    return f"bv{bound}/bv*{bound}/b{bound}/bv*/b"


def build_format_sort(max_height: int) -> list[str]:
    """Return what makes one format better: height, then what decodes cheaply.

    H.264 decodes fastest on a CPU, and 30 pictures a second are more than slides need.
    """
    return [f"res:{max_height}", "fps:30", "vcodec:h264", "proto:https"]


def build_options(
    spec: SourceSpec,
    *,
    hop: Hop,
    patience: Patience,
    cookies: str | None = None,
    login: Login | None = None,
    pot_provider_url: str | None = None,
) -> dict[str, Any]:
    """Return the options of every call, for reading a page through a hop."""
    return {
        "format": build_format(spec.max_height),
        "format_sort": build_format_sort(spec.max_height),
        "noplaylist": True,
        "playlist_items": "1-2",  # enough to see that there are several
        "ignoreerrors": False,
        "enable_file_urls": False,
        "js_runtimes": {"deno": {}},
        "extractor_args": _extractor_args(pot_provider_url),
        "username": login.username if login else None,
        "password": login.password if login else None,
        "cookiefile": io.StringIO(cookies) if cookies else None,
        # An empty proxy means none at all, not even the environment's.
        "proxy": hop.proxy or "",
        "nocheckcertificate": not hop.verify_tls,
        "quiet": True,
        "noprogress": True,
        "color": "no_color",
        "logger": YtdlpLog(),
    } | _repetitions(patience)


def build_download_options(
    work_dir: Path, name: str, on_progress: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Return what a download needs besides: a place, and no other program.

    ffmpeg would fetch what a playlist names past the guard, so it is out of reach. What it would
    mend (timestamps of HLS in MP4) does not disturb PyAV.
    """
    return {
        "paths": {"home": str(work_dir)},
        "outtmpl": f"{name}.%(ext)s",
        "continuedl": True,
        "nopart": False,
        "updatetime": False,
        "concurrent_fragment_downloads": PARALLEL,
        "http_chunk_size": _CHUNK_BYTES,
        "throttledratelimit": _THROTTLED_BYTES_PER_S,
        "skip_unavailable_fragments": False,
        "hls_prefer_native": True,
        "external_downloader": {"default": "native"},
        "ffmpeg_location": NO_FFMPEG,
        "fixup": "never",
        "progress_hooks": [on_progress],
    }


def read_cookies(path: str | None) -> str | None:
    """Return the content of a cookies.txt: yt-dlp gets a copy, since it writes its jar back.

    Raises CookiesBadError.
    """
    if not path:
        return None
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CookiesBadError(
            "The cookies file cannot be read.", hint="Check COOKIES_FILE and its permissions."
        ) from error
    if text.strip() and not _has_cookie(text):
        raise CookiesBadError(
            "The cookies file holds no cookie.",
            hint="Export the cookies in Netscape format (cookies.txt), not as JSON.",
        )
    return text


def _has_cookie(text: str) -> bool:
    fields = 7  # of a line in Netscape's format, separated by tabs
    lines = (line.removeprefix("#HttpOnly_") for line in text.splitlines())
    return any(line.count("\t") == fields - 1 for line in lines if not line.startswith("#"))


def _extractor_args(pot_provider_url: str | None) -> dict[str, dict[str, list[str]]]:
    if not pot_provider_url:
        return {}
    return {"youtubepot-bgutilhttp": {"base_url": [pot_provider_url]}}


def _repetitions(patience: Patience) -> dict[str, Any]:
    def pause_s(n: int) -> float:
        return float(min(patience.backoff_s * 2**n, patience.backoff_max_s))

    return {
        "retries": patience.attempts - 1,
        "fragment_retries": patience.attempts - 1,
        "extractor_retries": min(3, patience.attempts - 1),
        "file_access_retries": 3,
        "socket_timeout": patience.idle_s,
        "retry_sleep_functions": dict.fromkeys(("http", "fragment", "extractor"), pause_s),
    }


class YtdlpLog:
    """Takes what yt-dlp says into our log, without credentials; errors come as exceptions."""

    def debug(self, message: str) -> None:
        """Take a line of its usual output."""
        self._log(logging.DEBUG, message)

    def info(self, message: str) -> None:
        """Take a line of its output."""
        self._log(logging.DEBUG, message)

    def warning(self, message: str, **_: bool) -> None:
        """Take a warning: mostly about formats that are left out."""
        self._log(logging.INFO, message)

    def error(self, message: str) -> None:
        """Take an error, which is raised besides."""
        self._log(logging.DEBUG, message)

    def stdout(self, message: str) -> None:
        """Take a line of its output."""
        self._log(logging.DEBUG, message)

    def stderr(self, message: str) -> None:
        """Take a line of its output."""
        self._log(logging.DEBUG, message)

    def _log(self, level: int, message: str) -> None:
        logging.getLogger(__name__).log(level, "yt-dlp: %s", redact(message))
