"""Exit codes of the runner: a stable, documented part of the contract.

The ranges alone decide what the operator does; the numbers within them never change meaning:

====== =====================================================================
0      done
1      a bug in the runner (command line only; counted and retryable in a pod)
2      usage error on the command line
64-79  permanent: the same input fails again
80-95  retryable: a later attempt may succeed
96-99  waiting: the source is not ready yet
130    Ctrl-C on the command line
143    interrupted by SIGTERM
====== =====================================================================
"""

from enum import IntEnum

from slides_api.conditions import OPERATOR_REASONS, Reason, ReasonClass


class ExitCode(IntEnum):
    """Every exit code of `slides`."""

    OK = 0
    BUG = 1
    USAGE = 2

    INVALID_SPEC = 64
    NOT_A_VIDEO = 65
    PRIVATE_VIDEO = 66
    REMOVED = 67
    MEMBERS_ONLY = 68
    AGE_RESTRICTED = 69
    GEO_BLOCKED = 70
    DRM = 71
    PAYMENT_REQUIRED = 72
    BAD_URL = 73
    TOO_LONG = 74
    TOO_BIG = 75
    COOKIES_BAD = 76
    ACCESS_DENIED = 77
    OUTPUT_REFUSED = 78
    PARTIALLY_COMPLETED = 79

    NETWORK_ERROR = 80
    SERVER_ERROR = 81
    TIMED_OUT = 82
    BOT_CHECK = 83
    RATE_LIMITED = 84
    FORBIDDEN = 85
    NO_FORMATS = 86
    THROTTLED = 87
    DISK_FULL = 88
    STORAGE_UNAVAILABLE = 89
    PROXY_ERROR = 90

    LIVE_NOT_STARTED = 96
    LIVE_NOW = 97
    PROCESSING = 98

    CTRL_C = 130
    INTERRUPTED = 143


EXIT_CODES: dict[Reason, ExitCode] = {
    Reason.COMPLETED: ExitCode.OK,
    Reason.ALREADY_COMPLETED: ExitCode.OK,
    Reason.NO_SLIDES_FOUND: ExitCode.OK,
    Reason.INVALID_SPEC: ExitCode.INVALID_SPEC,
    Reason.NOT_A_VIDEO: ExitCode.NOT_A_VIDEO,
    Reason.PRIVATE_VIDEO: ExitCode.PRIVATE_VIDEO,
    Reason.REMOVED: ExitCode.REMOVED,
    Reason.MEMBERS_ONLY: ExitCode.MEMBERS_ONLY,
    Reason.AGE_RESTRICTED: ExitCode.AGE_RESTRICTED,
    Reason.GEO_BLOCKED: ExitCode.GEO_BLOCKED,
    Reason.DRM: ExitCode.DRM,
    Reason.PAYMENT_REQUIRED: ExitCode.PAYMENT_REQUIRED,
    Reason.BAD_URL: ExitCode.BAD_URL,
    Reason.ADDRESS_REFUSED: ExitCode.BAD_URL,
    Reason.TOO_LONG: ExitCode.TOO_LONG,
    Reason.TOO_BIG: ExitCode.TOO_BIG,
    Reason.COOKIES_BAD: ExitCode.COOKIES_BAD,
    Reason.ACCESS_DENIED: ExitCode.ACCESS_DENIED,
    Reason.UPLOAD_DENIED: ExitCode.OUTPUT_REFUSED,
    Reason.OUTPUT_CONFLICT: ExitCode.OUTPUT_REFUSED,
    Reason.OUTPUT_NOT_WRITABLE: ExitCode.OUTPUT_REFUSED,
    Reason.PARTIALLY_COMPLETED: ExitCode.PARTIALLY_COMPLETED,
    Reason.NETWORK_ERROR: ExitCode.NETWORK_ERROR,
    Reason.SERVER_ERROR: ExitCode.SERVER_ERROR,
    Reason.TIMED_OUT: ExitCode.TIMED_OUT,
    Reason.BOT_CHECK: ExitCode.BOT_CHECK,
    Reason.RATE_LIMITED: ExitCode.RATE_LIMITED,
    Reason.FORBIDDEN: ExitCode.FORBIDDEN,
    Reason.NO_FORMATS: ExitCode.NO_FORMATS,
    Reason.THROTTLED: ExitCode.THROTTLED,
    Reason.DISK_FULL: ExitCode.DISK_FULL,
    Reason.STORAGE_UNAVAILABLE: ExitCode.STORAGE_UNAVAILABLE,
    Reason.PROXY_ERROR: ExitCode.PROXY_ERROR,
    Reason.LIVE_NOT_STARTED: ExitCode.LIVE_NOT_STARTED,
    Reason.LIVE_NOW: ExitCode.LIVE_NOW,
    Reason.PROCESSING: ExitCode.PROCESSING,
    Reason.INTERRUPTED: ExitCode.INTERRUPTED,
    Reason.INTERNAL_ERROR: ExitCode.BUG,
}
"""The one exit code of each reason that a runner ends with.

Reasons that a caller treats alike share one.
"""


def reason_class(exit_code: int) -> ReasonClass:
    """Return what follows from an exit code, known or not, by its range alone."""
    if exit_code == ExitCode.OK:
        return ReasonClass.SUCCESS
    if 64 <= exit_code <= 79:
        return ReasonClass.PERMANENT
    if 96 <= exit_code <= 99:
        return ReasonClass.WAITING
    return ReasonClass.RETRYABLE


REASON_CLASS: dict[Reason, ReasonClass] = {
    **{reason: reason_class(code) for reason, code in EXIT_CODES.items()},
    **OPERATOR_REASONS,
}
"""What follows from each reason."""
