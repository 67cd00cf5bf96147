"""How much change is none, by sensitivity."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slides_api.v1alpha1 import Sensitivity
from slides_runner.detection.pictures import Cells, Change
from slides_runner.detection.tolerance import TOLERANCES

LOW, NORMAL, HIGH = (TOLERANCES[s] for s in (Sensitivity.LOW, Sensitivity.NORMAL, Sensitivity.HIGH))
ROWS, COLUMNS = 18, 32
NOTHING = np.zeros((ROWS, COLUMNS), np.bool_)


def cells(*blocks: tuple[int, int, int, int]) -> Cells:
    """Blocks of cells, each (row, column, height, width)."""
    grid = NOTHING.copy()
    for row, column, height, width in blocks:
        grid[row : row + height, column : column + width] = True
    return grid


def apart(count: int) -> Cells:
    """So many cells, none beside another."""
    grid = NOTHING.copy()
    spots = [(2 * (i // 16), 2 * (i % 16)) for i in range(count)]
    for row, column in spots:
        grid[row, column] = True
    return grid


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        pytest.param(NOTHING, {"low", "normal", "high"}, id="nothing"),
        pytest.param(cells((3, 3, 1, 1), (9, 9, 1, 1)), {"low", "normal", "high"}, id="dot moved"),
        pytest.param(cells((3, 3, 3, 3), (9, 20, 3, 3)), {"low", "normal"}, id="pointer moved"),
        pytest.param(cells((3, 3, 4, 3), (9, 20, 3, 3)), {"low"}, id="large pointer moved"),
        pytest.param(cells((3, 3, 6, 3)), set(), id="larger than a pointer"),
        pytest.param(cells((17, 28, 1, 3)), {"low", "normal"}, id="page number"),
        pytest.param(apart(5), {"low", "normal"}, id="five places"),
        pytest.param(apart(6), {"low"}, id="six places"),
        pytest.param(apart(12), {"low"}, id="twelve places"),
        pytest.param(apart(13), set(), id="thirteen places"),
        pytest.param(apart(3), {"low", "normal"}, id="three places"),
        pytest.param(cells((6, 3, 1, 15)), set(), id="bullet"),
    ],
)
def test_small_change_is_none(changed: Cells, same: set[str]) -> None:
    change = Change(changed, lost=NOTHING, ink=NOTHING)

    judged = {"low": LOW, "normal": NORMAL, "high": HIGH}
    assert {name for name, t in judged.items() if t.is_same(change)} == same


@pytest.mark.parametrize(
    ("lost", "inked", "adds"),
    [
        pytest.param(NOTHING, 100, True, id="nothing lost"),
        pytest.param(cells((2, 2, 1, 20)), 100, False, id="a line of text lost"),
        pytest.param(apart(5), 100, True, id="number and caret lost"),
        pytest.param(apart(6), 100, False, id="six of a hundred cells lost"),
        pytest.param(apart(6), 400, True, id="six of four hundred cells lost"),
        pytest.param(cells((3, 3, 3, 3), (9, 20, 2, 2)), 100, True, id="pointer gone"),
    ],
)
def test_build_step_loses_hardly_any_ink(lost: Cells, inked: int, adds: bool) -> None:
    ink = NOTHING.copy()
    ink.flat[:inked] = True

    assert NORMAL.only_adds(Change(lost | cells((12, 0, 4, 20)), lost, ink)) is adds


@given(st.sets(st.tuples(st.integers(0, ROWS - 1), st.integers(0, COLUMNS - 1)), max_size=20))
def test_what_is_no_change_to_a_finer_sense_is_none_to_a_coarser(
    places: set[tuple[int, int]],
) -> None:
    changed = cells(*((row, column, 1, 1) for row, column in places))
    change = Change(changed, lost=changed, ink=changed)

    for finer, coarser in ((HIGH, NORMAL), (NORMAL, LOW)):
        assert finer.is_same(change) <= coarser.is_same(change)
        assert finer.only_adds(change) <= coarser.only_adds(change)
