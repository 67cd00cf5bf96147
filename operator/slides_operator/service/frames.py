"""Job states as seed 002 has them, and the bytes of server-sent events."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from slides_api.v1alpha1 import Phase
from slides_operator.service.records import Record
from slides_operator.service.words import Word002, seed002

RETRY_MS = 2_000
"""How long a client waits before it connects again: chosen, a rolling update takes longer."""


class JobState(BaseModel):
    """The state of a job; every key is always there."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    status: Word002
    """What is being done."""
    message: str
    """The same, for people."""
    updated_at: str = Field(json_schema_extra={"format": "date-time"})
    """When something last changed."""
    metadata_uri: str | None
    """Where the manifest lies, once it is completed."""
    error: str | None
    """Why it failed."""
    frame_count: int | None
    """Frames of the video."""
    current_frame: int | None
    """The frame that is looked at."""
    slides_processed: int | None
    """Slides that are stored."""
    total_slides: int | None
    """Slides that were found."""
    progress: int
    """Percent of the whole."""


def job_state(record: Record) -> JobState:
    """Return the state of a job."""
    return JobState(**_state(record))


def state_json(record: Record) -> bytes:
    """Return a job's state as JSON, in one line."""
    return to_json(_state(record))


@dataclass(frozen=True, slots=True)
class Frame:
    """A part of an event stream: as it is, and as a chunk of an HTTP/1.1 message."""

    plain: bytes
    chunk: bytes


def frame(data: bytes) -> Frame:
    """Return data as a frame."""
    return Frame(data, b"%x\r\n%b\r\n" % (len(data), data))


def event(version: int, state: bytes) -> Frame:
    """Return the event that tells a job's state, with its version as id."""
    return frame(b"id: %d\ndata: %b\n\n" % (version, state))


def error(message: str) -> Frame:
    """Return the event that says why a stream ends early."""
    return frame(b"event: error\ndata: %b\n\n" % to_json({"error": message}))


def farewell(retry_ms: int) -> Frame:
    """Return the hint to connect again, to another replica."""
    return frame(b": this replica ends, connect again\nretry: %d\n\n" % retry_ms)


OPENING = frame(b"retry: %d\n\n" % RETRY_MS)
HEARTBEAT = frame(b": alive\n\n")


def _state(record: Record) -> dict[str, Any]:
    done = record.phase is Phase.COMPLETED
    return {
        "status": seed002(record.phase),
        "message": record.message,
        "updated_at": record.updated,
        "metadata_uri": (done and record.manifest_uri) or None,
        "error": record.error or None,
        "frame_count": record.frame_count,
        "current_frame": record.current_frame,
        "slides_processed": record.slides_processed,
        "total_slides": record.total_slides,
        "progress": record.percent,
    }
