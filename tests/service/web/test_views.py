from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slides_operator.service.records import record_of
from slides_operator.service.web.actions import build_actions
from slides_operator.service.web.addresses import Links, host_of, shown_url, web_page
from slides_operator.service.web.views import (
    build_attempts,
    build_details,
    build_events,
    build_row,
    build_stages,
    moment,
    size,
    state_of,
    title_of,
    took,
)
from tests.service.objects import extraction

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LINKS = Links("talks")


@pytest.mark.parametrize(
    ("ago", "want"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=-3), "just now"),
        (timedelta(seconds=60), "1 minute ago"),
        (timedelta(minutes=59, seconds=59), "59 minutes ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(hours=47), "1 day ago"),
        (timedelta(days=7), "7 days ago"),
        (timedelta(days=8), "13 Nov 2026"),
        (timedelta(hours=-2), "21 Nov 2026, 14:00"),
    ],
)
def test_tells_a_moment_by_how_long_ago_it_was(ago: timedelta, want: str) -> None:
    found = moment(NOW - ago, NOW)
    assert found is not None
    assert found.ago == want


@pytest.mark.parametrize("text", [None, "", "yesterday", 7])
def test_no_time_is_no_moment(text: object) -> None:
    assert moment(text, NOW) is None


@pytest.mark.parametrize(
    ("seconds", "want"), [(0, "0 s"), (59.9, "59 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations_are_told_in_two_units(seconds: float, want: str) -> None:
    assert took(timedelta(seconds=seconds)) == want


@pytest.mark.parametrize(
    ("size_bytes", "want"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (21_000, "21 kB"), (3.4e6, "3.4 MB")],
)
def test_sizes_have_two_digits(size_bytes: float, want: str) -> None:
    assert size(size_bytes) == want


@pytest.mark.parametrize(
    ("title", "url", "want"),
    [
        ("  How  to\nrest ", "https://example.com/talk.mp4", "How to rest"),
        ("", "https://example.com/a/my%20talk.mp4?x=1", "my talk.mp4"),
        ("", "https://youtu.be/dQw4w9WgXcQ", "Youtube dQw4w9WgXcQ"),
        ("", "s3://bucket/", "talk"),
        ("", "https://[::1", "talk"),
    ],
)
def test_a_talk_without_title_is_called_by_its_address(title: str, url: str, want: str) -> None:
    status = {"video": {"title": title}}
    assert title_of(record_of(extraction("talk", url=url, status=status))) == want


@pytest.mark.parametrize(
    ("url", "shown", "page", "host"),
    [
        (
            "https://user:pass@www.example.com/a.mp4",
            "https://www.example.com/a.mp4",
            "https://www.example.com/a.mp4",
            "example.com",
        ),
        (
            "youtube:dQw4w9WgXcQ",
            "youtube:dQw4w9WgXcQ",
            "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
            "youtube.com",
        ),
        (
            "instagram:CxOWiQNP5aB",
            "instagram:CxOWiQNP5aB",
            "https://www.instagram.com/p/CxOWiQNP5aB/",
            "instagram.com",
        ),
        ("s3://bucket/talk.mp4", "s3://bucket/talk.mp4", "", "s3://bucket"),
        ("javascript:alert(1)", "javascript:alert(1)", "", "javascript"),
    ],
)
def test_addresses_are_shown_without_credentials(
    url: str, shown: str, page: str, host: str
) -> None:
    assert (shown_url(url), web_page(url), host_of(url)) == (shown, page, host)


@pytest.mark.parametrize(
    ("phase", "tone", "percent"),
    [
        ("Pending", "waiting", None),
        ("Extracting", "running", 42),
        ("Completed", "done", None),
        ("Failed", "failed", None),
        ("Cancelled", "ended", None),
    ],
)
def test_a_state_has_its_tone_and_percent_while_it_works(
    phase: str, tone: str, percent: int | None
) -> None:
    state = state_of(record_of(extraction(phase=phase, run={"percent": 42})))
    assert (state.word, state.tone, state.percent) == (phase, tone, percent)


def test_a_row_has_a_cover_once_there_are_slides() -> None:
    result = {"manifestURI": "s3://b/k/12345678/manifest.json", "slideCount": 3}
    done = extraction(phase="Completed", status={"result": result})
    row = build_row(record_of(done), LINKS, NOW)
    assert (row.slides, row.cover) == (3, "/ui/talks/uid-of-talk/cover")
    none = extraction(phase="Completed", status={"result": {**result, "slideCount": 0}})
    assert build_row(record_of(none), LINKS, NOW).cover == ""


def test_addresses_name_another_namespace_than_the_own() -> None:
    record = record_of(extraction(namespace="lectures"))
    assert LINKS.talk(record) == "/ui/talks/uid-of-talk?namespace=lectures"
    assert LINKS.file(record, "slides/0001 a.webp", "12") == (
        "/ui/talks/uid-of-talk/files/slides/0001%20a.webp?namespace=lectures&v=12"
    )
    assert LINKS.stream(record) == "/jobs/uid-of-talk/stream?namespace=lectures"


@pytest.mark.parametrize(
    ("phase", "run", "want"),
    [
        ("Pending", {}, []),
        (
            "Downloading",
            {"downloads": [{"file": "a", "status": "downloading", "bytes": 5, "totalBytes": 20}]},
            [("now", "5 bytes of 20 bytes"), ("later", ""), ("later", "")],
        ),
        ("Downloading", {}, [("now", ""), ("later", ""), ("later", "")]),
        (
            "Extracting",
            {"frameCount": 2400, "currentFrame": 1200},
            [("done", ""), ("now", "1,200 of 2,400 frames"), ("later", "")],
        ),
        (
            "Uploading",
            {"totalSlides": 8, "slidesProcessed": 2},
            [("done", ""), ("done", ""), ("now", "2 of 8 slides")],
        ),
    ],
)
def test_stages_say_how_far_the_work_is(
    phase: str, run: dict[str, Any], want: list[tuple[str, str]]
) -> None:
    stages = build_stages(record_of(extraction(phase=phase, run=run)))
    assert [(stage.state, stage.detail) for stage in stages] == want


@pytest.mark.parametrize(
    ("phase", "want"),
    [
        ("Pending", ["cancel"]),
        ("Extracting", ["cancel"]),
        ("Failed", ["retry", "delete"]),
        ("Completed", ["delete"]),
        ("Cancelled", ["delete"]),
    ],
)
def test_offers_what_can_be_done(phase: str, want: list[str]) -> None:
    talk = extraction(phase=phase)
    assert [action.id for action in build_actions(record_of(talk), talk, LINKS)] == want


def test_says_what_becomes_of_files_that_are_deleted() -> None:
    kept, gone = (
        extraction(phase="Completed", spec={"deletionPolicy": policy})
        for policy in ("Retain", "Delete")
    )
    (keep,), (go,) = (build_actions(record_of(one), one, LINKS) for one in (kept, gone))
    assert "stay in the bucket" in keep.consequence
    assert "go with it" in go.consequence


def test_attempts_come_newest_first_and_one_may_still_work() -> None:
    rows = [
        {
            "attempt": 1,
            "job": "a",
            "startedAt": "2026-11-21T11:00:00Z",
            "finishedAt": "2026-11-21T11:03:20Z",
            "reason": "OOMKilled",
            "exitCode": 137,
        },
        {"attempt": 2, "job": "b", "startedAt": "2026-11-21T11:59:48Z"},
    ]
    newest, oldest = build_attempts({"status": {"attempts": {"history": rows}}}, NOW)
    assert (newest.number, newest.took, newest.reason) == (2, "12 s", "")
    assert (oldest.took, oldest.reason, oldest.exit_code) == ("3 min 20 s", "OOMKilled", 137)


def test_details_leave_out_what_nobody_knows() -> None:
    talk = extraction(spec={"outputs": {"slides": {"sensitivity": "high"}}})
    details = dict(build_details(talk, record_of(talk), NOW))
    assert details["Outputs"] == "slides as webp, sensitivity high, pdf, html"
    assert "Manifest" not in details


def test_events_come_newest_first_whatever_tells_their_time() -> None:
    events: list[dict[str, Any]] = [
        {"metadata": {}, "reason": "Old", "lastTimestamp": "2026-11-21T11:00:00Z", "count": 4},
        {"metadata": {}, "reason": "New", "eventTime": "2026-11-21T11:30:00.5Z", "type": "Warning"},
    ]
    new, old = build_events(events, NOW)
    assert (new.reason, new.is_warning, new.count) == ("New", True, 1)
    assert (old.reason, old.is_warning, old.count) == ("Old", False, 4)
