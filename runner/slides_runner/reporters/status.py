"""What the runner says of an attempt, as its part of the resource's status; pure.

An apply is all that its manager says: what it leaves out is removed. So each write holds all of it.
The models cut the text of strangers to what the API server takes; here it loses what would act on
the terminal of whoever reads it, and numbers of strangers are kept within what the schema takes.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slides_api.conditions import Reason
from slides_api.v1alpha1 import Download, Result, Run, RunnerStatus, Video
from slides_api.v1alpha1.base import LARGEST
from slides_api.v1alpha1.status import DOWNLOAD_ROWS
from slides_runner import sources
from slides_runner.reporters import Found, Progress, Stored
from slides_runner.reporters.plain import printable

LONGEST = 8192
"""Characters of any text; chosen: as many as the longest field takes."""


@dataclass(frozen=True)
class LastWords:
    """How an attempt ended, and why."""

    reason: Reason
    message: str
    """What failed, on what, and what to do next; or what was made."""
    retry_after: datetime | None = None
    """When another attempt makes sense, where the source says so."""


@dataclass(frozen=True)
class State:
    """All that is known of an attempt."""

    attempt: int
    earlier_video: Video | None = None
    """As an earlier attempt found it: not to be forgotten where this one finds nothing."""
    progress: Progress | None = None
    video: Found | None = None
    output: Stored | None = None
    words: LastWords | None = None


def build_status(state: State, now: datetime) -> dict[str, Any]:
    """Return everything that the runner says of the resource, as it goes over the wire."""
    status = RunnerStatus(
        run=_run(state, now),
        video=_video(state.video) if state.video else state.earlier_video,
        result=_result(state.output) if state.output else None,
    )
    return status.to_wire()


def _run(state: State, now: datetime) -> Run:
    run = Run(attempt=state.attempt, percent=0, message="Starting", updated_at=now)
    if state.progress:
        run = run.model_copy(update=_steps(state.progress))
    if state.words:
        run = run.model_copy(update=_end(state.words))
    return Run.model_validate(run.model_dump())


def _steps(progress: Progress) -> dict[str, object]:
    return {
        "stage": progress.stage.value,
        "message": printable(progress.message),
        "percent": math.floor(progress.percent),
        "frame_count": _count(progress.frame_count),
        "current_frame": _count(progress.current_frame),
        "slides_processed": _count(progress.slides_processed),
        "total_slides": _count(progress.total_slides),
        "downloads": tuple(_download(one) for one in progress.downloads[-DOWNLOAD_ROWS:]) or None,
    }


def _end(words: LastWords) -> dict[str, object]:
    return {
        "message": printable(words.message, longest=LONGEST),
        "reason": words.reason.value,
        "retry_after": words.retry_after,
    }


def _download(download: sources.Download) -> Download:
    return Download(
        file=printable(download.file),
        status=download.status,
        bytes=_count(download.bytes) or 0,
        total_bytes=_count(download.total_bytes),
    )


def _video(found: Found) -> Video:
    info = found.info
    return Video(
        key=info.key,
        id=_clean(info.id),
        title=_clean(info.title),
        duration_seconds=_duration(found.duration_s),
        extractor=_clean(info.extractor),
        webpageURL=_clean(info.url),
        width=_count(found.width),
        height=_count(found.height),
    )


def _result(output: Stored) -> Result:
    return Result(
        manifestURI=output.manifest_uri,
        slide_count=_count(output.slide_count) or 0,
        sha256=output.manifest_sha256,
        bytes=_count(output.size_bytes) or 0,
    )


def _count(number: int | None) -> int | None:
    return None if number is None else min(max(number, 0), LARGEST)


def _duration(seconds: float | None) -> float | None:
    return seconds if seconds is not None and 0 <= seconds < math.inf else None


def _clean(text: str | None) -> str | None:
    return printable(text, longest=LONGEST) if text else None
