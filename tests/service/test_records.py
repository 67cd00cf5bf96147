"""What a record keeps of a resource."""

import tracemalloc
from typing import Any

import pytest

from slides_api.v1alpha1 import Phase
from slides_operator.service.records import Counts, Download, Row, counts_of, record_of
from tests.service.objects import CREATED, PHASES, batch, child, extraction, made_by_rest

LATER, LAST = "2026-11-21T12:00:07Z", "2026-11-21T12:00:09Z"


def test_what_was_only_created_is_pending_and_knows_nothing() -> None:
    record = record_of(extraction(url="https://youtu.be/dQw4w9WgXcQ"))

    assert (record.phase, record.percent, record.message, record.error) == (
        Phase.PENDING, 0, "", "",
    )  # fmt: skip
    assert (record.frame_count, record.title, record.manifest_uri) == (None, "", "")
    assert (record.updated, record.video_id) == (CREATED, "dQw4w9WgXcQ")
    assert (record.job_type, record.origin, record.retry_count) == ("slide_extraction", "", 0)
    assert not record.ended
    assert not record.at_work


def test_while_an_attempt_works_its_runner_has_the_word() -> None:
    run = {
        "message": "Looking at frame 120 of 2400",
        "percent": 42,
        "updatedAt": LATER,
        "frameCount": 2400,
        "currentFrame": 120,
        "downloads": [{"file": "talk.mp4", "status": "finished", "bytes": 7, "totalBytes": 7}],
    }

    record = record_of(extraction(phase="Extracting", run=run))

    assert (record.message, record.percent) == ("Looking at frame 120 of 2400", 42)
    assert (record.frame_count, record.current_frame) == (2400, 120)
    assert record.downloads == (Download("talk.mp4", "finished", 7, 7),)
    assert record.updated == LATER
    assert record.at_work


def test_what_an_earlier_attempt_said_is_over() -> None:
    late = extraction(phase="Pending", run={"attempt": 1, "percent": 80, "frameCount": 9})
    late["status"]["attempts"]["current"] = 2

    record = record_of(late)

    assert (record.percent, record.frame_count) == (0, None)
    assert record.message == PHASES["Pending"]["message"]
    assert record.attempt == 2


def test_a_hundred_percent_is_only_success() -> None:
    assert record_of(extraction(phase="Uploading", run={"percent": 100})).percent == 99
    assert record_of(extraction(phase="Completed", run={"percent": 99})).percent == 100
    assert record_of(extraction(phase="Failed", run={"percent": 30})).percent == 30


@pytest.mark.parametrize(
    ("phase", "error"),
    [
        ("Completed", ""),
        ("Extracting", ""),
        ("Failed", "The video is private."),
        ("Cancelled", "Cancelled"),
    ],
)
def test_only_what_failed_has_an_error(phase: str, error: str) -> None:
    assert record_of(extraction(phase=phase)).error == error


def test_a_failure_without_words_says_its_reason() -> None:
    condition = PHASES["Failed"] | {"message": ""}

    assert record_of(extraction(phase="Failed", status={"conditions": [condition]})).error == (
        "PrivateVideo"
    )


def test_a_phase_that_only_a_newer_version_knows_is_pending() -> None:
    assert record_of(extraction(status={"phase": "Dreaming"})).phase is Phase.PENDING


@pytest.mark.parametrize(
    ("run", "want"),
    [
        pytest.param(LAST, LAST, id="later"),
        pytest.param("2026-11-21T14:00:09.5+02:00", LAST, id="elsewhere"),
        pytest.param("yesterday", LATER, id="no time"),
        pytest.param(CREATED, LATER, id="earlier than a transition"),
    ],
)
def test_updated_is_the_newest_moment(run: str, want: str) -> None:
    condition = PHASES["Extracting"] | {"lastTransitionTime": LATER}
    seen = extraction(phase="Extracting", run={"updatedAt": run})

    assert record_of(seen | {"status": seen["status"] | {"conditions": [condition]}}).updated == (
        want
    )


