"""What there is: one extraction, its Jobs and pods, as plain values that decisions are made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from pydantic import ValidationError

from slides_api.conditions import ConditionType
from slides_api.names import deletion_job_name, job_name
from slides_api.v1alpha1 import SlideExtractionSpec
from slides_api.wellknown import ATTEMPT_LABEL, RETRY_AT
from slides_operator.extraction.attempts import Attempt, creation_time, lingering_pods, observe_jobs
from slides_operator.extraction.callback import Telling, Tried, observe_telling
from slides_operator.extraction.labels import DELETION_LABEL
from slides_operator.extraction.objects import Json, find_condition, parse_time


@dataclass(frozen=True, slots=True)
class World:
    """What the caches hold about one extraction."""

    extraction: Json
    jobs: Sequence[Json] = ()
    pods: Sequence[Json] = ()
    events: Sequence[Json] = ()
    """Events about the Job or pod that is stuck; read only where its own status tells nothing."""
    kept: tuple[str, ...] = ()
    """Manifests of the same video that the results of others name."""
    heard_since: datetime | None = None
    """Since when nothing that a runner said can have been missed."""
    template: str = ""
    """What the pod of an attempt would be made of now, as `pod.template_hash` says it."""
    twins: tuple[str, ...] = ()
    """Extractions that may be writing outputs where this one's are."""
    going_since: datetime | None = None
    """When this operator first saw that it is being deleted."""
    tried: Tried | None = None
    """The attempt to deliver its webhook that is not written down yet."""


@dataclass(frozen=True, slots=True)
class Run:
    """What the runner says of itself in `status.run`."""

    attempt: int
    stage: str
    updated_at: datetime | None
    reason: str
    """Given in its last words only."""
    message: str
    retry_after: object


@dataclass(frozen=True, slots=True)
class Observation:
    """One extraction and all that is known of it."""

    namespace: str
    name: str
    uid: str
    generation: int
    created_at: datetime
    deleted_at: datetime | None
    finalizers: tuple[str, ...]
    retry_at: str
    """The annotation that asks for another attempt, as it was written."""
    raw_spec: Json
    spec: SlideExtractionSpec | None
    spec_error: str
    status: Json
    run: Run | None
    attempts: Mapping[int, Attempt]
    deletions: Mapping[int, Attempt]
    """The Jobs that delete its outputs, by number."""
    lingering: tuple[str, ...]
    """Pods of attempts that have not ended, whether their Job is still there or not."""
    telling: Telling
    """Its webhook."""
    world: World = field(repr=False)

    @property
    def finished(self) -> bool:
        """Whether it ended; what is merely refused as it stands goes on once it is edited."""
        return bool(self.status.get("completionTime")) and not self.refused

    @property
    def refused(self) -> bool:
        """Whether the spec was found unusable."""
        accepted = find_condition(self.status.get("conditions"), ConditionType.ACCEPTED)
        return accepted is not None and accepted["status"] == "False"

    @property
    def cancel(self) -> bool:
        """Whether it is to be cancelled; known even where the rest of the spec is unusable."""
        return self.raw_spec.get("cancel") is True

    @property
    def suspend(self) -> bool:
        """Whether it is to rest; known even where the rest of the spec is unusable."""
        return self.raw_spec.get("suspend") is True

    @property
    def live_attempts(self) -> tuple[Attempt, ...]:
        """The attempts whose Job may still run a pod, or is being deleted with its pods."""
        return tuple(one for one in self.attempts.values() if one.active or one.deleting)


def observe(world: World) -> Observation:
    """Return what there is, with the spec parsed and Jobs paired with their pods."""
    meta = world.extraction["metadata"]
    raw_spec = world.extraction.get("spec") or {}
    spec, spec_error = _parse_spec(raw_spec)
    status = world.extraction.get("status") or {}
    return Observation(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        generation=meta.get("generation", 0),
        created_at=creation_time(meta),
        deleted_at=parse_time(meta.get("deletionTimestamp")),
        finalizers=tuple(meta.get("finalizers") or ()),
        retry_at=(meta.get("annotations") or {}).get(RETRY_AT, ""),
        raw_spec=raw_spec,
        spec=spec,
        spec_error=spec_error,
        status=status,
        run=_observe_run(status.get("run")),
        attempts=_observe_jobs(world, ATTEMPT_LABEL, job_name),
        deletions=_observe_jobs(world, DELETION_LABEL, deletion_job_name),
        lingering=tuple(lingering_pods(world.pods)),
        telling=observe_telling(world.extraction, world.tried),
        world=world,
    )


def _observe_jobs(
    world: World, label: str, name: Callable[[str, str, int], str]
) -> dict[int, Attempt]:
    meta = world.extraction["metadata"]
    return observe_jobs(world.jobs, world.pods, label, partial(name, meta["name"], meta["uid"]))


def _parse_spec(raw: Json) -> tuple[SlideExtractionSpec | None, str]:
    try:
        # A CRD newer than this operator fills in defaults of fields that it does not know yet.
        return SlideExtractionSpec.model_validate(raw, extra="ignore"), ""
    except ValidationError as e:
        return None, explain(e)


def explain(error: ValidationError) -> str:
    """Return what is wrong with a spec, field by field, without repeating values."""
    return "; ".join(
        f"spec.{'.'.join(str(part) for part in one['loc'])}: {one['msg']}"
        for one in error.errors(include_url=False, include_context=False, include_input=False)[:5]
    )


def _observe_run(run: Json | None) -> Run | None:
    if not run or not isinstance(run.get("attempt"), int):
        return None
    return Run(
        attempt=run["attempt"],
        stage=run.get("stage") or "",
        updated_at=parse_time(run.get("updatedAt")),
        reason=run.get("reason") or "",
        message=run.get("message") or "",
        retry_after=run.get("retryAfter"),
    )
