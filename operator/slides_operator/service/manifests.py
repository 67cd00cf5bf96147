"""Manifests of finished talks, kept while somebody looks at them."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from slides_api.manifest import Image, Manifest
from slides_operator.service.gateway import Gateway
from slides_operator.service.outputs import Outputs, Place, stays_within
from slides_operator.service.problems import ProblemError
from slides_operator.service.recent import Recent
from slides_operator.service.records import Record

KEPT = 64
"""Chosen: a list's page and what is opened from it; a manifest takes some 100 kB."""
KEPT_S = 300.0
"""Chosen: so long a forced replacement may go unseen."""
MANIFEST = "manifest.json"
NO_FILE = "The talk has no such file."


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished talk: where its outputs lie, and what they are."""

    place: Place
    manifest: Manifest

    def media_type(self, key: str) -> str:
        """Return what a file is. Raises ProblemError 404 for what the manifest does not name."""
        if key == MANIFEST:
            return "application/json"
        if not stays_within(key):
            raise ProblemError(404, NO_FILE)
        known = {image.key: image.media_type for image in self._images()}
        known |= {artifact.key: artifact.media_type for artifact in self.manifest.artifacts}
        if key not in known:
            raise ProblemError(404, NO_FILE)
        return known[key]

    def size_bytes(self, key: str) -> int:
        """Return how large an artifact is; 0 for anything else."""
        return next((one.bytes for one in self.manifest.artifacts if one.key == key), 0)

    def _images(self) -> Iterator[Image]:
        for slide in self.manifest.slides:
            yield slide.image
            yield from (step.image for step in slide.builds if step.image)


class Manifests:
    """Reads manifests, each once in a while."""

    def __init__(self, gateway: Gateway, outputs: Outputs) -> None:
        self._gateway = gateway
        self._outputs = outputs
        self._recent: Recent[Finished] = Recent(size=KEPT)

    async def of(self, record: Record) -> Finished:
        """Return what became of a finished talk. Raises ProblemError, ApiError."""

        async def ask() -> tuple[Finished, float]:
            return await self._read(record), KEPT_S

        return await self._recent.get((record.uid, record.manifest_uri), ask)

    async def _read(self, record: Record) -> Finished:
        resource = await self._gateway.get(record.kind, record.namespace, record.name)
        if resource["metadata"]["uid"] != record.uid:
            raise ProblemError(404, f"Job not found: {record.uid}")
        place = self._outputs.place(resource)
        content = await self._outputs.read(place, MANIFEST)
        return Finished(place, await asyncio.to_thread(parse, content))


def parse(content: bytes) -> Manifest:
    """Return a manifest; what only a newer version knows is passed over. Raises ProblemError."""
    try:
        manifest = Manifest.model_validate_json(content, extra="ignore")
    except ValidationError as e:
        raise ProblemError(502, "The manifest is none that this version can read.") from e
    return manifest
