"""Figures beside floors and goals."""

from pathlib import Path

import pytest

from benchmarks.report import (
    Figure,
    Report,
    Verdict,
    insert,
    markdown,
    rows,
    shown,
    this_machine,
    write,
)


@pytest.mark.parametrize(
    ("figure", "want", "fails"),
    [
        pytest.param(Figure(name="n", value=0.99, floor=0.95, goal=0.98), "goal reached", False,
                     id="goal"),
        pytest.param(Figure(name="n", value=0.96, floor=0.95, goal=0.98), "floor held", False,
                     id="floor"),
        pytest.param(Figure(name="n", value=0.94, floor=0.95, goal=0.98), "floor missed", True,
                     id="missed"),
        pytest.param(Figure(name="n", value=200, better="less", floor=250, goal=150), "floor held",
                     False, id="less is better"),
        pytest.param(Figure(name="n", value=251, better="less", floor=250, goal=150),
                     "floor missed", True, id="too much"),
        pytest.param(Figure(name="n", value=None, floor=0.95), "not measured", True,
                     id="a floor that was not measured"),
        pytest.param(Figure(name="n", value=2, better="less", goal=1), "floor held", False,
                     id="a goal alone never fails"),
        pytest.param(Figure(name="n", value=None, better="less", goal=1), "not measured", False,
                     id="a goal alone, not measured"),
        pytest.param(Figure(name="n", value=5), "shown", False, id="only shown"),
    ],
)  # fmt: skip
def test_judges_figures(figure: Figure, want: Verdict, fails: bool) -> None:
    assert figure.verdict == want
    assert figure.fails is fails


@pytest.mark.parametrize(
    ("value", "want"),
    [(0.8471, "0.847"), (1.0, "1"), (48.04, "48"), (374.4, "374"), (7770, "7,770"), (None, "-"),
     (0, "0"), (100, "100")],
)  # fmt: skip
def test_shows_as_many_digits_as_are_worth_reading(value: float | None, want: str) -> None:
    assert shown(value) == want


def report(*figures: Figure) -> Report:
    return Report(title="A bench", machine=this_machine(2), figures=list(figures))


def test_a_missed_floor_sets_the_exit_code() -> None:
    good, bad = Figure(name="g", value=1, floor=1), Figure(name="b", value=0, floor=1)
    assert report(good).exit_code == 0
    assert report(good, bad).exit_code == 1


def test_rows_name_floor_and_goal_with_their_direction() -> None:
    figure = Figure(name="peak", value=200, unit="MB", better="less", floor=250, goal=150)
    assert rows([figure]) == [
        ("peak", "200 MB", "\u2264 250 MB", "\u2264 150 MB", "floor held", "")
    ]


def test_saved_reports_read_back(tmp_path: Path) -> None:
    saved = report(Figure(name="g", value=1, floor=1))
    write(saved, tmp_path / "bench" / "any.json")
    assert Report.model_validate_json((tmp_path / "bench" / "any.json").read_text()) == saved


def test_inserts_between_markers_again_and_again(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- here -->\n<!-- /here -->\nafter\n")
    for text in ("first", "second"):
        insert(page, "here", text)
    assert page.read_text() == "before\n<!-- here -->\nsecond\n<!-- /here -->\nafter\n"


def test_a_page_without_the_marker_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing\n")
    with pytest.raises(ValueError, match="no place between"):
        insert(page, "here", "text")
    assert page.read_text() == "nothing\n"


def test_writes_markdown() -> None:
    assert markdown(("a", "b"), [("1", "2")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_names_no_host() -> None:
    machine = this_machine(2).model_dump()
    assert set(machine) == {"processor", "cores", "system", "python", "measured_at"}
