"""The bytes of a job's stream."""

import json

from slides_operator.service.frames import (
    HEARTBEAT,
    OPENING,
    JobState,
    error,
    event,
    farewell,
    job_state,
    state_json,
)
from slides_operator.service.records import record_of
from tests.service.objects import CREATED, PHASES, extraction

KEYS = [
    "status",
    "message",
    "updated_at",
    "metadata_uri",
    "error",
    "frame_count",
    "current_frame",
    "slides_processed",
    "total_slides",
    "progress",
]
MANIFEST = {"manifestURI": "s3://slides/youtube-abc/0123abcd/manifest.json", "slideCount": 12}


def test_every_key_is_there_and_null_if_unknown() -> None:
    state = json.loads(state_json(record_of(extraction(phase="Pending"))))

    assert list(state) == KEYS
    assert [key for key, value in state.items() if value is None] == KEYS[3:9]
    assert (state["status"], state["progress"], state["updated_at"]) == ("pending", 0, CREATED)


def test_what_runs_has_its_runners_figures() -> None:
    run = {"message": "Frame 120 of 2400", "percent": 42, "frameCount": 2400, "currentFrame": 120}

    state = json.loads(state_json(record_of(extraction(phase="Extracting", run=run))))

    assert (state["status"], state["message"]) == ("extracting", "Frame 120 of 2400")
    assert (state["frame_count"], state["current_frame"], state["progress"]) == (2400, 120, 42)


def test_what_completed_has_its_manifest() -> None:
    done = extraction(phase="Completed", status={"result": MANIFEST})
    later = extraction(phase="Extracting", status={"result": MANIFEST})

    assert job_state(record_of(done)).metadata_uri == MANIFEST["manifestURI"]
    assert job_state(record_of(done)).progress == 100
    assert job_state(record_of(later)).metadata_uri is None


def test_what_failed_says_why() -> None:
    state = job_state(record_of(extraction(phase="Failed")))

    assert (state.status, state.error) == ("failed", PHASES["Failed"]["message"])


def test_what_was_cancelled_failed_for_the_seeds_clients() -> None:
    state = job_state(record_of(extraction(phase="Cancelled")))

    assert (state.status, state.error) == ("failed", "Cancelled")


def test_the_model_and_the_bytes_say_the_same() -> None:
    for phase in PHASES:
        record = record_of(extraction(phase=phase, run={"percent": 7, "totalSlides": 3}))

        assert JobState.model_validate_json(state_json(record)) == job_state(record)


def test_an_event_has_the_version_as_its_id_and_is_one_line_of_data() -> None:
    record = record_of(extraction(phase="Extracting", version=77, run={"message": "a\nb\r\nc"}))

    frame = event(record.version, state_json(record))

    lines = frame.plain.decode().split("\n")
    assert lines[0] == "id: 77"
    assert json.loads(lines[1].removeprefix("data: "))["message"] == "a\nb\r\nc"
    assert lines[2:] == ["", ""]
    assert b"\r" not in frame.plain


def test_a_chunk_is_the_frame_with_its_length() -> None:
    for frame in (OPENING, HEARTBEAT, error("gone"), farewell(700)):
        length, rest = frame.chunk.split(b"\r\n", 1)

        assert rest == frame.plain + b"\r\n"
        assert int(length, 16) == len(frame.plain)


def test_only_errors_and_states_are_events() -> None:
    assert error("gone").plain == b'event: error\ndata: {"error":"gone"}\n\n'
    assert b"data" not in OPENING.plain + HEARTBEAT.plain + farewell(700).plain
    assert b"\nretry: 700\n" in farewell(700).plain
