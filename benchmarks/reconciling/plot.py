"""How the figures grow, as an SVG of small charts that reads on light and dark pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.reconciling import figures
from benchmarks.reconciling.figures import stretch_memory
from benchmarks.reconciling.results import Results
from benchmarks.report import shown

WIDTH, HEIGHT = 360, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 38, 34
COLUMNS = 2
INK, GRID, FLOOR = "#57606a", "#8c959f55", "#cf222e"
COLOURS = ("#0969da", "#bf8700")


@dataclass(frozen=True)
class Line:
    """One line of a chart."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """One chart: resources across, a figure up, and the floor if there is one."""

    title: str
    unit: str
    lines: Sequence[Line]
    floor: float | None = None

    @property
    def top(self) -> float:
        """The largest value, with some air."""
        values = [y for line in self.lines for _, y in line.points]
        return 1.1 * max(*values, self.floor or 0, 1e-9)

    @property
    def right(self) -> float:
        """The most resources."""
        return max(x for line in self.lines for x, _ in line.points)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point is drawn."""
        across = LEFT + (WIDTH - LEFT - RIGHT) * x / self.right
        return across, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * y / self.top


def draw(results: Results) -> str:
    """Return the SVG of a run."""
    charts = [*_burst_charts(results), *_life_charts(results)]
    rows = -(-len(charts) // COLUMNS)
    size = f'width="{COLUMNS * WIDTH}" height="{rows * HEIGHT}"'
    cells = [
        f'<g transform="translate({n % COLUMNS * WIDTH} {n // COLUMNS * HEIGHT})">\n'
        f"{_drawn(chart)}\n</g>"
        for n, chart in enumerate(charts)
    ]
    style = f'font-family="sans-serif" font-size="11" fill="{INK}"'
    view = f'viewBox="0 0 {COLUMNS * WIDTH} {rows * HEIGHT}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} {style} role="img">'
    title = "<title>How the operator's figures grow with the number of resources</title>"
    return "\n".join([head, title, *cells, "</svg>"]) + "\n"


def _burst_charts(results: Results) -> list[Chart]:
    if not results.bursts:
        return []
    ours = Line("operator", [(b.count, b.operator_s) for b in results.bursts])
    bare = Line("bare client", [(b.count, b.bare_s) for b in results.bursts])
    return [Chart("Applied at once: until all have Job and status", "s", (ours, bare))]


def _life_charts(results: Results) -> list[Chart]:
    stretches = results.stretches
    if not stretches:
        return []

    def line(name: str, values: Sequence[float]) -> Line:
        return Line(name, [(s.present, value) for s, value in zip(stretches, values, strict=True)])

    return [
        Chart(
            "From a Job's end to Succeeded",
            "s",
            (
                line("p99", [s.delay_p99_s for s in stretches]),
                line("median", [s.delay_p50_s for s in stretches]),
            ),
            figures.DELAY_FLOOR_S,
        ),
        Chart(
            "Peak memory",
            "MiB",
            (line("operator", [stretch_memory(s) for s in stretches]),),
            figures.MEMORY_FLOOR_MIB,
        ),
        Chart(
            "Restart until steady",
            "s",
            (
                line("after a crash", [s.restarts[-1].steady_s for s in stretches]),
                line("told to stop", [s.restarts[0].steady_s for s in stretches]),
            ),
            figures.RESTART_FLOOR_S,
        ),
    ]


def _drawn(chart: Chart) -> str:
    return "\n".join([_title(chart), *_grid(chart), *_floor(chart), *_curves(chart)])


def _title(chart: Chart) -> str:
    return f'<text x="{LEFT}" y="18" font-weight="bold">{escape(chart.title)}</text>'


def _grid(chart: Chart) -> list[str]:
    across = sorted({x for line in chart.lines for x, _ in line.points})
    up = [chart.top * part / 4 for part in range(5)]
    drawn = []
    for value in up:
        _, y = chart.place(0, value)
        label = shown(float(f"{value:.2g}"), chart.unit)
        drawn.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{GRID}"/>')
        drawn.append(_text(LEFT - 4, y + 4, label, "end"))
    for value in across:
        x, _ = chart.place(value, 0)
        drawn.append(_text(x, HEIGHT - BOTTOM + 16, f"{value:,.0f}", "middle"))
    return drawn


def _floor(chart: Chart) -> list[str]:
    if chart.floor is None:
        return []
    _, y = chart.place(0, chart.floor)
    path = f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{FLOOR}" stroke-dasharray="5 4"/>'
    return [path, _text(WIDTH - RIGHT, y - 4, "floor", "end", FLOOR)]


def _curves(chart: Chart) -> list[str]:
    drawn = []
    for number, (line, colour) in enumerate(zip(chart.lines, COLOURS, strict=False)):
        places = [chart.place(x, y) for x, y in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        drawn.append(
            _text(LEFT + 90 * number, 32, f"\N{BLACK CIRCLE} {line.name}", "start", colour)
        )
    return drawn


def _text(x: float, y: float, text: str, anchor: str, colour: str = INK) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{colour}">{escape(text)}</text>'
