"""Jobs and their pods, as plain values: what was tried, whether it runs, how it ended."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from slides_api.wellknown import ATTEMPT_LABEL
from slides_operator.extraction.labels import PROGRESS_ANNOTATION, TEMPLATE_ANNOTATION
from slides_operator.extraction.objects import Json, find_condition, holds, parse_time

RUNNER_CONTAINER = "runner"
ENDED_PHASES = frozenset({"Succeeded", "Failed"})
MOST_DIGITS = 10
"""Of an attempt's number: more do not fit into the CRD's int32."""
DEFAULT_PROGRESS_S = 30
"""Longest interval of reports that a Job is ever told; for Jobs that do not say their own."""


class JobState(StrEnum):
    """Whether a Job works."""

    ACTIVE = "Active"
    COMPLETE = "Complete"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Exit:
    """How the runner's container ended."""

    code: int
    reason: str
    message: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Pod:
    """A runner's pod."""

    name: str
    uid: str
    node: str
    phase: str
    reason: str
    message: str
    created_at: datetime
    deleting: bool
    disrupted: bool
    """Whether it was preempted, evicted or drained (condition DisruptionTarget)."""
    disruption: str
    unschedulable: str
    """Why no node takes it, in the scheduler's words."""
    scheduled_at: datetime | None
    waiting_reason: str
    waiting_message: str
    running_since: datetime | None
    exit: Exit | None

    @property
    def ended(self) -> bool:
        """Whether none of its containers runs or will run."""
        return self.phase in ENDED_PHASES


@dataclass(frozen=True, slots=True)
class Attempt:
    """One Job and its pods: an attempt at the extraction, or at deleting its outputs."""

    number: int
    job: str
    uid: str
    created_at: datetime
    started_at: datetime | None
    """When the Job controller took it up."""
    state: JobState
    ended_at: datetime | None
    end_reason: str
    end_message: str
    active_pods: int
    deleting: bool
    expires: bool
    """Whether it has a TTL already."""
    progress_s: int
    """Seconds between the reports that its runner was told to make."""
    template_hash: str
    """Of the podTemplate that it was made from; empty when it does not say."""
    pods: tuple[Pod, ...]
    """Oldest first."""

    @property
    def pod(self) -> Pod | None:
        """The newest pod, which is the one that counts."""
        return self.pods[-1] if self.pods else None

    @property
    def active(self) -> bool:
        """Whether the Job may still run a pod."""
        return self.state is JobState.ACTIVE


def observe_jobs(
    jobs: Sequence[Json], pods: Sequence[Json], label: str, name: Callable[[int], str]
) -> dict[int, Attempt]:
    """Return the Jobs that this label numbers, by number, each with its pods.

    Labels are anyone's to write: only Jobs of the name that the operator gives are its own.
    """
    attempts = {}
    for job in jobs:
        number = _number((job["metadata"].get("labels") or {}).get(label, ""))
        if number and job["metadata"]["name"] == name(number):
            attempts[number] = _observe_job(job, number, pods)
    return dict(sorted(attempts.items()))


def _number(text: str) -> int:
    """Return a positive number that the status can hold; 0 for anything else."""
    readable = text.isascii() and text.isdecimal() and len(text) < MOST_DIGITS
    return int(text) if readable else 0


def _observe_job(job: Json, number: int, pods: Sequence[Json]) -> Attempt:
    meta, status = job["metadata"], job.get("status") or {}
    annotations = meta.get("annotations") or {}
    state, end = _observe_end(status.get("conditions"))
    mine = [_observe_pod(pod) for pod in pods if _belongs(pod, meta["name"], meta["uid"])]
    return Attempt(
        number=number,
        job=meta["name"],
        uid=meta["uid"],
        created_at=creation_time(meta),
        started_at=parse_time(status.get("startTime")),
        state=state,
        ended_at=parse_time(end.get("lastTransitionTime") or status.get("completionTime")),
        end_reason=end.get("reason") or "",
        end_message=end.get("message") or "",
        active_pods=(status.get("active") or 0) + (status.get("terminating") or 0),
        deleting="deletionTimestamp" in meta,
        expires=(job.get("spec") or {}).get("ttlSecondsAfterFinished") is not None,
        progress_s=_progress_s(annotations),
        template_hash=annotations.get(TEMPLATE_ANNOTATION, ""),
        pods=tuple(sorted(mine, key=lambda pod: (pod.created_at, pod.name))),
    )


