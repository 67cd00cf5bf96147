"""Conditions as the Kubernetes API conventions have them."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from slides_api.v1alpha1.base import Count, StatusModel, Timestamp, free_text

REASON_PATTERN = r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
ReasonText = Annotated[str, Field(min_length=1, max_length=128, pattern=REASON_PATTERN)]
"""A reason as it is read: a newer version may know more than this one's enum."""
LONGEST_MESSAGE = 4096
"""As long as a pod's termination message may be."""
Message = Annotated[str, *free_text(LONGEST_MESSAGE)]


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(StatusModel):
    """One aspect of the resource's state."""

    type: Annotated[
        str,
        Field(min_length=1, max_length=316, pattern=r"^[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?$"),
    ]
    """What it is about, such as Succeeded."""
    status: ConditionStatus
    """True, False or Unknown."""
    observed_generation: Count | None = None
    """The metadata.generation that this condition is about."""
    last_transition_time: Timestamp
    """When the status last changed."""
    reason: ReasonText
    """Why, in one word for programs."""
    message: Message = ""
    """Why, for people, and what to do next."""
