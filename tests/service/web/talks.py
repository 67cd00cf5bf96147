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
from slides_operator.core.objects import format_time
from tests.s3_server import S3Server
from tests.service.conftest import RunningService
from tests.service.objects import PHASES

OPTIONS = Outputs(slides=SlidesOutput())
NOW = datetime.now(UTC)
HISTORY = {
    "attempt": 1,
    "job": "talk-1",
    "startedAt": format_time(NOW - timedelta(seconds=220)),
    "finishedAt": format_time(NOW - timedelta(seconds=120)),
    "node": "node-a",
}


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
        document["source"]["key"] = key
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
                "conditions": [PHASES[phase]],
                "startTime": HISTORY["startedAt"],
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
        condition = {**PHASES["Completed"], "message": f"{count} slides."}
        await self.service.set_status(
            name,
            {
                "phase": "Completed",
                "conditions": [condition],
                "startTime": HISTORY["startedAt"],
                "completionTime": HISTORY["finishedAt"],
                "attempts": {"current": 1, "history": [{**HISTORY, "reason": "Completed"}]},
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
        ended = {**HISTORY, "reason": reason, "message": message, "exitCode": 65}
        await self.service.set_status(
            name,
            {
                "phase": "Failed",
                "conditions": [{**PHASES["Failed"], "reason": reason, "message": message}],
                "startTime": HISTORY["startedAt"],
                "completionTime": HISTORY["finishedAt"],
                "attempts": {"current": 1, "counted": 1, "history": [ended]},
                "video": {"title": title} if title else {},
                **({"lastRetryAt": asked} if asked else {}),
            },
        )

    def href(self, made: dict[str, Any], part: str = "") -> str:
        """Return the address of a talk's page."""
        return f"{self.service.url}/ui/talks/{made['metadata']['uid']}{part}"


def _begun() -> dict[str, Any]:
    return {name: value for name, value in HISTORY.items() if name != "finishedAt"}
