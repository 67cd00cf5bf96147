"""What a runner's token can write: its own extraction's progress, and nothing else."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from slides_api.names import job_name
from tests.chart.charts import NAMESPACE, OPERATOR, Object, install
from tests.chart.people import (
    POLICY_LIMIT_S,
    SECOND,
    Person,
    RefusedError,
    account,
    create_extraction,
    person,
    runner,
)
from tests.cluster.client import KubectlError
from tests.cluster.light import LightCluster

pytestmark = pytest.mark.api

UNTOUCHED = {"observedGeneration": 0}
"""What the API server makes of a status that nobody has written."""
RUN = {"attempt": 1, "stage": "Downloading", "percent": 10}
LONGEST = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
"""A name of 253 characters, with dots where the Job's name has dashes."""
Status = Mapping[str, Any]


@dataclass(frozen=True)
class Attempt:
    """An attempt of an extraction, and who has its pod's token."""

    name: str
    person: Person
    cluster: LightCluster

    def apply(self, status: Status, *, to: str | None = None) -> None:
        """Apply a status as the runner does."""
        self.person.apply_status(NAMESPACE, to or self.name, status)

    def merge(self, status: Status, **others: object) -> None:
        """Merge into the status."""
        self.person.merge_status(NAMESPACE, self.name, status, **others)

    def status(self) -> Object:
        """Return the whole status."""
        status: Object = _get(self.cluster, self.name)["status"]
        return status


def _get(cluster: LightCluster, name: str) -> Object:
    printed = cluster.kubectl("get", "slx", name, "-n", NAMESPACE, "--output=json")
    extraction: Object = json.loads(printed)
    return extraction


def _patch_as_admin(cluster: LightCluster, name: str, status: Status, *flags: str) -> str:
    return cluster.kubectl(
        "patch",
        "slx",
        name,
        f"--namespace={NAMESPACE}",
        "--subresource=status",
        "--type=merge",
        f"--patch={json.dumps({'status': status})}",
        *flags,
    )


@pytest.fixture
def start(installed: LightCluster) -> Callable[..., Attempt]:
    """Return a function that gives an extraction the pod of an attempt."""
    uids: dict[str, str] = {}

    def make(name: str, number: int = 1) -> Attempt:
        if name not in uids:
            uids[name] = create_extraction(installed, NAMESPACE, name)["metadata"]["uid"]
        pod = f"{job_name(name, uids[name], number)}-abcde"
        acting = runner(installed, namespace=NAMESPACE, pod=pod, account="slides-runner")
        return Attempt(name, acting, installed)

    return make


@pytest.mark.parametrize(
    "name", ["own", "with.dots.in-it", LONGEST], ids=["short", "dots", "longest"]
)
def test_runner_reports_on_its_own_extraction(start: Callable[..., Attempt], name: str) -> None:
    attempt = start(name)
    whole = {
        "run": RUN,
        "video": {"title": "A talk"},
        "result": {
            "manifestURI": "s3://b/k/manifest.json",
            "slideCount": 3,
            "sha256": "0" * 64,
            "bytes": 1,
        },
    }

    attempt.apply({"run": RUN})
    attempt.apply(whole)

    assert attempt.status() == UNTOUCHED | whole


def test_runner_of_the_next_attempt_takes_over(start: Callable[..., Attempt]) -> None:
    first, second = start("retried"), start("retried", 2)
    first.apply({"run": RUN, "video": {"title": "A talk"}})

    second.apply({"run": {"attempt": 2}})

    assert second.status() == UNTOUCHED | {"run": {"attempt": 2}}
    with pytest.raises(RefusedError, match="a later attempt reports already, this one is over"):
        first.apply({"run": RUN})


def test_runner_of_another_extraction_is_refused(start: Callable[..., Attempt]) -> None:
    mine, theirs = start("mine"), start("theirs")

    with pytest.raises(RefusedError, match=r"pod mine-\S+ does not work on attempt 1 of theirs"):
        mine.apply({"run": RUN}, to="theirs")

    assert theirs.status() == UNTOUCHED


def test_runner_of_an_extraction_named_like_anothers_job_is_refused(
    start: Callable[..., Attempt], installed: LightCluster
) -> None:
    start("victim")
    uid = _get(installed, "victim")["metadata"]["uid"]
    impostor = start(f"{job_name('victim', uid, 1)}-x")

    with pytest.raises(RefusedError, match=r"does not work on attempt 1 of victim"):
        impostor.apply({"run": RUN}, to="victim")


@pytest.mark.parametrize("claimed", [0, 2, 11], ids=["none", "next", "prefixed"])
def test_runner_of_another_attempt_is_refused(start: Callable[..., Attempt], claimed: int) -> None:
    attempt = start(f"attempt-{claimed}")

    with pytest.raises(RefusedError, match=f"does not work on attempt {claimed}"):
        attempt.merge({"run": {"attempt": claimed}} if claimed else {"video": {"title": "A"}})


