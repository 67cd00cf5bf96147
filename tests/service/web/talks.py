"""Talks as runners leave them: the sample's real outputs, and statuses of every kind."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from slides_api.manifest import Manifest
from slides_api.names import storage_prefix
from slides_api.v1alpha1 import Outputs, SlidesOutput
from slides_operator.extraction.objects import format_time
from tests.s3_server import S3Server
from tests.service.conftest import RunningService
from tests.service.objects import PHASES

OPTIONS = Outputs(slides=SlidesOutput())
CHAPTERS = [
    {"start": 0.0, "end": 16.2, "title": "Opening"},
    {"start": 16.2, "end": 47.1, "title": "Why it can be quick"},
    {"start": 47.1, "end": 130.0, "title": "Four steps, and what is no new slide"},
    {"start": 130.0, "title": "One command"},
]
"""Some of the sample's own, as a site tells them."""
TOOK = timedelta(seconds=100)


@dataclass(frozen=True)
class Sample:
    """The outputs of the sample talk."""

    folder: Path

    @cached_property
    def manifest(self) -> Manifest:
        """What was found in it."""
        return Manifest.model_validate_json((self.folder / "manifest.json").read_bytes())

    def store(self, s3: S3Server, bucket: str, *, key: str, slides: slice = slice(None)) -> str:
        """Store the outputs of a talk that has these slides of the sample; return its manifest."""
        prefix = storage_prefix(key, OPTIONS)
        document = json.loads((self.folder / "manifest.json").read_bytes())
        document["source"] |= {"key": key, "chapters": CHAPTERS}
        kept = document["slides"][slides]
        document["slides"] = [{**slide, "index": n} for n, slide in enumerate(kept, start=1)]
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            if path.is_file() and name != "manifest.json":
                s3.put(bucket, prefix + name, path.read_bytes())
        s3.put(bucket, f"{prefix}manifest.json", json.dumps(document).encode())
        return f"s3://{bucket}/{prefix}manifest.json"


@dataclass(frozen=True)
class Stage:
    """Makes talks of every state in a running service."""

    service: RunningService
    s3: S3Server
    bucket: str
    sample: Sample

    async def waiting(self, name: str, url: str, **status: Any) -> dict[str, Any]:
        """A talk that no runner has seen."""
        made = await self.service.create({"source": {"url": url}}, name=name)
        if status:
            await self.service.set_status(name, status)
        return made

    async def running(
        self, name: str, url: str, title: str, *, phase: str = "Extracting", **run: Any
    ) -> dict[str, Any]:
        """A talk that is worked on."""
        made = await self.service.create({"source": {"url": url}}, name=name)
        await self.report(name, title, phase=phase, **run)
        return made

    async def report(
        self, name: str, title: str, *, phase: str = "Extracting", asked: str = "", **run: Any
    ) -> None:
        """Say how far a talk is; `asked` is the retry that was obeyed."""
        await self.service.set_status(
            name,
            {
                "phase": phase,
                "conditions": [_condition(phase)],
                "startTime": _begun()["startedAt"],
                "attempts": {"current": 1, "counted": 0, "history": [_begun()]},
                "video": {"title": title, "durationSeconds": 2538.0, "width": 1920, "height": 1080},
                "run": {"attempt": 1, "stage": phase, **run},
                **({"lastRetryAt": asked} if asked else {}),
            },
        )

    async def finish(
        self, name: str, title: str, *, slides: slice = slice(None), uri: str = ""
    ) -> None:
        """Say that a talk is finished, and store its outputs."""
        key = f"url-{name}"
        uri = uri or self.sample.store(self.s3, self.bucket, key=key, slides=slides)
        count = len(self.sample.manifest.slides[slides])
        attempt = _ended(reason="Completed")
        await self.service.set_status(
            name,
            {
                "phase": "Completed",
                "conditions": [_condition("Completed", message=f"{count} slides.")],
                "startTime": attempt["startedAt"],
                "completionTime": attempt["finishedAt"],
                "attempts": {"current": 1, "history": [attempt]},
                "video": {
                    "key": key,
                    "title": title,
                    "durationSeconds": self.sample.manifest.video.duration_seconds,
                    "width": 1280,
                    "height": 720,
                },
                "result": {
                    "manifestURI": uri,
                    "slideCount": count,
                    "sha256": "0" * 64,
                    "bytes": 1_234_567,
                },
            },
        )

    async def finished(
        self, name: str, url: str, title: str, *, slides: slice = slice(None)
    ) -> dict[str, Any]:
        """A talk whose slides are there."""
        made = await self.service.create({"source": {"url": url}}, name=name)
        await self.finish(name, title, slides=slides)
        return made

    async def failed(
        self, name: str, url: str, title: str, *, reason: str, message: str
    ) -> dict[str, Any]:
        """A talk of which nothing becomes."""
        made = await self.service.create({"source": {"url": url}}, name=name)
        await self.fail(name, title, reason=reason, message=message)
        return made

    async def fail(
        self, name: str, title: str, *, reason: str, message: str, asked: str = ""
    ) -> None:
        """Say that nothing becomes of a talk; `asked` is the retry that was obeyed."""
        attempt = _ended(reason=reason, message=message, exitCode=65)
        await self.service.set_status(
            name,
            {
                "phase": "Failed",
                "conditions": [_condition("Failed", reason=reason, message=message)],
                "startTime": attempt["startedAt"],
                "completionTime": attempt["finishedAt"],
                "attempts": {"current": 1, "counted": 1, "history": [attempt]},
                "video": {"title": title} if title else {},
                **({"lastRetryAt": asked} if asked else {}),
            },
        )

    def href(self, made: dict[str, Any], part: str = "") -> str:
        """Return the address of a talk's page."""
        return f"{self.service.url}/ui/talks/{made['metadata']['uid']}{part}"


def _begun() -> dict[str, Any]:
    started = format_time(datetime.now(UTC).replace(microsecond=0))
    return {"attempt": 1, "job": "talk-1", "startedAt": started, "node": "node-a"}


def _ended(**how: Any) -> dict[str, Any]:
    finished = format_time((datetime.now(UTC) + TOOK).replace(microsecond=0))
    return {**_begun(), "finishedAt": finished, **how}


def _condition(phase: str, **said: str) -> dict[str, Any]:
    return {**PHASES[phase], "lastTransitionTime": _begun()["startedAt"], **said}
