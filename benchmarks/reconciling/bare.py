"""The bare rate: a plain client that creates what the operator's users and the operator create."""

import asyncio
import json
import time

from kubernetes.aio.client import ApiClient

from benchmarks.reconciling.api import (
    API_VERSION,
    APPLY_PATCH,
    NAMESPACE,
    PLURAL,
    Json,
    each,
    open_api,
    send,
)
from benchmarks.reconciling.load import build_extraction, filled, job_text, names, status_text
from tests.cluster.client import Cluster

IN_FLIGHT = 32
"""Requests at once: measured, 16 are slower and 64 no faster."""
EXTRACTIONS = f"/apis/{API_VERSION}/namespaces/{NAMESPACE}/{PLURAL}"
JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"


def run_bare(cluster: Cluster, count: int, *, with_status: bool) -> float:
    """Create resources and Jobs, and one status each if wanted; return the seconds it took."""
    return asyncio.run(_run_bare(cluster, count, with_status=with_status))


async def _run_bare(cluster: Cluster, count: int, *, with_status: bool) -> float:
    async with open_api(cluster.kubeconfig) as api:
        template = job_text(await create(api, "the-first"))
        status = status_text()

        async def one(name: str) -> None:
            uid = (await create(api, name))["metadata"]["uid"]
            await send(api, "POST", JOBS, filled(template, name, uid))
            if with_status:
                path = f"{EXTRACTIONS}/{name}/status?fieldManager=slides-operator&force=true"
                await send(api, "PATCH", path, filled(status, name, uid), APPLY_PATCH)

        begin = time.perf_counter()
        await each(names(0, count), one, in_flight=IN_FLIGHT)
        return time.perf_counter() - begin


async def create(api: ApiClient, name: str) -> Json:
    """Create a SlideExtraction and return it."""
    created: Json = json.loads(await send(api, "POST", EXTRACTIONS, build_extraction(name)))
    return created
