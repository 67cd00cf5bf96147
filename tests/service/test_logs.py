"""Lines of pods, statuses and Events become one log."""

import json
from typing import Any

import pytest

from slides_operator.service.logs import (
    Line,
    level_of,
    lines_of_events,
    lines_of_log,
    lines_of_status,
    merged,
    tail,
)

AT = "2026-11-21T12:00:00Z"


@pytest.mark.parametrize(
    ("row", "want"),
    [
        (
            '{"event": "Found", "level": "info", "timestamp": "2026-11-21T12:00:00.5Z", "x": 1}',
            Line("2026-11-21T12:00:00.500000Z", "INFO", "Found x=1"),
        ),
        (
            '2026-11-21T12:00:01.123456789Z {"event": "e", "level": "warning"}',
            Line("2026-11-21T12:00:01.123456Z", "WARNING", "e"),
        ),
        (
            f'{{"event": "bug", "level": "critical", "timestamp": "{AT}", "exception": "Trace"}}',
            Line(AT, "ERROR", "bug"),
        ),
        (f"{AT} exec slides: not found", Line(AT, "INFO", "exec slides: not found")),
        (f'{AT} ["no", "object"]', Line(AT, "INFO", '["no", "object"]')),
        (f'{AT} {{"event": "cut o', Line(AT, "INFO", '{"event": "cut o')),
    ],
)
def test_line_of_a_pod_is_read_whatever_it_is(row: str, want: Line) -> None:
    assert [*lines_of_log(row)] == [want]


@pytest.mark.parametrize("row", ["", "no time", '{"event": "e"}', "{}", "[1]", "\x00"])
def test_line_that_nobody_can_place_is_left_out(row: str) -> None:
    assert [*lines_of_log(row)] == []


def test_status_tells_of_attempts_and_of_the_whole() -> None:
    resource: dict[str, Any] = {
        "kind": "SlideExtraction",
        "metadata": {"creationTimestamp": AT},
        "status": {
            "attempts": {
                "history": [
                    {
                        "attempt": 1,
                        "startedAt": "2026-11-21T12:00:01Z",
                        "finishedAt": "2026-11-21T12:00:02Z",
                        "reason": "Evicted",
                        "node": "node-7",
                    },
                    {"attempt": 2, "startedAt": "2026-11-21T12:00:03Z"},
                ]
            },
            "conditions": [
                {
                    "type": "Succeeded",
                    "status": "False",
                    "reason": "RetryLimitExceeded",
                    "message": "enough",
                    "lastTransitionTime": "2026-11-21T12:00:09Z",
                },
                {"type": "Suspended", "status": "False", "lastTransitionTime": AT, "reason": "No"},
            ],
        },
    }

    assert [*lines_of_status(resource)] == [
        Line(AT, "INFO", "SlideExtraction created"),
        Line("2026-11-21T12:00:01Z", "INFO", "Attempt 1 started on node-7"),
        Line("2026-11-21T12:00:02Z", "ERROR", "Attempt 1 ended with Evicted"),
        Line("2026-11-21T12:00:03Z", "INFO", "Attempt 2 started"),
        Line("2026-11-21T12:00:09Z", "ERROR", "RetryLimitExceeded: enough"),
    ]


@pytest.mark.parametrize(
    ("reason", "level"),
    [
        ("Completed", "INFO"),
        ("Disrupted", "WARNING"),
        ("LiveNow", "WARNING"),
        ("NetworkError", "ERROR"),
        ("PrivateVideo", "ERROR"),
        ("OfANewerVersion", "ERROR"),
        ("", "INFO"),
    ],
)
def test_level_is_what_follows_from_a_reason(reason: str, level: str) -> None:
    assert level_of(reason) == level


def test_events_of_every_age_have_a_time() -> None:
    old = {"reason": "A", "message": "a", "lastTimestamp": AT, "count": 3, "metadata": {}}
    new = {"reason": "B", "eventTime": "2026-11-21T12:00:01.5Z", "type": "Warning", "metadata": {}}
    bare = {"message": "c", "metadata": {"creationTimestamp": AT}}

    assert [*lines_of_events([old, new, bare])] == [
        Line(AT, "INFO", "A: a (3 times)"),
        Line("2026-11-21T12:00:01.500000Z", "WARNING", "B"),
        Line(AT, "INFO", "c"),
    ]


def test_lines_are_in_order_and_each_is_there_once() -> None:
    later = Line("2026-11-21T12:00:00.700000Z", "INFO", "b")
    condition, event = Line(AT, "INFO", "a"), Line("2026-11-21T12:00:00.100000Z", "WARNING", "a")
    east = Line("2026-11-21T11:59:59Z", "INFO", "a")

    assert merged([later, event, condition, east]) == (east, condition, later)


@pytest.mark.parametrize(("count", "want"), [(None, 10), (0, 0), (3, 3), (99, 10)])
def test_tail_is_the_newest(count: int | None, want: int) -> None:
    lines = [Line(AT, "INFO", str(number)) for number in range(10)]

    assert tail(lines, count) == lines[10 - want :]


def test_answer_is_bounded() -> None:
    assert len(tail([Line(AT, "INFO", "x")] * 20_000, 20_000)) == 5000


def test_hostile_log_is_data() -> None:
    row = json.dumps({"event": "\x1b[2J", "level": "x", "timestamp": AT, "a": {"b": [1]}})

    (line,) = lines_of_log(row)

    assert line.level == "ERROR"
