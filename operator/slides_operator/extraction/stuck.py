"""Why an attempt has not started: said by its pod, or by Events where there is no pod to ask."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from slides_api.conditions import Reason
from slides_operator.extraction.attempts import Attempt, Pod
from slides_operator.extraction.objects import Json, find_condition
from slides_operator.extraction.observe import Observation
from slides_operator.extraction.wording import clean

PATIENCE = timedelta(seconds=10)
"""How long starting may take without a word: chosen; a pod on a free node needs three seconds."""
IMAGE_REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
"""A waiting container's reasons that are about its image (kubelet: pkg/kubelet/images)."""
REFUSED_REASONS = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
)
"""The kubelet's reasons that are about the container itself (pkg/kubelet/kuberuntime)."""
TOLD_BY_EVENTS = frozenset({Reason.POD_REFUSED, Reason.SECRET_MISSING})


@dataclass(frozen=True, slots=True)
class Stuck:
    """What an attempt waits for, and what to do about it."""

    reason: Reason
    message: str


def has_started(seen: Observation, attempt: Attempt) -> bool:
    """Return whether the runner of this attempt works, or worked."""
    pod = attempt.pod
    ran = pod is not None and (pod.running_since is not None or pod.exit is not None)
    return ran or (seen.run is not None and seen.run.attempt == attempt.number)


def find_stuck(seen: Observation, attempt: Attempt, now: datetime) -> Stuck | None:
    """Return why an attempt has not started although it should have; None while it is patient."""
    if has_started(seen, attempt) or now < patient_until(attempt):
        return None
    if attempt.pod and (stuck := _told_by_pod(seen, attempt.pod)):
        return stuck
    if find_puzzle(seen, attempt, now):
        return _told_by_events(seen.world.events) or _told_before(seen)
    return None


def patient_until(attempt: Attempt) -> datetime:
    """Return until when an attempt that has not started is nothing unusual."""
    pod = attempt.pod
    return (pod.created_at if pod else attempt.started_at or attempt.created_at) + PATIENCE


def find_puzzle(seen: Observation, attempt: Attempt, now: datetime) -> str:
    """Return the uid of the object whose Events have to tell why nothing happens; else nothing.

    Events are costly to look up, so only in the two cases in which no status says a word: a Job
    that the controller took up and could make no pod for, and a pod whose volumes do not mount.
    """
    if not attempt.active or has_started(seen, attempt) or now < patient_until(attempt):
        return ""
    pod = attempt.pod
    if pod is None:
        taken_up = attempt.started_at is not None and not attempt.active_pods
        return attempt.uid if taken_up else ""
    mounting = pod.scheduled_at is not None and pod.waiting_reason in {"", "ContainerCreating"}
    return pod.uid if mounting and _mounts_what_may_lack(seen) else ""


def needs_events(seen: Observation, attempt: Attempt, now: datetime) -> str:
    """Return the puzzle's uid unless its answer is known already from an earlier look."""
    return "" if _told_before(seen) else find_puzzle(seen, attempt, now)


def _mounts_what_may_lack(seen: Observation) -> bool:
    spec = seen.spec
    return spec is not None and (
        spec.source.secret_ref is not None
        or (spec.work_volume is not None and spec.work_volume.claim is not None)
    )


def _told_by_pod(seen: Observation, pod: Pod) -> Stuck | None:
    if pod.unschedulable:
        return Stuck(Reason.UNSCHEDULABLE, clean(f"No node takes the pod: {pod.unschedulable}"))
    if pod.waiting_reason in IMAGE_REASONS:
        return _image(seen, pod)
    if pod.waiting_reason in REFUSED_REASONS:
        return _refused(pod)
    return None


def _image(seen: Observation, pod: Pod) -> Stuck:
    before = _told(seen, Reason.IMAGE_PULL_FAILED)
    if before and pod.waiting_reason == "ImagePullBackOff":
        return before  # the kubelet goes back and forth between the cause and waiting
    message = (
        f"The runner's image cannot be pulled: {pod.waiting_message or pod.waiting_reason} "
        "Correct spec.podTemplate.image or imagePullSecrets, or the operator's RUNNER_IMAGE."
    )
    return Stuck(Reason.IMAGE_PULL_FAILED, clean(message))


def _refused(pod: Pod) -> Stuck:
    said = pod.waiting_message or pod.waiting_reason
    if pod.waiting_reason == "CreateContainerConfigError" and "ecret" in said:
        return Stuck(Reason.SECRET_MISSING, _create_it(said))
    return Stuck(Reason.POD_REFUSED, clean(f"The node cannot start the container: {said}"))


def _create_it(said: str) -> str:
    return clean(f"A Secret is missing: {said}. Create it, and the extraction goes on by itself.")


def _told_by_events(events: Sequence[Json]) -> Stuck | None:
    """Return what the newest telling Event says."""
    newest_first = sorted(events, key=_event_time, reverse=True)
    return next((stuck for event in newest_first for stuck in _read_event(event)), None)


def _event_time(event: Json) -> str:
    return event.get("lastTimestamp") or event.get("eventTime") or ""


def _read_event(event: Json) -> Iterator[Stuck]:
    reason, message = event.get("reason"), event.get("message") or ""
    if reason == "FailedCreate":
        hint = "The pod is refused by the cluster: "
        yield Stuck(Reason.POD_REFUSED, clean(f"{hint}{message}"))
    elif reason == "FailedMount" and "secret" in message.lower():
        yield Stuck(Reason.SECRET_MISSING, _create_it(message))
    elif reason in {"FailedMount", "FailedAttachVolume"}:
        yield Stuck(Reason.POD_REFUSED, clean(f"A volume cannot be mounted: {message}"))


def _told_before(seen: Observation) -> Stuck | None:
    return next((stuck for one in TOLD_BY_EVENTS if (stuck := _told(seen, one))), None)


def _told(seen: Observation, reason: Reason) -> Stuck | None:
    """Return what the status says already, if it is this."""
    condition = find_condition(seen.status.get("conditions"), "Succeeded")
    if condition and condition["status"] == "Unknown" and condition.get("reason") == reason:
        return Stuck(reason, condition.get("message") or "")
    return None
