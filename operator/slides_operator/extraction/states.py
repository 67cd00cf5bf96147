"""The states that an extraction can be found in: the decision, apart from how it is told."""

from dataclasses import dataclass
from datetime import datetime

from slides_operator.extraction.attempts import Attempt
from slides_operator.extraction.ledger import Row
from slides_operator.extraction.stuck import Stuck


@dataclass(frozen=True, slots=True)
class Working:
    """An attempt was made and has not ended."""

    number: int
    job: str
    attempt: Attempt | None
    """Its Job as it was seen; None for one that is only being created."""
    stuck: Stuck | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """The next attempt may start now."""

    number: int


@dataclass(frozen=True, slots=True)
class Hindered:
    """The next attempt's Job cannot be created for now, such as for a quota that is used up."""

    message: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The next attempt follows later, or at once as soon as this is written down."""

    row: Row
    """The attempt before."""
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Held:
    """The next attempt could start, but pods of an earlier one have not ended."""

    row: Row | None
    """The attempt before, if one was written down."""
    pods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """Another attempt was asked for by hand; it follows as soon as this is written down."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The spec cannot be worked on as it stands."""

    message: str


@dataclass(frozen=True, slots=True)
class Suspended:
    """Nothing happens until spec.suspend is false again."""


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The work is done."""

    row: Row


@dataclass(frozen=True, slots=True)
class Failed:
    """The work is given up."""

    row: Row
    counted: int
    limit_reached: bool
    """Whether one more attempt could help, but no more are allowed."""


@dataclass(frozen=True, slots=True)
class Unstarted:
    """The work is given up, as no attempt could be made in time."""

    message: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The work is given up on request."""


@dataclass(frozen=True, slots=True)
class Kept:
    """It ended before; nothing of that changes."""


Ended = Succeeded | Failed | Unstarted | Cancelled
State = Working | Ready | Hindered | Waiting | Held | Asked | Refused | Suspended | Ended | Kept
