"""Addresses: those of pages within /ui, and what of a video's address people are shown."""

from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from slides_operator.service.records import Record
from slides_operator.service.videos import INSTAGRAM, YOUTUBE, find_video
from slides_operator.service.web.render import HOME

PAGES = {
    YOUTUBE: "https://www.youtube.com/watch?v={}",
    INSTAGRAM: "https://www.instagram.com/p/{}/",
}


class Links:
    """Addresses of pages about resources, in the namespace of each."""

    def __init__(self, default_namespace: str) -> None:
        """Take the namespace that addresses need not name."""
        self._default = default_namespace

    def home(self, namespace: str = "") -> str:
        """Return the address of the list."""
        return self._with(HOME, namespace)

    def batch(self, record: Record) -> str:
        """Return the address of the list of a batch's talks."""
        return self._with(HOME, record.namespace, batch=record.uid)

    def new(self, namespace: str = "", *, url: str = "") -> str:
        """Return the address of the form, filled in with a video's address."""
        return self._with(f"{HOME}/new", namespace, url=url)

    def talk(self, record: Record, part: str = "", **query: str) -> str:
        """Return the address of a talk's page, or of a part of it."""
        path = f"{HOME}/talks/{quote(record.uid, safe='')}"
        return self._with(f"{path}/{part}" if part else path, record.namespace, **query)

    def file(self, record: Record, key: str, version: str) -> str:
        """Return the address of an output; its version lets browsers keep it."""
        return self.talk(record, f"files/{quote(key)}", v=version)

    def stream(self, record: Record) -> str:
        """Return the address of a talk's progress."""
        return self._with(f"/jobs/{quote(record.uid, safe='')}/stream", record.namespace)

    def _with(self, path: str, namespace: str, **query: str) -> str:
        elsewhere = namespace if namespace != self._default else ""
        given = {k: v for k, v in {"namespace": elsewhere, **query}.items() if v}
        return f"{path}?{urlencode(given)}" if given else path


def shown_url(url: str) -> str:
    """Return a video's address without the credentials that it may hold."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def web_page(url: str) -> str:
    """Return where a browser finds the video; empty where it cannot."""
    video = find_video(url)
    if video:
        return PAGES[video.platform].format(video.code)
    return shown_url(url) if url.startswith(("http://", "https://")) else ""


def host_of(url: str) -> str:
    """Return the site of a video, as people call it."""
    try:
        parts = urlsplit(web_page(url) or url)
    except ValueError:
        return ""
    if parts.scheme == "s3":
        return f"s3://{parts.netloc}"
    return (parts.hostname or parts.scheme).removeprefix("www.")
