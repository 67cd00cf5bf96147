"""Seed 003's jobs: each is a SlideExtraction, under the names that seed's clients know."""

import asyncio
from dataclasses import replace

import structlog
from aiohttp import web

from slides_api.wellknown import PRIORITY
from slides_operator.errors import ApiError
from slides_operator.extraction.objects import Json
from slides_operator.kube.quickjson import from_json
from slides_operator.service.outputs import keys_of
from slides_operator.service.problems import MEDIA_TYPE as PROBLEM
from slides_operator.service.problems import ProblemError
from slides_operator.service.records import Record
from slides_operator.service.rest.job_actions import (
    EXTRACTION,
    cancel_job,
    delete_job,
    find_job,
    look_at,
    retry_job,
)
from slides_operator.service.rest.job_models import (
    Cancelled,
    CancelRequest,
    Job,
    JobDetail,
    JobOptions,
    JobPage,
    JobRequest,
    JobsQuery,
    JobsSort,
    JobType,
    NewJob,
    RetryRequest,
)
from slides_operator.service.rest.job_view import build_page, job_fields
from slides_operator.service.routes import Access, Call, Route, answer
from slides_operator.service.submissions import build_extraction, read_key, submit
from slides_operator.service.words import phases_003

PREFIX = "/api/v1/jobs"
TAG = "Jobs"
BY_CALLER = "Cancelled by user"
"""Standard: seed 003's reason where the caller gives none."""
MANIFEST = "manifest.json"
MANIFEST_WITHIN_S = 5.0
"""Chosen: who asks how a job is does not wait longer for a store that does not answer."""
SLIDE_FIELDS = {
    "sensitivity": "sensitivity",
    "min_duration": "minDurationSeconds",
    "region": "region",
    "documents": "documents",
}
IMAGE_FIELDS = {"image_format": "format", "quality": "quality"}
SOURCE_FIELDS = {"max_height": "maxHeight"}
USED = frozenset({*SLIDE_FIELDS, *IMAGE_FIELDS, *SOURCE_FIELDS})
"""Options that slide_extraction has a use for."""

log = structlog.get_logger("slides_operator.service")


async def create(call: Call) -> web.Response:
    """Create a job, or join the one that does the same already."""
    wanted: JobRequest = call.body
    if wanted.job_type is not JobType.SLIDE_EXTRACTION:
        raise ProblemError(
            501,
            f"job_type {wanted.job_type} is not available: this version finds slides, "
            "it makes no audio, transcripts, analyses or clips yet. Use slide_extraction.",
        )
    made, joined = await submit(call, build_job(wanted), key=read_key(call))
    record = call.service.feed.note(made)
    job = NewJob(**job_fields(record), warnings=tuple(find_warnings(wanted, joined=joined)))
    return answer(job, 201, headers={"Location": f"{PREFIX}/{record.uid}"})


def build_job(wanted: JobRequest) -> Json:
    """Return the SlideExtraction that a request asks for, without a name."""
    given = (wanted.options or JobOptions()).model_dump(mode="json", exclude_none=True)
    slides = _renamed(given, SLIDE_FIELDS)
    if image := _renamed(given, IMAGE_FIELDS):
        slides["image"] = image
    resource = build_extraction(
        wanted.youtube_url,
        outputs={"slides": slides},
        force=wanted.force,
        job_type=wanted.job_type,
    )
    resource["spec"]["source"].update(_renamed(given, SOURCE_FIELDS))
    if wanted.priority:
        resource["metadata"]["annotations"] = {PRIORITY: str(wanted.priority)}
    return resource


def _renamed(given: Json, fields: dict[str, str]) -> Json:
    return {field: given[option] for option, field in fields.items() if option in given}


def find_warnings(wanted: JobRequest, *, joined: bool) -> list[str]:
    """Return what of a request has no effect."""
    warnings = []
    if joined:
        warnings.append(
            "An equal job exists already, and this is that one: "
            'send "force": true to have the work done once more.'
        )
    if wanted.priority:
        warnings.append("priority is kept, but has no effect: jobs do not wait for each other.")
    options = wanted.options or JobOptions()
    for name in options.model_fields_set:
        if name in (options.model_extra or {}):
            warnings.append(f"options.{name} is not known, and has no effect.")
        elif name not in USED:
            warnings.append(f"options.{name} has no effect on job_type {wanted.job_type}.")
    return sorted(warnings)


