"""What there is of a batch: its spec, its status and its SlideExtractions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from slides_api.conditions import ConditionType
from slides_api.v1alpha1 import SlideExtractionBatchSpec
from slides_operator.batch.items import Child, observe_children
from slides_operator.extraction.callback import Telling, Tried, observe_telling
from slides_operator.extraction.objects import Json, holds
from slides_operator.extraction.observe import explain


@dataclass(frozen=True, slots=True)
class BatchObservation:
    """One batch and its SlideExtractions."""

    namespace: str
    name: str
    uid: str
    generation: int
    deleting: bool
    suspend: bool
    cancel: bool
    spec: SlideExtractionBatchSpec | None
    spec_error: str
    batch: Json = field(repr=False)
    """The resource itself."""
    telling: Telling
    """Its webhook."""
    children: Mapping[str, Child] = field(repr=False)

    @property
    def status(self) -> Json:
        """Its status."""
        status: Json = self.batch.get("status") or {}
        return status

    @property
    def was_suspended(self) -> bool:
        """Whether the status says that this batch suspended its items."""
        return holds(self.status.get("conditions"), ConditionType.SUSPENDED)


def observe_batch(
    batch: Json, extractions: Sequence[Json], tried: Tried | None = None
) -> BatchObservation:
    """Return what there is; `tried` is an attempt to deliver its webhook."""
    meta, raw = batch["metadata"], batch.get("spec") or {}
    spec, spec_error = _parse_spec(raw)
    return BatchObservation(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        generation=meta.get("generation", 0),
        deleting="deletionTimestamp" in meta,
        suspend=raw.get("suspend") is True,
        cancel=raw.get("cancel") is True,
        spec=spec,
        spec_error=spec_error,
        batch=batch,
        telling=observe_telling(batch, tried),
        children=observe_children(meta["name"], meta["uid"], extractions),
    )


def _parse_spec(raw: Json) -> tuple[SlideExtractionBatchSpec | None, str]:
    try:
        # A CRD newer than this operator fills in defaults of fields that it does not know yet.
        return SlideExtractionBatchSpec.model_validate(raw, extra="ignore"), ""
    except ValidationError as e:
        return None, explain(e)
