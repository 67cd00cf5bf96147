"""The last words of a pod: how it ended and why, for the kubelet and for the resource's status."""

import json
import threading
from contextlib import suppress
from datetime import UTC
from typing import TYPE_CHECKING

from slides_api.conditions import Reason
from slides_runner.errors import SlidesError
from slides_runner.reporters.plain import printable
from slides_runner.reporters.status import LastWords

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from slides_runner.reporters.cluster import ClusterReporter

LONGEST_BYTES = 4096
"""Of a termination message: what is beyond, the kubelet cuts, and with it the JSON breaks."""
LONGEST_MESSAGE = 2000
"""Characters; chosen: half of that, as JSON may escape and UTF-8 may widen them."""


def words_of_error(error: SlidesError) -> LastWords:
    """Return what is said of a run that failed: what, on what, and what to do next."""
    message = printable(str(error), longest=LONGEST_MESSAGE)
    return LastWords(error.reason, message, error.retry_after)


def words_of_end(reason: Reason, message: str) -> LastWords:
    """Return what is said of work that ended well."""
    return LastWords(reason, printable(message, longest=LONGEST_MESSAGE))


def termination_message(words: LastWords) -> bytes:
    """Return {reason, message, retryAfter?} as JSON that fits whole into a termination message."""
    document = {"reason": words.reason.value, "message": words.message}
    if words.retry_after:
        moment = words.retry_after.astimezone(UTC).isoformat(timespec="seconds")
        document["retryAfter"] = moment.replace("+00:00", "Z")
    while len(content := json.dumps(document, ensure_ascii=False).encode()) > LONGEST_BYTES:
        document["message"] = document["message"][:-100]
    return content


def say_nothing() -> None:
    """Leave it at the last words."""


class Ending:
    """Says the last words, once: where the kubelet looks first, as that needs no network."""

    def __init__(self) -> None:
        """Begin with nobody who hears."""
        self._saying = threading.Lock()
        self._is_said = False
        self.termination_log: Path | None = None
        self.reporter: ClusterReporter | None = None
        self.afterwards: Callable[[], None] = say_nothing
        """What is done once they are said, if the process is still there; it must not fail."""

    def say(self, words: LastWords, *, within_s: float) -> bool:
        """Say it, and return whether the status has it; who comes second waits and adds nothing."""
        with self._saying:
            if self._is_said:
                return False
            self._is_said = True
            self._terminate(words)
            return self.reporter is None or self.reporter.finish(words, within_s=within_s)

    def _terminate(self, words: LastWords) -> None:
        if self.termination_log is None:
            return
        with suppress(OSError):  # the status and the log have them, too
            self.termination_log.write_bytes(termination_message(words))