async def list_jobs(call: Call) -> web.Response:
    """List jobs, page by page."""
    await call.allow("list")
    query: JobsQuery = call.query
    page = call.service.store.list(
        EXTRACTION,
        namespaces=(call.namespace,),
        phases=phases_003(query.status_filter) if query.status_filter else None,
        job_type=query.job_type,
        search=query.search or "",
        newest_first=query.sort is JobsSort.NEWEST,
        offset=query.offset,
        limit=query.limit,
    )
    return answer(
        build_page(page.records, total=page.total, offset=query.offset, limit=query.limit)
    )


async def get(call: Call) -> web.Response:
    """Return a job with what was made."""
    await call.allow("get")
    record = find_job(call, call.path("id"))
    return answer(JobDetail(**job_fields(record), output_files=await _find_files(call, record)))


async def _find_files(call: Call, record: Record) -> tuple[str, ...] | None:
    """Return where the files lie: the manifest alone where the service cannot read it."""
    uri = record.manifest_uri
    if not uri:
        return None
    try:
        async with asyncio.timeout(MANIFEST_WITHIN_S):
            manifest = await _read_manifest(call, record)
    except (ProblemError, ApiError, TimeoutError, ValueError) as e:
        log.info("files cannot be listed", job=record.name, error=str(e) or "timeout")
        return (uri,)
    return uri, *(uri.removesuffix(MANIFEST) + key for key in keys_of(manifest))


async def _read_manifest(call: Call, record: Record) -> Json:
    resource = await look_at(call, record)
    outputs = call.service.outputs
    content = await outputs.read(outputs.place(resource), MANIFEST)
    manifest = await asyncio.to_thread(from_json, content)
    return manifest if isinstance(manifest, dict) else {}


async def delete(call: Call) -> web.Response:
    """Delete a job that has ended."""
    await call.allow("delete")
    await delete_job(call, call.path("id"))
    return web.Response(status=204)


async def cancel(call: Call) -> web.Response:
    """Cancel a job that has not ended."""
    await call.allow("patch")
    wanted: CancelRequest = call.body
    reason = wanted.reason or BY_CALLER
    record = await cancel_job(call, call.path("id"), reason)
    return answer(Cancelled(message=f"Job {record.uid} has been cancelled", reason=reason))


async def retry(call: Call) -> web.Response:
    """Retry a failed job."""
    await call.allow("patch")
    wanted: RetryRequest = call.body
    record = await retry_job(call, call.path("id"), force=wanted.force)
    return answer(Job(**job_fields(record)))


def at_both(route: Route) -> tuple[Route, Route]:
    """Return a route with and without a slash at the end of its path: clients send both."""
    return route, replace(route, path=f"{route.path}/")


ROUTES: tuple[Route, ...] = (
    *at_both(
        Route(
            method="POST",
            path=PREFIX,
            handler=create,
            summary="Create a job, or join the equal one that runs",
            tag=TAG,
            access=Access.SUBMIT,
            body=JobRequest,
            answers={201: NewJob, 400: PROBLEM, 501: PROBLEM},
        )
    ),
    *at_both(
        Route(
            method="GET",
            path=PREFIX,
            handler=list_jobs,
            summary="List jobs",
            tag=TAG,
            access=Access.READ,
            query=JobsQuery,
            answers={200: JobPage},
        )
    ),
    *at_both(
        Route(
            method="GET",
            path=f"{PREFIX}/{{id}}",
            handler=get,
            summary="Get a job with what was made",
            tag=TAG,
            access=Access.READ,
            answers={200: JobDetail, 404: PROBLEM},
        )
    ),
    *at_both(
        Route(
            method="DELETE",
            path=f"{PREFIX}/{{id}}",
            handler=delete,
            summary="Delete a job that has ended",
            tag=TAG,
            access=Access.WRITE,
            answers={204: None, 400: PROBLEM, 404: PROBLEM, 409: PROBLEM},
        )
    ),
    *at_both(
        Route(
            method="POST",
            path=f"{PREFIX}/{{id}}/cancel",
            handler=cancel,
            summary="Cancel a job that has not ended",
            tag=TAG,
            access=Access.WRITE,
            body=CancelRequest,
            answers={200: Cancelled, 400: PROBLEM, 404: PROBLEM, 409: PROBLEM},
        )
    ),
    *at_both(
        Route(
            method="POST",
            path=f"{PREFIX}/{{id}}/retry",
            handler=retry,
            summary="Retry a failed job",
            tag=TAG,
            access=Access.WRITE,
            body=RetryRequest,
            answers={200: Job, 400: PROBLEM, 404: PROBLEM, 409: PROBLEM},
        )
    ),
)
