"""The figures that decide: what detection reached, beside its floors, goals and rivals."""

import statistics
from collections.abc import Sequence

from benchmarks.detection import peers, rivals
from benchmarks.detection.outcomes import Outcome
from benchmarks.detection.results import by_tool, mean, sets_of
from benchmarks.measured import Usage
from benchmarks.report import Figure

# What detection must reach: the floor without which nothing lands, and the goal.
MEAN_F1 = (0.95, 0.98)
REGIME_F1_FLOOR = 0.85
REGIME_SLACK = 0.03
"""How far a regime may stay behind the best rival in it."""
REAL_F1 = (0.90, 0.97)
START_ERROR_FLOOR_S = 0.3
START_ERROR_GOAL_FRAMES = 1.0
MEAN_CPU_X = (60.0, 120.0)
LONG_F1 = (0.90, 1.0)
LONG_CPU_X = (150.0, 300.0)
LONG_BESIDE_DECODE = (4.0, 8.0)
LONG_PEAK_MB = (250.0, 150.0)
HARD_CUTS = "adehj"
"""Regimes whose slides change from one frame to the next."""


def figures(outcomes: Sequence[Outcome], limits: dict[str, dict[str, Usage]]) -> list[Figure]:
    """Return this project's figures, each with its floor and goal where it has them."""
    ours = [outcome for outcome in outcomes if outcome.tool == peers.OURS]
    found: list[Figure] = []
    for group in sets_of(ours):
        found += set_figures(group, [o for o in ours if o.group == group], outcomes)
    found += real_figures([o for o in ours if o.group == "real"])
    for outcome in ours:
        if outcome.group == "long":
            found += long_figures(outcome, limits.get(outcome.talk, {}))
        if outcome.group == "hd":
            found += hd_figures(outcome)
    return found


def set_figures(group: str, ours: Sequence[Outcome], all_: Sequence[Outcome]) -> list[Figure]:
    """Return the figures of a set that has the regimes."""
    return [
        Figure(
            name=f"{group}: mean F1",
            value=statistics.mean(o.f1 for o in ours),
            floor=MEAN_F1[0],
            goal=MEAN_F1[1],
            beside=_best_mean(group, all_),
        ),
        *(regime_figure(group, regime, all_) for regime in dict.fromkeys(o.regime for o in ours)),
        *start_figures(group, ours),
        Figure(
            name=f"{group}: mean CPU-x",
            value=mean(o.cpu_x for o in ours),
            unit="x",
            # Talks of a minute show the cost of starting up, so only the dev set's must reach it.
            floor=MEAN_CPU_X[0] if group == "dev" else None,
            goal=MEAN_CPU_X[1] if group == "dev" else None,
            beside="full decode 48x",
        ),
        Figure(name=f"{group}: mean x real time", value=mean(o.realtime_x for o in ours), unit="x"),
        Figure(
            name=f"{group}: peak memory",
            value=max((o.peak_mb for o in ours if o.peak_mb), default=None),
            unit="MB",
            better="less",
        ),
    ]


def regime_figure(group: str, regime: str, all_: Sequence[Outcome]) -> Figure:
    """Return the mean F1 of one regime's talks beside the best rival in it.

    Recorded figures are of the dev set, so on other talks only rivals that were run compare.
    """
    by_f1 = _means([o for o in all_ if o.group == group and o.regime == regime])
    value = by_f1.pop(peers.OURS)
    known = [(f1, tool) for tool, f1 in by_f1.items()]
    if group == "dev" and regime[0] in rivals.LETTERS:
        known.append(rivals.best_f1(regime[0]))
    best, name = max(known, default=(None, ""), key=lambda pair: pair[0])
    return Figure(
        name=f"{group}: F1 {regime}",
        value=value,
        floor=max(REGIME_F1_FLOOR, (best or 0) - REGIME_SLACK),
        goal=best,
        beside=f"{name} {best:.2f}" if best is not None else "",
    )


def _means(outcomes: Sequence[Outcome]) -> dict[str, float]:
    return {tool: statistics.mean(o.f1 for o in run) for tool, run in by_tool(outcomes).items()}


