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
    """Something has to come first, such as a source that is not ready: tried again, not counted."""
    DISRUPTION = "disruption"
    """The attempt was ended from outside: the next follows as soon as it may, not counted."""
    PROGRESS = "progress"
    """Work goes on: no outcome yet."""


class ConditionType(StrEnum):
    """The conditions of a status."""

    SUCCEEDED = "Succeeded"
    """True or False at the end, Unknown until then: what `kubectl wait` waits for."""
    ACCEPTED = "Accepted"
    """The operator has seen the spec and can work on it."""
    RUNNING = "Running"
    """An attempt is at work."""
    SUSPENDED = "Suspended"
    """spec.suspend is obeyed."""
    OUTPUTS_DELETED = "OutputsDeleted"
    """The outputs are deleted, with deletionPolicy Delete."""
    RECONCILING = "Reconciling"
    """Something is still to be done; absent, never False, otherwise. For kstatus."""
    STALLED = "Stalled"
    """Nothing goes on without an intervention; absent, never False, otherwise. For kstatus."""


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

    ACCEPTED = "Accepted"
    JOB_CREATED = "JobCreated"
    STARTING = "Starting"
    DOWNLOADING = "Downloading"
    EXTRACTING = "Extracting"
    UPLOADING = "Uploading"
    RETRYING = "Retrying"
    DELETING = "Deleting"
    WAITING_FOR_ITEMS = "WaitingForItems"

    UNSCHEDULABLE = "Unschedulable"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    SECRET_MISSING = "SecretMissing"  # noqa: S105 - a reason, no secret
    POD_REFUSED = "PodRefused"

    DISRUPTED = "Disrupted"
    JOB_DELETED = "JobDeleted"
    SUSPENDED = "Suspended"

    OOM_KILLED = "OOMKilled"
    EVICTED = "Evicted"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    RUNNER_UNRESPONSIVE = "RunnerUnresponsive"
    RUNNER_FAILED = "RunnerFailed"
    CLEANUP_FAILED = "CleanupFailed"

    START_DEADLINE_EXCEEDED = "StartDeadlineExceeded"
    RETRY_LIMIT_EXCEEDED = "RetryLimitExceeded"
    CANCELLED = "Cancelled"
    PARTIALLY_FAILED = "PartiallyFailed"
    ALL_FAILED = "AllFailed"

    OUTPUTS_DELETED = "OutputsDeleted"
    OUTPUTS_KEPT = "OutputsKept"
    ALL_SUCCEEDED = "AllSucceeded"


OPERATOR_REASONS: dict[Reason, ReasonClass] = {
    Reason.ACCEPTED: ReasonClass.PROGRESS,
    Reason.JOB_CREATED: ReasonClass.PROGRESS,
    Reason.STARTING: ReasonClass.PROGRESS,
    Reason.DOWNLOADING: ReasonClass.PROGRESS,
    Reason.EXTRACTING: ReasonClass.PROGRESS,
    Reason.UPLOADING: ReasonClass.PROGRESS,
    Reason.RETRYING: ReasonClass.PROGRESS,
    Reason.DELETING: ReasonClass.PROGRESS,
    Reason.WAITING_FOR_ITEMS: ReasonClass.PROGRESS,
    Reason.UNSCHEDULABLE: ReasonClass.WAITING,
    Reason.IMAGE_PULL_FAILED: ReasonClass.WAITING,
    Reason.SECRET_MISSING: ReasonClass.WAITING,
    Reason.POD_REFUSED: ReasonClass.WAITING,
    Reason.DISRUPTED: ReasonClass.DISRUPTION,
    Reason.JOB_DELETED: ReasonClass.DISRUPTION,
    Reason.SUSPENDED: ReasonClass.DISRUPTION,
    Reason.OOM_KILLED: ReasonClass.RETRYABLE,
    Reason.EVICTED: ReasonClass.RETRYABLE,
    Reason.DEADLINE_EXCEEDED: ReasonClass.RETRYABLE,
    Reason.RUNNER_UNRESPONSIVE: ReasonClass.RETRYABLE,
    Reason.RUNNER_FAILED: ReasonClass.RETRYABLE,
    Reason.CLEANUP_FAILED: ReasonClass.RETRYABLE,
    Reason.START_DEADLINE_EXCEEDED: ReasonClass.PERMANENT,
    Reason.RETRY_LIMIT_EXCEEDED: ReasonClass.PERMANENT,
    Reason.CANCELLED: ReasonClass.PERMANENT,
    Reason.PARTIALLY_FAILED: ReasonClass.PERMANENT,
    Reason.ALL_FAILED: ReasonClass.PERMANENT,
    Reason.OUTPUTS_DELETED: ReasonClass.SUCCESS,
    Reason.OUTPUTS_KEPT: ReasonClass.SUCCESS,
    Reason.ALL_SUCCEEDED: ReasonClass.SUCCESS,
}
"""What follows from the reasons that no runner ends with, and that have no exit code."""
