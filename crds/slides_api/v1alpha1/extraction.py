"""SlideExtraction: the slides of one video."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from slides_api.v1alpha1.base import ApiModel, Seconds, rule, rules
from slides_api.v1alpha1.callback import Callback
from slides_api.v1alpha1.outputs import Outputs, SlidesOutput
from slides_api.v1alpha1.pod import PodTemplate
from slides_api.v1alpha1.source import Source
from slides_api.v1alpha1.storage import Storage, WorkVolume

PositiveSeconds = Annotated[Seconds, Field(ge=1)]


class DeletionPolicy(StrEnum):
    """What becomes of the outputs when the resource is deleted."""

    RETAIN = "Retain"
    DELETE = "Delete"


class Retry(ApiModel):
    """How often a failed attempt is followed by another, and how long that waits."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.initialSeconds <= self.maxSeconds",
                "the first wait is longer than the longest: raise maxSeconds or lower "
                "initialSeconds",
                ".initialSeconds",
            )
        )
    )

    limit: Annotated[int, Field(ge=0, le=100)] = 3
    """Further attempts after the first; disruptions of the cluster do not count."""
    initial_seconds: Seconds = 10
    """Wait before the first further attempt."""
    factor: Annotated[float, Field(ge=1, le=100)] = 2
    """How much longer each wait is than the one before."""
    max_seconds: Seconds = 600
    """Longest wait; a source that names a later time is obeyed all the same."""


class WorkSpec(ApiModel):
    """The part of a spec that says what the work is; it never changes once it is created."""

    source: Source
    """Where the video comes from; immutable."""
    outputs: Outputs = Outputs(slides=SlidesOutput())
    """What to make of the video, by default its slides; immutable."""
    storage: Storage | None = None
    """Where outputs go, by default where the namespace's ConfigMap says; immutable."""
    force: bool = False
    """Do the work even if the same output already exists; immutable."""


class RunPolicy(ApiModel):
    """The part of a spec that says how the work is run."""

    work_volume: WorkVolume | None = None
    """The volume that holds the video; by default emptyDir."""
    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN
    """Retain the outputs when this resource is deleted, or Delete those that no other names."""
    active_deadline_seconds: PositiveSeconds | None = None
    """Longest time of one attempt, waiting for a node included; by default JOB_TIMEOUT."""
    start_deadline_seconds: PositiveSeconds | None = None
    """Fail (StartDeadlineExceeded) when no attempt has begun to work after so long."""
    retry: Retry = Retry()
    """How often a failed attempt is followed by another, and how long that waits."""
    pod_template: PodTemplate | None = None
    """What may be said about the runner's pod; holds from the next attempt on."""
    callback: Callback | None = None
    """Where the end is told; holds from the next attempt to tell it on."""


def fixed(field: str, *, optional: bool = False) -> dict[str, str]:
    """Return the rule that a field of the spec never changes."""
    same = f"self.{field} == oldSelf.{field}"
    if optional:
        same = f"has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || {same})"
    message = f"spec.{field} is immutable: create a new SlideExtraction for other work"
    return rule(same, message, f".{field}")


class SlideExtractionSpec(WorkSpec, RunPolicy):
    """What is wanted."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            fixed("source"),
            fixed("outputs"),
            fixed("storage", optional=True),
            fixed("force"),
            rule(
                "!oldSelf.cancel || self.cancel",
                "spec.cancel cannot be taken back: create a new SlideExtraction instead",
                ".cancel",
            ),
        )
    )

    suspend: bool = False
    """Stop the attempt that runs and start no other until this is false again."""
    cancel: bool = False
    """Give up for good; once true it stays true."""
    ttl_seconds_after_finished: Seconds | None = None
    """Delete this resource so long after it finished; by default never."""
