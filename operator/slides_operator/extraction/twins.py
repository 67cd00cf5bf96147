"""Who else has outputs, or is making them, where those of an extraction are that is deleted.

Where exactly that is, is the runner's to know: the bucket may come from the namespace's ConfigMap.
So whoever may share the place counts.
"""

from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from slides_api.names import storage_prefix
from slides_api.v1alpha1 import WorkSpec
from slides_operator.extraction.objects import Json
from slides_operator.extraction.observe import Observation

MANIFEST_NAME = "manifest.json"
PLACE = ("endpoint", "bucket", "prefix")
"""What tells two places in S3 apart, where both specs name it."""


def manifests_at_stake(seen: Observation) -> Iterator[str]:
    """Yield the manifests whose folders a Job would delete, as far as the operator knows them.

    Of an attempt that left no result, that is the end of the URI: the bucket is the runner's.
    """
    if uri := (seen.status.get("result") or {}).get("manifestURI"):
        yield uri
    if seen.spec is not None and (key := video_at_stake(seen)):
        yield f"{storage_prefix(key, seen.spec.outputs)}{MANIFEST_NAME}"


def video_at_stake(seen: Observation) -> str:
    """Return the key of its video; empty while none is known."""
    return (seen.status.get("video") or {}).get("key") or ""


def find_twins(seen: Observation, at_work: Iterable[Json]) -> tuple[str, ...]:
    """Return the names of those that may be writing where this one's outputs are.

    `at_work` are the extractions whose runners work on the same video.
    """
    if seen.spec is None:
        return ()
    return tuple(
        f"{one['metadata']['namespace']}/{one['metadata']['name']}"
        for one in at_work
        if one["metadata"]["uid"] != seen.uid and _may_share(seen.spec, one["spec"])
    )


def _may_share(one: WorkSpec, raw: Json) -> bool:
    try:
        other = WorkSpec.model_validate(raw, extra="ignore")
    except ValidationError:
        return False  # no runner works on what cannot be read
    if storage_prefix("", one.outputs) != storage_prefix("", other.outputs):
        return False
    pairs = [(_place(one).get(name), _place(other).get(name)) for name in PLACE]
    return all(mine == its for mine, its in pairs if mine and its)


def _place(spec: WorkSpec) -> Json:
    return spec.storage.s3.to_wire() if spec.storage else {}