OPERATORS = {
    "phase": "Pending",
    "observedGeneration": 1,
    "attempts": {"current": 1, "counted": 0},
    "conditions": [
        {
            "type": "Succeeded",
            "status": "Unknown",
            "reason": "JobCreated",
            "message": "",
            "lastTransitionTime": "2026-11-21T12:00:00Z",
        }
    ],
}
"""Fields that are the operator's."""


@pytest.mark.parametrize("field", OPERATORS)
def test_runner_sets_no_field_of_the_operator(start: Callable[..., Attempt], field: str) -> None:
    attempt = start(f"sets-{field.lower()}")

    for write in (attempt.apply, attempt.merge):
        with pytest.raises(RefusedError, match="a runner may change only"):
            write({"run": RUN, field: OPERATORS[field]})


@pytest.mark.parametrize("field", OPERATORS)
@pytest.mark.parametrize("by", ["change", "removal"])
def test_runner_changes_no_field_of_the_operator(
    start: Callable[..., Attempt], field: str, by: str
) -> None:
    attempt = start(f"{by}-{field.lower()}")
    _patch_as_admin(attempt.cluster, attempt.name, OPERATORS)
    other = {"phase": "Completed", "observedGeneration": 7, "attempts": {"counted": 3}}
    change = other.get(field, []) if by == "change" else None

    with pytest.raises(RefusedError, match="a runner may change only"):
        attempt.merge({"run": RUN, field: change})

    attempt.apply({"run": RUN})
    assert attempt.status() == {"run": RUN, **OPERATORS}


def test_runner_changes_nothing_but_the_status(start: Callable[..., Attempt]) -> None:
    attempt = start("whole")
    before = _get(attempt.cluster, "whole")

    attempt.merge(
        {"run": RUN},
        metadata={"labels": {"a": "b"}, "finalizers": ["example.com/held"]},
        spec={"cancel": True, "podTemplate": {"image": "localhost/theirs"}},
    )

    after = _get(attempt.cluster, "whole")
    assert after["status"] == UNTOUCHED | {"run": RUN}
    assert after["spec"] == before["spec"]
    assert not {"labels", "finalizers"} & after["metadata"].keys()


def test_token_of_no_pod_is_refused(installed: LightCluster) -> None:
    create_extraction(installed, NAMESPACE, "unbound")
    token = installed.kubectl("create", "token", "slides-runner", "-n", NAMESPACE)

    with pytest.raises(RefusedError, match="a runner must use the token of its own pod"):
        person(installed, token).apply_status(NAMESPACE, "unbound", {"run": RUN})


def test_account_of_another_namespace_is_refused_whatever_its_rights(
    installed: LightCluster,
) -> None:
    uid = create_extraction(installed, NAMESPACE, "foreign")["metadata"]["uid"]
    bind = ("create", "rolebinding", "foreign", "-n", NAMESPACE, "--clusterrole=slides-runner")
    installed.kubectl(*bind, f"--serviceaccount={SECOND}:default")
    pod = f"{job_name('foreign', uid, 1)}-abcde"
    stranger = runner(installed, namespace=SECOND, pod=pod, account="default")

    with pytest.raises(RefusedError, match="this ServiceAccount is of another namespace"):
        stranger.apply_status(NAMESPACE, "foreign", {"run": RUN})


def test_operator_and_people_write_what_is_theirs(installed: LightCluster) -> None:
    create_extraction(installed, NAMESPACE, "operated")
    token = installed.kubectl("create", "token", OPERATOR, "-n", NAMESPACE)

    person(installed, token).merge_status(NAMESPACE, "operated", {"phase": "Pending"})
    assert _get(installed, "operated")["status"]["phase"] == "Pending"
    _patch_as_admin(installed, "operated", {"phase": "Failed"})

    assert _get(installed, "operated")["status"]["phase"] == "Failed"


def test_other_accounts_write_statuses_only_when_exempt(installed: LightCluster) -> None:
    create_extraction(installed, NAMESPACE, "exempt")
    user = account(NAMESPACE, "migrator")
    flags = (f"--as={user}", "--as-group=system:masters")
    with pytest.raises(KubectlError, match="a runner must use the token of its own pod"):
        _patch_as_admin(installed, "exempt", {"phase": "Failed"}, *flags)

    install(installed, {"admissionPolicy": {"exemptUsers": [user]}})

    def allowed() -> bool:
        try:
            _patch_as_admin(installed, "exempt", {"phase": "Failed"}, *flags)
        except KubectlError:
            return False
        return True

    end = time.monotonic() + POLICY_LIMIT_S
    while not allowed():
        assert time.monotonic() < end, "the API server does not take up the exemption"
        time.sleep(0.2)
