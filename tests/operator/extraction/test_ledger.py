"""Rows of attempts as the CRD takes them."""

import pytest

from slides_api.v1alpha1 import Attempts
from slides_operator.extraction.ledger import Ledger, Row, build_attempts
from tests.operator.worlds import NOW


@pytest.mark.parametrize(
    ("code", "want"),
    [
        pytest.param(0, 0, id="well"),
        pytest.param(137, 137, id="killed"),
        pytest.param(4294967295, 255, id="a runtime's own"),
        pytest.param(-1, 0, id="negative"),
        pytest.param(None, None, id="none"),
    ],
)
def test_exit_codes_stay_within_bounds(code: int | None, want: int | None) -> None:
    row = Row(1, "talk-1", NOW, NOW, "RunnerFailed", code)

    (built,) = build_attempts(Ledger(1, 1, (row,)))["history"]

    assert built.get("exitCode") == want
    assert Attempts.model_validate({"history": [built]}).history[0].exit_code == want
