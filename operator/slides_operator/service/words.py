"""The seeds' words for a state: each of their clients knows a few of its own."""

from typing import Literal

from slides_api.v1alpha1 import Phase
from slides_operator.service.records import Counts

Word002 = Literal["pending", "downloading", "extracting", "uploading", "completed", "failed"]
JobWord001 = Literal["pending", "running", "completed", "failed"]
ItemWord001 = Literal["waiting", "processing", "success", "failed"]
Word003 = Literal["pending", "queued", "processing", "completed", "failed", "cancelled"]
JobWord004 = Literal["pending", "processing", "completed", "failed", "cancelled"]
UrlWord004 = Literal["pending", "completed", "failed"]

_WORDS: dict[Phase, tuple[Word002, JobWord001, ItemWord001, Word003, JobWord004, UrlWord004]] = {
    Phase.PENDING: ("pending", "pending", "waiting", "pending", "pending", "pending"),
    Phase.SUSPENDED: ("pending", "pending", "waiting", "pending", "pending", "pending"),
    Phase.QUEUED: ("pending", "pending", "waiting", "queued", "pending", "pending"),
    Phase.DOWNLOADING: (
        "downloading", "running", "processing", "processing", "processing", "pending",
    ),
    Phase.EXTRACTING: (
        "extracting", "running", "processing", "processing", "processing", "pending",
    ),
    Phase.UPLOADING: (
        "uploading", "running", "processing", "processing", "processing", "pending",
    ),
    Phase.COMPLETED: (
        "completed", "completed", "success", "completed", "completed", "completed",
    ),
    Phase.FAILED: ("failed", "failed", "failed", "failed", "failed", "failed"),
    Phase.CANCELLED: ("failed", "failed", "failed", "cancelled", "cancelled", "failed"),
}  # fmt: skip


def seed002(phase: Phase) -> Word002:
    """Return the status of a job state."""
    return _WORDS[phase][0]


def seed001_item(phase: Phase) -> ItemWord001:
    """Return the status of an item."""
    return _WORDS[phase][2]


def seed003(phase: Phase) -> Word003:
    """Return the status of a job."""
    return _WORDS[phase][3]


def seed004_url(phase: Phase) -> UrlWord004:
    """Return the status of one URL's transcript."""
    return _WORDS[phase][5]


def phase_of(counts: Counts) -> Phase:
    """Return what several items come to: unfinished while one is, failed only if all are."""
    failed = counts.failed + counts.cancelled
    ended = failed + counts.completed
    if ended < counts.total or not counts.total:
        return Phase.EXTRACTING if counts.running or ended else Phase.PENDING
    if failed == counts.total:
        return Phase.FAILED if counts.failed else Phase.CANCELLED
    return Phase.COMPLETED


def seed001_job(counts: Counts) -> JobWord001:
    """Return the status of a job of several items."""
    return _WORDS[phase_of(counts)][1]


def seed004_job(counts: Counts) -> JobWord004:
    """Return the status of a job of several URLs."""
    return _WORDS[phase_of(counts)][4]


def phases_003(word: str) -> frozenset[Phase]:
    """Return the phases that a status of seed 003 stands for; none for an unknown word."""
    return frozenset(phase for phase, words in _WORDS.items() if words[3] == word)
