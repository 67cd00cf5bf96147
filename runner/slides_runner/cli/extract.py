"""`slides extract`: one pipeline run per source, several at once."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import typer

from slides_api.conditions import Reason
from slides_api.exit_codes import ExitCode
from slides_runner.cli.interruption import Interruption
from slides_runner.cli.machine import (
    Json,
    error_document,
    output_of,
    result_document,
    sole_stdout,
    write_document,
)
from slides_runner.cli.messages import explain_bug, say_error, show_log_of_libraries, shown_name
from slides_runner.cli.options import SlideOptions, SourceOptions
from slides_runner.errors import InterruptedRunError, InvalidSpecError, SlidesError
from slides_runner.pipeline import RunRequest, RunResult, run
from slides_runner.reporters import Found, Progress, Reporter, Stored
from slides_runner.reporters.displays import Display, choose_display, open_display
from slides_runner.reporters.plain import printable
from slides_runner.settings import RunnerSettings, load_settings
from slides_runner.sources.egress import Egress, build_egress
from slides_runner.sources.redaction import redact
from slides_runner.workspace import default_root


@dataclass(frozen=True)
class ExtractOptions:
    """The options of `slides extract`."""

    source: SourceOptions
    slides: SlideOptions
    output: str | None = None
    jobs: int = 1
    force: bool = False
    work_dir: Path | None = None
    is_json: bool = False
    is_quiet: bool = False
    is_verbose: bool = False


@dataclass(frozen=True)
class Outcome:
    """How one run ended: with a result or with an error."""

    source: str
    """As it may be shown: without credentials."""
    result: RunResult | None
    error: SlidesError | None
    notes: tuple[str, ...] = ()
    """What was said on the way and is not in the manifest."""


Tell = Callable[[Outcome, ExitCode], None]
"""Takes an outcome and its exit code as it comes."""


class Listener:
    """Passes everything on to a reporter and keeps the warnings."""

    def __init__(self, reporter: Reporter) -> None:
        """Take who hears."""
        self._reporter = reporter
        self.warnings: list[str] = []

    def found(self, video: Found) -> None:
        """Pass it on."""
        self._reporter.found(video)

    def stored(self, output: Stored) -> None:
        """Pass it on."""
        self._reporter.stored(output)

    def report(self, progress: Progress) -> None:
        """Pass the state on."""
        self._reporter.report(progress)

    def warn(self, message: str) -> None:
        """Pass the warning on, and keep it."""
        self.warnings.append(message)
        self._reporter.warn(message)


def extract_all(sources: Sequence[str], options: ExtractOptions) -> ExitCode:
    """Extract every source, tell each outcome as it comes, and return the exit code of all."""
    is_line = len(sources) > 1
    with ExitStack() as stack:
        stdout = stack.enter_context(sole_stdout()) if options.is_json else sys.stdout

        def tell(outcome: Outcome, code: ExitCode) -> None:
            if options.is_json:
                write_document(build_document(outcome, code), stdout, is_line=is_line)
            elif not (outcome.result and options.is_quiet):
                say_outcome(outcome, named=is_line)

        try:
            settings = options.source.apply(load_settings())
            requests = build_requests(sources, options, settings)
            return _run_all(requests, settings, options, tell)
        except typer.BadParameter as e:
            if options.is_json:
                tell(Outcome("", None, InvalidSpecError(e.format_message())), ExitCode.USAGE)
            raise
        except InvalidSpecError as e:  # of the settings, so it is no source's own
            tell(Outcome("", None, e), e.exit_code)
            return e.exit_code
        except SlidesError as e:  # stdout does not take what was to be told
            say_error(e)
            return e.exit_code


def build_requests(
    sources: Sequence[str], options: ExtractOptions, settings: RunnerSettings
) -> list[RunRequest]:
    """Return what each run is asked to do. Raises typer.BadParameter."""
    if options.output is not None and not options.output.strip():
        raise typer.BadParameter("it is empty.", param_hint="--output")
    outputs = options.slides.build_outputs()
    work_root = options.work_dir or settings.work_dir or default_root(os.environ)
    return [
        RunRequest(
            source=options.source.build_source(source),
            outputs=outputs,
            work_root=work_root.absolute(),
            output=options.output,
            several=len(sources) > 1,
            force=options.force,
        )
        for source in dict.fromkeys(sources)  # one that is named twice is made once
    ]


def _run_all(
    requests: Sequence[RunRequest], settings: RunnerSettings, options: ExtractOptions, tell: Tell
) -> ExitCode:
    kind = choose_display(
        is_json=options.is_json,
        is_quiet=options.is_quiet,
        is_verbose=options.is_verbose,
        is_terminal=sys.stderr.isatty(),
    )
    level = "DEBUG" if options.is_verbose else settings.effective_log_level
    show_log_of_libraries(level)
    ledger = _Ledger(requests, tell, at_once=options.is_json)
    interruption = Interruption()
    interruption.last_words = ledger.stop
    with interruption.caught():
        with open_display(kind, log_level=level) as display:
            runner = _Runner(
                settings,
                display,
                interruption,
                # One for all: what one source finds out about a proxy spares the others.
                egress=build_egress(settings, options.source.proxy),
                is_verbose=options.is_verbose,
            )
            for outcome in runner.outcomes(requests, jobs=options.jobs):
                ledger.take(outcome, exit_code_of(outcome, interruption.exit_code))
        ledger.tell_the_rest()
    return combined(ledger.codes, interruption.exit_code)


class _Ledger:
    """Who ended how, and what of it was told already."""

    def __init__(self, requests: Sequence[RunRequest], tell: Tell, *, at_once: bool) -> None:
        """Take all that will end; `at_once` tells each as it comes, else when all have ended."""
        self._running = {redact(one.source.url) for one in requests}
        self._tell = tell
        self._at_once = at_once
        self._untold: list[tuple[Outcome, ExitCode]] = []
        self.codes: list[ExitCode] = []

    def take(self, outcome: Outcome, code: ExitCode) -> None:
        """Take how one run ended."""
        self._running.discard(outcome.source)
        self.codes.append(code)
        self._untold.append((outcome, code))
        if self._at_once:
            self.tell_the_rest()

    def tell_the_rest(self) -> None:
        """Tell what was held back, lest words tear a display that moves."""
        while self._untold:
            self._tell(*self._untold.pop(0))

    def stop(self, error: InterruptedRunError, code: ExitCode) -> None:
        """Tell that all that still runs was stopped."""
        self.tell_the_rest()
        for source in sorted(self._running):
            self._tell(Outcome(source, None, error), code)


@dataclass(frozen=True)
class _Runner:
    """Runs pipelines in threads, so that the main thread is free to hear signals."""

    settings: RunnerSettings
    display: Display
    interruption: Interruption
    egress: Egress
    is_verbose: bool

    def outcomes(self, requests: Sequence[RunRequest], *, jobs: int) -> Iterator[Outcome]:
        """Yield every outcome as it comes."""
        with ThreadPoolExecutor(max_workers=min(jobs, len(requests))) as pool:
            futures: list[Future[Outcome]] = [pool.submit(self._run, one) for one in requests]
            for future in as_completed(futures):
                yield future.result()

    def _run(self, request: RunRequest) -> Outcome:
        name = shown_name(request.source.url)
        try:
            self.interruption.check()
            listener = Listener(self.display.open(name))
            result = run(
                request,
                self.settings,
                listener,
                check=self.interruption.check,
                egress=self.egress,
            )
        except SlidesError as e:
            return Outcome(redact(request.source.url), None, e)
        except Exception as e:  # noqa: BLE001 - the boundary of a task: its neighbours go on
            bug = explain_bug(e, is_verbose=self.is_verbose)
            return Outcome(redact(request.source.url), None, bug)
        recorded = {warning.message for warning in result.manifest.warnings}
        notes = tuple(note for note in listener.warnings if note not in recorded)
        return Outcome(redact(request.source.url), result, None, notes)


def exit_code_of(outcome: Outcome, interrupted: ExitCode | None) -> ExitCode:
    """Return the exit code of one outcome, given the code of the signal that asked to stop."""
    if outcome.error is None:
        return ExitCode.OK
    if isinstance(outcome.error, InterruptedRunError) and interrupted is not None:
        return interrupted
    return outcome.error.exit_code


def combined(codes: Sequence[ExitCode], interrupted: ExitCode | None) -> ExitCode:
    """Return the exit code of several runs: 1 when some failed, the signal's when one came."""
    if len(codes) == 1:
        return codes[0]
    if interrupted is not None and any(code == interrupted for code in codes):
        return interrupted
    return ExitCode.BUG if any(codes) else ExitCode.OK


