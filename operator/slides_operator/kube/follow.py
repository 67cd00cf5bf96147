"""Follows a kind of object: lists it in pages, watches from there, and resumes where it broke off.

What the API server has is handed to a sink as it comes; what vanished while nobody watched is told
by the next list.
"""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from typing import Protocol

import structlog

from slides_operator.errors import FORBIDDEN, ApiError, GoneError
from slides_operator.kube.client import Client, Json

SERVER_TIMEOUT_S = 300
SILENCE_S = 90.0
"""Chosen: the API server sends a bookmark a minute where nothing else happens."""
DEAD_AFTER_S = 180.0
"""Without event, bookmark or as much as an attempt to connect: two silences; chosen."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
LIST_TIMEOUT_S = 60.0

log = structlog.get_logger()


class Sink(Protocol):
    """What is told of objects."""

    def put(self, obj: Json) -> None:
        """Take an object that was listed, added or changed."""

    def drop(self, obj: Json) -> None:
        """Take the last state of an object that was deleted."""

    def retain(self, uids: Collection[str], *, version: int, namespace: str | None) -> None:
        """Forget what a list as of `version` no longer has."""


class Follower:
    """Keeps a sink in step with one path of the API server, or what a selector leaves of it."""

    def __init__(
        self,
        client: Client,
        path: str,
        sink: Sink,
        *,
        page: int,
        selector: str = "",
        namespace: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._path = path
        self._sink = sink
        self._limit = page
        self._selected = {"labelSelector": selector} if selector else {}
        self._clock = clock
        self._moved_at = math.inf  # not running yet
        self._reached = ""
        self.namespace = namespace
        self.name = path.rpartition("/")[2] + (f"/{namespace}" if namespace else "")
        self.heard_at = clock()
        self.synced, self.settled = asyncio.Event(), asyncio.Event()

    def trouble(self) -> str | None:
        """Return what is wrong with this watch, if anything."""
        silent_s = self._clock() - self._moved_at
        if silent_s < DEAD_AFTER_S:
            return None
        return f"the watch of {self.name} has not moved for {silent_s:.0f} s"

    async def run(self) -> None:
        """Follow until cancelled."""
        pause = FIRST_PAUSE_S
        self._moved_at = self._clock()
        while True:
            began_at = self._clock()
            try:
                version = await self._list()
                self.synced.set()
                self.settled.set()
                await self.follow(version)
            except GoneError:
                log.info("watch starts anew", watch=self.name)
                if self._clock() - began_at > LONGEST_PAUSE_S:
                    pause = FIRST_PAUSE_S  # it was of use in between
            except ApiError as e:
                log.warning("list failed", watch=self.name, error=e.message)
                if self.namespace and e.status == FORBIDDEN:
                    self.settled.set()
            # A place that is forgotten at once would else make lists without end.
            await asyncio.sleep(pause)
            pause = _longer(pause)
            self._moved_at = self._clock()

    async def _list(self) -> str:
        uids: set[str] = set()
        version = ""
        async with aclosing(self._pages()) as pages:
            async for page in pages:
                self._hear()
                for item in page["items"] or ():
                    uids.add(item["metadata"]["uid"])
                    self._sink.put(item)
                version = page["metadata"]["resourceVersion"]
        self._sink.retain(uids, version=int(version), namespace=self.namespace)
        return version

    async def _pages(self) -> AsyncGenerator[Json]:
        """Yield the pages of a list; the API server makes the next one while one is taken in."""
        coming = asyncio.create_task(self._page(""))
        try:
            while True:
                page = await coming
                more = page["metadata"].get("continue")
                if more:
                    coming = asyncio.create_task(self._page(more))
                    await asyncio.sleep(0)  # until it is asked for
                yield page
                if not more:
                    return
        finally:
            coming.cancel()

    async def _page(self, more: str) -> Json:
        return await self._client.request(
            "GET",
            self._path,
            verb="list",
            query=self._selected
            | {"limit": str(self._limit)}
            | ({"continue": more} if more else {}),
            timeout_s=LIST_TIMEOUT_S,
        )

    async def follow(self, version: str) -> None:
        """Watch from `version` on, through any number of connections; raise GoneError at last."""
        pause = FIRST_PAUSE_S
        while True:
            before, self._reached = version, version
            try:
                await self._connect()
            except GoneError:
                raise
            except ApiError as e:
                log.info("watch interrupted", watch=self.name, error=e.message)
                pause = FIRST_PAUSE_S if self._reached != before else _longer(pause)
                await asyncio.sleep(pause)
            version = self._reached
            self._moved_at = self._clock()

    async def _connect(self) -> None:
        query = self._selected | {
            "watch": "true",
            "resourceVersion": self._reached,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(SERVER_TIMEOUT_S),
        }
        stream = self._client.stream(self._path, query=query, silence_s=SILENCE_S)
        async with stream as events:
            async for event in events:
                self._hear()
                self._take(event)
                self._reached = event["object"]["metadata"]["resourceVersion"]

    def _take(self, event: Json) -> None:
        obj = event["object"]
        match event["type"]:
            case "ADDED" | "MODIFIED":
                self._sink.put(obj)
            case "DELETED":
                self._sink.drop(obj)
            case "ERROR":
                raise GoneError(f"watch of {self.name}: {obj.get('message')}")

    def _hear(self) -> None:
        self._moved_at = self.heard_at = self._clock()


def _longer(pause: float) -> float:
    return min(pause * 2, LONGEST_PAUSE_S)
