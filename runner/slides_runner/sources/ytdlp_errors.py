"""What yt-dlp's errors mean: a pure function from an exception to one of our classes.

yt-dlp says what happened in three ways, looked at in this order: the class of the original
exception, words (the sites' own, in English), and the HTTP status. Words are compared in lower
case, with straight apostrophes and without URLs, since YouTube writes U+2019 and a URL may hold
any word. The order of the rows matters: "Private video. Sign in if …" is no request to sign in.
"""

import errno
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from yt_dlp.cookies import CookieLoadError
from yt_dlp.networking.exceptions import (
    CertificateVerifyError,
    HTTPError,
    IncompleteRead,
    TransportError,
)
from yt_dlp.networking.exceptions import ProxyError as YtdlpProxyError
from yt_dlp.utils import (
    ContentTooShortError,
    DownloadCancelled,
    DownloadError,
    ExtractorError,
    GeoRestrictedError,
    ThrottledDownload,
    UnsupportedError,
    UserNotLive,
)

from slides_runner.errors import (
    AccessDeniedError,
    AgeRestrictedError,
    BadUrlError,
    BotCheckError,
    CookiesBadError,
    DiskFullError,
    DrmError,
    ForbiddenError,
    GeoBlockedError,
    InterruptedRunError,
    LiveNotStartedError,
    LiveNowError,
    MembersOnlyError,
    NetworkError,
    NoFormatsError,
    PaymentRequiredError,
    PrivateVideoError,
    ProcessingError,
    ProxyError,
    RateLimitedError,
    RemovedError,
    ServerError,
    SlidesError,
    ThrottledError,
    TimedOutError,
)
from slides_runner.sources.http_client import parse_retry_after
from slides_runner.sources.redaction import redact

_COOKIES = "Pass the cookies of an account that may see it (COOKIES_FILE)."
_LOGIN = (
    "Give the login (SOURCE_USERNAME, SOURCE_PASSWORD) or the cookies (COOKIES_FILE) of an account "
    "that may see it."
)
_OTHER_EGRESS = "Use another proxy, a PO-token provider (POT_PROVIDER_URL) or cookies."
_UPDATE = "Update yt-dlp, and check that deno is installed beside it."
_LATER = "Try again later; what was downloaded is kept."
_PAUSES = {
    RateLimitedError: timedelta(hours=1),  # YouTube's limit on a session's requests is per hour
    LiveNowError: timedelta(minutes=30),  # chosen: talks last about an hour
    LiveNotStartedError: timedelta(minutes=30),  # where the site does not say when it begins
    ProcessingError: timedelta(minutes=10),  # chosen: most uploads are ready by then
}


@dataclass(frozen=True)
class Symptom:
    """Words that say what is wrong, and what to do about it."""

    error: type[SlidesError]
    words: tuple[str, ...]
    hint: str


