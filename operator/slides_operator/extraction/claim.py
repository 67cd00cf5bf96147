"""The work claim: the volume of an extraction whose downloads outlive an attempt."""

from slides_api.names import claim_name
from slides_api.v1alpha1 import Claim
from slides_api.wellknown import (
    EXTRACTION_LABEL,
    MANAGED_BY_LABEL,
    NAME_LABEL,
    OPERATOR_NAME,
    RUNNER_NAME,
)
from slides_operator.extraction.job import owner_reference
from slides_operator.extraction.objects import Json, present
from slides_operator.extraction.observe import Observation
from slides_operator.settings import OperatorSettings


def build_claim(seen: Observation, claim: Claim, settings: OperatorSettings) -> Json:
    """Return the PersistentVolumeClaim of an extraction."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": claim_name(seen.name, seen.uid),
            "namespace": seen.namespace,
            "labels": {
                NAME_LABEL: RUNNER_NAME,
                MANAGED_BY_LABEL: OPERATOR_NAME,
                EXTRACTION_LABEL: seen.uid,
            },
            "ownerReferences": [owner_reference(seen)],
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": claim.size or settings.work_volume_size}},
            **present(storageClassName=claim.storage_class_name),
        },
    }
