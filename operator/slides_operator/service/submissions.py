"""From requests to resources: what is created, under which name, and what is not done twice.

A name says what the work is: who asks twice at the same moment meets the first answer's resource
instead of making another.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from slides_api.v1alpha1 import BatchTemplate, Phase, WorkSpec
from slides_api.v1alpha1.batch import LONGEST_ITEM_NAME
from slides_api.wellknown import (
    API_VERSION,
    CREATED_BY_LABEL,
    CREATED_BY_REST,
    JOB_TYPE_LABEL,
    REQUEST_HASH,
)
from slides_operator.errors import ConflictError, NotFoundError
from slides_operator.extraction.objects import Json, merged
from slides_operator.kube.cache import Kind
from slides_operator.service.problems import ProblemError
from slides_operator.service.records import ENDED, Record
from slides_operator.service.routes import Call
from slides_operator.service.urls import check_urls
from slides_operator.service.videos import canonical_url, find_video

WORK_FIELDS = ("source", "outputs", "storage")
"""The part of a spec that says what the work is; `force` says how eagerly."""
HASH_DIGITS = 16
NAME_DIGITS = 8
LONGEST_SLUG = 40
"""Chosen: as much of a resource's name as its Jobs' names carry."""
LONGEST_KEY = 255
"""Of an Idempotency-Key; chosen, as most services that take one have it."""
LOOKED_AT = 5
"""Resources that seem to do the same work and are read to be sure; chosen: one mostly does."""
TRIES = 5
"""Names tried when others submit the same at the same time; chosen: each try meets another one."""
_NOT_A_NAME = re.compile(r"[^a-z0-9]+")


class Join(StrEnum):
    """Which equal work is taken instead of new."""

    RUNNING = "running"
    """What has not ended."""
    COMPLETED = "completed"
    """That, and what has ended well."""


def build_extraction(
    url: str,
    *,
    outputs: Json | None = None,
    force: bool = False,
    job_type: str = "",
    options: Json | None = None,
) -> Json:
    """Return a SlideExtraction without a name; `options` are further fields of its spec."""
    spec: Json = {"source": {"url": url.strip()}, **(options or {})}
    if outputs is not None:
        spec["outputs"] = outputs
    if force:
        spec["force"] = True
    return _build(Kind.EXTRACTION, spec, job_type)


def build_batch(
    urls: Iterable[str],
    *,
    template: Json | None = None,
    job_type: str = "",
    options: Json | None = None,
) -> Json:
    """Return a SlideExtractionBatch without a name; a video that is named twice is one item."""
    unique: dict[str, str] = {}
    for url in urls:
        unique.setdefault(canonical_url(url), url.strip())
    items = [
        {"name": item_name(number, key), "url": url}
        for number, (key, url) in enumerate(unique.items(), start=1)
    ]
    spec: Json = {"items": items, **(options or {})}
    if template:
        spec["template"] = template
    return _build(Kind.BATCH, spec, job_type)


def _build(kind: Kind, spec: Json, job_type: str) -> Json:
    labels = {CREATED_BY_LABEL: CREATED_BY_REST}
    if job_type:
        labels[JOB_TYPE_LABEL] = job_type
    return {
        "apiVersion": API_VERSION,
        "kind": kind.value,
        "metadata": {"labels": labels},
        "spec": spec,
    }


def item_name(number: int, url: str) -> str:
    """Return the name of a batch's item: its number makes it unique, its video readable."""
    return f"{number:04d}-{slug(url)}"[:LONGEST_ITEM_NAME].rstrip("-")


def slug(url: str) -> str:
    """Return the readable part of a name: the video's id, else the file's name or the host."""
    video = find_video(url)
    if video:
        return _slug(f"{video.platform}-{video.code}")
    parts = urlsplit(url)
    stem = parts.path.rstrip("/").rpartition("/")[2].partition(".")[0]
    return _slug(stem) or _slug(parts.netloc) or "video"


def _slug(text: str) -> str:
    return _NOT_A_NAME.sub("-", text.lower())[:LONGEST_SLUG].strip("-")


