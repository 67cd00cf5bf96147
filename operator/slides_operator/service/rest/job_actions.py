"""What seed 003's interface does to one job: find it, cancel it, retry it, delete it."""

from slides_api.v1alpha1 import Phase
from slides_api.wellknown import CANCEL_REASON, RETRIES, RETRY_AT
from slides_operator.errors import NotFoundError
from slides_operator.extraction.objects import Json, format_time
from slides_operator.kube.cache import Kind
from slides_operator.service.problems import ProblemError
from slides_operator.service.records import Record
from slides_operator.service.rest.job_models import MOST_RETRIES
from slides_operator.service.routes import Call
from slides_operator.service.words import seed003

EXTRACTION = Kind.EXTRACTION


def find_job(call: Call, wanted: str) -> Record:
    """Return the job of a UID, a name or a video's id. Raises ProblemError 404."""
    record = call.service.store.get(EXTRACTION, call.namespace, wanted)
    if record is None:
        raise not_found(wanted)
    return record


def not_found(wanted: str) -> ProblemError:
    """Return what is said of an unknown job."""
    return ProblemError(404, f"Job not found: {wanted}")


async def cancel_job(call: Call, wanted: str, reason: str) -> Record:
    """Have a job given up, whether it waits or works. Raises ProblemError."""
    record = await look_again(call, find_job(call, wanted))
    if record.ended:
        raise ProblemError(400, f"Job {record.uid} is {seed003(record.phase)}: nothing to cancel")
    return await give_up(call, record, reason)


async def give_up(call: Call, record: Record, reason: str) -> Record:
    """Have the operator end a job for good."""
    return await _patch(call, record, {CANCEL_REASON: reason}, spec={"cancel": True})


async def retry_job(call: Call, wanted: str, *, force: bool) -> Record:
    """Have a failed job tried once more. Raises ProblemError."""
    record = await look_again(call, find_job(call, wanted))
    if record.phase is not Phase.FAILED:
        raise ProblemError(400, _why_not(record))
    if record.retry_count >= MOST_RETRIES and not force:
        raise ProblemError(
            400,
            f"Job {record.uid} was retried {record.retry_count} times already: "
            'send {"force": true} to retry it all the same',
        )
    annotations = {
        RETRY_AT: format_time(call.service.clock()),
        RETRIES: str(record.retry_count + 1),
    }
    return await _patch(call, record, annotations)


def _why_not(record: Record) -> str:
    word = seed003(record.phase)
    if record.phase is Phase.CANCELLED:
        return f"Job {record.uid} is {word}, and stays so: create another job instead"
    return f"Job {record.uid} is {word}: only failed jobs can be retried"


async def delete_job(call: Call, wanted: str) -> Record:
    """Delete a job that has ended. Raises ProblemError."""
    record = await look_again(call, find_job(call, wanted))
    if not record.ended:
        raise ProblemError(
            400,
            f"Job {record.uid} is {seed003(record.phase)}: cancel it first, "
            "only completed, failed and cancelled jobs can be deleted",
        )
    await call.service.gateway.delete(EXTRACTION, record.namespace, record.name, record.uid)
    return record


async def look_again(call: Call, record: Record) -> Record:
    """Return a job as the API server has it now: what cannot be undone is decided by that."""
    return call.service.feed.note(await look_at(call, record))


async def look_at(call: Call, record: Record) -> Json:
    """Return the resource of a job as the API server has it now. Raises ProblemError 404."""
    try:
        found = await call.service.gateway.get(EXTRACTION, record.namespace, record.name)
    except NotFoundError as e:
        raise not_found(record.uid) from e
    if found["metadata"]["uid"] != record.uid:  # made anew under the same name
        raise not_found(record.uid)
    return found


async def _patch(call: Call, record: Record, annotations: dict[str, str], **parts: Json) -> Record:
    # With the uid in it, a patch can only hit this very resource.
    patch: Json = {"metadata": {"uid": record.uid, "annotations": annotations}, **parts}
    changed = await call.service.gateway.merge_patch(
        EXTRACTION, record.namespace, record.name, patch
    )
    return call.service.feed.note(changed)