def _observe_end(conditions: Sequence[Json] | None) -> tuple[JobState, Json]:
    for state in (JobState.COMPLETE, JobState.FAILED):
        condition = find_condition(conditions, state)
        if condition and condition["status"] == "True":
            return state, condition
    return JobState.ACTIVE, {}


def _belongs(pod: Json, job: str, job_uid: str) -> bool:
    """Return whether a pod is this Job's: by its owner, or by name where only labels are left."""
    owners = pod["metadata"].get("ownerReferences") or ()
    if owners:
        return any(owner["uid"] == job_uid for owner in owners)
    labels = pod["metadata"].get("labels") or {}
    return bool(labels.get("batch.kubernetes.io/job-name") == job)


def lingering_pods(pods: Sequence[Json]) -> Iterator[str]:
    """Yield the names of attempts' pods that have not ended, whether their Job is there or not."""
    for pod in pods:
        is_attempt = ATTEMPT_LABEL in (pod["metadata"].get("labels") or {})
        if is_attempt and (pod.get("status") or {}).get("phase") not in ENDED_PHASES:
            yield pod["metadata"]["name"]


def _progress_s(annotations: Mapping[str, str]) -> int:
    return _number(annotations.get(PROGRESS_ANNOTATION, "")) or DEFAULT_PROGRESS_S


def _observe_pod(pod: Json) -> Pod:
    meta, status = pod["metadata"], pod.get("status") or {}
    conditions = status.get("conditions") or ()
    disruption = find_condition(conditions, "DisruptionTarget") or {}
    scheduled = find_condition(conditions, "PodScheduled") or {}
    state = _container_state(status)
    waiting, running = state.get("waiting") or {}, state.get("running") or {}
    return Pod(
        name=meta["name"],
        uid=meta["uid"],
        node=(pod.get("spec") or {}).get("nodeName") or "",
        phase=status.get("phase") or "",
        reason=status.get("reason") or "",
        message=status.get("message") or "",
        created_at=creation_time(meta),
        deleting="deletionTimestamp" in meta,
        disrupted=holds(conditions, "DisruptionTarget"),
        disruption=disruption.get("message") or disruption.get("reason") or "",
        unschedulable=_unschedulable(scheduled),
        scheduled_at=_scheduled_at(scheduled),
        waiting_reason=waiting.get("reason") or "",
        waiting_message=waiting.get("message") or "",
        running_since=parse_time(running.get("startedAt")),
        exit=_observe_exit(state.get("terminated")),
    )


def _container_state(status: Json) -> Json:
    for container in status.get("containerStatuses") or ():
        if container["name"] == RUNNER_CONTAINER:
            return container.get("state") or {}
    return {}


def _unschedulable(scheduled: Json) -> str:
    if scheduled.get("status") != "False" or scheduled.get("reason") != "Unschedulable":
        return ""
    return scheduled.get("message") or "no node takes the pod"


def _scheduled_at(scheduled: Json) -> datetime | None:
    if scheduled.get("status") != "True":
        return None
    return parse_time(scheduled.get("lastTransitionTime"))


def _observe_exit(terminated: Json | None) -> Exit | None:
    if terminated is None:
        return None
    return Exit(
        code=terminated.get("exitCode", 0),
        reason=terminated.get("reason") or "",
        message=terminated.get("message") or "",
        at=parse_time(terminated.get("finishedAt")),
    )


def creation_time(meta: Json) -> datetime:
    """Return when an object was created."""
    return parse_time(meta["creationTimestamp"]) or datetime.min.replace(tzinfo=UTC)
