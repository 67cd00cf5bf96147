"""Why attempts have not started: what is said, where it is looked up, what is not worth a word."""

from typing import Any

import pytest

from slides_api.conditions import Reason
from slides_operator.extraction.stuck import find_stuck, needs_events
from tests.operator.worlds import (
    NOW,
    build_extraction,
    build_job,
    build_pod,
    build_row,
    build_run,
    build_status,
    see,
)

Json = dict[str, Any]
OPEN = build_status(build_row())
COOKIES = {"source": {"url": "https://example.com/talk.mp4", "secretRef": {"name": "cookies"}}}
CLAIM: Json = {"workVolume": {"claim": {}}}
TAKEN_UP = build_job(active=0)
REFUSED = [
    {
        "reason": "FailedCreate",
        "message": 'pods "talk" is forbidden: violates PodSecurity',
        "lastTimestamp": "2027-01-01T11:59:30Z",
    }
]
NOT_MOUNTED = [
    {
        "reason": "Scheduled",
        "message": "Successfully assigned",
        "eventTime": "2027-01-01T11:59:59Z",
    },
    {
        "reason": "FailedMount",
        "message": 'MountVolume.SetUp failed for volume "source" : secret "cookies" not found',
        "lastTimestamp": "2027-01-01T11:59:50Z",
    },
]
NOT_ATTACHED = [{"reason": "FailedAttachVolume", "message": "Multi-Attach error for volume"}]
CREATING = build_pod(phase="Pending", waiting=("ContainerCreating", ""))


def waiting(reason: str, message: str = "", *, created: float = 60) -> Json:
    return build_pod(phase="Pending", waiting=(reason, message), created=created)


SECRET_GONE = waiting("CreateContainerConfigError", 'secret "slides-extractor-secrets" not found')
KEY_GONE = waiting("CreateContainerConfigError", "couldn't find key S3_ACCESS_KEY in Secret a/b")
ROOT = waiting(
    "CreateContainerConfigError", "container has runAsNonRoot and image will run as root"
)

CASES: dict[str, tuple[Json, list[Json], list[Json], list[Json], Reason | None]] = {
    "runs": ({}, [build_job()], [build_pod(running=50)], [], None),
    "no node": (
        {}, [build_job()], [build_pod(phase="Pending", unschedulable="0/3 nodes")], [],
        Reason.UNSCHEDULABLE,
    ),
    "no node for a moment": (
        {}, [build_job()], [build_pod(phase="Pending", unschedulable="0/3", created=9)], [], None,
    ),
    "image": (
        {}, [build_job()], [waiting("ErrImagePull", "not found")], [], Reason.IMAGE_PULL_FAILED,
    ),
    "image name": ({}, [build_job()], [waiting("InvalidImageName")], [], Reason.IMAGE_PULL_FAILED),
    "Secret": ({}, [build_job()], [SECRET_GONE], [], Reason.SECRET_MISSING),
    "key of a Secret": ({}, [build_job()], [KEY_GONE], [], Reason.SECRET_MISSING),
    "image that runs as root": ({}, [build_job()], [ROOT], [], Reason.POD_REFUSED),
    "no such command": ({}, [build_job()], [waiting("RunContainerError")], [], Reason.POD_REFUSED),
    "pulls its image": ({}, [build_job()], [CREATING], [], None),
    "pod refused": ({}, [TAKEN_UP], [], REFUSED, Reason.POD_REFUSED),
    "pod refused, Events not there yet": ({}, [TAKEN_UP], [], [], None),
    "Job not taken up yet": ({}, [build_job(taken_up=False)], [], REFUSED, None),
    "pod on its way": ({}, [build_job(active=1)], [], REFUSED, None),
    "source Secret": (COOKIES, [build_job()], [CREATING], NOT_MOUNTED, Reason.SECRET_MISSING),
    "claim": (CLAIM, [build_job()], [CREATING], NOT_ATTACHED, Reason.POD_REFUSED),
}  # fmt: skip


@pytest.mark.parametrize(("spec", "jobs", "pods", "events", "want"), CASES.values(), ids=CASES)
def test_reasons(
    spec: Json, jobs: list[Json], pods: list[Json], events: list[Json], want: Reason | None
) -> None:
    extraction = build_extraction(spec=spec, status=OPEN)
    seen = see(extraction, jobs=jobs, pods=pods, events=events)
    stuck = find_stuck(seen, seen.attempts[1], NOW)
    assert (stuck.reason if stuck else None) == want


def test_a_missing_secret_is_named_with_what_to_do() -> None:
    seen = see(build_extraction(status=OPEN), jobs=[build_job()], pods=[SECRET_GONE])
    stuck = find_stuck(seen, seen.attempts[1], NOW)
    assert stuck is not None
    assert '"slides-extractor-secrets"' in stuck.message
    assert "Create it" in stuck.message


def test_a_pull_that_backs_off_keeps_its_cause() -> None:
    status = build_status(build_row(), reason="ImagePullFailed", message="no such tag")
    back_off = waiting("ImagePullBackOff", "Back-off pulling image")
    seen = see(build_extraction(status=status), jobs=[build_job()], pods=[back_off])
    stuck = find_stuck(seen, seen.attempts[1], NOW)
    assert stuck is not None
    assert stuck.message == "no such tag"


EVENTS_NEEDED: dict[str, tuple[Json, Json, list[Json], list[Json], str]] = {
    "Job without pod": ({}, OPEN, [TAKEN_UP], [], "job-talk-0a1b2c3d-1"),
    "Job without pod, told before": (
        {}, build_status(build_row(), reason="PodRefused", message="It is."), [TAKEN_UP], [], "",
    ),
    "new Job without pod": ({}, OPEN, [build_job(created=9)], [], ""),
    "pod that nothing can keep": ({}, OPEN, [build_job()], [CREATING], ""),
    "pod with a Secret": (COOKIES, OPEN, [build_job()], [CREATING], "pod-talk-0a1b2c3d-1"),
    "pod with a Secret that pulls": (
        COOKIES, OPEN, [build_job()], [waiting("ImagePullBackOff")], "",
    ),
    "pod that runs": (COOKIES, OPEN, [build_job()], [build_pod(running=5)], ""),
    "runner that spoke": (
        COOKIES, OPEN | {"run": build_run()}, [build_job()], [CREATING], "",
    ),
    "ended": (COOKIES, OPEN, [build_job(1, "Failed")], [], ""),
}  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "status", "jobs", "pods", "about"), EVENTS_NEEDED.values(), ids=EVENTS_NEEDED
)
def test_events_are_read_only_where_no_status_tells(
    spec: Json, status: Json, jobs: list[Json], pods: list[Json], about: str
) -> None:
    seen = see(build_extraction(spec=spec, status=status), jobs=jobs, pods=pods)
    assert needs_events(seen, seen.attempts[1], NOW) == about


def test_what_events_told_is_remembered_while_nothing_changes() -> None:
    status = build_status(build_row(), reason="PodRefused", message="It is.")
    seen = see(build_extraction(status=status), jobs=[TAKEN_UP])
    stuck = find_stuck(seen, seen.attempts[1], NOW)
    assert stuck is not None
    assert stuck.message == "It is."
