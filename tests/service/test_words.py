"""The seeds' words for a state."""

import pytest

from slides_api.v1alpha1 import Phase
from slides_operator.service.records import Counts
from slides_operator.service.words import (
    phase_of,
    phases_003,
    seed001_item,
    seed001_job,
    seed002,
    seed003,
    seed004_job,
    seed004_url,
)


@pytest.mark.parametrize(
    ("phase", "want"),
    [
        ("Pending", ("pending", "waiting", "pending", "pending")),
        ("Suspended", ("pending", "waiting", "pending", "pending")),
        ("Queued", ("pending", "waiting", "queued", "pending")),
        ("Downloading", ("downloading", "processing", "processing", "pending")),
        ("Extracting", ("extracting", "processing", "processing", "pending")),
        ("Uploading", ("uploading", "processing", "processing", "pending")),
        ("Completed", ("completed", "success", "completed", "completed")),
        ("Failed", ("failed", "failed", "failed", "failed")),
        ("Cancelled", ("failed", "failed", "cancelled", "failed")),
    ],
)
def test_each_phase_has_a_word_in_each_seed(phase: str, want: tuple[str, ...]) -> None:
    known = Phase(phase)

    assert (seed002(known), seed001_item(known), seed003(known), seed004_url(known)) == want


def counts(pending: int, running: int, completed: int, failed: int, cancelled: int) -> Counts:
    total = pending + running + completed + failed + cancelled
    return Counts(total, pending, running, completed, failed, cancelled)


@pytest.mark.parametrize(
    ("items", "job001", "job004"),
    [
        pytest.param(counts(2, 0, 0, 0, 0), "pending", "pending", id="all wait"),
        pytest.param(counts(1, 1, 0, 0, 0), "running", "processing", id="one works"),
        pytest.param(counts(1, 0, 1, 0, 0), "running", "processing", id="one ended"),
        pytest.param(counts(0, 0, 2, 0, 0), "completed", "completed", id="all completed"),
        pytest.param(counts(0, 0, 1, 1, 0), "completed", "completed", id="one failed"),
        pytest.param(counts(0, 0, 0, 2, 0), "failed", "failed", id="all failed"),
        pytest.param(counts(0, 0, 0, 1, 1), "failed", "failed", id="none completed"),
        pytest.param(counts(0, 0, 0, 0, 2), "failed", "cancelled", id="all cancelled"),
        pytest.param(counts(0, 0, 0, 0, 0), "pending", "pending", id="no item counted yet"),
    ],
)
def test_items_make_a_job(items: Counts, job001: str, job004: str) -> None:
    assert (seed001_job(items), seed004_job(items)) == (job001, job004)
    assert isinstance(phase_of(items), Phase)


def test_words_lead_back_to_phases() -> None:
    assert phases_003("pending") == {Phase.PENDING, Phase.SUSPENDED}
    assert phases_003("queued") == {Phase.QUEUED}
    assert phases_003("dreaming") == frozenset()
