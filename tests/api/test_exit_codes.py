import pytest

from slides_api.conditions import OPERATOR_REASONS, Reason, ReasonClass
from slides_api.exit_codes import EXIT_CODES, REASON_CLASS, ExitCode, reason_class


def test_every_reason_has_an_exit_code_or_is_the_operators() -> None:
    assert EXIT_CODES.keys() | OPERATOR_REASONS.keys() == set(Reason)
    assert not EXIT_CODES.keys() & OPERATOR_REASONS.keys()


@pytest.mark.parametrize(
    ("code", "want"),
    [
        (0, ReasonClass.SUCCESS),
        (64, ReasonClass.PERMANENT),
        (79, ReasonClass.PERMANENT),
        (80, ReasonClass.RETRYABLE),
        (95, ReasonClass.RETRYABLE),
        (96, ReasonClass.WAITING),
        (99, ReasonClass.WAITING),
        (1, ReasonClass.RETRYABLE),
        (2, ReasonClass.RETRYABLE),
        (137, ReasonClass.RETRYABLE),
        (143, ReasonClass.RETRYABLE),
    ],
)
def test_range_alone_decides_what_follows(code: int, want: ReasonClass) -> None:
    assert reason_class(code) is want


@pytest.mark.parametrize(
    ("reason", "want"),
    [
        (Reason.NO_SLIDES_FOUND, ReasonClass.SUCCESS),
        (Reason.UPLOAD_DENIED, ReasonClass.PERMANENT),
        (Reason.CANCELLED, ReasonClass.PERMANENT),
        (Reason.RATE_LIMITED, ReasonClass.RETRYABLE),
        (Reason.OOM_KILLED, ReasonClass.RETRYABLE),
        (Reason.LIVE_NOW, ReasonClass.WAITING),
        (Reason.SECRET_MISSING, ReasonClass.WAITING),
        (Reason.DISRUPTED, ReasonClass.DISRUPTION),
        (Reason.JOB_CREATED, ReasonClass.PROGRESS),
    ],
)
def test_every_reason_has_a_class(reason: Reason, want: ReasonClass) -> None:
    assert REASON_CLASS.keys() == set(Reason)
    assert REASON_CLASS[reason] is want


def test_numbers_never_change() -> None:
    """They are in other people's scripts: a change here breaks them."""
    assert {code.name: int(code) for code in ExitCode} == {
        "OK": 0,
        "BUG": 1,
        "USAGE": 2,
        "INVALID_SPEC": 64,
        "NOT_A_VIDEO": 65,
        "PRIVATE_VIDEO": 66,
        "REMOVED": 67,
        "MEMBERS_ONLY": 68,
        "AGE_RESTRICTED": 69,
        "GEO_BLOCKED": 70,
        "DRM": 71,
        "PAYMENT_REQUIRED": 72,
        "BAD_URL": 73,
        "TOO_LONG": 74,
        "TOO_BIG": 75,
        "COOKIES_BAD": 76,
        "ACCESS_DENIED": 77,
        "OUTPUT_REFUSED": 78,
        "PARTIALLY_COMPLETED": 79,
        "NETWORK_ERROR": 80,
        "SERVER_ERROR": 81,
        "TIMED_OUT": 82,
        "BOT_CHECK": 83,
        "RATE_LIMITED": 84,
        "FORBIDDEN": 85,
        "NO_FORMATS": 86,
        "THROTTLED": 87,
        "DISK_FULL": 88,
        "STORAGE_UNAVAILABLE": 89,
        "PROXY_ERROR": 90,
        "LIVE_NOT_STARTED": 96,
        "LIVE_NOW": 97,
        "PROCESSING": 98,
        "CTRL_C": 130,
        "INTERRUPTED": 143,
    }
