"""What somebody sees who watches: when each resource got its first status, its Job, its end."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubernetes.aio.client import ApiClient

from benchmarks.reconciling.api import (
    API_VERSION,
    EXTRACTION_LABEL,
    NAMESPACE,
    PLURAL,
    Json,
    open_api,
    watch,
)

TICK_S = 0.02
WORKING = ("Downloading", "Extracting", "Uploading")
"""Phases that repeat what the runner says."""


@dataclass
class Seen:
    """One resource, with times by the clock of this process."""

    first_status: float | None = None
    job_created: float | None = None
    job_ended: float | None = None
    succeeded: float | None = None
    phases: list[str] = field(default_factory=list)
    """In the order in which they came."""

    @property
    def delay_s(self) -> float | None:
        """Seconds from the Job's end to Succeeded."""
        if self.job_ended is None or self.succeeded is None:
            return None
        return max(0.0, self.succeeded - self.job_ended)

    @property
    def repeated(self) -> int:
        """How many changes of phase only repeated what the runner said."""
        return sum(phase in WORKING for phase in self.phases)


class Observer:
    """Watches resources and Jobs, and notes what happens when."""

    def __init__(self) -> None:
        self.seen: dict[str, Seen] = {}
        self.with_status = self.with_job = self.ended = self.succeeded = 0
        self.active_peak = 0

    async def run(self, kubeconfig: Path) -> None:
        """Watch until cancelled."""
        async with open_api(kubeconfig) as api, asyncio.TaskGroup() as group:
            resources = f"/apis/{API_VERSION}/namespaces/{NAMESPACE}/{PLURAL}"
            group.create_task(self._follow(api, resources, "", self._note_resource))
            jobs = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
            group.create_task(self._follow(api, jobs, EXTRACTION_LABEL, self._note_job))

    async def _follow(
        self, api: ApiClient, path: str, selector: str, note: Callable[[Json], None]
    ) -> None:
        async for event in watch(api, path, selector=selector):
            if event["type"] != "DELETED":
                note(event["object"])

    def _note_resource(self, obj: Json) -> None:
        seen = self._of(obj["metadata"]["uid"])
        status: dict[str, Any] = obj.get("status") or {}
        phase = status.get("phase")
        if not phase:
            return
        now = time.monotonic()
        if seen.first_status is None:
            seen.first_status = now
            self.with_status += 1
        if not seen.phases or seen.phases[-1] != phase:
            seen.phases.append(phase)
        if seen.succeeded is None and _holds(status, "Succeeded"):
            seen.succeeded = now
            self.succeeded += 1

    def _note_job(self, obj: Json) -> None:
        seen, now = self._of(obj["metadata"]["labels"][EXTRACTION_LABEL]), time.monotonic()
        if seen.job_created is None:
            seen.job_created = now
            self.with_job += 1
            self.active_peak = max(self.active_peak, self.with_job - self.ended)
        if seen.job_ended is None and _holds(obj.get("status") or {}, "Complete"):
            seen.job_ended = now
            self.ended += 1

    def _of(self, uid: str) -> Seen:
        return self.seen.setdefault(uid, Seen())


@asynccontextmanager
async def observing(kubeconfig: Path) -> AsyncIterator[Observer]:
    """Have an observer watch until the block ends; if it cannot go on, neither does the block."""
    observer = Observer()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(observer.run(kubeconfig))
        yield observer
        watching.cancel()


def _holds(status: dict[str, Any], kind: str) -> bool:
    conditions = status.get("conditions") or ()
    return any(c["type"] == kind and c["status"] == "True" for c in conditions)


async def wait_for(condition: Callable[[], bool], what: str, *, limit_s: float) -> None:
    """Wait until a condition holds. Raises TimeoutError."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not after {limit_s:.0f} s")
        await asyncio.sleep(TICK_S)
