"""Progress as the resource's status: what `kubectl get` and everybody who watches sees.

A thread writes the newest state and nothing else: states that come faster than they may be written
replace each other, so nothing queues and the run never waits. A new stage, a found video and a
finished output are written at once, all else every `interval_s`. An API server that has too much to
do (429) is asked less often from then on; one that does not answer is tried until it does.

Without news the time of the last word is renewed now and then, as long as the run itself gives a
sign of life (`Rhythm`). A run that hangs beyond every timeout of its own thus falls silent,
and the operator ends it as RunnerUnresponsive; so does a process that is frozen as a whole.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from slides_api.v1alpha1 import Video
from slides_runner.reporters import Found, Progress, Stored
from slides_runner.reporters.api_server import Answer, ApiServer, Resource, Verdict
from slides_runner.reporters.status import LastWords, State, build_status

LONGEST_INTERVAL_S = 60.0
"""After many 429s; chosen: half of the silence that the operator bears."""
RECOVERY = 0.9
"""Of a lengthened interval, after each write that went well."""
LONGEST_BACKOFF_S = 10.0
LAST_PAUSE_S = 1.0
"""Between the last tries, when the process only waits for them."""
REQUEST_S = 5.0

OnOver = Callable[[str], None]
"""Takes why nobody wants to hear of this attempt any more."""


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Rhythm:
    """How often the status is written."""

    interval_s: float
    """Between two words of progress within a stage, as the operator set it."""
    heartbeat_s: float = 30.0
    """Without news. Chosen: the longest interval that the operator sets, and a quarter of the
    silence that it bears."""
    quiet_s: float = 300.0
    """Without a sign of life of the run. Chosen: above what sources and stores wait and try again
    by themselves, four times 60 s in S3, five times 30 s at a source, with pauses in between."""


@dataclass
class Pace:
    """When the next write may and must be."""

    usual_s: float
    """As the operator set it."""
    interval_s: float
    not_before: float = 0.0
    """On the monotonic clock."""
    failures: int = 0

    def learn(self, answer: Answer, now: float) -> None:
        """Take how a write went."""
        match answer.verdict:
            case Verdict.WRITTEN:
                self.failures, self.not_before = 0, 0.0
                self.interval_s = max(self.usual_s, RECOVERY * self.interval_s)
            case Verdict.THROTTLED:
                longer = max(2 * self.interval_s, answer.retry_after_s)
                self.interval_s = max(self.usual_s, min(LONGEST_INTERVAL_S, longer))
                self.not_before = now + answer.retry_after_s
            case Verdict.AWAY:
                self.not_before = now + min(LONGEST_BACKOFF_S, 2.0**self.failures)
                self.failures += 1
            case Verdict.OVER:
                pass


class ClusterReporter:
    """Writes the status of one attempt; `finish` ends it."""

    def __init__(
        self,
        server: ApiServer,
        resource: Resource,
        *,
        attempt: int,
        earlier_video: Video | None,
        rhythm: Rhythm,
        on_over: OnOver,
        warn: Callable[[str], None],
    ) -> None:
        """Take where to write, how often, who hears the end of it, and who hears of trouble."""
        self._server = server
        self._resource = resource
        self._on_over = on_over
        self._warn = warn
        self._rhythm = rhythm
        self._pace = Pace(rhythm.interval_s, rhythm.interval_s)
        self._state = State(attempt, earlier_video)
        self._written: State | None = None
        self._written_at = time.monotonic()
        self._alive_at = time.monotonic()
        self._deadline: float | None = None
        """When `finish` stops waiting; None while the run goes on."""
        self._is_urgent = False
        self._was_urgent = False
        """Whether what is being written is urgent."""
        self._is_over = False
        self._is_away = False
        self._changed = threading.Condition()
        # A daemon, so that a write that hangs keeps no process alive.
        self._thread = threading.Thread(target=self._write_all, name="status", daemon=True)

    def start(self) -> None:
        """Say that the attempt has begun, and go on writing."""
        self._is_urgent = True
        self._thread.start()

    def found(self, video: Found) -> None:
        """Take which video it is."""
        self._take(lambda state: replace(state, video=video), is_urgent=True)

    def stored(self, output: Stored) -> None:
        """Take where the output lies."""
        self._take(lambda state: replace(state, output=output), is_urgent=True)

    def report(self, progress: Progress) -> None:
        """Take the newest state."""
        before = self._state.progress
        if before == progress:
            self._alive_at = time.monotonic()
            return
        is_new_stage = before is None or before.stage is not progress.stage
        self._take(lambda state: replace(state, progress=progress), is_urgent=is_new_stage)

    def warn(self, message: str) -> None:
        """Do nothing: the log and the manifest have the warnings, the status has no field."""

    def finish(self, words: LastWords, *, within_s: float) -> bool:
        """Write the last words and return whether they arrived; wait no longer than that."""
        self._deadline = time.monotonic() + within_s
        self._pace.not_before = min(self._pace.not_before, time.monotonic() + LAST_PAUSE_S)
        self._take(lambda state: replace(state, words=words), is_urgent=True)
        with self._changed:
            self._changed.wait_for(lambda: self._is_said or self._is_over, timeout=within_s)
            self._is_over = True
            self._changed.notify_all()
        return self._is_said

    @property
    def _is_said(self) -> bool:
        return self._written is not None and self._written.words is not None

    def _take(self, change: Callable[[State], State], *, is_urgent: bool) -> None:
        with self._changed:
            # With nothing to tell, the writer sleeps until its next heartbeat.
            was_told = self._state is self._written
            self._state = change(self._state)
            self._alive_at = time.monotonic()
            self._is_urgent = self._is_urgent or is_urgent
            if is_urgent or was_told:
                self._changed.notify_all()

    def _write_all(self) -> None:
        while state := self._next():
            self._learn(state, self._write(state))
        self._server.close()

    def _next(self) -> State | None:
        """Return what is to be written, when it is due; None at the end."""
        with self._changed:
            while not self._is_over:
                pause_s = self._due_at() - time.monotonic()
                if pause_s <= 0:
                    self._was_urgent, self._is_urgent = self._is_urgent, False
                    return self._state
                self._changed.wait(pause_s)
            return None

    def _due_at(self) -> float:
        if self._is_urgent:
            return self._pace.not_before
        news_at = self._written_at + self._pace.interval_s
        beat_at = self._written_at + max(self._rhythm.heartbeat_s, self._pace.interval_s)
        if self._state is not self._written:
            return max(news_at, self._pace.not_before)
        if time.monotonic() - self._alive_at > self._rhythm.quiet_s:
            return time.monotonic() + self._rhythm.heartbeat_s
        return max(beat_at, self._pace.not_before)

    def _write(self, state: State) -> Answer:
        within_s = REQUEST_S
        if self._deadline is not None:
            within_s = max(0.1, min(REQUEST_S, self._deadline - time.monotonic()))
        try:
            status = build_status(state, utc_now())
        except ValueError as e:  # a bug, but none that the run should suffer from
            return Answer(Verdict.AWAY, f"it is no status: {e}")
        return self._server.apply(self._resource, status, within_s=within_s)

    def _learn(self, state: State, answer: Answer) -> None:
        is_last = self._deadline is not None
        with self._changed:
            self._pace.learn(answer, time.monotonic())
            if is_last:
                soon = time.monotonic() + LAST_PAUSE_S
                self._pace.not_before = min(self._pace.not_before, soon)
            if answer.verdict is Verdict.WRITTEN:
                self._written, self._written_at = state, time.monotonic()
            elif answer.verdict is Verdict.OVER:
                self._is_over = True
            elif answer.verdict is Verdict.AWAY or self._was_urgent:
                self._is_urgent = True
            self._changed.notify_all()
        self._say(answer)
        if answer.verdict is Verdict.OVER and not is_last:
            self._on_over(answer.message)

    def _say(self, answer: Answer) -> None:
        """Say in the log when writing begins to fail; that it works again, the status shows."""
        is_away = answer.verdict is not Verdict.WRITTEN
        if is_away and not self._is_away:
            self._warn(f"The status cannot be written: {answer.message}")
        self._is_away = is_away
