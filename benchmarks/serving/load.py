"""What lies in the cluster: jobs that finished long ago, and jobs that runners work on."""

import asyncio
import json
import math
import time
import uuid
from datetime import UTC, datetime, timedelta

import aiohttp
from kubernetes.aio.client import ApiClient

from benchmarks.reconciling.api import (
    API_VERSION,
    APPLY_PATCH,
    NAMESPACE,
    PLURAL,
    Json,
    each,
    send,
)
from benchmarks.serving.etcd import Store

KNOWN_LIMIT_S = 300.0
SETTLED = 0.9
"""Of the time before, from which on a list gets no faster. Chosen."""
IN_FLIGHT = 32
"""Requests at once: measured, 16 are slower and 64 no faster."""
PATH = f"/apis/{API_VERSION}/namespaces/{NAMESPACE}/{PLURAL}"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = ("slide_extraction", "full_processing", "transcription")
ENDS = ("Completed", "Completed", "Completed", "Failed", "Cancelled")
"""What becomes of jobs: most complete."""
FRAMES = 108_000
"""Of an hour at 30 frames a second."""


def running_names(count: int) -> list[str]:
    """Return the names of jobs at work."""
    return [f"running-{number:05}" for number in range(count)]


async def fill(api: ApiClient, etcd: str, *, finished: int, running: int) -> None:
    """Create jobs that finished and jobs at work.

    Those that finished are written into the store, as the API server wrote the first of them there:
    how fast it takes them is measured elsewhere.
    """

    async def start(name: str) -> None:
        await create(api, name, running_status())

    await each(running_names(running), start, in_flight=IN_FLIGHT)
    if not finished:
        return
    await create(api, finished_name(0), finished_status(0))
    async with aiohttp.ClientSession() as session:
        store = Store(session, etcd)
        first = await store.read(finished_name(0))
        await store.write(_another(first, number) for number in range(1, finished))


async def wait_until_known(api: ApiClient) -> None:
    """Wait until the API server's cache has what was written past it. Raises TimeoutError."""
    stored = json.loads(await send(api, "GET", f"{PATH}?limit=1"))
    version = stored["metadata"]["resourceVersion"]
    query = f"limit=1&resourceVersion={version}&resourceVersionMatch=NotOlderThan"
    async with asyncio.timeout(KNOWN_LIMIT_S):
        while True:
            try:
                await send(api, "GET", f"{PATH}?{query}")
            except RuntimeError:  # it gives up while it lags behind
                await asyncio.sleep(1)
            else:
                return


async def read_all(api: ApiClient, *, page: int) -> float:
    """Read all jobs in pages, and return how many seconds that took, once it gets no faster."""
    took_s, before_s = await _read_once(api, page), math.inf
    while took_s < SETTLED * before_s:
        took_s, before_s = await _read_once(api, page), took_s
    return min(took_s, before_s)


async def _read_once(api: ApiClient, page: int) -> float:
    begun, more = time.monotonic(), ""
    while True:
        listed = json.loads(await send(api, "GET", f"{PATH}?limit={page}&continue={more}"))
        more = listed["metadata"].get("continue")
        if not more:
            return time.monotonic() - begun


def _another(first: Json, number: int) -> Json:
    """Return another finished job as the store has it."""
    built, began = build_extraction(finished_name(number)), _began(number)
    own = {"name": built["metadata"]["name"], "uid": f"{uuid.UUID(int=number)}"}
    meta = built["metadata"] | own | {"creationTimestamp": _time(began)}
    metadata = first["metadata"] | meta
    return first | {
        "metadata": metadata,
        "spec": first["spec"] | built["spec"],
        "status": finished_status(number),
    }


async def create(api: ApiClient, name: str, status: Json) -> None:
    """Create a job, and say how it is."""
    await send(api, "POST", PATH, build_extraction(name))
    body = {"apiVersion": API_VERSION, "kind": "SlideExtraction", "metadata": {"name": name}}
    path = f"{PATH}/{name}/status?fieldManager=slides-operator&force=true"
    await send(api, "PATCH", path, body | {"status": status}, APPLY_PATCH)