def build_document(outcome: Outcome, code: ExitCode) -> Json:
    """Return the JSON document of an outcome."""
    if outcome.result:
        return result_document(outcome.source, outcome.result, list(outcome.notes))
    return error_document(outcome.source, outcome.error or SlidesError("Failed."), code)


def say_outcome(outcome: Outcome, *, named: bool) -> None:
    """Write an outcome for people: results to stdout, errors to stderr."""
    if outcome.result:
        typer.echo("\n".join(summary(outcome.result)))
    elif outcome.error:
        say_error(outcome.error, name=shown_name(outcome.source) if named else "")


def summary(result: RunResult) -> list[str]:
    """Return what people read of a result, line by line."""
    manifest, sink = result.manifest, result.sink
    count = len(manifest.slides)
    title = printable(manifest.source.title or manifest.source.key)
    already = result.reason is Reason.ALREADY_COMPLETED
    said = "already there: " if already else ""
    lines = [f"{title}: {said}{count} slide{'' if count == 1 else 's'}"]
    if not count:
        lines = [f"{title}: {said}no slides found"]
    lines.append(f"  output  {printable(output_of(sink))}")
    for artifact in manifest.artifacts:
        if artifact.kind in {"html", "pdf"}:
            label = "report" if artifact.kind == "html" else "pdf"
            where = sink.local_path(artifact.key) or sink.uri(artifact.key)
            lines.append(f"  {label:<7} {printable(str(where))}")
    return [*lines, *(f"  note    {printable(one.message)}" for one in manifest.warnings)]