def is_forced(spec: Mapping[str, Any]) -> bool:
    """Return whether the work is wanted even if it is done already."""
    template = spec.get("template") or {}
    return bool(spec.get("force") or template.get("force"))


def work_hash(spec: Mapping[str, Any]) -> str:
    """Return hexadecimal digits that differ when other work is asked for.

    Fields that only a newer version knows count, too: they may change the work.
    """
    items: Sequence[Json] | None = spec.get("items")
    if items is None:
        return _digest(_work(spec))
    urls = [canonical_url(item["url"]) for item in items]
    return _digest({"urls": urls, "template": _template(spec.get("template") or {})})


def _work(spec: Mapping[str, Any]) -> Json:
    work = {name: spec[name] for name in WORK_FIELDS if name in spec}
    try:
        work = WorkSpec.model_validate(work).to_wire()
    except ValidationError:
        work = {**work, "source": dict(work["source"])}
    work["source"]["url"] = canonical_url(work["source"]["url"])
    work.pop("force", None)
    return work


def _template(template: Mapping[str, Any]) -> Json:
    work = {name: template[name] for name in WORK_FIELDS if name in template}
    try:
        made = BatchTemplate.model_validate(work).to_wire()
    except ValidationError:
        return work
    return {name: made[name] for name in WORK_FIELDS if name in made}


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]


def request_hash(resource: Json) -> str:
    """Return what tells another request under the same Idempotency-Key from a repeated one."""
    return _digest([resource["spec"], resource["metadata"]["labels"]])


def work_name(resource: Json, *, after: str = "") -> str:
    """Return the name that equal work has; `after` is the UID of such work that has ended."""
    name = f"{_readable(resource)}-{work_hash(resource['spec'])[:NAME_DIGITS]}"
    return f"{name}-{_digest(after)[:NAME_DIGITS]}" if after else name


def keyed_name(resource: Json, *, caller: str, key: str) -> str:
    """Return the name that a request has under its Idempotency-Key, whatever it asks for."""
    prefix = "batch" if resource["kind"] == Kind.BATCH else "video"
    return f"{prefix}-{_digest([caller, key])}"


def fresh_name(resource: Json) -> str:
    """Return a name that nobody has."""
    return f"{work_name(resource)}-{secrets.token_hex(4)}"


def _readable(resource: Json) -> str:
    spec = resource["spec"]
    return slug(spec["source"]["url"]) if "source" in spec else "batch"


def has_ended(resource: Json) -> bool:
    """Return whether nothing more becomes of a resource, or it is about to go."""
    status = resource.get("status") or {}
    spec = resource.get("spec") or {}
    is_going = "deletionTimestamp" in resource["metadata"] or spec.get("cancel") is True
    return is_going or status.get("phase") in ENDED


def may_join(resource: Json, wanted: Json, join: Join) -> bool:
    """Return whether a resource that exists does what is wanted."""
    if work_hash(resource["spec"]) != work_hash(wanted["spec"]):
        return False
    if not has_ended(resource):
        return True
    is_done = (resource.get("status") or {}).get("phase") == Phase.COMPLETED
    return join is Join.COMPLETED and is_done and "deletionTimestamp" not in resource["metadata"]


async def submit(
    call: Call, resource: Json, *, key: str | None = None, join: Join = Join.RUNNING
) -> tuple[Json, bool]:
    """Create a resource, or return the one that does the same work already, and whether it was so.

    `key` is the request's Idempotency-Key. Raises ProblemError and ApiError.
    """
    kind = Kind(resource["kind"])
    await call.allow("create", kind)
    await _check_sources(call, resource["spec"])
    name = keyed_name(resource, caller=call.caller.identity, key=_checked(key)) if key else ""
    if name and (earlier := await _find(call, kind, name)):
        return _same_request(earlier, resource), True
    if not is_forced(resource["spec"]) and (equal := await _find_equal(call, resource, join)):
        await call.allow("get", kind)  # its state is told, and somebody else may have made it
        return equal, True
    if name:
        return await _create_keyed(call, resource, name)
    if is_forced(resource["spec"]):
        return await _create(call, resource, fresh_name(resource)), False
    return await _create_once(call, resource, join)


