"""Figures beside their floors and goals: a table to read, JSON to keep, an exit code to obey."""

import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, computed_field
from rich.console import Console
from rich.table import Table

Verdict = Literal["goal reached", "floor held", "floor missed", "not measured", "shown"]
COLOURS: dict[Verdict, str] = {
    "goal reached": "green",
    "floor held": "yellow",
    "floor missed": "bold red",
    "not measured": "bold red",
    "shown": "dim",
}


class Figure(BaseModel):
    """One measured figure; without floor and goal it is only shown."""

    name: str
    value: float | None
    unit: str = ""
    better: Literal["more", "less"] = "more"
    floor: float | None = None
    goal: float | None = None
    beside: str = ""
    """What others reach, or what bounds it."""

    @computed_field  # type: ignore[prop-decorator]  # pydantic's documented way
    @property
    def verdict(self) -> Verdict:
        """How the figure stands to its floor and goal."""
        if self.floor is None and self.goal is None:
            return "shown"
        if self.value is None:
            return "not measured"
        if self.goal is not None and self._reaches(self.value, self.goal):
            return "goal reached"
        held = self.floor is None or self._reaches(self.value, self.floor)
        return "floor held" if held else "floor missed"

    def _reaches(self, value: float, mark: float) -> bool:
        return value >= mark if self.better == "more" else value <= mark

    @property
    def fails(self) -> bool:
        """Whether the figure forbids to land."""
        return self.floor is not None and self.verdict in {"floor missed", "not measured"}


class Machine(BaseModel):
    """Where and when figures were measured."""

    processor: str
    cores: int
    system: str
    python: str
    measured_at: datetime


class Report(BaseModel):
    """A benchmark's figures."""

    title: str
    machine: Machine
    figures: list[Figure]

    @property
    def exit_code(self) -> int:
        """1 when a floor is missed."""
        return int(any(figure.fails for figure in self.figures))


def this_machine(cores: int | None) -> Machine:
    """Return what this machine is, without its name."""
    return Machine(
        processor=_processor(),
        cores=cores or 0,
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        measured_at=datetime.now(UTC).replace(microsecond=0),
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        named = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        return named[0].split(":", 1)[1].strip() if named else platform.machine()
    if platform.system() == "Darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return platform.processor() or platform.machine()


def shown(value: float | None, unit: str = "") -> str:
    """Return a figure with as many digits as are worth reading."""
    if value is None:
        return "-"
    digits = 3 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    number = f"{value:,.{digits}f}"
    short = number.rstrip("0").rstrip(".") if digits else number
    return f"{short} {unit}".strip()


def bound(mark: float | None, figure: Figure) -> str:
    """Return a floor or a goal with its direction."""
    if mark is None:
        return "-"
    sign = (
        "\N{GREATER-THAN OR EQUAL TO}" if figure.better == "more" else "\N{LESS-THAN OR EQUAL TO}"
    )
    return f"{sign} {shown(mark, figure.unit)}"


HEADINGS = ("figure", "measured", "floor", "goal", "", "beside")


def rows(figures: Sequence[Figure]) -> list[tuple[str, ...]]:
    """Return figures as cells of a table."""
    return [
        (
            figure.name,
            shown(figure.value, figure.unit),
            bound(figure.floor, figure),
            bound(figure.goal, figure),
            figure.verdict,
            figure.beside,
        )
        for figure in figures
    ]


def print_figures(report: Report, console: Console) -> None:
    """Print a report as a table."""
    table = Table(title=report.title, title_justify="left")
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if heading == "measured" else "left")
    for figure, row in zip(report.figures, rows(report.figures), strict=True):
        table.add_row(*row, style=COLOURS[figure.verdict])
    console.print(table)


def print_rows(
    title: str, headings: Sequence[str], cells: Sequence[Sequence[str]], console: Console
) -> None:
    """Print any table; the first column is text, the others are numbers."""
    table = Table(title=title, title_justify="left")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left")
    for row in cells:
        table.add_row(*row)
    console.print(table)


def markdown(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [headings, ["---"] * len(headings), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write(document: BaseModel, path: Path) -> None:
    """Write a benchmark's results as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document.model_dump_json(indent=1) + "\n")


def insert(path: Path, marker: str, text: str) -> None:
    """Replace what stands between <!-- MARKER --> and <!-- /MARKER --> in a document."""
    document = path.read_text()
    begin, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    if begin not in document or end not in document:
        raise ValueError(f"{path} has no place between {begin} and {end}.")
    before, rest = document.split(begin, 1)
    after = rest.split(end, 1)[1]
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}")
