"""Measure slide detection: python -m benchmarks.detect, or `make bench-detect`.

Runs `slides extract` and its rivals over talks with known truth, one process at a time, and shows
F1 by regime, speed, CPU time and memory beside the limits that decoding sets. Writes
build/bench/detect.json; exits 1 when a floor is missed.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.detection import peers
from benchmarks.detection.figures import figures
from benchmarks.detection.outcomes import Outcome, ours_on, peer_on
from benchmarks.detection.results import Results
from benchmarks.detection.tables import tables
from benchmarks.detection.videos import (
    Talk,
    find_talks,
    full_hd_talk,
    generated_talks,
    long_talk,
)
from benchmarks.limits import measure_limits
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
GENERATED = ROOT / "build" / "talks"
PEER_ROOT = ROOT / "build" / "peers"
RESULT = ROOT / "build" / "bench" / "detect.json"
DOCUMENT = ROOT / "docs" / "benchmarks.md"
SHARED = ROOT.parent / "shared" / "bench"
"""Where a checkout of the bench's own talks may lie beside the project's."""


def run(options: argparse.Namespace, console: Console) -> Results:
    """Measure what the command line asks for, one process at a time."""
    talks = chosen_talks(options)
    outcomes = [told(ours_on(talk), console) for talk in talks]
    limits = {}
    if options.long:
        long_ = [long_talk(shared_set("dev"), GENERATED), full_hd_talk(GENERATED)]
        outcomes += [told(ours_on(talk), console) for talk in long_]
        limits = {talk.name: measure_limits(talk.video) for talk in long_[:1]}
    missing: dict[str, str] = {}
    for peer in peers.chosen(options.peers):
        outcomes += peer_outcomes(peer, talks, missing, console)
    return Results(
        title="Slide detection",
        machine=this_machine(os.cpu_count()),
        figures=figures(outcomes, limits),
        outcomes=outcomes,
        limits=limits,
        missing=missing,
    )


def peer_outcomes(
    peer: peers.Peer, talks: Sequence[Talk], missing: dict[str, str], console: Console
) -> list[Outcome]:
    """Return what a rival makes of the talks; one that cannot be had is noted as missing."""
    try:
        environment = peers.prepare(peer, PEER_ROOT)
    except peers.PeerMissingError as e:
        missing[peer.name] = str(e)
        console.print(f"{peer.name}  {e}", markup=False, highlight=False, soft_wrap=True)
        return []
    return [told(peer_on(peer, environment, talk), console) for talk in talks]


def told(outcome: Outcome, console: Console) -> Outcome:
    """Print an outcome as it comes and return it."""
    console.print(outcome.line, markup=False, highlight=False, soft_wrap=True)
    return outcome


def shared_set(name: str) -> Path | None:
    """Return the folder of one of the bench's own sets, if it is there."""
    folder = SHARED / name
    return folder if folder.is_dir() else None


def chosen_talks(options: argparse.Namespace) -> list[Talk]:
    """Return the talks to measure."""
    if options.videos:
        talks = [talk for folder in options.videos for talk in find_talks(folder, folder.name)]
    else:
        talks = generated_talks(GENERATED)
        for name in ("dev", "real"):
            folder = shared_set(name)
            talks += find_talks(folder, name) if folder else []
    return [talk for talk in talks if not options.only or options.only in talk.name]


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.detect",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--videos", type=Path, action="append", help="folder of talks with truth; repeatable")
    add("--peers", help='comma list, or "none" (default: all that can be installed)')
    add("--only", help="measure only talks whose name contains this; leaves out the long ones")
    add(
        "--long",
        action=argparse.BooleanOptionalAction,
        help="measure the long talks (default: yes)",
    )
    add("--write-docs", action="store_true", help="put the tables into docs/benchmarks.md")
    add("--replay", type=Path, help="show a saved result again instead of measuring")
    options = parser.parse_args(arguments)
    if options.long is None:
        options.long = not options.only
    return options


def main(arguments: Sequence[str]) -> int:
    """Measure, show and save; return the exit code."""
    options = parsed(arguments)
    console = Console(width=None if sys.stdout.isatty() else 160)
    if options.replay:
        results = Results.model_validate_json(options.replay.read_text())
    else:
        results = run(options, console)
        write(results, RESULT)
    show(results, console)
    if options.write_docs:
        write_docs(results, DOCUMENT)
    return results.exit_code


def show(results: Results, console: Console) -> None:
    """Print a run's tables, the figures that count last."""
    for title, headings, lines in tables(results):
        print_rows(title, headings, lines, console)
    print_figures(results, console)


def write_docs(results: Results, path: Path) -> None:
    """Put a run's tables between the document's markers."""
    machine = results.machine
    insert(
        path,
        "detect-machine",
        f"{machine.processor}, {machine.cores} cores, {machine.system}, Python {machine.python}; "
        f"{machine.measured_at:%d %B %Y}.",
    )
    insert(path, "detect-figures", markdown(HEADINGS, rows(results.figures)))
    text = "\n\n".join(
        f"### {title}\n\n{markdown(heads, lines)}" for title, heads, lines in tables(results)
    )
    insert(path, "detect-tables", text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
