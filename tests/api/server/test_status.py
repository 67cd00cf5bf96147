"""A status with two writers, and what others put into it."""

from typing import Any

import pytest

from slides_api.v1alpha1 import (
    AttemptRecord,
    Attempts,
    Condition,
    OperatorStatus,
    Result,
    Run,
    RunnerStatus,
    SlideExtractionStatus,
    Video,
)
from slides_api.wellknown import OPERATOR_MANAGER, RUNNER_MANAGER
from tests.api.objects import Client, extraction
from tests.cluster.client import KubectlError

pytestmark = pytest.mark.api

NOW = "2026-11-21T12:00:00Z"
HOSTILE = {
    "markup": "<script>alert(1)</script>",
    "template": "{{ 7*7 }} ${x} $(id) `id`",
    "quotes": "'\"\\'; DROP TABLE slides; --",
    "lines": "a\r\nb\tc\x1b[31m",
    "NUL": "a\0b",
    "right to left": "\u202efdp.exe",
    "wide": "💥" * 300,
    "half a pair": "a\ud83d",
    "long": "x" * 5000,
    "yaml": "y: no\n- &a *a\n--- !!python/object:x",
}


def operator(message: str = "", **fields: Any) -> dict[str, Any]:
    condition = Condition.model_validate(
        {
            "type": "Succeeded",
            "status": "Unknown",
            "reason": "JobCreated",
            "message": message,
            "lastTransitionTime": NOW,
        }
    )
    row = AttemptRecord(attempt=1, job="j-1", message=message)
    attempts = Attempts(current=1, history=(row,))
    status = OperatorStatus(observed_generation=1, conditions=(condition,), attempts=attempts)
    return status.model_copy(update=fields).to_wire()


def runner(text: str = "", percent: int = 1) -> dict[str, Any]:
    status = RunnerStatus(
        run=Run(attempt=1, percent=percent, message=text),
        video=Video(title=text, id=text),
        result=Result.model_validate(
            {"manifestURI": text, "slideCount": 1, "sha256": "0" * 64, "bytes": 1}
        ),
    )
    return status.to_wire()


def version(client: Client, sent: dict[str, Any]) -> str:
    found: str = client.get(sent)["metadata"]["resourceVersion"]
    return found


def test_operator_and_runner_leave_each_other_alone(client: Client) -> None:
    sent = extraction("two-writers")
    client.create(sent)
    client.apply_status(sent, OPERATOR_MANAGER, operator())
    client.apply_status(sent, RUNNER_MANAGER, runner("a", 10))
    client.apply_status(sent, OPERATOR_MANAGER, operator("working"))
    client.apply_status(sent, RUNNER_MANAGER, runner("a", 20))
    assert client.get(sent)["status"] == operator("working") | runner("a", 20)


def test_what_is_left_out_is_removed(client: Client) -> None:
    sent = extraction("removed")
    client.create(sent)
    client.apply_status(sent, OPERATOR_MANAGER, operator())
    client.apply_status(sent, RUNNER_MANAGER, runner("a"))
    client.apply_status(sent, RUNNER_MANAGER, {"run": {"attempt": 2}})
    assert client.get(sent)["status"] == operator() | {"run": {"attempt": 2}}


def test_applying_a_status_again_writes_nothing(client: Client) -> None:
    sent = extraction("repeated")
    client.create(sent)
    client.apply_status(sent, OPERATOR_MANAGER, operator("m"))
    client.apply_status(sent, RUNNER_MANAGER, runner("r"))
    before = version(client, sent)
    client.apply_status(sent, OPERATOR_MANAGER, operator("m"))
    client.apply_status(sent, RUNNER_MANAGER, runner("r"))
    assert version(client, sent) == before


def test_one_does_not_take_the_others_field_unnoticed(client: Client) -> None:
    sent = extraction("conflicts")
    client.create(sent)
    client.apply_status(sent, OPERATOR_MANAGER, {"phase": "Pending"})
    with pytest.raises(KubectlError, match=r'conflict with "slides-operator".*status\.phase'):
        client.apply_status(sent, RUNNER_MANAGER, {"phase": "Completed"})


def test_status_does_not_touch_the_spec(client: Client) -> None:
    sent = extraction("spec-stays")
    client.create(sent)
    client.apply_status(sent, OPERATOR_MANAGER, operator())
    found = client.get(sent)
    assert found["metadata"]["generation"] == 1


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_takes_any_text_of_others(client: Client, text: str) -> None:
    """Titles and messages come from strangers: none may make a status that is refused."""
    name = f"hostile-{list(HOSTILE.values()).index(text)}"
    sent = extraction(name)
    client.create(sent)
    client.apply_status(sent, OPERATOR_MANAGER, operator(text))
    client.apply_status(sent, RUNNER_MANAGER, runner(text))
    found = client.get(sent)["status"]
    assert found == operator(text) | runner(text)
    assert SlideExtractionStatus.model_validate(found).to_wire() == found


def test_refuses_a_sixth_row_of_history(client: Client) -> None:
    sent = extraction("rows")
    client.create(sent)
    rows = [{"attempt": n, "job": f"j-{n}"} for n in range(1, 7)]
    with pytest.raises(KubectlError, match="must have at most 5 items"):
        client.apply_status(sent, OPERATOR_MANAGER, {"attempts": {"history": rows}})


def test_refuses_a_run_without_its_attempt(client: Client) -> None:
    sent = extraction("no-attempt")
    client.create(sent)
    with pytest.raises(KubectlError, match=r"status\.run\.attempt: Required value"):
        client.apply_status(sent, RUNNER_MANAGER, {"run": {"percent": 1}})