def finished_name(number: int) -> str:
    """Return the name of a job that finished."""
    return f"finished-{number:05}"


def build_extraction(name: str) -> Json:
    """Return a SlideExtraction as this service makes it."""
    number = int(name[-5:])
    group = API_VERSION.partition("/")[0]
    labels = {f"{group}/created-by": "rest", f"{group}/job-type": TYPES[number % len(TYPES)]}
    return {
        "apiVersion": API_VERSION,
        "kind": "SlideExtraction",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "source": {"url": f"https://www.youtube.com/watch?v=v{number:010}"},
            "outputs": {"slides": {}},
        },
    }


def finished_status(number: int) -> Json:
    """Return a status such as operator and runner leave behind."""
    began = _began(number)
    ended = _time(began + timedelta(minutes=7))
    phase = ENDS[number % len(ENDS)]
    good = phase == "Completed"
    reason = {"Completed": "Completed", "Failed": "PrivateVideo", "Cancelled": "Cancelled"}[phase]
    attempt = {"attempt": 1, "job": f"finished-{number:05}-1", "reason": reason}
    message = f"{number % 60} slides, 42 MB." if good else "The video is private: give cookies."
    key = f"youtube-v{number:010}"
    result = {
        "manifestURI": f"s3://slides-extractor/{key}/0123abcd/manifest.json",
        "slideCount": number % 60,
        "sha256": f"{number:064x}",
        "bytes": 42_000_000,
    }
    return {
        "observedGeneration": 1,
        "phase": phase,
        "startTime": _time(began),
        "completionTime": ended,
        "conditions": [
            _condition("Succeeded", "True" if good else "False", reason, message, ended),
            _condition("Accepted", "True", "Accepted", "", _time(began)),
            _condition("Running", "False", reason, "", ended),
        ],
        "attempts": {
            "current": 1,
            "counted": int(not good),
            "history": [attempt | {"exitCode": 0, "startedAt": _time(began), "finishedAt": ended}],
        },
        "run": run(FRAMES) | {"updatedAt": ended, "percent": 99},
        "video": {"key": key, "id": f"v{number:010}", "title": f"Talk {number} of the conference"},
        **({"result": result} if good else {}),
    }


def running_status() -> Json:
    """Return the status of a job whose frames are looked at."""
    now = _time(datetime.now(UTC))
    message = "Attempt 1 is extracting; status.run says how far it is."
    attempt = {"attempt": 1, "job": "running-1", "startedAt": now}
    return {
        "observedGeneration": 1,
        "phase": "Extracting",
        "startTime": now,
        "conditions": [
            _condition("Succeeded", "Unknown", "Extracting", message, now),
            _condition("Accepted", "True", "Accepted", "", now),
            _condition("Running", "True", "Extracting", "", now),
            _condition("Reconciling", "True", "Extracting", message, now),
        ],
        "attempts": {"current": 1, "counted": 0, "history": [attempt]},
        "run": run(1),
        "video": {"id": "abc", "title": "A talk of an hour", "durationSeconds": 3600.0},
    }


def run(frame: int) -> Json:
    """Return what a runner says of itself."""
    return {
        "attempt": 1,
        "stage": "Extracting",
        "message": f"Looking for slides: frame {frame} of {FRAMES}",
        "percent": 30 + 50 * frame // FRAMES,
        "updatedAt": _time(datetime.now(UTC)),
        "frameCount": FRAMES,
        "currentFrame": frame,
    }


def _condition(kind: str, status: str, reason: str, message: str, at: str) -> Json:
    noted = {"lastTransitionTime": at, "observedGeneration": 1}
    return {"type": kind, "status": status, "reason": reason, "message": message, **noted}


def _began(number: int) -> datetime:
    return FIRST + timedelta(minutes=number)


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
