"""What may be said about a runner's pod: `spec.podTemplate`, a curated subset of Kubernetes' own.

A whole pod template would make the CRD larger than `kubectl apply` can store in its annotation.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from slides_api.v1alpha1.affinity import Affinity
from slides_api.v1alpha1.base import (
    LARGEST,
    VALID_KEYS,
    ApiModel,
    LabelValue,
    LocalReference,
    ObjectName,
    QualifiedName,
    Quantity,
    list_map,
    rule,
    rules,
)

CHOSEN_KEYS = rules(
    VALID_KEYS,
    rule(
        "!self.exists(key, key.contains('slides-extractor.dev/') || key == 'app.kubernetes.io/name'"
        " || key == 'app.kubernetes.io/managed-by')",
        "the operator finds its pods by these keys: choose others",
    ),
)


class PodMetadata(ApiModel):
    """Labels and annotations of the pod."""

    labels: (
        Annotated[
            dict[QualifiedName, LabelValue], Field(max_length=32, json_schema_extra=CHOSEN_KEYS)
        ]
        | None
    ) = None
    """Labels to add."""
    annotations: (
        Annotated[
            dict[QualifiedName, Annotated[str, Field(max_length=4096)]],
            Field(max_length=32, json_schema_extra=CHOSEN_KEYS),
        ]
        | None
    ) = None
    """Annotations to add."""


class Resources(ApiModel):
    """What the runner's container asks for and may use."""

    requests: (
        Annotated[
            dict[QualifiedName, Quantity],
            Field(max_length=16, json_schema_extra=rules(VALID_KEYS)),
        ]
        | None
    ) = None
    """What the scheduler sets aside: cpu, memory, ephemeral-storage, nvidia.com/gpu …"""
    limits: (
        Annotated[
            dict[QualifiedName, Quantity],
            Field(max_length=16, json_schema_extra=rules(VALID_KEYS)),
        ]
        | None
    ) = None
    """What the container may use; beyond its memory limit it is killed (reason OOMKilled)."""


class TolerationOperator(StrEnum):
    """How a toleration compares the taint's value."""

    EXISTS = "Exists"
    EQUAL = "Equal"


class TaintEffect(StrEnum):
    """What a taint does to pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Toleration(ApiModel):
    """A taint of nodes that the pod tolerates."""

    key: QualifiedName | None = None
    """Key of the taint; without it every key, which needs operator Exists."""
    operator: TolerationOperator | None = None
    """Exists, or Equal (the default)."""
    value: LabelValue | None = None
    """Value of the taint, with operator Equal."""
    effect: TaintEffect | None = None
    """Effect of the taint; by default every effect."""
    toleration_seconds: Annotated[int, Field(ge=0, le=LARGEST)] | None = None
    """How long a NoExecute taint is tolerated; by default for ever."""


class PodTemplate(ApiModel):
    """What may be said about the runner's pod."""

    metadata: PodMetadata | None = None
    """Labels and annotations of the pod."""
    resources: Resources | None = None
    """Resources of the container, each kind given replacing RUNNER_RESOURCES of the operator."""
    node_selector: (
        Annotated[
            dict[QualifiedName, LabelValue],
            Field(max_length=32, json_schema_extra=rules(VALID_KEYS)),
        ]
        | None
    ) = None
    """Labels that the node must have."""
    tolerations: Annotated[tuple[Toleration, ...], Field(max_length=32)] | None = None
    """Taints that the pod tolerates."""
    affinity: Affinity | None = None
    """Nodes that the pod wants and avoids, as in any pod."""
    runtime_class_name: ObjectName | None = None
    """RuntimeClass of the pod."""
    priority_class_name: ObjectName | None = None
    """PriorityClass of the pod."""
    image_pull_secrets: (
        Annotated[
            tuple[LocalReference, ...], Field(max_length=16, json_schema_extra=list_map("name"))
        ]
        | None
    ) = None
    """Secrets to pull the image with."""
    service_account_name: ObjectName | None = None
    """Service account of the pod, which must be allowed to patch the status."""
    image: Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^\S+$")] | None = None
    """Image of the runner, such as one with a newer yt-dlp."""
