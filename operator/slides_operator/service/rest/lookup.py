"""Jobs by what callers name them: a name, a UID or a video's id."""

from slides_operator.kube.cache import Kind
from slides_operator.service.problems import ProblemError
from slides_operator.service.records import Record
from slides_operator.service.routes import Call

EXTRACTION_ALONE = (Kind.EXTRACTION,)
EXTRACTION_FIRST = (Kind.EXTRACTION, Kind.BATCH)
BATCH_FIRST = (Kind.BATCH, Kind.EXTRACTION)


async def find_job(call: Call, wanted: str, kinds: tuple[Kind, ...] = EXTRACTION_FIRST) -> Record:
    """Return a job of the first of these kinds that has it.

    Raises ProblemError 403 for who may read none of them, whether it is there or not, and 404.
    """
    refusals = []
    for kind in kinds:
        try:
            await call.allow("get", kind)
        except ProblemError as e:
            refusals.append(e)
            continue
        if record := call.service.store.get(kind, call.namespace, wanted):
            return record
    if len(refusals) == len(kinds):
        raise refusals[0]
    raise ProblemError(404, f"Job not found: {wanted}")
