"""The figures that decide: what the operator reached, beside its floors and the bare client."""

from collections.abc import Sequence

from benchmarks.reconciling.results import Burst, Restart, Stretch
from benchmarks.report import Figure

# What the operator must reach: the floor without which nothing lands, and the goal.
BURST = 2_000
BURST_RATIO = (1.8, 1.3)
PRESENT = 10_000
WRITES_FLOOR = 5.0
DELAY_FLOOR_S = 2.0
MEMORY_FLOOR_MIB = 250.0
RESTART_FLOOR_S = 20.0


def figures(bursts: Sequence[Burst], stretches: Sequence[Stretch]) -> list[Figure]:
    """Return the figures; floors hold for the sizes that they were set for, others are shown."""
    found = [figure for burst in bursts for figure in burst_figures(burst)]
    if stretches:
        found += life_figures(stretches)
    return found


def burst_figures(burst: Burst) -> list[Figure]:
    """Return what a burst took."""
    name = f"{burst.count:,} at once"
    judged = burst.count == BURST
    return [
        Figure(
            name=f"{name}: times the bare client's time",
            value=burst.ratio,
            unit="x",
            better="less",
            floor=BURST_RATIO[0] if judged else None,
            goal=BURST_RATIO[1] if judged else None,
            beside=f"{burst.operator_s:.1f} s, bare client {burst.bare_s:.1f} s",
        ),
        Figure(
            name=f"{name}: resources a second",
            value=burst.count / burst.operator_s,
            beside=f"bare client {burst.count / burst.bare_s:.0f}, "
            f"without status {burst.count / burst.bare_pairs_s:.0f}",
        ),
    ]


def life_figures(stretches: Sequence[Stretch]) -> list[Figure]:
    """Return what whole lives took, at the most resources present."""
    last = stretches[-1]
    judged = last.present == PRESENT
    return [
        Figure(
            name=f"{last.present:,} present: writes a resource",
            value=last.writes_apart,
            better="less",
            floor=WRITES_FLOOR if judged else None,
            beside=f"{last.writes_each:.2f} with those that repeat the runner's stages; "
            f"{last.refused_each:.2f} more met a newer version",
        ),
        Figure(
            name=f"{last.present:,} present, {last.active_peak:,} Jobs active: "
            "p99 from a Job's end to Succeeded",
            value=last.delay_p99_s,
            unit="s",
            better="less",
            floor=DELAY_FLOOR_S if judged else None,
            beside=f"median {last.delay_p50_s:.2f} s, longest {last.delay_max_s:.2f} s",
        ),
        Figure(
            name=f"{last.present:,} present: peak memory",
            value=max(stretch_memory(stretch) for stretch in stretches),
            unit="MiB",
            better="less",
            floor=MEMORY_FLOOR_MIB if judged else None,
            beside="restarts included",
        ),
        *(figure for restart in last.restarts for figure in restart_figures(last, restart)),
    ]


def stretch_memory(stretch: Stretch) -> float:
    """Return the most memory that an operator had in a stretch or after it."""
    return max(stretch.memory_mib, *(restart.memory_mib for restart in stretch.restarts))


def restart_figures(stretch: Stretch, restart: Restart) -> list[Figure]:
    """Return how a restart went."""
    judged = stretch.present == PRESENT
    name = f"{stretch.present:,} finished, restart after {restart.how}"
    return [
        Figure(
            name=f"{name}: until steady",
            value=restart.steady_s,
            unit="s",
            better="less",
            floor=RESTART_FLOOR_S if judged else None,
        ),
        Figure(
            name=f"{name}: writes",
            value=restart.writes,
            better="less",
            floor=0 if judged else None,
        ),
    ]
