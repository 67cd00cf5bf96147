"""The runner's errors: each carries its reason, and with it its exit code.

* SlidesError
  + PermanentError            the same input fails again
    - InvalidSpecError        options that contradict each other or cannot be met
    - BadUrlError             not a URL, or no extractor knows it
    - AddressRefusedError     private address, refused unless allowed
    - NotAVideoError          HTML, text, empty, audio only, undecodable
    - PrivateVideoError, RemovedError, MembersOnlyError, AgeRestrictedError,
      GeoBlockedError, DrmError, PaymentRequiredError, AccessDeniedError
    - TooLongError, TooBigError
    - CookiesBadError
    - UploadDeniedError, OutputConflictError, OutputNotWritableError
  + RetryableError            a later attempt may succeed
    - NetworkError, ServerError, TimedOutError, ProxyError
    - BotCheckError, RateLimitedError, ForbiddenError, ThrottledError, NoFormatsError
    - DiskFullError, StorageUnavailableError
  + WaitingError              the source is not ready yet
    - LiveNotStartedError, LiveNowError, ProcessingError
  + InterruptedRunError       SIGTERM, Ctrl-C or a cancel

A message says what failed, on what, and what to do next. Errors of yt-dlp, botocore, av, cv2 and
urllib3 stop where they enter and are raised `from` here.
"""

from datetime import datetime
from typing import ClassVar

from slides_api.conditions import Reason
from slides_api.exit_codes import EXIT_CODES, ExitCode


class SlidesError(Exception):
    """Base of everything the runner raises on purpose."""

    reason: ClassVar[Reason] = Reason.INTERNAL_ERROR

    def __init__(
        self, message: str, *, hint: str = "", retry_after: datetime | None = None
    ) -> None:
        """Take what failed and on what, what to do next, and when a retry makes sense (UTC)."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.retry_after = retry_after

    @property
    def exit_code(self) -> ExitCode:
        """The process exit code of this error."""
        return EXIT_CODES[self.reason]

    def __str__(self) -> str:
        """Return message and next step in one line."""
        return f"{self.message} {self.hint}".strip()


class PermanentError(SlidesError):
    """The same input fails again."""


class RetryableError(SlidesError):
    """A later attempt may succeed."""


class WaitingError(SlidesError):
    """The source is not ready yet."""


class InterruptedRunError(SlidesError):
    """The run was stopped from outside; what was downloaded is kept."""

    reason = Reason.INTERRUPTED


class InvalidSpecError(PermanentError):
    """Options contradict each other or cannot be met."""

    reason = Reason.INVALID_SPEC


class BadUrlError(PermanentError):
    """Not a URL, or one that nothing here can read."""

    reason = Reason.BAD_URL


class AddressRefusedError(PermanentError):
    """The URL, or a redirect of it, leads to a private address."""

    reason = Reason.ADDRESS_REFUSED


class NotAVideoError(PermanentError):
    """The input has no decodable video stream."""

    reason = Reason.NOT_A_VIDEO


class PrivateVideoError(PermanentError):
    """The video is private."""

    reason = Reason.PRIVATE_VIDEO


class RemovedError(PermanentError):
    """The video does not exist (any more)."""

    reason = Reason.REMOVED


class MembersOnlyError(PermanentError):
    """The video is for members of the channel."""

    reason = Reason.MEMBERS_ONLY


class AgeRestrictedError(PermanentError):
    """The video needs a signed-in adult."""

    reason = Reason.AGE_RESTRICTED


class GeoBlockedError(PermanentError):
    """The video is not available from this egress' country."""

    reason = Reason.GEO_BLOCKED


class DrmError(PermanentError):
    """The video is DRM protected."""

    reason = Reason.DRM


class PaymentRequiredError(PermanentError):
    """The video has to be paid for."""

    reason = Reason.PAYMENT_REQUIRED


class AccessDeniedError(PermanentError):
    """The source answers 401 or 403, or the credentials for it are wrong."""

    reason = Reason.ACCESS_DENIED


class TooLongError(PermanentError):
    """The video is longer than allowed."""

    reason = Reason.TOO_LONG


class TooBigError(PermanentError):
    """The download is larger than allowed."""

    reason = Reason.TOO_BIG


class CookiesBadError(PermanentError):
    """The cookies file is unreadable or no longer valid."""

    reason = Reason.COOKIES_BAD


class UploadDeniedError(PermanentError):
    """The store refuses the credentials or the bucket does not exist."""

    reason = Reason.UPLOAD_DENIED


class OutputConflictError(PermanentError):
    """The output place holds another talk's output."""

    reason = Reason.OUTPUT_CONFLICT


class OutputNotWritableError(PermanentError):
    """The output folder cannot be created or written."""

    reason = Reason.OUTPUT_NOT_WRITABLE


class NetworkError(RetryableError):
    """The connection failed or was cut."""

    reason = Reason.NETWORK_ERROR


class ServerError(RetryableError):
    """The source answers 5xx."""

    reason = Reason.SERVER_ERROR


class TimedOutError(RetryableError):
    """The source hangs or the deadline passed."""

    reason = Reason.TIMED_OUT


class ProxyError(RetryableError):
    """No egress proxy answers."""

    reason = Reason.PROXY_ERROR


class BotCheckError(RetryableError):
    """The site asks whether this is a bot: another egress, PO token or cookies may help."""

    reason = Reason.BOT_CHECK


class RateLimitedError(RetryableError):
    """The source answers 429."""

    reason = Reason.RATE_LIMITED


class ForbiddenError(RetryableError):
    """The media URL of an extractor answers 403: extract again."""

    reason = Reason.FORBIDDEN


class ThrottledError(RetryableError):
    """The source throttles the download below a useful rate."""

    reason = Reason.THROTTLED


class NoFormatsError(RetryableError):
    """yt-dlp finds no usable format: often cured by a newer yt-dlp or a JavaScript runtime."""

    reason = Reason.NO_FORMATS


class DiskFullError(RetryableError):
    """No space is left on the work or output volume."""

    reason = Reason.DISK_FULL


class StorageUnavailableError(RetryableError):
    """The object store does not answer, or answers 5xx."""

    reason = Reason.STORAGE_UNAVAILABLE


class LiveNotStartedError(WaitingError):
    """The live event has not begun; `retry_after` says when."""

    reason = Reason.LIVE_NOT_STARTED


class LiveNowError(WaitingError):
    """The live event is running or has just ended."""

    reason = Reason.LIVE_NOW


class ProcessingError(WaitingError):
    """The site is still processing the upload."""

    reason = Reason.PROCESSING