def read_key(call: Call) -> str | None:
    """Return the request's Idempotency-Key."""
    return call.request.headers.get("Idempotency-Key") or None


def _checked(key: str) -> str:
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise ProblemError(
            400, f"Idempotency-Key must be at most {LONGEST_KEY} printable characters"
        )
    return key


async def _check_sources(call: Call, spec: Json) -> None:
    urls = [spec["source"]["url"]] if "source" in spec else [item["url"] for item in spec["items"]]
    await check_urls(urls, allow_private=call.service.settings.allow_private_addresses)


async def _find(call: Call, kind: Kind, name: str) -> Json | None:
    try:
        return await call.service.gateway.get(kind, call.namespace, name)
    except NotFoundError:
        return None


async def _find_equal(call: Call, resource: Json, join: Join) -> Json | None:
    """Return the newest resource that does the work, whoever made it."""
    for name in _candidates(call, resource, join):
        found = await _find(call, Kind(resource["kind"]), name)
        if found and may_join(found, resource, join):
            return found
    return None


def _candidates(call: Call, resource: Json, join: Join) -> list[str]:
    """Return the names of what may do the work, the newest first."""
    digest, phases = work_hash(resource["spec"]), _phases(join)
    # Of what has ended no spec is kept.
    equal = [
        record.name
        for record in _similar(call, resource, phases)
        if record.phase in phases and (record.spec is None or work_hash(record.spec) == digest)
    ]
    return equal[:LOOKED_AT]


def _phases(join: Join) -> frozenset[Phase]:
    running = frozenset(Phase) - ENDED
    return running | {Phase.COMPLETED} if join is Join.COMPLETED else running


def _similar(call: Call, resource: Json, phases: frozenset[Phase]) -> Sequence[Record]:
    """Return what concerns the same video, or for a batch those that were made here."""
    store, kind = call.service.store, Kind(resource["kind"])
    url = (resource["spec"].get("source") or {}).get("url")
    video = find_video(url) if url else None
    if video:
        return store.of_video(kind, call.namespace, video.code)
    origin = None if url else CREATED_BY_REST
    found = store.list(
        kind, namespaces={call.namespace}, phases=phases, origin=origin, limit=None
    ).records
    wanted = canonical_url(url) if url else ""
    return [one for one in found if one.url.partition("#")[0] == wanted]


async def _create(call: Call, resource: Json, name: str) -> Json:
    body = {**resource, "metadata": {**resource["metadata"], "name": name}}
    return await call.service.gateway.create(Kind(resource["kind"]), call.namespace, body)


async def _create_keyed(call: Call, resource: Json, name: str) -> tuple[Json, bool]:
    annotations = merged(
        resource["metadata"].get("annotations"), {REQUEST_HASH: request_hash(resource)}
    )
    marked = {**resource, "metadata": {**resource["metadata"], "annotations": annotations}}
    try:
        return await _create(call, marked, name), False
    except ConflictError:
        earlier = await call.service.gateway.get(Kind(resource["kind"]), call.namespace, name)
        return _same_request(earlier, resource), True


def _same_request(earlier: Json, resource: Json) -> Json:
    annotations = earlier["metadata"].get("annotations") or {}
    if annotations.get(REQUEST_HASH) == request_hash(resource):
        return earlier
    raise ProblemError(422, "This Idempotency-Key was used for another request")


async def _create_once(call: Call, resource: Json, join: Join) -> tuple[Json, bool]:
    """Create it under the name of its work, unless somebody did so a moment ago."""
    name = work_name(resource)
    for _ in range(TRIES):
        try:
            return await _create(call, resource, name), False
        except ConflictError:
            found = await _find(call, Kind(resource["kind"]), name)
        if found and may_join(found, resource, join):
            await call.allow("get", Kind(resource["kind"]))
            return found, True
        if found:
            name = work_name(resource, after=found["metadata"]["uid"])
    return await _create(call, resource, fresh_name(resource)), False
