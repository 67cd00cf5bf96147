"""Tables that show how the figures grow."""

from collections.abc import Sequence

from benchmarks.reconciling.figures import stretch_memory
from benchmarks.reconciling.results import Burst, Results, Stretch
from benchmarks.report import shown

BURST_HEADINGS = ("applied at once", "bare, without status", "bare", "operator", "times", "CPU")
LIFE_HEADINGS = (
    "present",
    "active",
    "a second",
    "end to Succeeded, median",
    "p99",
    "writes each",
    "with stages",
    "memory",
    "CPU each",
    "restart",
    "after a crash",
)
Table = tuple[str, Sequence[str], list[tuple[str, ...]]]


def tables(results: Results) -> list[Table]:
    """Return every table of a run: title, headings, lines."""
    found: list[Table] = []
    if results.bursts:
        found.append(("Applied at once", BURST_HEADINGS, [_burst(one) for one in results.bursts]))
    if results.stretches:
        lives = [_life(one) for one in results.stretches]
        found.append(("Whole lives", LIFE_HEADINGS, lives))
        last = results.stretches[-1]
        found.append(("What the operator writes", ("request", "a resource"), _writes(last)))
    return found


def _burst(burst: Burst) -> tuple[str, ...]:
    return (
        f"{burst.count:,}",
        shown(burst.bare_pairs_s, "s"),
        shown(burst.bare_s, "s"),
        shown(burst.operator_s, "s"),
        f"{burst.ratio:.2f}",
        shown(burst.operator_cpu_s, "s"),
    )


def _life(stretch: Stretch) -> tuple[str, ...]:
    return (
        f"{stretch.present:,}",
        f"{stretch.active_peak:,}",
        f"{stretch.lived / stretch.seconds:.1f}",
        f"{stretch.delay_p50_s:.2f} s",
        f"{stretch.delay_p99_s:.2f} s",
        f"{stretch.writes_apart:.2f}",
        f"{stretch.writes_each:.2f}",
        f"{stretch_memory(stretch):.0f} MiB",
        f"{1000 * stretch.cpu_s / stretch.lived:.1f} ms",
        *(f"{restart.steady_s:.1f} s" for restart in stretch.restarts),
    )


def _writes(stretch: Stretch) -> list[tuple[str, ...]]:
    lines = [(what, f"{count / stretch.lived:.3f}") for what, count in stretch.writes.items()]
    return [*lines, ("by its own metrics", f"{stretch.own_count / stretch.lived:.3f}")]
