"""A pod's last words are whole, harmless and said once, however it ends."""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from slides_api.conditions import Reason
from slides_api.exit_codes import ExitCode
from slides_runner.cli.job import Process, work_on
from slides_runner.cli.last_words import Ending, termination_message, words_of_end, words_of_error
from slides_runner.cli.pod import PodSettings
from slides_runner.errors import DiskFullError, RateLimitedError, SlidesError
from slides_runner.reporters.status import LastWords

LATER = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def termination_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the last words go, in a pod with a task."""
    for name in PodSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    spec = {"source": {"url": "https://talks.example/talk.mp4"}}
    task = {"namespace": "media", "name": "talk", "uid": "u", "attempt": 1, "spec": spec}
    monkeypatch.setenv("JOB_INPUT", json.dumps(task))
    monkeypatch.setenv("TERMINATION_LOG", str(tmp_path / "words"))
    return tmp_path / "words"


def test_error_says_what_failed_and_what_to_do() -> None:
    error = RateLimitedError("u answers 429.", hint="Try again later.", retry_after=LATER)

    assert json.loads(termination_message(words_of_error(error))) == {
        "reason": "RateLimited",
        "message": "u answers 429. Try again later.",
        "retryAfter": "2026-03-01T12:00:00Z",
    }


@pytest.mark.parametrize("letter", ["x", "\N{SNOWMAN}", "\U0001f600", '"', "\\", "\ud800"])
def test_message_fits_whole_whatever_it_holds(letter: str) -> None:
    content = termination_message(words_of_error(SlidesError(letter * 100_000)))

    assert len(content) <= 4096
    assert len(json.loads(content)["message"]) > 500


def test_terminal_controls_do_not_pass() -> None:
    words = words_of_end(Reason.COMPLETED, "\x1b[2J2 slides\n")

    assert words.message.isprintable()


def test_words_are_said_once(tmp_path: Path) -> None:
    ending = Ending()
    ending.termination_log = tmp_path / "words"

    threads = [
        threading.Thread(target=ending.say, args=(LastWords(reason, ""),), kwargs={"within_s": 1.0})
        for reason in (Reason.COMPLETED, Reason.INTERRUPTED)
    ]
    for one in threads:
        one.start()
        one.join()

    assert json.loads((tmp_path / "words").read_bytes())["reason"] == "Completed"


def test_bug_is_the_end_of_the_run_alone(
    termination_log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def stumble(_process: Process) -> LastWords:
        raise ZeroDivisionError("of nobody's business")

    code = work_on(stumble)

    words, log = json.loads(termination_log.read_bytes()), capsys.readouterr().err
    assert code is ExitCode.BUG
    assert words["reason"] == "InternalError"
    assert "bug" in words["message"]
    assert "nobody's business" not in words["message"]
    (line,) = log.splitlines()
    assert "ZeroDivisionError: of nobody's business" in json.loads(line)["exception"]


def test_error_is_told_everywhere_without_a_trace(
    termination_log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_process: Process) -> LastWords:
        raise DiskFullError("No space is left.", hint="Free some.")

    code = work_on(fail)

    line = json.loads(capsys.readouterr().err)
    assert code is ExitCode.DISK_FULL
    assert json.loads(termination_log.read_bytes())["reason"] == "DiskFull"
    assert (line["level"], line["reason"], line["name"]) == ("error", "DiskFull", "talk")
    assert line["event"] == "No space is left. Free some."
    assert "exception" not in line


def test_termination_log_that_cannot_be_written_fails_nothing(
    termination_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERMINATION_LOG", str(termination_log.parent))

    assert work_on(lambda _: words_of_end(Reason.COMPLETED, "2 slides")) is ExitCode.OK
