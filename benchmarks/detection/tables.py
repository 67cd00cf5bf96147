"""Tables that show a run of the bench: by regime, by talk, and beside what decoding costs."""

import statistics
from collections.abc import Sequence

from benchmarks.detection import peers, rivals
from benchmarks.detection.outcomes import Outcome
from benchmarks.detection.results import Results, by_tool, mean, sets_of
from benchmarks.measured import Usage
from benchmarks.report import shown

SET_HEADINGS = ("tool", *rivals.LETTERS, "mean", "x real time", "CPU-x", "MB", "start s", "frames")


def set_table(results: Results, group: str) -> list[tuple[str, ...]]:
    """Return one line a tool: F1 by regime, then speed, memory and starts."""
    of_set = [outcome for outcome in results.outcomes if outcome.group == group]
    lines = [_tool_line(tool, run) for tool, run in by_tool(of_set).items()]
    if group == "dev":
        lines += [_recorded_line(r) for r in rivals.recorded() if r.name not in by_tool(of_set)]
    lines += [
        (f"{name}: {why}", *[""] * (len(SET_HEADINGS) - 1)) for name, why in results.missing.items()
    ]
    return lines


def _tool_line(tool: str, run: Sequence[Outcome]) -> tuple[str, ...]:
    cells = [_regime_cell([o for o in run if o.letter == letter]) for letter in rivals.LETTERS]
    errors = [error for o in run for error in o.start_errors_s]
    frames = [error * o.fps for o in run for error in o.start_errors_s]
    return (
        tool,
        *cells,
        f"{statistics.mean(o.f1 for o in run):.3f}",
        shown(mean(o.realtime_x for o in run)),
        shown(mean(o.cpu_x for o in run)),
        shown(max((o.peak_mb for o in run if o.peak_mb), default=None)),
        f"{statistics.median(errors):.2f}" if errors else "-",
        f"{statistics.median(frames):.1f}" if frames else "-",
    )


def _regime_cell(run: Sequence[Outcome]) -> str:
    if not run:
        return ""
    if all(outcome.error for outcome in run):
        return "failed"
    return f"{statistics.mean(outcome.f1 for outcome in run):.2f}"


def _recorded_line(rival: rivals.Rival) -> tuple[str, ...]:
    cells = ["" if f1 is None else f"{f1:.2f}" for f1 in rival.f1]
    mean = "" if rival.mean_f1 is None else f"{rival.mean_f1:.3f}"
    return (
        f"{rival.name} (recorded)",
        *cells,
        mean,
        "",
        shown(rival.cpu_x),
        shown(rival.peak_mb),
        "",
        "",
    )


TALK_HEADINGS = ("talk", "F1", "strict", "slides", "predicted", "doubled", "junk", "partial",
                 "x real time", "CPU-x", "MB")  # fmt: skip
ERROR_LETTERS = 60
"""Letters of an error in a table; the line that was printed at the time has it whole."""


def talk_table(results: Results) -> list[tuple[str, ...]]:
    """Return one line for each talk, as this project does on it."""
    return [_talk_line(o) for o in results.outcomes if o.tool == peers.OURS]


def _talk_line(o: Outcome) -> tuple[str, ...]:
    name = f"{o.group}/{o.talk}"
    if o.error:
        return (f"{name}: {o.error[-ERROR_LETTERS:]}", *[""] * (len(TALK_HEADINGS) - 1))
    counts = (o.slides, o.predicted, o.duplicates, o.junk, o.partial)
    costs = (o.realtime_x, o.cpu_x, o.peak_mb)
    return (name, f"{o.f1:.3f}", f"{o.f1_strict:.3f}", *map(str, counts), *map(shown, costs))


LIMIT_HEADINGS = ("on the long talk", "wall s", "CPU s", "CPU-x", "MB", "F1")


def limit_table(results: Results) -> list[tuple[str, ...]]:
    """Return what the long talk costs: to decode, to us, and to rivals as recorded."""
    lines: list[tuple[str, ...]] = []
    for o in results.outcomes:
        if o.group == "long" and o.spent:
            limits = results.limits.get(o.talk, {})
            lines += [_cost_line(f"{n}, PyAV", u, o.duration_s, "") for n, u in limits.items()]
            lines.append(_cost_line(o.tool, o.spent, o.duration_s, f"{o.f1:.2f}"))
    for r in rivals.LONG_RIVALS:
        cells = (shown(r.wall_s), "", shown(r.cpu_x), shown(r.peak_mb), f"{r.f1:.2f}")
        lines.append((f"{r.name} (recorded)", *cells))
    return lines


def _cost_line(name: str, usage: Usage, duration_s: float, f1: str) -> tuple[str, ...]:
    costs = (usage.wall_s, usage.cpu_s, duration_s / usage.cpu_s, usage.peak_mb)
    return (name, *map(shown, costs), f1)


def tables(results: Results) -> list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    """Return all tables of a run: title, headings, lines."""
    groups = sets_of(results.outcomes)
    sets = [(f"F1 by regime, {group}", SET_HEADINGS, set_table(results, group)) for group in groups]
    talks = ("Each talk", TALK_HEADINGS, talk_table(results))
    return [*sets, ("What decoding costs", LIMIT_HEADINGS, limit_table(results)), talks]