SYMPTOMS = (
    Symptom(PrivateVideoError, ("private video", "video is private"), _COOKIES),
    Symptom(
        MembersOnlyError,
        ("join this channel", "members on level", "members-only", "members only"),
        _COOKIES,
    ),
    Symptom(
        AgeRestrictedError,
        ("confirm your age", "inappropriate for some users", "age-restricted", "age restricted"),
        _COOKIES,
    ),
    Symptom(CookiesBadError, ("cookies are no longer valid",), "Export fresh cookies."),
    Symptom(
        BotCheckError,
        ("not a bot", "captcha challenge", "ip is likely being blocked", "anti-bot challenge"),
        _OTHER_EGRESS,
    ),
    Symptom(
        RateLimitedError,
        ("content isn't available, try again later", "rate-limited", "too many requests"),
        "Try again in an hour, or use another proxy.",
    ),
    Symptom(
        LiveNotStartedError,
        ("this live event will begin", "premieres in", "premiere will begin", "not currently live"),
        "Try again when it is over.",
    ),
    Symptom(LiveNowError, ("live event has ended",), "Try again when the recording is ready."),
    Symptom(
        ProcessingError,
        ("processing this video", "still being processed"),
        "Try again in ten minutes.",
    ),
    Symptom(DrmError, ("drm protected", "drm-protected"), "Nothing can be done about it."),
    Symptom(
        GeoBlockedError,
        (
            "blocked it in your country",
            "made this video available in your country",
            "not available in your country",
            "not available from your location",
        ),
        "Use a proxy in another country.",
    ),
    Symptom(
        PaymentRequiredError,
        ("requires payment", "premium", "purchase or rent"),
        f"Buy access, then: {_COOKIES}",
    ),
    Symptom(
        AccessDeniedError,
        (
            "registered users",
            "provide account credentials",
            "wrong password",
            "invalid password",
            "incorrect password",
            "invalid username",
            "incorrect username",
            "bad username",
        ),
        _LOGIN,
    ),
    Symptom(
        BadUrlError,
        ("incomplete youtube id", "is not a valid url", "unsupported url", "no suitable extractor"),
        "Check the address, and give that of the page which plays the video.",
    ),
    Symptom(
        NoFormatsError,
        (
            "only images are available",
            "requested format is not available",
            "challenge solving failed",
            "no supported javascript runtime",
            "no video formats found",
            "ffmpeg could not be found",
        ),
        _UPDATE,
    ),
    Symptom(
        RemovedError,
        ("removed", "no longer available", "terminated", "video unavailable", "does not exist"),
        "Check the address.",
    ),
    Symptom(
        ProxyError,
        ("unable to connect to proxy", "tunnel connection failed", "proxy authentication"),
        "Check the proxy's address and credentials.",
    ),
    Symptom(TimedOutError, ("timed out",), _LATER),
    Symptom(
        DiskFullError,
        ("no space left on device", "disk quota exceeded", "file too large"),
        "Free some space or give a larger work volume.",
    ),
    Symptom(
        NetworkError,
        (
            "name resolution",
            "name or service not known",
            "connection refused",
            "connection reset",
            "connection aborted",
            "connection broken",
            "remote end closed",
            "more expected",
            "content too short",
            "network is unreachable",
            "fragment not found",
        ),
        _LATER,
    ),
)
"""From the table of yt-dlp's and YouTube's wordings; the first row that fits decides."""

_STATUS = re.compile(r"http error (\d{3})")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+")
_PREFIX = re.compile(r"\A(?:ERROR:\s*)?(?:\[[\w:+.-]+\]\s*)?(?:[\w-]{1,64}:\s+)?")
_REPORT = re.compile(
    r"[;.]?\s*(?:please report this issue on|\(caused by|Confirm you are on)", re.IGNORECASE
)
_BARE_UNAVAILABLE = re.compile(r"\Avideo unavailable\.?\Z", re.IGNORECASE)
_MESSAGE_LENGTH = 300  # chosen: what fits a terminal's few lines and a resource's condition


def translate(error: BaseException, *, url: str, now: datetime) -> SlidesError:
    """Return our error for whatever yt-dlp raised while it worked on a URL (already public)."""
    chain = tuple(_chain(error))
    for cause in chain:
        if isinstance(cause, SlidesError):
            return cause
    text = _fold(chain)
    kind, hint = (
        _by_class(chain) or _by_words(text) or _by_status(chain, text) or _by_transport(chain)
    )
    when = _retry_after(chain, now) or (now + _PAUSES[kind] if kind in _PAUSES else None)
    return kind(f"{url}: {_said(chain)}", hint=hint, retry_after=when)


def is_bare_unavailable(error: SlidesError) -> bool:
    """Return whether YouTube gave no reason: it then often means this egress, not the video."""
    said = error.message.rpartition(": ")[2]
    return isinstance(error, RemovedError) and bool(_BARE_UNAVAILABLE.match(said))


_Verdict = tuple[type[SlidesError], str]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and those that it names as its origin, nearest first."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, DownloadError):
            waiting.append(one.__context__)  # its exc_info skips the extractor's error
        if isinstance(one, (DownloadError, ExtractorError)) and one.exc_info:
            waiting.append(one.exc_info[1])
        cause = getattr(one, "cause", None)
        waiting += [cause if isinstance(cause, BaseException) else None, one.__cause__]


