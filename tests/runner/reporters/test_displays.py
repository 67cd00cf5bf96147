import io
import itertools
import json

import pytest
from rich.console import Console

from slides_runner.reporters import Found, Progress, Stage, Stored
from slides_runner.reporters.both import Both
from slides_runner.reporters.displays import DISPLAYS, DisplayKind, choose_display, open_display
from slides_runner.reporters.log import LogDisplay
from slides_runner.reporters.terminal import TerminalDisplay
from slides_runner.sources import VideoInfo

HOSTILE = "[red]talk[/red]\x1b[2J\u202e"


@pytest.mark.parametrize(
    ("given", "want"),
    [
        pytest.param({"is_terminal": True}, DisplayKind.TERMINAL, id="person"),
        pytest.param({}, DisplayKind.LOG, id="file or container"),
        pytest.param({"is_terminal": True, "is_json": True}, DisplayKind.NONE, id="machine"),
        pytest.param({"is_terminal": True, "is_quiet": True}, DisplayKind.NONE, id="quiet"),
        pytest.param({"is_json": True, "is_verbose": True}, DisplayKind.LOG, id="verbose machine"),
        pytest.param({"is_terminal": True, "is_verbose": True}, DisplayKind.LOG, id="verbose"),
    ],
)
def test_display_follows_who_watches(given: dict[str, bool], want: DisplayKind) -> None:
    flags = dict.fromkeys(("is_json", "is_quiet", "is_verbose", "is_terminal"), False)

    assert choose_display(**{**flags, **given}) is want


@pytest.mark.parametrize("kind", DisplayKind)
def test_every_kind_takes_progress_and_warnings(
    kind: DisplayKind, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_display(kind, log_level="INFO") as display:
        reporter = display.open(HOSTILE)
        reporter.report(Progress(Stage.EXTRACTING, "Finding slides", 50.0))
        reporter.warn("careful")

    out, err = capsys.readouterr()
    assert out == ""
    assert ("careful" in err) == (kind is not DisplayKind.NONE)


def test_table_has_every_kind() -> None:
    assert set(DISPLAYS) == set(DisplayKind)


def test_log_has_a_line_per_stage_and_one_now_and_then() -> None:
    stream, clock = io.StringIO(), itertools.count(0.0, 1.0)
    reporter = LogDisplay("INFO", stream=stream, clock=lambda: next(clock)).open("talk.mp4")

    for percent in range(30, 70):  # forty seconds
        reporter.report(Progress(Stage.EXTRACTING, "Finding slides", float(percent)))
    reporter.report(Progress(Stage.UPLOADING, "Storing file 1 of 4", 81.0))

    lines = stream.getvalue().splitlines()
    assert [line.rsplit("stage=", 1)[1] for line in lines] == [*["Extracting"] * 4, "Uploading"]
    assert all("source=talk.mp4" in line for line in lines)


def test_log_for_machines_is_a_document_a_line() -> None:
    stream = io.StringIO()
    display = LogDisplay("INFO", as_json=True, about={"name": "talk"}, stream=stream)
    reporter = display.open(HOSTILE)

    reporter.found(Found(VideoInfo("url-1", None, title=HOSTILE)))
    reporter.report(Progress(Stage.EXTRACTING, "Finding slides", 50.0))
    reporter.stored(Stored("s3://b/p/manifest.json", "0" * 64, 2, 1000))

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [one["event"] for one in lines] == [
        "Found the video",
        "Finding slides",
        "Stored the output",
    ]
    assert {one["name"] for one in lines} == {"talk"}
    assert lines[2]["manifest"] == "s3://b/p/manifest.json"
    assert "\x1b" not in stream.getvalue()


def test_both_reporters_hear_everything() -> None:
    streams = [io.StringIO(), io.StringIO()]
    both = Both(*(LogDisplay("INFO", stream=one).open("talk.mp4") for one in streams))

    both.found(Found(VideoInfo("url-1", None)))
    both.report(Progress(Stage.EXTRACTING, "Finding slides", 50.0))
    both.stored(Stored("s3://b/p/manifest.json", "0" * 64, 2, 1000))
    both.warn("careful")

    for stream in streams:
        assert len(stream.getvalue().splitlines()) == 4


def test_log_level_leaves_out_what_is_below() -> None:
    stream = io.StringIO()
    reporter = LogDisplay("WARNING", stream=stream).open("talk.mp4")

    reporter.report(Progress(Stage.EXTRACTING, "Finding slides", 50.0))
    reporter.warn("careful")

    assert [line for line in stream.getvalue().splitlines() if "careful" not in line] == []
    assert "careful" in stream.getvalue()


def test_log_survives_a_closed_stderr() -> None:
    class Closed(io.StringIO):
        def write(self, _text: str, /) -> int:
            raise BrokenPipeError

    reporter = LogDisplay("INFO", stream=Closed()).open("talk.mp4")

    reporter.report(Progress(Stage.EXTRACTING, "Finding slides", 50.0))
    reporter.warn("careful")


def test_log_shows_hostile_names_harmlessly() -> None:
    stream = io.StringIO()
    reporter = LogDisplay("INFO", stream=stream).open(HOSTILE)

    reporter.report(Progress(Stage.DOWNLOADING, f"Reading {HOSTILE}", 0.0))

    assert "\x1b" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()


def terminal(stream: io.StringIO) -> TerminalDisplay:
    return TerminalDisplay(
        Console(file=stream, width=120, force_terminal=True, no_color=True, color_system=None)
    )


def test_terminal_shows_stage_percent_and_slides() -> None:
    stream = io.StringIO()

    with terminal(stream) as display:
        reporter = display.open("talk.mp4")
        progress = Progress(Stage.EXTRACTING, "Finding slides", 50.0, total_slides=1)
        reporter.report(progress)

    shown = stream.getvalue()
    assert "talk.mp4" in shown
    assert "50 %" in shown
    assert "Finding slides, 1 slide" in shown


def test_terminal_has_a_line_for_each_extraction() -> None:
    stream = io.StringIO()

    with terminal(stream) as display:
        for name in ("one.mp4", "two.mp4"):
            display.open(name).report(Progress(Stage.DOWNLOADING, f"of {name}", 10.0))

    assert "of one.mp4" in stream.getvalue()
    assert "of two.mp4" in stream.getvalue()


def test_terminal_shows_hostile_names_as_text() -> None:
    stream = io.StringIO()

    with terminal(stream) as display:
        reporter = display.open(HOSTILE)
        reporter.report(Progress(Stage.DOWNLOADING, HOSTILE, 10.0))
        reporter.warn(HOSTILE)

    assert "[red]talk[/red]" in stream.getvalue()
    assert "\x1b[2J\N{REPLACEMENT CHARACTER}" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()
