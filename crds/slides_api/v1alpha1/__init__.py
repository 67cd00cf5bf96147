"""The resources of `slides-extractor.dev/v1alpha1`.

Docstrings become descriptions for `kubectl explain` and for `slides --help`.
"""

from slides_api.v1alpha1.base import ApiModel, Fraction, LocalReference, StatusModel
from slides_api.v1alpha1.batch import (
    BatchCounts,
    BatchItem,
    BatchItemStatus,
    BatchTemplate,
    SlideExtractionBatchSpec,
    SlideExtractionBatchStatus,
)
from slides_api.v1alpha1.callback import Callback, CallbackStatus
from slides_api.v1alpha1.conditions import Condition, ConditionStatus
from slides_api.v1alpha1.extraction import (
    DeletionPolicy,
    Retry,
    RunPolicy,
    SlideExtractionSpec,
    WorkSpec,
)
from slides_api.v1alpha1.outputs import (
    Document,
    ImageFormat,
    Outputs,
    Region,
    Sensitivity,
    SlideImage,
    SlidesOutput,
)
from slides_api.v1alpha1.pod import (
    PodMetadata,
    PodTemplate,
    Resources,
    TaintEffect,
    Toleration,
    TolerationOperator,
)
from slides_api.v1alpha1.source import Source, SourceOptions
from slides_api.v1alpha1.status import (
    AttemptRecord,
    Attempts,
    Download,
    OperatorStatus,
    Phase,
    Result,
    Run,
    RunnerStatus,
    SlideExtractionStatus,
    Video,
)
from slides_api.v1alpha1.storage import Claim, EmptyDir, S3Storage, Storage, WorkVolume

__all__ = [
    "ApiModel",
    "AttemptRecord",
    "Attempts",
    "BatchCounts",
    "BatchItem",
    "BatchItemStatus",
    "BatchTemplate",
    "Callback",
    "CallbackStatus",
    "Claim",
    "Condition",
    "ConditionStatus",
    "DeletionPolicy",
    "Document",
    "Download",
    "EmptyDir",
    "Fraction",
    "ImageFormat",
    "LocalReference",
    "OperatorStatus",
    "Outputs",
    "Phase",
    "PodMetadata",
    "PodTemplate",
    "Region",
    "Resources",
    "Result",
    "Retry",
    "Run",
    "RunPolicy",
    "RunnerStatus",
    "S3Storage",
    "Sensitivity",
    "SlideExtractionBatchSpec",
    "SlideExtractionBatchStatus",
    "SlideExtractionSpec",
    "SlideExtractionStatus",
    "SlideImage",
    "SlidesOutput",
    "Source",
    "SourceOptions",
    "StatusModel",
    "Storage",
    "TaintEffect",
    "Toleration",
    "TolerationOperator",
    "Video",
    "WorkSpec",
    "WorkVolume",
]