def _fold(chain: tuple[BaseException, ...]) -> str:
    text = " ".join(str(one) for one in chain).replace("\u2019", "'").lower()
    return _URL.sub("", text)


def _by_class(chain: tuple[BaseException, ...]) -> _Verdict | None:
    for one in chain:
        match one:
            case DownloadCancelled():
                return InterruptedRunError, "Run it again to go on."
            case CookieLoadError():
                return CookiesBadError, "Export the cookies in Netscape format (cookies.txt)."
            case UnsupportedError():
                return BadUrlError, "Give the address of a page that plays a video."
            case GeoRestrictedError():
                return GeoBlockedError, _countries(one)
            case UserNotLive():
                return LiveNotStartedError, "Try again when there is something to see."
            case ThrottledDownload():
                return ThrottledError, "Try again later, or use another proxy."
            case OSError(errno=errno.ENOSPC | errno.EDQUOT | errno.EFBIG):
                return DiskFullError, "Free some space or give a larger work volume."
    return None


def _countries(error: GeoRestrictedError) -> str:
    if error.countries:
        return f"Use a proxy in one of: {', '.join(error.countries)}."
    return "Use a proxy in another country."


def _by_words(text: str) -> _Verdict | None:
    for symptom in SYMPTOMS:
        if any(words in text for words in symptom.words):
            return symptom.error, symptom.hint
    return None


def _by_status(chain: tuple[BaseException, ...], text: str) -> _Verdict | None:
    named = [int(number) for number in _STATUS.findall(text)]
    statuses = [one.status for one in chain if isinstance(one, HTTPError)] + named
    if not statuses:
        return None
    status = statuses[0]
    # A page that the generic extractor may not read stays closed; a site's own extractor reads
    # media URLs, which go stale, and interfaces that refuse an egress for a while.
    generic = any(getattr(one, "ie", None) == "generic" for one in chain)
    match status:
        case 401:
            return AccessDeniedError, _COOKIES
        case 403 if generic:
            return AccessDeniedError, _COOKIES
        case 403:
            return ForbiddenError, "Try again; if it stays, update yt-dlp or use another proxy."
        case 402 | 429:
            return RateLimitedError, "Try again in an hour, or use another proxy."
        case 404 | 410:
            return RemovedError, "Check the address."
        case 407:
            return ProxyError, "Check the proxy's credentials."
        case 451:
            return GeoBlockedError, "Use a proxy in another country."
    return (
        (ServerError, _LATER)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR
        else (AccessDeniedError, "Check the address.")
    )


def _by_transport(chain: tuple[BaseException, ...]) -> _Verdict:
    for one in chain:
        match one:
            case YtdlpProxyError():
                return ProxyError, "Check the proxy's address and credentials."
            case CertificateVerifyError():
                return NetworkError, "The site's certificate is not trusted: check the address."
            case TimeoutError():
                return TimedOutError, _LATER
            case TransportError() | IncompleteRead() | ContentTooShortError() | OSError():
                return NetworkError, _LATER
    return NoFormatsError, _UPDATE


def _retry_after(chain: tuple[BaseException, ...], now: datetime) -> datetime | None:
    for one in chain:
        if isinstance(one, HTTPError):
            return parse_retry_after(one.response.headers.get("Retry-After"), now)
    return None


def _said(chain: tuple[BaseException, ...]) -> str:
    """Return what the site or yt-dlp said, in one line without yt-dlp's own trimmings."""
    origin = next((one.orig_msg for one in chain if isinstance(one, ExtractorError)), None)
    lines = (origin or str(chain[0]) or type(chain[0]).__name__).strip().splitlines()
    text = _PREFIX.sub("", lines[0] if lines else type(chain[0]).__name__, count=1)
    text = redact(_REPORT.split(text, maxsplit=1)[0]).strip()
    return text[:_MESSAGE_LENGTH] or type(chain[0]).__name__
