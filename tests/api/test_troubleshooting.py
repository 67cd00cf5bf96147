"""docs/troubleshooting.md has a section for every reason that makes somebody wonder."""

import re
from pathlib import Path

import pytest

from slides_api.conditions import Reason
from slides_api.exit_codes import EXIT_CODES, REASON_CLASS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "troubleshooting.md").read_text()
SECTION = re.compile(r"^### (\w+)\n\n\*(\w+)(?: · exit code (\d+))?\.\* (.+)$", re.MULTILINE)
AS_WISHED = {
    Reason.COMPLETED,
    Reason.ACCEPTED,
    Reason.STARTING,
    Reason.DOWNLOADING,
    Reason.EXTRACTING,
    Reason.UPLOADING,
    Reason.DELETING,
    Reason.WAITING_FOR_ITEMS,
    Reason.OUTPUTS_DELETED,
    Reason.ALL_SUCCEEDED,
}
"""Nobody looks these up: all is as it should be."""
SECTIONS = {name: rest for name, *rest in SECTION.findall(PAGE)}


def test_explains_every_reason_once() -> None:
    headings = re.findall(r"^### (\w+)", PAGE, re.MULTILINE)

    assert sorted(headings) == sorted(set(Reason) - AS_WISHED)


@pytest.mark.parametrize("reason", sorted(set(Reason) - AS_WISHED))
def test_says_what_follows_from_it(reason: Reason) -> None:
    code = EXIT_CODES.get(reason)

    kind, exit_code, advice = SECTIONS[reason]

    assert kind == REASON_CLASS[reason]
    assert exit_code == ("" if code is None else str(code.value))
    assert len(advice) > 20
