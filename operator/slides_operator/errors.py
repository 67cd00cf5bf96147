"""The operator's errors. Those of aiohttp and of the client library end in `cluster.py`.

* OperatorError
  + SettingsError           the environment says something that cannot be used
  + DeliveryError           a webhook was not taken, or could not be sent; tried again for days
  + ApiError                the API server did not do what was asked; worth trying again
    - ConflictError         409: somebody else wrote meanwhile; read again, decide again
    - NotFoundError         404: what was to be changed is gone
    - RejectedError         403, 422 …: the same request is refused again
    - GoneError             410: this resourceVersion is forgotten; list again
    - ThrottledError        429: the API server asks for patience
    - UnreachableError      no answer, or 5xx

A message says what was asked for, on what, and what the API server said.
"""

from datetime import timedelta
from typing import ClassVar

FORBIDDEN = 403
"""HTTP's status of what is not allowed: rights, quota, a namespace that ends or is gone."""


class OperatorError(Exception):
    """Base of everything the operator raises on purpose."""

    result: ClassVar[str] = "error"
    """What a reconcile that ends so is counted as."""


class SettingsError(OperatorError):
    """A variable of the environment cannot be used."""


class DeliveryError(OperatorError):
    """A webhook was not taken, or could not be sent."""

    def __init__(
        self,
        message: str,
        *,
        result: str,
        code: int | None = None,
        retry_after: timedelta = timedelta(),
    ) -> None:
        """Take what failed, what it is counted as, the HTTP status, and when to try again."""
        super().__init__(message)
        self.message = message
        self.kind = result
        self.code = code
        self.retry_after = retry_after


class ApiError(OperatorError):
    """The API server did not do what was asked."""

    def __init__(
        self, message: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        """Take what failed, the HTTP status, and after how many seconds to ask again."""
        super().__init__(message)
        self.message = message
        self.status = status
        self.retry_after = retry_after


class ConflictError(ApiError):
    """Somebody else wrote the object meanwhile, or it exists already."""

    result = "conflict"


class NotFoundError(ApiError):
    """The object, its namespace or its kind does not exist."""

    result = "not_found"


class RejectedError(ApiError):
    """The API server refuses the request, and would refuse it again."""

    result = "rejected"


class GoneError(ApiError):
    """The resourceVersion to go on from is too old."""


class ThrottledError(ApiError):
    """The API server asks to be asked less."""

    result = "throttled"


class UnreachableError(ApiError):
    """The API server does not answer, or answers with an error of its own."""

    result = "unreachable"
