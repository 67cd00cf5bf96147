"""The closed set of reasons: why an extraction ended, waits or will be tried again."""

from enum import StrEnum


class ReasonClass(StrEnum):
    """What follows from a reason."""

    SUCCESS = "success"
    """The work is done."""
    PERMANENT = "permanent"
    """The same input fails again: never tried again by itself."""
    RETRYABLE = "retryable"
    """A later attempt may succeed: tried again with backoff, counted."""
    WAITING = "waiting"
    """The source is not ready: tried again later, not counted."""


class Reason(StrEnum):
    """CamelCase reasons of conditions, termination messages and `--json` errors."""

    COMPLETED = "Completed"
    ALREADY_COMPLETED = "AlreadyCompleted"
    NO_SLIDES_FOUND = "NoSlidesFound"

    INVALID_SPEC = "InvalidSpec"
    NOT_A_VIDEO = "NotAVideo"
    PRIVATE_VIDEO = "PrivateVideo"
    REMOVED = "Removed"
    MEMBERS_ONLY = "MembersOnly"
    AGE_RESTRICTED = "AgeRestricted"
    GEO_BLOCKED = "GeoBlocked"
    DRM = "DRM"
    PAYMENT_REQUIRED = "PaymentRequired"
    BAD_URL = "BadUrl"
    TOO_LONG = "TooLong"
    TOO_BIG = "TooBig"
    COOKIES_BAD = "CookiesBad"
    ACCESS_DENIED = "AccessDenied"
    UPLOAD_DENIED = "UploadDenied"
    OUTPUT_CONFLICT = "OutputConflict"
    OUTPUT_NOT_WRITABLE = "OutputNotWritable"
    ADDRESS_REFUSED = "AddressRefused"
    PARTIALLY_COMPLETED = "PartiallyCompleted"

    NETWORK_ERROR = "NetworkError"
    SERVER_ERROR = "ServerError"
    TIMED_OUT = "TimedOut"
    BOT_CHECK = "BotCheck"
    RATE_LIMITED = "RateLimited"
    FORBIDDEN = "Forbidden"
    NO_FORMATS = "NoFormats"
    THROTTLED = "Throttled"
    DISK_FULL = "DiskFull"
    STORAGE_UNAVAILABLE = "StorageUnavailable"
    PROXY_ERROR = "ProxyError"

    LIVE_NOT_STARTED = "LiveNotStarted"
    LIVE_NOW = "LiveNow"
    PROCESSING = "Processing"

    INTERRUPTED = "Interrupted"
    INTERNAL_ERROR = "InternalError"
