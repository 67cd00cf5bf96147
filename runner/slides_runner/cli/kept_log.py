"""An attempt's log, kept beside its outputs: who asks after the pod is gone finds it there.

It is no output: no manifest names it, so equal input stays equal bytes, and a log that cannot be
kept fails nothing. It goes with the outputs when these are deleted.
"""

import json
import threading
from collections import deque
from contextlib import suppress

from slides_api.names import log_key
from slides_runner.cli.pod import Task
from slides_runner.reporters import Found
from slides_runner.reporters.nobody import SilentReporter

MOST_BYTES = 1024 * 1024
"""Of a kept log; chosen: a day of an attempt that says something every ten seconds."""
WITHIN_S = 5.0
"""For the log to arrive; chosen: a pod that has ended well is held no longer than that."""
MEDIA_TYPE = "application/x-ndjson"


class KeptLines:
    """The newest lines of a log."""

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        """Take how much to keep."""
        self._most_bytes = most_bytes
        self._lines: deque[bytes] = deque()
        self._size = 0
        self._lost = 0
        self._lock = threading.Lock()

    def add(self, text: str) -> None:
        """Keep a line, and for it forget the oldest where there are too many."""
        line = text.encode() + b"\n"
        with self._lock:
            self._lines.append(line)
            self._size += len(line)
            while self._size > self._most_bytes:
                self._size -= len(self._lines.popleft())
                self._lost += 1

    def content(self) -> bytes:
        """Return what is kept: JSON lines, the first of which says how many are not."""
        with self._lock:
            lines = [*self._lines]
            lost = self._lost
        if lost:
            lines.insert(0, _left_out(lost, before=lines[:1]))
        return b"".join(lines)


def _left_out(count: int, *, before: list[bytes]) -> bytes:
    line: dict[str, object] = {"event": f"{count} earlier lines were not kept", "level": "warning"}
    with suppress(ValueError, KeyError, IndexError, TypeError):
        line["timestamp"] = json.loads(before[0])["timestamp"]
    return json.dumps(line).encode() + b"\n"


class KeptLog(SilentReporter):
    """Hears which video a run is about, since its log lies with that video's outputs."""

    def __init__(self, task: Task, lines: KeptLines) -> None:
        """Take the task and what its process writes."""
        self._task = task
        self._lines = lines
        self._video_key = task.job.video.key if task.job.video else None

    def found(self, video: Found) -> None:
        """Remember where the outputs go."""
        self._video_key = video.info.key or self._video_key

    def store(self) -> None:
        """Store the log, or leave it at that after a few seconds."""
        # A daemon, so that a store which does not answer holds up nothing.
        storing = threading.Thread(target=self._store, name="kept-log", daemon=True)
        storing.start()
        storing.join(WITHIN_S)

    def _store(self) -> None:
        if self._video_key is None:
            return  # the run ended before anybody knew where its outputs would go
        from botocore.exceptions import BotoCoreError, ClientError

        from slides_runner.errors import SlidesError
        from slides_runner.sinks.s3 import build_client

        job, place = self._task.job, self._task.folder(self._video_key)
        with suppress(BotoCoreError, ClientError, SlidesError):
            client = build_client(self._task.settings, warn=lambda _: None, attempts=1)
            client.put_object(
                Bucket=place.bucket,
                Key=place.prefix + log_key(job.uid, job.attempt),
                Body=self._lines.content(),
                ContentType=MEDIA_TYPE,
            )
