"""Moments of a talk: written for people, and linked to."""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

YOUTUBE_HOSTS = re.compile(r"(?:^|\.)(?:youtube\.com|youtube-nocookie\.com|youtu\.be)\Z")
VIMEO_HOSTS = re.compile(r"(?:^|\.)vimeo\.com\Z")
MEDIA_FILE = re.compile(r"\.(?:mp4|m4v|webm|mov|ogv|mp3|m4a)\Z", re.IGNORECASE)


def clock(time_s: float) -> str:
    """Return a time as players show it: 0:07, 12:34, 1:02:03; begun seconds do not count."""
    minutes, seconds = divmod(int(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def link_at(url: str | None, time_s: float) -> str | None:
    """Return a link that opens a video at a moment, or None where the site has no such link.

    YouTube takes `t` as a parameter, Vimeo as a fragment, and browsers play a media file from a
    fragment (W3C Media Fragments).
    """
    parts = urlsplit(url or "")
    if parts.scheme not in {"http", "https"}:
        return None
    host, seconds = parts.hostname or "", int(time_s)
    if YOUTUBE_HOSTS.search(host):
        query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k != "t"]
        return urlunsplit(parts._replace(query=urlencode([*query, ("t", f"{seconds}s")])))
    if VIMEO_HOSTS.search(host):
        return urlunsplit(parts._replace(fragment=f"t={seconds}s"))
    if MEDIA_FILE.search(parts.path):
        return urlunsplit(parts._replace(fragment=f"t={seconds}"))
    return None
