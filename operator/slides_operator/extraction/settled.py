"""Whether there is anything to do about an extraction at all: looked up, without parsing it.

Most resources have ended long ago, and all of them are looked at whenever the operator starts.
"""

from collections.abc import Sequence

from slides_api.conditions import ConditionType
from slides_api.v1alpha1 import DeletionPolicy
from slides_api.wellknown import OUTPUTS_FINALIZER, RETRY_AT
from slides_operator.extraction.callback import owes_callback
from slides_operator.extraction.objects import Json, find_condition, job_has_ended


def is_settled(extraction: Json, jobs: Sequence[Json]) -> bool:
    """Return whether an extraction ended, is written down as it is, and waits for nothing."""
    return _has_ended(extraction) and _waits_for_nothing(extraction) and all(map(_is_left, jobs))


def _has_ended(extraction: Json) -> bool:
    meta, status = extraction["metadata"], extraction.get("status") or {}
    if "completionTime" not in status or "deletionTimestamp" in meta:
        return False
    if status.get("observedGeneration") != meta.get("generation"):
        return False
    accepted = find_condition(status.get("conditions"), ConditionType.ACCEPTED)
    return accepted is not None and accepted["status"] == "True"


def _waits_for_nothing(extraction: Json) -> bool:
    meta, spec, status = extraction["metadata"], extraction["spec"], extraction["status"]
    if spec.get("ttlSecondsAfterFinished") is not None or "workClaim" in status:
        return False
    if owes_callback(extraction):
        return False
    asked = (meta.get("annotations") or {}).get(RETRY_AT)
    if asked is not None and asked != status.get("lastRetryAt"):
        return False
    wanted = spec.get("deletionPolicy") == DeletionPolicy.DELETE
    return bool(wanted == (OUTPUTS_FINALIZER in (meta.get("finalizers") or ())))


def _is_left(job: Json) -> bool:
    """Return whether a Job ended and needs nothing more of us."""
    return job["spec"].get("ttlSecondsAfterFinished") is not None and job_has_ended(job)