def test_the_video_is_what_the_runner_found_not_what_the_url_looks_like() -> None:
    video = {"id": "abc", "key": "youtube-abc", "title": "A talk", "durationSeconds": 61.5}

    record = record_of(extraction(url="youtube:dQw4w9WgXcQ", status={"video": video}))

    assert (record.video_id, record.video_key, record.title) == ("abc", "youtube-abc", "A talk")
    assert record.duration_s == 61.5


def test_labels_say_who_made_it_and_what_for() -> None:
    record = record_of(extraction(labels=made_by_rest("full_processing")))

    assert (record.origin, record.job_type) == ("rest", "full_processing")


def test_what_is_being_deleted_says_so() -> None:
    going = extraction()
    going["metadata"]["deletionTimestamp"] = LATER

    assert record_of(going).deleted
    assert not record_of(extraction()).deleted


def test_its_spec_is_kept_until_it_ends() -> None:
    assert record_of(extraction(phase="Pending")).spec == {
        "source": {"url": "https://talks.example.org/talk.mp4"}
    }
    assert record_of(extraction(phase="Failed")).spec is None


def test_a_new_batch_waits_with_all_its_items() -> None:
    record = record_of(batch("talks", "one", "two"))

    assert record.counts == Counts(2, 2, 0, 0, 0, 0)
    assert [row.name for row in record.rows] == ["one", "two"]
    assert record.percent == 0


def test_a_batch_has_its_items_in_their_order_with_what_is_told_of_them() -> None:
    told = {"name": "two", "extraction": "e", "phase": "Completed", "reason": "Completed"}
    status = {
        "counts": {"total": 2, "pending": 1, "completed": 1},
        "items": [told | {"slideCount": 3, "manifestURI": "s3://b/m"}],
    }

    record = record_of(batch("talks", "one", "two", status=status))

    assert record.rows == (
        Row("one", "youtube:onexxxxxxxx", "", Phase.PENDING, "", None, ""),
        Row("two", "youtube:twoxxxxxxxx", "e", Phase.COMPLETED, "Completed", 3, "s3://b/m"),
    )
    assert record.percent == 50


def test_a_child_names_its_batch_and_its_item() -> None:
    own = batch("talks", "one")

    record = record_of(child(own, "one"))

    assert (record.batch, record.item) == (own["metadata"]["uid"], "one")


@pytest.mark.parametrize(
    ("phase", "where"),
    [
        ("Queued", "pending"),
        ("Suspended", "pending"),
        ("Uploading", "running"),
        ("Completed", "completed"),
        ("Failed", "failed"),
        ("Cancelled", "cancelled"),
    ],
)
def test_one_extraction_counts_as_a_batch_of_one(phase: str, where: str) -> None:
    counts = counts_of(record_of(extraction(phase=phase)))

    assert counts.total == getattr(counts, where) == 1
    assert counts.pending + counts.running + counts.completed + counts.failed <= 1


def test_what_finished_takes_two_kilobytes_at_most() -> None:
    def finished(number: int) -> dict[str, Any]:
        uri = f"s3://slides/youtube-{number:011}/0123abcd/manifest.json"
        return extraction(
            f"talk-{number}",
            phase="Completed",
            url=f"https://www.youtube.com/watch?v={number:011}",
            run={"percent": 99, "message": "x" * 100, "frameCount": number},
            status={
                "video": {"id": f"{number:011}", "key": f"youtube-{number:011}", "title": "T" * 60},
                "result": {"manifestURI": uri, "slideCount": 12},
                "startTime": CREATED,
                "completionTime": LAST,
            },
        )

    record_of(finished(0))
    tracemalloc.start()
    records = [record_of(finished(number)) for number in range(1000)]
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(records) == 1000
    assert used / 1000 < 2048
