"""What people read on stderr, and the last words when something unexpected happened."""

import logging
import sys
import tempfile
import traceback

import typer

from slides_api.exit_codes import ExitCode
from slides_runner.errors import SlidesError
from slides_runner.reporters.plain import printable
from slides_runner.sources.redaction import redact

LONGEST_MESSAGE = 2000
"""Characters of one message; chosen: messages are a few lines, paths in them may be long."""


class BugError(SlidesError):
    """Something that should not happen, happened: the reason is InternalError, the exit code 1."""


def say(text: str) -> None:
    """Write a line to stderr; it is harmless to a terminal whatever it quotes."""
    typer.echo(printable(text, longest=LONGEST_MESSAGE), err=True)


def say_error(error: SlidesError, *, name: str = "") -> None:
    """Write what failed, on what, and what to do next."""
    label = typer.style("error:", fg="red", bold=True)
    about = f"{printable(name)}: " if name else ""
    message = printable(error.message, longest=LONGEST_MESSAGE)
    typer.echo(f"{label} {about}{message} [{error.reason}]", err=True)
    if error.hint:
        typer.echo(f"       {printable(error.hint, longest=LONGEST_MESSAGE)}", err=True)


def shown_name(url: str) -> str:
    """Return a short name of a source, without credentials."""
    return redact(url).rstrip("/").rpartition("/")[2] or redact(url)


def show_log_of_libraries(level: str) -> None:
    """Show what libraries log from a level on; only DEBUG is worth reading beside our own words."""
    if level == "DEBUG":
        logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(name)s: %(message)s")


def explain_bug(error: BaseException, *, is_verbose: bool) -> BugError:
    """Return the error for something unexpected; its trace goes to a file, or to stderr."""
    trace = "".join(traceback.format_exception(error))
    if is_verbose:
        typer.echo(trace, err=True, nl=False)
        where = "The trace is above."
    else:
        where = f"The trace is in {_write_trace(trace)}."
    return BugError(
        f"This is a bug in slides: {type(error).__name__}.", hint=f"Please report it. {where}"
    )


def _write_trace(trace: str) -> str:
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix="slides-bug-", suffix=".txt", delete=False
        ) as file:
            file.write(trace)
    except OSError:
        return "no file, as none can be written; run again with --verbose"
    return file.name


def report_bug(error: BaseException, *, is_verbose: bool) -> ExitCode:
    """Say that something unexpected happened, and return the exit code of bugs."""
    if isinstance(error, BrokenPipeError):  # whoever read our output had enough of it
        sys.stderr.close()
        return ExitCode.BUG
    say_error(explain_bug(error, is_verbose=is_verbose))
    return ExitCode.BUG
