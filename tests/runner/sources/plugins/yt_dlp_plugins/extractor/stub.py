"""A site at stub.example whose extractor raises, or answers, what sites' own extractors do.

yt-dlp loads it as a plugin, its own outermost edge. The URL's `case` says what happens, `media`
where the video lies; texts are those of YouTube and of yt-dlp's extractors.
"""

import errno
import time
import urllib.parse
from typing import Any

from yt_dlp.cookies import CookieLoadError
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.utils import (
    DownloadCancelled,
    ExtractorError,
    GeoRestrictedError,
    UserNotLive,
)

Info = Any
Query = dict[str, str]

TEXTS = {
    "private": "Private video. Sign in if you've been granted access to this video",
    "removed": "This video has been removed by the uploader",
    "gone": "Video unavailable. This video is no longer available because the YouTube account "
    "associated with this video has been terminated.",
    "unavailable": "Video unavailable",
    "members": "Join this channel to get access to members-only content like this video.",
    "members-level": "This video is available to this channel's members on level: Gold",
    "age": "Sign in to confirm your age. This video may be inappropriate for some users.",
    "geo-uploader": "Video unavailable. The uploader has not made this video available in your "
    "country",
    "geo-blocked": "This video contains content from ACME, who has blocked it in your country",
    "drm": "This video is DRM protected",
    "payment": "This video requires payment to watch.",
    "premium": "This video is only available to Music Premium members",
    "incomplete-id": "Incomplete YouTube ID abc. URL https://stub.example/ looks truncated.",
    "invalid-url": "'https:/x' is not a valid URL",
    "begins": "This live event will begin in 3 days.",
    "premieres": "Premieres in 5 hours",
    "live-ended": "This live event has ended.",
    "processing": "We're processing this video. Check back later.",
    "bot": "Sign in to confirm you\u2019re not a bot. Use --cookies for the authentication",
    "captcha": "The site asks for a captcha challenge",
    "ip-blocked": "All player responses are invalid. Your IP is likely being blocked by Youtube",
    "try-later": "Video unavailable. This content isn\u2019t available, try again later.",
    "only-images": "Only images are available for download. use --list-formats to see them",
    "no-format": "Requested format is not available. Use --list-formats for a list",
    "challenge": "n challenge solving failed: Some formats may be missing",
    "no-runtime": "No supported JavaScript runtime could be found",
    "cookies-old": "The provided YouTube account cookies are no longer valid.",
    "name-resolution": "[Errno -3] Temporary failure in name resolution",
}


class StubSiteIE(InfoExtractor):
    _VALID_URL = r"https?://(?:www\.)?stub\.example/(?P<id>[\w-]+)"

    def _real_extract(self, url: str) -> Info:
        video_id = self._match_id(url)
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        case = query.get("case", "plays")
        if case in TEXTS and not (case == "begins" and self.get_param("ignore_no_formats_error")):
            raise ExtractorError(TEXTS[case], expected=True, video_id=video_id)
        return getattr(self, f"_{case.replace('-', '_')}")(video_id, query)

    def _info(self, video_id: str, query: Query, **more: object) -> Info:
        media = query.get("media")
        formats = [{"url": media, "format_id": "0", "vcodec": "h264", "acodec": "none"}]
        return {
            "id": video_id,
            "title": query.get("title", "A talk"),
            "uploader": "Ann",
            "duration": 60,
            "webpage_url": f"https://stub.example/{video_id}",
            "formats": formats if media else [],
            "chapters": [
                {"start_time": 0, "end_time": 30, "title": "Begin"},
                {"start_time": 30, "end_time": 60, "title": "End"},
            ],
            **more,
        }

    def _plays(self, video_id: str, query: Query) -> Info:
        return self._info(video_id, query)

    def _formats(self, video_id: str, query: Query) -> Info:
        media = query["media"]
        rows = [
            ("audio", None, "none", "aac", 1),
            ("low", 360, "h264", "none", 30),
            ("high-av1", 1080, "av01", "none", 30),
            ("high-h264", 1080, "h264", "none", 30),
            ("high-60", 1080, "h264", "none", 60),
            ("joined", 1080, "h264", "aac", 30),
            ("huge", 2160, "h264", "none", 30),
        ]
        formats = [
            {
                "url": f"{media}?f={name}",
                "format_id": name,
                "height": height,
                "vcodec": video,
                "acodec": audio,
                "fps": fps,
                "ext": "mp4",
            }
            for name, height, video, audio, fps in rows
        ]
        return self._info(video_id, query, formats=formats)

    def _begins(self, video_id: str, query: Query) -> Info:
        start = int(query.get("start", time.time()))
        return self._info(video_id, query, live_status="is_upcoming", release_timestamp=start)

    _upcoming = _begins

    def _live_now(self, video_id: str, query: Query) -> Info:
        return self._info(video_id, query, live_status="is_live")

    def _post_live(self, video_id: str, query: Query) -> Info:
        return self._info(video_id, query, live_status="post_live")

    def _was_live(self, video_id: str, query: Query) -> Info:
        return self._info(video_id, query, live_status="was_live")

    def _page(self, video_id: str, query: Query) -> Info:
        target = query.get("impersonate") or None
        self._download_webpage(query["page"], video_id, impersonate=target)
        return self._info(video_id, query)

    def _several(self, video_id: str, query: Query) -> Info:
        query = {"media": "https://cdn.example/talk.mp4"} | query
        entries = [self._info(f"{video_id}{n}", query) for n in (1, 2, 3)]
        return self.playlist_result(entries, video_id)

    def _one_entry(self, video_id: str, query: Query) -> Info:
        return self.playlist_result([self._info(video_id, query)], "list")

    def _nothing(self, video_id: str, query: Query) -> Info:
        return self.playlist_result([], video_id)

    def _not_live(self, video_id: str, query: Query) -> Info:
        raise UserNotLive(video_id=video_id)

    def _geo(self, video_id: str, query: Query) -> Info:
        countries: Any = ["DE", "AT"]
        raise GeoRestrictedError("This video is not available", countries=countries)

    def _disk_full(self, video_id: str, query: Query) -> Info:
        raise OSError(errno.ENOSPC, "No space left on device")

    def _cookie_error(self, video_id: str, query: Query) -> Info:
        raise CookieLoadError("failed to load cookies")

    def _cancelled(self, video_id: str, query: Query) -> Info:
        raise DownloadCancelled("cancelled")

    def _bug(self, video_id: str, query: Query) -> Info:
        return dict(query)["missing"]

    def _odd(self, video_id: str, query: Query) -> Info:
        raise TypeError("an extractor's own bug, password=https://ann:geheim@stub.example/")

    def _unknown(self, video_id: str, query: Query) -> Info:
        raise ExtractorError("The flux capacitor is cold", video_id=video_id)


class LoginSiteIE(InfoExtractor):
    """A site that shows its talks to those who signed in."""

    _VALID_URL = r"https?://login\.example/(?P<id>[\w-]+)"
    _NETRC_MACHINE = "loginsite"
    _known: tuple[str, str] | None = None

    def _perform_login(self, username: str, password: str) -> None:
        self._known = (username, password)

    def _real_extract(self, url: str) -> Info:
        if self._known is None:
            self.raise_login_required("This talk is only available for registered users")
        username, password = self._known or ("", "")
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        if query.get("password") not in {None, password}:
            raise ExtractorError("Unable to log in: bad username or password", expected=True)
        return {
            "id": self._match_id(url),
            "title": f"for {username}, who knows {password}",
            "url": query["media"],
        }
