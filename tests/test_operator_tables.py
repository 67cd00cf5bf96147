"""docs/operator.md shows the settings and metrics that there are."""

from pathlib import Path

import pytest

from scripts.operator_tables import main, metrics_table, render, settings_table
from slides_operator.settings import OperatorSettings

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "operator.md"


def test_document_is_current() -> None:
    written = DOCUMENT.read_text()

    assert written == render(written), "run python -m scripts.operator_tables --write"


def test_tables_are_complete() -> None:
    settings, metrics = settings_table(), metrics_table()

    assert all(f"| `{name.upper()}` |" in settings for name in OperatorSettings.model_fields)
    assert "`slides_operator_extractions_finished_total` | `result`, `reason` |" in metrics
    assert "`slides_operator_leader` |  |" in metrics


def test_document_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="settings"):
        render("<!-- metrics -->\n<!-- end -->\n")


def test_is_written_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    empty = "<!-- settings -->\n<!-- end -->\n\n<!-- metrics -->\n<!-- end -->\n"
    Path("docs/operator.md").write_text(empty)

    assert main(["--check"]) == 1
    assert main(["--write"]) == 0
    assert main(["--check"]) == 0
