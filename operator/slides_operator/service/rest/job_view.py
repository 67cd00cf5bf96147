"""Jobs as seed 003's interface shows them."""

from collections.abc import Iterable
from typing import Any

from slides_operator.service.records import Record
from slides_operator.service.rest.job_models import Job, JobPage, JobStatus
from slides_operator.service.words import seed003


def job_fields(record: Record) -> dict[str, Any]:
    """Return the fields that every answer about a job has."""
    return {
        "id": record.uid,
        "youtube_url": record.url,
        "job_type": record.job_type,
        "status": JobStatus(seed003(record.phase)),
        "progress": float(record.percent),
        "priority": record.priority,
        "created_at": record.created,
        "updated_at": record.updated,
        "started_at": record.started or None,
        "completed_at": record.completed or None,
        "error_message": record.error or None,
        "retry_count": record.retry_count,
        "video_title": record.title or None,
        "video_duration": record.duration_s,
    }


def build_page(records: Iterable[Record], *, total: int, offset: int, limit: int) -> JobPage:
    """Return a page of the list; pages are counted from 1."""
    return JobPage(
        jobs=tuple(Job(**job_fields(record)) for record in records),
        total=total,
        page=offset // limit + 1,
        per_page=limit,
        pages=-(-total // limit),
    )
