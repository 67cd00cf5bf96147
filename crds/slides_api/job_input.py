"""JOB_INPUT: what the operator tells a runner, as JSON in its environment."""

from typing import Annotated

from pydantic import ConfigDict, Field

from slides_api.v1alpha1.base import ApiModel
from slides_api.v1alpha1.extraction import WorkSpec
from slides_api.v1alpha1.status import AttemptNumber, Result, Video

JOB_INPUT = "JOB_INPUT"
"""Name of the environment variable."""


class JobSpec(WorkSpec):
    """The part of a spec that is the runner's: the rest of it is the operator's."""

    model_config = ConfigDict(extra="ignore")


class JobInput(ApiModel):
    """Which resource a runner works for, and what is wanted."""

    namespace: str
    """The resource's namespace."""
    name: str
    """The resource's name."""
    uid: str
    """The resource's UID."""
    attempt: AttemptNumber
    """Number of this attempt."""
    spec: JobSpec
    """What is wanted: the resource's spec, of which the runner reads the work."""
    progress_seconds: Annotated[int, Field(ge=1, le=3600)] = 1
    """Shortest time between two words of progress within a stage."""
    video: Video | None = None
    """status.video, as an earlier attempt found it."""
    result: Result | None = None
    """status.result, for a Job that deletes outputs."""
    keep: tuple[str, ...] = ()
    """Manifest URIs that other resources still name, for a Job that deletes outputs."""

    def to_env(self) -> str:
        """Return the value of the environment variable."""
        return self.model_dump_json(by_alias=True, exclude_none=True, exclude_defaults=True)
