"""What `slides run` and `slides delete-outputs` share: a process that is a Job's only container.

The main thread hears signals, the work is done in another. However it ends, its last words go to
the termination message, as JSON, and its exit code says what follows.
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from slides_api.conditions import ReasonClass
from slides_api.exit_codes import EXIT_CODES, REASON_CLASS, ExitCode
from slides_runner.cli.interruption import Interruption
from slides_runner.cli.kept_log import KeptLines
from slides_runner.cli.last_words import Ending, words_of_error
from slides_runner.cli.messages import BugError
from slides_runner.cli.pod import Task, load_pod_settings, read_task
from slides_runner.errors import InterruptedRunError, SlidesError
from slides_runner.reporters.log import Hear, LogDisplay
from slides_runner.reporters.status import LastWords

LAST_WORDS_S = 15.0
"""For the last state to arrive; chosen: outlasts the restart of an API server."""
LAST_WORDS_STOPPED_S = 3.0
"""The same after SIGTERM; with the grace of `interruption` it stays below ten seconds."""


@dataclass(frozen=True)
class Process:
    """A pod's process with its task."""

    task: Task
    interruption: Interruption
    ending: Ending
    display: LogDisplay
    lines: KeptLines
    """What the display writes."""


Work = Callable[[Process], LastWords]
"""Does the task and returns what to say of it. Raises SlidesError."""


def work_on(work: Work) -> ExitCode:
    """Do the pod's task and return the exit code."""
    ending, lines = Ending(), KeptLines()
    interruption = Interruption(explain=pod_stopped)
    interruption.last_words = lambda error, _: _say_stopped(error, ending)
    with interruption.caught(), ThreadPoolExecutor(1, thread_name_prefix="job") as pool:
        words = pool.submit(_do, work, interruption, ending, lines).result()
        is_stopped = interruption.exit_code is not None
        is_told = ending.say(words, within_s=LAST_WORDS_STOPPED_S if is_stopped else LAST_WORDS_S)
        ending.afterwards()
    is_well = REASON_CLASS[words.reason] is ReasonClass.SUCCESS
    code = ExitCode.OK if is_well else EXIT_CODES[words.reason]
    # Kubernetes takes 0 for a complete Job, so after a signal the resource has to know it, too.
    if code is ExitCode.OK and interruption.exit_code is not None and not is_told:
        return ExitCode.INTERRUPTED
    return code


def pod_stopped() -> InterruptedRunError:
    """Return the error of a pod that was asked to end."""
    return InterruptedRunError(
        "The pod was asked to end.", hint="The next attempt goes on with what is kept."
    )


def _say_stopped(error: InterruptedRunError, ending: Ending) -> None:
    ending.say(words_of_error(error), within_s=LAST_WORDS_STOPPED_S)


def _do(work: Work, interruption: Interruption, ending: Ending, lines: KeptLines) -> LastWords:
    """Return the last words of the task, whatever becomes of it."""
    display = LogDisplay("INFO", as_json=True, hear=lines.add)  # until the settings are read
    try:
        pod = load_pod_settings()
        ending.termination_log = pod.termination_log
        task = read_task(pod)
        display = open_log(task, hear=lines.add)
        words = work(Process(task, interruption, ending, display, lines))
    except SlidesError as e:
        words = words_of_error(e)
        _log(display, logging.ERROR, words)
    except Exception as e:  # noqa: BLE001 - the boundary of the process: it ends with last words
        words = words_of_error(explain_bug(e))
        _log(display, logging.ERROR, words, error=e)
    else:
        _log(display, logging.INFO, words)
    return words


def open_log(task: Task, *, hear: Hear) -> LogDisplay:
    """Return the pod's log: a JSON object per line on stderr, those of libraries at DEBUG too."""
    job, level = task.job, task.settings.effective_log_level
    about = {"namespace": job.namespace, "name": job.name, "attempt": job.attempt}
    display = LogDisplay(level, as_json=True, about=about, hear=hear)
    if level == "DEBUG":
        logging.basicConfig(level=logging.INFO, handlers=[_Forward(display)], force=True)
    return display


class _Forward(logging.Handler):
    """Passes the log of libraries on to the pod's."""

    def __init__(self, display: LogDisplay) -> None:
        super().__init__()
        self._logger = display.logger

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):  # a closed stderr must not fail the run
            self._logger.log(record.levelno, record.getMessage(), logger=record.name)


def explain_bug(error: Exception) -> BugError:
    """Return the error for something unexpected, whose trace is in the log."""
    return BugError(
        f"This is a bug in slides: {type(error).__name__}.",
        hint="Please report it, with the trace in the pod's log.",
    )


def _log(
    display: LogDisplay, level: int, words: LastWords, *, error: Exception | None = None
) -> None:
    with suppress(OSError):  # a closed stderr must not change how the run ends
        display.logger.log(level, words.message, reason=words.reason.value, exc_info=error)
