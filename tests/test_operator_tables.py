"""docs/operator.md and docs/service.md show the settings and metrics that there are."""

from pathlib import Path

import pytest

from scripts.operator_tables import DOCUMENTS, main, render
from slides_operator.service.settings import ServiceSettings
from slides_operator.settings import OperatorSettings, ProcessSettings

ROOT = Path(__file__).resolve().parent.parent
OPERATOR, SERVICE = Path("docs/operator.md"), Path("docs/service.md")


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_document_is_current(path: Path) -> None:
    written = (ROOT / path).read_text()

    assert written == render(written, DOCUMENTS[path]), (
        "run python -m scripts.operator_tables --write"
    )


@pytest.mark.parametrize(
    ("path", "model"), [(OPERATOR, OperatorSettings), (SERVICE, ServiceSettings)], ids=str
)
def test_settings_are_complete(path: Path, model: type[ProcessSettings]) -> None:
    table = DOCUMENTS[path]["settings"]()

    assert all(f"| `{name.upper()}` |" in table for name in model.model_fields)


def test_metrics_are_complete() -> None:
    operator, service = DOCUMENTS[OPERATOR]["metrics"](), DOCUMENTS[SERVICE]["metrics"]()

    assert "`slides_operator_extractions_finished_total` | `result`, `reason` |" in operator
    assert "`slides_operator_leader` |  |" in operator
    assert "`slides_service_streams` | `kind` |" in service


def test_document_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="settings"):
        render("<!-- metrics -->\n<!-- end -->\n", DOCUMENTS[OPERATOR])


def test_is_written_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    for path in DOCUMENTS:
        path.write_text("<!-- settings -->\n<!-- end -->\n\n<!-- metrics -->\n<!-- end -->\n")

    assert main(["--check"]) == 1
    assert main(["--write"]) == 0
    assert main(["--check"]) == 0