def _best_mean(group: str, all_: Sequence[Outcome]) -> str:
    of_set = _means([o for o in all_ if o.group == group and o.tool != peers.OURS])
    means = [(f1, tool) for tool, f1 in of_set.items()]
    if group == "dev":
        means += [(r.mean_f1, r.name) for r in rivals.recorded() if r.mean_f1 is not None]
    return "{1} {0:.3f}".format(*max(means)) if means else ""


def start_figures(group: str, ours: Sequence[Outcome]) -> list[Figure]:
    """Return how exact the slides' starts are: in seconds, and at hard cuts in frames."""
    errors = [error for o in ours for error in o.start_errors_s]
    cuts = [o for o in ours if o.letter in HARD_CUTS]
    frames = [error * o.fps for o in cuts for error in o.start_errors_s]
    all_starts = Figure(
        name=f"{group}: start error, median",
        value=statistics.median(errors) if errors else None,
        unit="s",
        better="less",
        floor=START_ERROR_FLOOR_S,
    )
    at_cuts = Figure(
        name=f"{group}: start error at hard cuts, median",
        value=statistics.median(frames) if frames else None,
        unit="frames",
        better="less",
        goal=START_ERROR_GOAL_FRAMES,
    )
    return [all_starts, at_cuts] if cuts else [all_starts]


def real_figures(ours: Sequence[Outcome]) -> list[Figure]:
    """Return the figures of the recordings."""
    if not ours:
        return []
    mean = Figure(
        name="real: mean F1",
        value=statistics.mean(o.f1 for o in ours),
        floor=REAL_F1[0],
        goal=REAL_F1[1],
        beside="forerunner-unmerged 0.867, vid2slides 0.847",
    )
    return [mean, *(Figure(name=f"real: F1 {o.talk}", value=o.f1) for o in ours)]


def long_figures(ours: Outcome, limits: dict[str, Usage]) -> list[Figure]:
    """Return the figures of the hour-long talk."""
    used, decode = ours.spent, limits.get("full decode")
    faster = decode.wall_s / used.wall_s if decode and used else None
    name = f"{ours.duration_s / 60:.0f} minutes"
    best = max(rivals.LONG_RIVALS, key=lambda rival: rival.f1)
    quickest = max(rivals.LONG_RIVALS, key=lambda rival: rival.cpu_x)
    return [
        Figure(
            name=f"{name}: F1 of {ours.slides} slides", value=ours.f1,
            floor=LONG_F1[0], goal=LONG_F1[1], beside=f"{best.name} {best.f1}",
        ),
        Figure(
            name=f"{name}: CPU-x", value=ours.cpu_x, unit="x", floor=LONG_CPU_X[0],
            goal=LONG_CPU_X[1], beside=f"{quickest.name} {quickest.cpu_x:.0f}x",
        ),
        Figure(
            name=f"{name}: faster than full decode", value=faster, unit="times",
            floor=LONG_BESIDE_DECODE[0], goal=LONG_BESIDE_DECODE[1],
            beside=f"{used.wall_s:.1f} s, decode {decode.wall_s:.1f} s" if used and decode else "",
        ),
        Figure(
            name=f"{name}: peak memory", value=ours.peak_mb, unit="MB",
            better="less", floor=LONG_PEAK_MB[0], goal=LONG_PEAK_MB[1], beside="forerunner 209 MB",
        ),
    ]  # fmt: skip


def hd_figures(ours: Outcome) -> list[Figure]:
    """Return what an hour of 1080p costs."""
    name = f"{ours.duration_s / 60:.0f} minutes of 1080p"
    return [
        Figure(name=f"{name}: F1 of {ours.slides} slides", value=ours.f1),
        Figure(name=f"{name}: x real time", value=ours.realtime_x, unit="x"),
        Figure(name=f"{name}: CPU-x", value=ours.cpu_x, unit="x"),
        Figure(
            name=f"{name}: peak memory",
            value=ours.peak_mb,
            unit="MB",
            better="less",
        ),
    ]
