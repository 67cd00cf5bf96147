"""docs/seeds.md: a row for each behaviour of the services before this one, a proof in each row."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "docs" / "seeds.md"
ROW = re.compile(r"^\| (S\d-\d\d|H-\d\d|1b\.\d+) \| (.+?) \| (.+?) \| (.+?) \|$")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
TO_COME = re.compile(r"to come: (media|queue)")
PLACE = re.compile(r"`((?:charts|crds|deploy|docs|operator|runner|scripts|tests)/[\w./-]+)`")


def _numbered(prefix: str, *numbers: int) -> list[str]:
    return [f"{prefix}-{number:02}" for number in numbers]


WANTED = [
    *_numbered("S0", *range(1, 35)),
    *_numbered("S2", *range(1, 31)),
    *_numbered("S1", *range(1, 28)),
    *_numbered("S3", *range(1, 64)),
    *_numbered("S4", *range(1, 32)),
    *_numbered("H", *range(1, 18), *range(20, 25), *range(30, 36), *range(40, 44)),
    *(f"1b.{number}" for number in range(1, 12)),
]
"""Every behaviour that was written down, in the order of the page."""


@dataclass(frozen=True)
class Row:
    """One behaviour: what it was, what it is here, and what proves it."""

    id: str
    was: str
    here: str
    proof: str


def _rows() -> Iterator[Row]:
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if found := ROW.match(line):
            yield Row(*found.groups())


ROWS = list(_rows())


@cache
def _tests_of(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in nodes if isinstance(node, functions))


def test_everything_has_one_row_in_its_place() -> None:
    assert [row.id for row in ROWS] == WANTED


def test_no_line_of_a_table_is_passed_over() -> None:
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    heads = {"| id | what | here | proof |", "| id | fault | here | proof |"}

    others = [line for line in lines if line.startswith("|") and not ROW.match(line)]

    assert [line for line in others if line not in heads and set(line) - set("|- ")] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_names_tests_that_exist_or_the_part_that_brings_them(row: Row) -> None:
    named = TEST.findall(row.proof)

    assert [f"{path}::{name}" for path, name in named if name not in _tests_of(path)] == []
    assert named or TO_COME.search(row.proof)
    assert re.sub(r"[,; ]", "", TO_COME.sub("", TEST.sub("", row.proof))) == ""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_names_places_that_are_there(row: Row) -> None:
    assert [place for place in PLACE.findall(row.here) if not (ROOT / place).exists()] == []


def test_what_is_dropped_says_what_stands_in_its_place() -> None:
    dropped = [row for row in ROWS if "dropped" in row.here]

    assert len(dropped) > 5
    assert [row.id for row in dropped if not re.search(r"dropped: \w.{3}", row.here)] == []
