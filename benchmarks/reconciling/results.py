"""Everything that one run of the operator's benchmark measured."""

from pydantic import BaseModel

from benchmarks.reconciling.audit import REFUSED
from benchmarks.report import Report

ONCE = ("serviceaccounts", "rolebindings")
"""What the operator makes once for each namespace."""


class Burst(BaseModel):
    """Resources applied at once: the operator beside the bare client, in seconds."""

    count: int
    bare_pairs_s: float
    """The bare client, resources and Jobs alone."""
    bare_s: float
    """The bare client, with one status write each."""
    operator_s: float
    """From the first resource created to the last Job seen and the last first status seen."""
    operator_cpu_s: float

    @property
    def ratio(self) -> float:
        """How many times the bare client's time the operator takes."""
        return self.operator_s / self.bare_s


class Restart(BaseModel):
    """The operator started anew beside resources that are all finished."""

    how: str
    """The signal that ended the one before."""
    steady_s: float
    """From its process' start until every resource was looked at and nothing waited."""
    writes: int
    """By the API server's audit log, from then until some seconds after."""
    memory_mib: float


class Stretch(BaseModel):
    """Resources that lived their whole life, until so many were there in all."""

    present: int
    lived: int
    seconds: float
    active_peak: int
    """Most Jobs that were active at once."""
    delay_p50_s: float
    """From a Job's end to Succeeded, both as seen by a watch."""
    delay_p99_s: float
    delay_max_s: float
    writes: dict[str, int]
    """The operator's, by verb and resource, as the API server's audit log has them."""
    own_count: int
    """The operator's, as its own metrics have them."""
    repeated: int
    """Status writes that only repeated a stage that the runner had written."""
    memory_mib: float
    """Peak of its resident memory."""
    cpu_s: float
    restarts: list[Restart]

    @property
    def refused_each(self) -> float:
        """Writes a resource that changed nothing: the runner had written in the same moment."""
        return self._each(refused=True)

    @property
    def writes_each(self) -> float:
        """Writes a resource that changed something."""
        return self._each(refused=False)

    @property
    def writes_apart(self) -> float:
        """Writes a resource, without those that repeat the runner's progress."""
        return self.writes_each - self.repeated / self.lived

    def _each(self, *, refused: bool) -> float:
        own = {what: n for what, n in self.writes.items() if what.endswith(REFUSED) is refused}
        return sum(n for what, n in own.items() if not _is_once(what)) / self.lived


def _is_once(what: str) -> bool:
    return any(resource in what for resource in ONCE)


class Results(Report):
    """One run, and the figures made of it."""

    bursts: list[Burst]
    stretches: list[Stretch]
