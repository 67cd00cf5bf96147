"""The API server's store, written to directly: tens of thousands of objects in seconds."""

import base64
import itertools
import json
from collections.abc import Iterable

import aiohttp

from benchmarks.reconciling.api import GROUP, NAMESPACE, PLURAL, Json

AT_ONCE = 100
"""Objects of one transaction; standard, etcd takes 128."""


class Store:
    """etcd's own JSON interface, with extractions as the API server keeps them there."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def read(self, name: str) -> Json:
        """Return an extraction as it is stored."""
        answer = await self._ask("range", {"key": _key(name)})
        stored: Json = json.loads(base64.b64decode(answer["kvs"][0]["value"]))
        return stored

    async def write(self, objects: Iterable[Json]) -> None:
        """Store extractions, whether there were any of these names or not."""
        left = iter(objects)
        while part := list(itertools.islice(left, AT_ONCE)):
            await self._ask("txn", {"success": [{"requestPut": _put(obj)} for obj in part]})

    async def _ask(self, what: str, body: Json) -> Json:
        async with self._session.post(f"{self._url}/v3/kv/{what}", json=body) as answer:
            content: Json = await answer.json()
        if answer.status != 200:
            raise RuntimeError(f"etcd, {what}: {content}")
        return content


def _put(obj: Json) -> Json:
    value = base64.b64encode(json.dumps(obj).encode()).decode()
    return {"key": _key(obj["metadata"]["name"]), "value": value}


def _key(name: str) -> str:
    path = f"/registry/{GROUP}/{PLURAL}/{NAMESPACE}/{name}"
    return base64.b64encode(path.encode()).decode()
