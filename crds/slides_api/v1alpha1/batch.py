"""SlideExtractionBatch: one SlideExtraction for each of many videos."""

from typing import Annotated

from pydantic import ConfigDict, Field

from slides_api.v1alpha1.base import (
    ApiModel,
    Count,
    Seconds,
    StatusModel,
    Timestamp,
    list_map,
    rule,
    rules,
)
from slides_api.v1alpha1.callback import Callback, CallbackStatus
from slides_api.v1alpha1.conditions import Condition, ReasonText
from slides_api.v1alpha1.extraction import RunPolicy, SlideExtractionSpec
from slides_api.v1alpha1.outputs import Outputs, SlidesOutput
from slides_api.v1alpha1.source import SOURCE_URL, SourceOptions
from slides_api.v1alpha1.status import Address, KnownPhase, Name
from slides_api.v1alpha1.storage import Storage

MOST_ITEMS = 1000
"""Items of a batch: their rows of status stay well below what etcd takes as one object."""
LONGEST_ITEM_NAME = 63
LONGEST_ITEM_URL = 2048
"""Half of a single extraction's: a thousand of them have to fit in one object."""

ItemName = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_ITEM_NAME, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"),
]


class BatchItem(ApiModel):
    """One video."""

    name: ItemName
    """Name of the item within the batch; part of its SlideExtraction's name."""
    url: Annotated[str, Field(min_length=1, max_length=LONGEST_ITEM_URL, pattern=SOURCE_URL)]
    """http(s) URL, s3://bucket/key, youtube:ID or instagram:CODE."""


class BatchTemplate(RunPolicy):
    """The spec of each item's SlideExtraction, apart from its URL."""

    source: SourceOptions = SourceOptions()
    """How the videos are fetched."""
    outputs: Outputs = Outputs(slides=SlidesOutput())
    """What to make of each video, by default its slides."""
    storage: Storage | None = None
    """Where outputs go, by default where the namespace's ConfigMap says."""
    force: bool = False
    """Do the work even if the same output already exists."""


class SlideExtractionBatchSpec(ApiModel):
    """What is wanted."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.items == oldSelf.items",
                "spec.items is immutable: create another SlideExtractionBatch for other videos",
                ".items",
            ),
            rule(
                "self.template == oldSelf.template",
                "spec.template is immutable: edit the SlideExtraction of an item, or create "
                "another SlideExtractionBatch",
                ".template",
            ),
            rule(
                "!oldSelf.cancel || self.cancel",
                "spec.cancel cannot be taken back: create another SlideExtractionBatch instead",
                ".cancel",
            ),
        )
    )

    items: Annotated[
        tuple[BatchItem, ...],
        Field(min_length=1, max_length=MOST_ITEMS, json_schema_extra=list_map("name")),
    ]
    """The videos, each under a name of its own; immutable."""
    template: BatchTemplate = BatchTemplate()
    """The spec of each item's SlideExtraction, apart from its URL; immutable."""
    parallelism: Annotated[int, Field(ge=1, le=MOST_ITEMS)] | None = None
    """Items that may be worked on at once; by default all."""
    suspend: bool = False
    """Suspend the items that run and start no other until this is false again."""
    cancel: bool = False
    """Cancel every item that has not ended; once true it stays true."""
    ttl_seconds_after_finished: Seconds | None = None
    """Delete this batch and its SlideExtractions so long after it finished; by default never."""
    callback: Callback | None = None
    """Where the end of the whole batch is told; each item's own is in the template."""

    def extraction_spec(self, item: BatchItem) -> SlideExtractionSpec:
        """Return the spec of an item's SlideExtraction."""
        template = self.template.model_dump(exclude_unset=True)
        source = {"url": item.url, **template.pop("source", {})}
        return SlideExtractionSpec.model_validate(
            template | {"source": source, "suspend": self.suspend}
        )


class BatchCounts(StatusModel):
    """How many items are where."""

    total: Count = 0
    """All items."""
    pending: Count = 0
    """Not begun, waiting for another attempt, or suspended."""
    running: Count = 0
    """Worked on."""
    completed: Count = 0
    """Ended well."""
    failed: Count = 0
    """Failed for good."""
    cancelled: Count = 0
    """Cancelled."""


class BatchItemStatus(StatusModel):
    """How one item is."""

    name: ItemName
    """Name of the item."""
    extraction: Name | None = None
    """Name of its SlideExtraction, once there is one."""
    phase: KnownPhase = None
    """The SlideExtraction's phase."""
    reason: ReasonText | None = None
    """The reason of the SlideExtraction's condition Succeeded."""
    slide_count: Count | None = None
    """Slides that were found."""
    manifest_uri: Address | None = Field(default=None, alias="manifestURI")
    """Where its manifest.json lies."""


class SlideExtractionBatchStatus(StatusModel):
    """What is so far; written by the operator alone."""

    observed_generation: Count | None = None
    """The metadata.generation that this status is about."""
    phase: KnownPhase = None
    """The state in one word, for columns; programs read the conditions."""
    conditions: Annotated[
        tuple[Condition, ...], Field(max_length=16, json_schema_extra=list_map("type"))
    ] = ()
    """Succeeded, which `kubectl wait` waits for, and what led to it."""
    start_time: Timestamp | None = None
    """When the first item was started."""
    completion_time: Timestamp | None = None
    """When the last item ended; absent until then."""
    counts: BatchCounts | None = None
    """How many items are where."""
    items: Annotated[
        tuple[BatchItemStatus, ...],
        Field(max_length=MOST_ITEMS, json_schema_extra=list_map("name")),
    ] = ()
    """One row for each item."""
    callback: CallbackStatus | None = None
    """How the telling of the end goes, where spec.callback asks for it."""
