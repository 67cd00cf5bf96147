"""Everything that one run of the service's benchmark measured."""

from pydantic import BaseModel

from benchmarks.report import Report


class Stretch(BaseModel):
    """Some time in which events came to clients that read them."""

    seconds: float
    readers: int
    events: int
    delay_p50_ms: float
    """From the watch event, as another client of the API server saw it, to the client's socket."""
    delay_p99_ms: float
    delay_max_ms: float
    least_share: float
    """Events that the client with the fewest got, of those that another of its job got."""
    longest_gap_s: float
    """Between two events of any client."""
    cpu_s: float
    """Of the server, on one core."""

    @property
    def cpu_us(self) -> float:
        """CPU time an event, in microseconds."""
        return 1e6 * self.cpu_s / self.events

    @property
    def core(self) -> float:
        """Share of a core."""
        return self.cpu_s / self.seconds


class Streams(BaseModel):
    """Clients that follow jobs."""

    clients: int
    jobs: int
    memory_kib: float
    """Of the server, a client."""
    lost: int
    """Connections that the server closed."""
    all_read: Stretch
    stuck: int
    """Clients that do not read in the next stretch."""
    some_stuck: Stretch
    stuck_memory_kib: float
    """What the server's memory grew by in that stretch, a client that does not read."""
    bare: Stretch
    """The bare fan-out."""
    bare_memory_kib: float


class Start(BaseModel):
    """The service started beside resources that finished."""

    present: int
    ready_s: float
    memory_mib: float
    bare_s: float
    """How long a client takes that only reads the same pages, one after the other."""


class Lists(BaseModel):
    """Pages of a long list."""

    present: int
    what: str
    requests: int
    p50_ms: float
    p99_ms: float


class Fuzz(BaseModel):
    """Requests made of the API's description."""

    wanted: int
    cases: int
    server_errors: int
    failures: list[str]
    """What else was not as described."""


class Results(Report):
    """One run, and the figures made of it."""

    start: Start | None
    lists: list[Lists]
    streams: Streams | None
    fuzz: Fuzz | None
