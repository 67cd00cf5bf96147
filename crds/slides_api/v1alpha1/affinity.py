"""Which nodes a runner's pod wants and avoids: `spec.podTemplate.affinity`, as in any pod."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from slides_api.v1alpha1.base import (
    VALID_KEYS,
    ApiModel,
    LabelValue,
    ObjectName,
    QualifiedName,
    rules,
)

MOST_TERMS = 16
"""Chosen: far beyond any affinity seen; it bounds what a Job is made of."""
MOST_VALUES = 64

NodeValue = Annotated[str, Field(max_length=253)]
TopologyKey = QualifiedName
Weight = Annotated[int, Field(ge=1, le=100)]


class NodeOperator(StrEnum):
    """How a node's label or field is compared."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"
    GT = "Gt"
    LT = "Lt"


class LabelOperator(StrEnum):
    """How a label is compared."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class NodeRequirement(ApiModel):
    """A condition on a node's label or field."""

    key: QualifiedName
    """Key of the label, or name of the field."""
    operator: NodeOperator
    """In, NotIn, Exists, DoesNotExist, Gt or Lt."""
    values: Annotated[tuple[NodeValue, ...], Field(max_length=MOST_VALUES)] | None = None
    """Values to compare with; none for Exists and DoesNotExist, one number for Gt and Lt."""


class NodeTerm(ApiModel):
    """Conditions that hold together."""

    match_expressions: (
        Annotated[tuple[NodeRequirement, ...], Field(max_length=MOST_TERMS)] | None
    ) = None
    """Conditions on the node's labels."""
    match_fields: Annotated[tuple[NodeRequirement, ...], Field(max_length=MOST_TERMS)] | None = None
    """Conditions on the node's fields, such as metadata.name."""


class NodeSelector(ApiModel):
    """Nodes for which at least one term holds."""

    node_selector_terms: Annotated[tuple[NodeTerm, ...], Field(min_length=1, max_length=MOST_TERMS)]
    """The terms."""


class PreferredNode(ApiModel):
    """Nodes that are better than others."""

    weight: Weight
    """How much better, 1 to 100."""
    preference: NodeTerm
    """Conditions that such a node fulfils."""


class NodeAffinity(ApiModel):
    """Nodes, by their labels."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = None
    """Nodes that may be chosen at all."""
    preferred_during_scheduling_ignored_during_execution: (
        Annotated[tuple[PreferredNode, ...], Field(max_length=MOST_TERMS)] | None
    ) = None
    """Nodes that are better than others."""


class LabelRequirement(ApiModel):
    """A condition on a label."""

    key: QualifiedName
    """Key of the label."""
    operator: LabelOperator
    """In, NotIn, Exists or DoesNotExist."""
    values: Annotated[tuple[LabelValue, ...], Field(max_length=MOST_VALUES)] | None = None
    """Values to compare with; none for Exists and DoesNotExist."""


class LabelSelector(ApiModel):
    """Objects, by their labels; empty selects all."""

    match_labels: (
        Annotated[
            dict[QualifiedName, LabelValue],
            Field(max_length=32, json_schema_extra=rules(VALID_KEYS)),
        ]
        | None
    ) = None
    """Labels that they have."""
    match_expressions: (
        Annotated[tuple[LabelRequirement, ...], Field(max_length=MOST_TERMS)] | None
    ) = None
    """Conditions on their labels."""


class PodTerm(ApiModel):
    """Pods, and how near they are."""

    topology_key: TopologyKey
    """Label of nodes; nodes with the same value are one place."""
    label_selector: LabelSelector | None = None
    """The pods, by their labels."""
    namespace_selector: LabelSelector | None = None
    """Their namespaces, by labels; with `namespaces`, both."""
    namespaces: Annotated[tuple[ObjectName, ...], Field(max_length=MOST_TERMS)] | None = None
    """Their namespaces, by name; by default the pod's own."""
    match_label_keys: Annotated[tuple[QualifiedName, ...], Field(max_length=MOST_TERMS)] | None = (
        None
    )
    """Labels whose value must be this pod's own."""
    mismatch_label_keys: (
        Annotated[tuple[QualifiedName, ...], Field(max_length=MOST_TERMS)] | None
    ) = None
    """Labels whose value must not be this pod's own."""


class PreferredPods(ApiModel):
    """Places that are better than others."""

    weight: Weight
    """How much better, 1 to 100."""
    pod_affinity_term: PodTerm
    """The pods that make them so."""


class PodAffinity(ApiModel):
    """Places, by the pods that are there."""

    required_during_scheduling_ignored_during_execution: (
        Annotated[tuple[PodTerm, ...], Field(max_length=MOST_TERMS)] | None
    ) = None
    """What must hold."""
    preferred_during_scheduling_ignored_during_execution: (
        Annotated[tuple[PreferredPods, ...], Field(max_length=MOST_TERMS)] | None
    ) = None
    """What should hold."""


class Affinity(ApiModel):
    """Which nodes a pod wants and avoids."""

    node_affinity: NodeAffinity | None = None
    """Nodes, by their labels."""
    pod_affinity: PodAffinity | None = None
    """Places where such pods are."""
    pod_anti_affinity: PodAffinity | None = None
    """Places where such pods are not."""
