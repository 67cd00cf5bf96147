"""Stand-ins for runners: python -m benchmarks.reconciling.runners KUBECONFIG SECONDS [--talkative].

For each pod that runs they write to the resource's status what a runner writes, under its field
manager, and end the pod as a kubelet does. One process plays all of them, apart from operator and
bench, so that neither is measured with its work.
"""

import argparse
import asyncio
import json
import random
from datetime import UTC, datetime
from pathlib import Path

from kubernetes.aio.client import ApiClient

from benchmarks.reconciling.api import (
    API_VERSION,
    APPLY_PATCH,
    EXTRACTION_LABEL,
    MERGE_PATCH,
    NAMESPACE,
    PLURAL,
    Json,
    open_api,
    send,
    watch,
)
from slides_api.job_input import JOB_INPUT, JobInput

WORKERS = 16
SPREAD = (0.5, 1.5)
"""Times that a runner works, of the mean: talks differ in length, and do not end all at once."""
STAGES = (("Downloading", 0), ("Extracting", 30), ("Uploading", 80))
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"


class Runners:
    """Plays every runner of a cluster."""

    def __init__(self, api: ApiClient, seconds: float, *, talkative: bool) -> None:
        self._api = api
        self._seconds = seconds
        self._talkative = talkative
        self._begun: set[str] = set()
        self._room = asyncio.Semaphore(WORKERS)

    async def run(self) -> None:
        """Play until the watch ends."""
        async with asyncio.TaskGroup() as group:
            async for event in watch(self._api, PODS, selector=EXTRACTION_LABEL):
                pod = event["object"]
                if pod["status"].get("phase") == "Running" and self._is_new(pod):
                    group.create_task(self._play(pod))

    def _is_new(self, pod: Json) -> bool:
        uid = pod["metadata"]["uid"]
        new = uid not in self._begun
        self._begun.add(uid)
        return new

    async def _play(self, pod: Json) -> None:
        job = _job_input(pod)
        seconds = self._seconds * random.Random(job.uid).uniform(*SPREAD)
        for stage, percent in STAGES:
            if self._talkative:
                await self._say(job, run={"stage": stage, "percent": percent})
            await asyncio.sleep(seconds / len(STAGES))
        words = {"reason": "Completed", "message": "12 slides"}
        await self._say(job, run={"stage": "Uploading", "percent": 99, **words}, **_made(job))
        ended = _ended(pod, json.dumps(words))
        await self._send(f"{PODS}/{pod['metadata']['name']}/status", ended, MERGE_PATCH)

    async def _say(self, job: JobInput, *, run: Json, **rest: Json) -> None:
        told = {"attempt": job.attempt, "updatedAt": _now(), **run}
        meta = {"name": job.name, "namespace": job.namespace}
        body = {
            "apiVersion": API_VERSION,
            "kind": "SlideExtraction",
            "metadata": meta,
            "status": {"run": told, **rest},
        }
        path = f"/apis/{API_VERSION}/namespaces/{job.namespace}/{PLURAL}/{job.name}/status"
        await self._send(f"{path}?fieldManager=slides-runner&force=true", body, APPLY_PATCH)

    async def _send(self, path: str, body: Json, kind: str) -> None:
        async with self._room:
            await send(self._api, "PATCH", path, body, kind)


def _job_input(pod: Json) -> JobInput:
    (container,) = pod["spec"]["containers"]
    (told,) = (e["value"] for e in container["env"] if e["name"] == JOB_INPUT)
    return JobInput.model_validate_json(told)


def _made(job: JobInput) -> dict[str, Json]:
    key = f"url-{job.uid[:8]}{job.uid[-8:]}"
    uri = f"s3://slides-extractor/{key}/0123abcd/manifest.json"
    return {
        "video": {"key": key, "title": f"Talk {job.name}", "durationSeconds": 3600.0},
        "result": {"manifestURI": uri, "slideCount": 12, "sha256": "0" * 64, "bytes": 1_234_567},
    }


def _ended(pod: Json, words: str) -> Json:
    statuses = [
        {
            **{key: value for key, value in one.items() if key != "state"},
            "ready": False,
            "state": {
                "terminated": {
                    "exitCode": 0,
                    "reason": "Completed",
                    "message": words,
                    "startedAt": pod["status"]["startTime"],
                    "finishedAt": _now(),
                }
            },
        }
        for one in pod["status"]["containerStatuses"]
    ]
    return {"status": {"phase": "Succeeded", "containerStatuses": statuses}}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _run(kubeconfig: Path, seconds: float, *, talkative: bool) -> None:
    async with open_api(kubeconfig) as api:
        api.user_agent = "bench-runners"
        await Runners(api, seconds, talkative=talkative).run()


def main() -> None:
    """Play until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kubeconfig", type=Path)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--talkative", action="store_true", help="also say each stage")
    told = parser.parse_args()
    asyncio.run(_run(told.kubeconfig, told.seconds, talkative=told.talkative))


if __name__ == "__main__":
    main()
