"""Which video a URL means: the many addresses of one video on YouTube or Instagram are one."""

import re
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import parse_qs, urldefrag, urlsplit

YOUTUBE = "youtube"
INSTAGRAM = "instagram"
CODES = {
    YOUTUBE: re.compile(r"[A-Za-z0-9_-]{11}"),
    INSTAGRAM: re.compile(r"[A-Za-z0-9_-]{5,64}"),
}
"""What the runner takes as a video's id of each platform."""

ANY_CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What may stand where a code is wanted; whether there is such a video its platform says."""
PAGES = {
    YOUTUBE: "https://www.youtube.com/watch?v={}".format,
    INSTAGRAM: "https://www.instagram.com/p/{}/".format,
}

YOUTUBE_HOSTS = frozenset({"youtube.com", "youtube-nocookie.com", "youtu.be"})
INSTAGRAM_HOSTS = frozenset({"instagram.com"})
SUBDOMAIN = re.compile(r"^(www|m|music|gaming)\.")
YOUTUBE_PATHS = frozenset({"embed", "v", "e", "shorts", "live"})
INSTAGRAM_PATHS = frozenset({"p", "reel", "reels", "tv"})


@dataclass(frozen=True, slots=True)
class Video:
    """A video by its platform's name and its id there."""

    platform: str
    code: str

    @property
    def shorthand(self) -> str:
        """The address that resources have: youtube:ID."""
        return f"{self.platform}:{self.code}"

    @property
    def address(self) -> str:
        """The shorthand, or the page where a code is none that the runner takes."""
        is_known = is_code(self.platform, self.code)
        return self.shorthand if is_known else PAGES[self.platform](self.code)


def is_code(platform: str, code: str) -> bool:
    """Return whether a platform can have a video of this id."""
    pattern = CODES.get(platform)
    return pattern is not None and pattern.fullmatch(code) is not None


def find_video(url: str) -> Video | None:
    """Return the platform's video that a URL or shorthand means, or None for any other source."""
    named = name_video(url)
    return named if named and is_code(named.platform, named.code) else None


def name_video(url: str) -> Video | None:
    """Return the same also where no video can have that code."""
    try:
        parts = urlsplit(url.strip())
        host = SUBDOMAIN.sub("", (parts.hostname or "").lower())
    except ValueError:
        return None
    if parts.scheme.lower() in CODES:
        return _video(parts.scheme.lower(), url.strip().partition(":")[2])
    steps = [step for step in parts.path.split("/") if step]
    if host in YOUTUBE_HOSTS:
        return _video(YOUTUBE, _youtube_id(host, steps, parts.query))
    if host in INSTAGRAM_HOSTS:
        return _video(INSTAGRAM, _instagram_code(steps))
    return None


def _video(platform: str, code: str) -> Video | None:
    return Video(platform, code) if ANY_CODE.fullmatch(code) else None


def _youtube_id(host: str, steps: list[str], query: str) -> str:
    if host == "youtu.be":
        return steps[0] if steps else ""
    if steps[:1] == ["watch"]:
        return parse_qs(query).get("v", [""])[0]
    return steps[1] if len(steps) > 1 and steps[0] in YOUTUBE_PATHS else ""


def _instagram_code(steps: list[str]) -> str:
    """Return the code of /p/CODE/, with or without the profile before it."""
    for kind, code in pairwise(steps):
        if kind in INSTAGRAM_PATHS:
            return code
    return ""


def canonical_url(url: str) -> str:
    """Return what two addresses of the same video have in common."""
    video = find_video(url)
    return video.shorthand if video else urldefrag(url.strip()).url
