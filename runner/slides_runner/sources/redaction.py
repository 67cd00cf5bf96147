"""Keeping credentials and signatures out of everything that people or logs see."""

import re
from urllib.parse import urlsplit, urlunsplit

_SIGNATURE = r"x-amz-[\w-]+|x-goog-[\w-]+|awsaccesskeyid|googleaccessid|signature"
# Names that carry a credential in the URLs of AWS, Google, Azure (sig), CloudFront and of many
# players' own CDNs; `key` and `id` are absent because they name the video as often.
_SECRET = (
    rf"{_SIGNATURE}|sig|token|access_token|auth|api_?key|password|passwd|secret|policy|key-pair-id"
)
_SECRET_VALUE = re.compile(rf"(?i)([?&;](?:{_SECRET})=)[^&;#\s'\"<>)]*")
_SECRET_NAME = re.compile(rf"(?i)(?:{_SECRET})\Z")
_ROTATING_NAME = re.compile(rf"(?i)(?:{_SIGNATURE}|expires)\Z")
_USERINFO = re.compile(r"(?i)([a-z][a-z0-9+.-]*://)[^\s/?#'\"<>]*@")
_BARE_USERINFO = re.compile(r"(?<![\w/.:%-])[^\s/:@'\"(]+:[^\s/:@'\"]*@(?=[\w.\[-]+)")


def public_url(url: str) -> str:
    """Return the URL without user, password, secret query parameters and fragment."""
    return _without(url, _SECRET_NAME)


def identity_url(url: str) -> str:
    """Return the part of a URL that names the video, whoever signed it and when.

    Only signatures go: another parameter, even one named token, may be what tells two videos apart.
    """
    return _without(url, _ROTATING_NAME)


def redact(text: str) -> str:
    """Return text without the credentials of any URL or proxy address in it."""
    text = _USERINFO.sub(r"\1", text)
    text = _BARE_USERINFO.sub("", text)
    return _SECRET_VALUE.sub(r"\1…", text)


def _without(url: str, names: re.Pattern[str]) -> str:
    parts = urlsplit(url)
    netloc = parts.netloc.rpartition("@")[2]
    fields = [one for one in parts.query.split("&") if not names.match(one.partition("=")[0])]
    return urlunsplit((parts.scheme, netloc, parts.path, "&".join(fields), ""))
