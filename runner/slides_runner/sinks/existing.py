"""What an output that already lies at a place means for the extraction that wants to go there."""

import json
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from slides_runner.errors import OutputConflictError
from slides_runner.sinks import StoredManifest


class _Recorded(BaseModel):
    """The few fields that tell outputs apart; other versions of the format have them too."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore")


class _RecordedSource(_Recorded):
    key: str


class _RecordedRun(_Recorded):
    source: _RecordedSource
    options_hash: str


def is_complete(
    stored: StoredManifest | None, *, video_key: str, options_hash: str, place: str, force: bool
) -> bool:
    """Return whether this very output is there already, so that nothing is left to do.

    With `force` the same talk is made again, also with other options. Another talk's output is
    never replaced. Raises OutputConflictError.
    """
    if stored is None:
        return False
    recorded = _parse(stored, place)
    if recorded.source.key != video_key:
        raise OutputConflictError(
            f"{place} holds the output of another talk ({recorded.source.key}).",
            hint="Choose another --output, or delete that output first.",
        )
    if recorded.options_hash != options_hash and not force:
        raise OutputConflictError(
            f"{place} holds the output of this talk made with other options.",
            hint="Choose another --output, or replace it with --force.",
        )
    return not force


def _parse(stored: StoredManifest, place: str) -> _RecordedRun:
    try:
        return _RecordedRun.model_validate_json(stored.content)
    except ValidationError as e:
        raise OutputConflictError(
            f"{place} holds a manifest.json that no extraction wrote.",
            hint="Choose another --output; nothing there was touched.",
        ) from e


def named_keys(manifest: bytes) -> frozenset[str]:
    """Return every key that a manifest names, except any that leads out of its prefix.

    A manifest can have been edited by anyone, and what it names may be deleted.
    """
    try:
        recorded = json.loads(manifest)
    except ValueError:
        return frozenset()
    return frozenset(key for key in _keys_in(recorded) if _stays_within(key))


def _keys_in(recorded: object) -> Iterator[str]:
    if not isinstance(recorded, dict):
        return
    slides = _objects(recorded.get("slides"))
    builds = (build for slide in slides for build in _objects(slide.get("builds")))
    images = (owner.get("image") for owner in (*slides, *builds))
    for file in (*_objects(list(images)), *_objects(recorded.get("artifacts"))):
        if isinstance(key := file.get("key"), str):
            yield key


def _objects(value: object) -> list[dict[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _stays_within(key: str) -> bool:
    parts = key.split("/")
    return not any(part in {"", ".", ".."} for part in parts) and "\\" not in key
