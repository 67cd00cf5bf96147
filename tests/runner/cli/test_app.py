"""The command line as a whole: help, version, speed of start, bugs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from slides_api import __version__
from slides_api.conditions import Reason
from slides_api.exit_codes import EXIT_CODES, ExitCode
from slides_runner.cli.exit_codes import render_markdown, rows
from slides_runner.cli.messages import explain_bug
from tests.runner.command import slides

REPOSITORY = Path(__file__).resolve().parents[3]
HEAVY = ("av", "boto3", "cv2", "jinja2", "numpy", "pydantic", "reportlab", "yt_dlp")


def test_help_teaches(tmp_path: Path) -> None:
    text = slides("--help", cwd=tmp_path).stdout

    for word in ("extract", "probe", "inspect", "s3://", "youtube:", "Exit codes", "S3_ENDPOINT"):
        assert word in text


@pytest.mark.parametrize("command", ["extract", "probe", "inspect", "exit-codes"])
def test_every_option_explains_itself(tmp_path: Path, command: str) -> None:
    text = slides(command, "--help", cwd=tmp_path).stdout
    documented = (REPOSITORY / "docs" / "extract.md").read_text()

    for option in re.findall(r"--[a-z-]+", text.partition("Examples")[0]):
        assert option in documented or option == "--help"


@pytest.mark.parametrize("command", ["run", "delete-outputs"])
def test_commands_of_pods_do_not_stand_in_peoples_way(tmp_path: Path, command: str) -> None:
    listed = slides("--help", cwd=tmp_path).stdout.partition("Commands:")[2]

    assert not re.search(rf"^ +{command}\b", listed, re.MULTILINE)
    assert "JOB_INPUT" in slides(command, "--help", cwd=tmp_path).stdout


def test_without_arguments_it_helps(tmp_path: Path) -> None:
    ended = slides(cwd=tmp_path)

    assert ended.exit_code == ExitCode.USAGE
    assert "Usage: slides" in ended.stdout + ended.stderr


def test_version(tmp_path: Path) -> None:
    assert slides("--version", cwd=tmp_path).stdout == f"slides {__version__}\n"


def test_completion_is_offered(tmp_path: Path) -> None:
    # Otherwise typer asks which shell it was started by, which need not be one.
    told = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    ended = slides("--show-completion", "bash", cwd=tmp_path, variables=told)

    assert (ended.exit_code, "complete" in ended.stdout) == (0, True)


def test_starts_without_heavy_libraries() -> None:
    code = (
        f"import sys, slides_runner.cli; print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_every_exit_code_and_reason_has_a_meaning() -> None:
    table = rows()

    assert {row.code for row in table} == set(ExitCode)
    assert {row.reason for row in table if row.reason} == set(EXIT_CODES)
    assert all(row.meaning.endswith(".") for row in table)


def test_page_of_exit_codes_is_current() -> None:
    assert (REPOSITORY / "docs" / "exit-codes.md").read_text() == render_markdown()


def test_exit_codes_are_listed(tmp_path: Path) -> None:
    text = slides("exit-codes", cwd=tmp_path).stdout

    assert re.search(r"^ +65 NotAVideo +The input", text, re.MULTILINE)


def test_bug_says_where_its_trace_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    error = explain_bug(ZeroDivisionError("x"), is_verbose=False)

    (trace,) = tmp_path.iterdir()
    assert (error.reason, error.exit_code) == (Reason.INTERNAL_ERROR, ExitCode.BUG)
    assert str(trace) in error.hint
    assert "report" in error.hint
    assert "ZeroDivisionError: x" in trace.read_text()
    assert capsys.readouterr().err == ""


def test_bug_shows_its_trace_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    error = explain_bug(ZeroDivisionError("x"), is_verbose=True)

    assert "ZeroDivisionError: x" in capsys.readouterr().err
    assert "above" in error.hint
