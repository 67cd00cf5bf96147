"""Measure the operator under load: python -m benchmarks.operator, or `make bench-operator`.

Runs it as a process of its own on light clusters (a real API server and controllers, pods played by
kwok), beside a plain client that creates the same objects. Writes build/bench/operator.json; exits
1 when a floor is missed.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.reconciling.burst import measure_burst
from benchmarks.reconciling.figures import figures
from benchmarks.reconciling.life import Course, live
from benchmarks.reconciling.plot import draw
from benchmarks.reconciling.results import Results
from benchmarks.reconciling.tables import tables
from benchmarks.report import (
    HEADINGS,
    insert,
    markdown,
    print_figures,
    print_rows,
    rows,
    this_machine,
    write,
)

ROOT = Path(__file__).parent.parent
RESULT = ROOT / "build" / "bench" / "operator.json"
DOCUMENT = ROOT / "docs" / "benchmarks.md"
PLOT = ROOT / "docs" / "images" / "operator.svg"
SIZES = (1_000, 2_000, 5_000, 10_000)
ACTIVE = 1_000
SETTINGS = {"JOB_HISTORY_SECONDS": "60"}
"""The operator's, where they are not its defaults. With thousands of finished pods kept for an hour
kwok's watch of all pods falls behind, and is sent each of them again and again."""
RUN_S = 60.0
"""Chosen: 1,000 at a time are 16 a second, which two cores do with room to spare."""


def run(options: argparse.Namespace, console: Console) -> Results:
    """Measure what the command line asks for."""

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    settings = SETTINGS | dict(options.setting)
    bursts = [
        measure_burst(size, rounds=options.rounds, say=say, settings=settings)
        for size in sizes(options.burst, options.scenario, "burst")
    ]
    checkpoints = sizes(options.life, options.scenario, "life")
    course = Course(checkpoints, options.active, options.run_seconds, not options.quiet, settings)
    stretches = live(course, say) if checkpoints else []
    if options.add_to:
        saved = Results.model_validate_json(options.add_to.read_text())
        bursts, stretches = bursts or saved.bursts, stretches or saved.stretches
    return Results(
        title="The operator under load",
        machine=this_machine(os.cpu_count()),
        figures=figures(bursts, stretches),
        bursts=bursts,
        stretches=stretches,
    )


def sizes(chosen: Sequence[int], scenario: str, name: str) -> tuple[int, ...]:
    """Return the sizes of a scenario, none when another is asked for."""
    return tuple(chosen) if scenario in {"all", name} else ()


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.operator",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--scenario", choices=("all", "burst", "life"), default="all", help="default: all")
    add("--burst", type=counts, default=SIZES, help="how many are applied at once; comma list")
    add("--life", type=counts, default=SIZES, help="how many are there after a stretch; comma list")
    add("--active", type=int, default=ACTIVE, help=f"unfinished at a time (default: {ACTIVE:,})")
    add("--run-seconds", type=float, default=RUN_S, help=f"of a runner (default: {RUN_S:.0f})")
    add("--rounds", type=int, default=1, help="of each burst; the medians count (default: 1)")
    add("--quiet", action="store_true", help="runners tell their end alone, not each stage")
    add("--setting", type=setting, action="append", default=[], help="of the operator; NAME=VALUE")
    add("--add-to", type=Path, help="a saved result whose other scenario is kept")
    add("--write-docs", action="store_true", help="put tables and plot into docs/")
    add("--replay", type=Path, help="show a saved result again instead of measuring")
    return parser.parse_args(arguments)


def counts(text: str) -> tuple[int, ...]:
    """Return the numbers of a comma list, smallest first."""
    return tuple(sorted(int(part) for part in text.split(",")))


def setting(text: str) -> tuple[str, str]:
    """Return the name and the value of a setting."""
    name, _, value = text.partition("=")
    return name, value


def main(arguments: Sequence[str]) -> int:
    """Measure, show and save; return the exit code."""
    options = parsed(arguments)
    # Told to end, it ends what it started too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    console = Console(width=None if sys.stdout.isatty() else 160)
    if options.replay:
        results = Results.model_validate_json(options.replay.read_text())
    else:
        results = run(options, console)
        write(results, RESULT)
    show(results, console)
    if options.write_docs:
        write_docs(results)
    return results.exit_code


def show(results: Results, console: Console) -> None:
    """Print a run's tables, the figures that count last."""
    for title, headings, lines in tables(results):
        print_rows(title, headings, lines, console)
    print_figures(results, console)


def write_docs(results: Results) -> None:
    """Put a run's tables between the document's markers, and its plot beside it."""
    machine = results.machine
    insert(
        DOCUMENT,
        "operator-machine",
        f"{machine.processor}, {machine.cores} cores, {machine.system}, Python {machine.python}; "
        f"{machine.measured_at:%d %B %Y}.",
    )
    insert(DOCUMENT, "operator-figures", markdown(HEADINGS, rows(results.figures)))
    text = "\n\n".join(
        f"### {title}\n\n{markdown(heads, lines)}" for title, heads, lines in tables(results)
    )
    insert(DOCUMENT, "operator-tables", text)
    PLOT.write_text(draw(results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
