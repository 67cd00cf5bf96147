"""An API server in memory, where the operator's HTTP ends: objects, versions, watches, crashes.

It knows of the real one what decisions depend on: names are taken once, every write has a newer
resourceVersion, a stale one conflicts, an apply replaces all that its manager wrote, finalizers
hold what is deleted, and watches come late, in order for each kind.
"""

import copy
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from slides_operator.errors import ApiError, ConflictError, NotFoundError
from slides_operator.extraction.objects import format_time
from slides_operator.extraction.status import OPERATOR_FIELDS
from slides_operator.kube.cache import Cache
from slides_operator.kube.client import APPLY_PATCH

Json = dict[str, Any]
Place = tuple[str, str, str]
KINDS = {
    "slideextractions": "SlideExtraction",
    "slideextractionbatches": "SlideExtractionBatch",
    "jobs": "Job",
    "pods": "Pod",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "serviceaccounts": "ServiceAccount",
    "rolebindings": "RoleBinding",
    "events": "Event",
}
WATCHED = ("slideextractions", "slideextractionbatches", "jobs", "pods")
RUNNER_FIELDS = ("run", "video", "result")


class CrashError(Exception):
    """The operator's process ends here."""


class FakeApi:
    """Stands in for `Client`: the same `request`."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.objects: dict[Place, Json] = {}
        self.writes: list[str] = []
        self.created: list[Place] = []
        self.events: list[Json] = []
        self.on_write: Callable[[], None] = lambda: None
        """Called before and after each write; may raise CrashError."""
        self.refusals: dict[str, ApiError] = {}
        """What is answered to writes that begin so: `POST jobs`."""
        self._version = 100
        self._uids = 0
        self._news: dict[str, deque[tuple[str, Json]]] = {plural: deque() for plural in WATCHED}

    async def request(
        self, method: str, path: str, *, body: Any = None, content_type: str = "", **_: object
    ) -> Json:
        """Answer as the API server would. Raises ApiError, CrashError."""
        plural, namespace, name, status = _parse(path)
        if method == "GET":
            found = {"items": []} if plural == "events" else self.get(plural, namespace, name)
            return copy.deepcopy(found)
        if plural == "events":
            self.events.append(body)
            return {}
        self.on_write()
        what = f"{method} {plural}/{name or body['metadata']['name']}{status}"
        if error := next((e for text, e in self.refusals.items() if what.startswith(text)), None):
            raise error
        if plural not in {"serviceaccounts", "rolebindings"}:
            self.writes.append(what)
        answer = self._write(method, (plural, namespace, name), body, content_type)
        self.on_write()
        return copy.deepcopy(answer)

    @contextmanager
    def crash_at(self, step: int) -> Iterator[None]:
        """Let the operator die before (odd) or after (even) its writes: 1 before the first."""
        left = step

        def count() -> None:
            nonlocal left
            left -= 1
            if not left:
                raise CrashError

        self.on_write = count
        try:
            yield
        finally:
            self.on_write = lambda: None

    def get(self, plural: str, namespace: str, name: str) -> Json:
        """Return the object itself."""
        try:
            return self.objects[plural, namespace, name]
        except KeyError:
            raise NotFoundError(f"{plural} {name} not found", status=404) from None

    def all(self, plural: str) -> list[Json]:
        """Return all objects of a kind."""
        return [obj for (kind, _, _), obj in self.objects.items() if kind == plural]

    def create(self, plural: str, body: Json) -> Json:
        """Store a new object."""
        meta = body["metadata"]
        place = (plural, meta["namespace"], meta["name"])
        if place in self.objects:
            raise ConflictError(f"{plural} {meta['name']} already exists", status=409)
        self._uids += 1
        uid = f"{self._uids:08d}-0000-4000-8000-000000000000"
        obj = copy.deepcopy(body)
        obj["metadata"] |= {
            "uid": uid,
            "generation": 1,
            "creationTimestamp": format_time(self.now()),
        }
        obj["kind"] = KINDS[plural]
        self.objects[place] = obj
        self.created.append(place)
        return self.changed(plural, obj, event="ADDED")

    def changed(self, plural: str, obj: Json, *, event: str = "MODIFIED") -> Json:
        """Give an object that was changed its new version, and tell the watch."""
        self._version += 1
        obj["metadata"]["resourceVersion"] = str(self._version)
        if plural in self._news:
            self._news[plural].append((event, copy.deepcopy(obj)))
        return obj

    def delete(self, plural: str, obj: Json, *, foreground: bool = False) -> Json:
        """Delete an object, or mark it where a finalizer holds it."""
        meta = obj["metadata"]
        if foreground and "deletionTimestamp" not in meta:
            meta["finalizers"] = [*(meta.get("finalizers") or ()), "foregroundDeletion"]
        if meta.get("finalizers"):
            if "deletionTimestamp" not in meta:
                meta["deletionTimestamp"] = format_time(self.now())
                self.changed(plural, obj)
            return obj
        return self.remove(plural, obj)

    def remove(self, plural: str, obj: Json) -> Json:
        """Take an object away for good, with what it owns."""
        meta = obj["metadata"]
        self.objects.pop((plural, meta["namespace"], meta["name"]), None)
        self.changed(plural, obj, event="DELETED")
        for kind, owned in [(key[0], one) for key, one in self.objects.items()]:
            owners = owned["metadata"].get("ownerReferences") or ()
            if any(owner["uid"] == meta["uid"] for owner in owners):
                self.collect(kind, owned)
        return {"kind": "Status", "details": {"uid": meta["uid"]}}

    def collect(self, plural: str, obj: Json) -> None:
        """Delete what is owned by something that is gone; a pod ends in its own time."""
        if plural == "pods":
            if "deletionTimestamp" not in obj["metadata"]:
                obj["metadata"]["deletionTimestamp"] = format_time(self.now())
                self.changed(plural, obj)
        else:
            self.delete(plural, obj)

    def edit(self, plural: str, obj: Json, **spec: Any) -> None:
        """Edit a spec as a user does."""
        obj["spec"] |= spec
        obj["metadata"]["generation"] += 1
        self.changed(plural, obj)

    def report(self, obj: Json, **status: Any) -> None:
        """Write the runner's part of a status, whole."""
        kept = {k: v for k, v in (obj.get("status") or {}).items() if k not in RUNNER_FIELDS}
        obj["status"] = kept | status
        self.changed("slideextractions", obj)

    def deliver(self, cache: Cache, plural: str, count: int = 1) -> None:
        """Let the watch of a kind show its next events."""
        news = self._news[plural]
        for _ in range(min(count, len(news))):
            event, obj = news.popleft()
            if event == "DELETED":
                cache.drop(obj)
            else:
                cache.put(obj)

    def deliver_all(self, cache: Cache) -> None:
        """Let all watches catch up."""
        for plural in WATCHED:
            self.deliver(cache, plural, len(self._news[plural]))

    def listed(self) -> Cache:
        """Return the cache of an operator that starts now."""
        cache = Cache()
        for plural in WATCHED:
            self._news[plural].clear()
            for obj in self.all(plural):
                cache.put(obj)
        return cache

    def _write(self, method: str, place: Place, body: Json, content_type: str) -> Json:
        plural, namespace, name = place
        if method == "POST":
            body["metadata"].setdefault("namespace", namespace)
            return self.create(plural, body)
        obj = self.get(plural, namespace, name)
        if method == "DELETE":
            wanted = (body.get("preconditions") or {}).get("uid", obj["metadata"]["uid"])
            if wanted != obj["metadata"]["uid"]:
                raise ConflictError("another uid", status=409)
            foreground = plural == "jobs" and body.get("propagationPolicy") == "Foreground"
            return self.delete(plural, obj, foreground=foreground)
        version = (body.get("metadata") or {}).get("resourceVersion")
        if version and version != obj["metadata"]["resourceVersion"]:
            raise ConflictError("the object has been modified", status=409)
        if content_type == APPLY_PATCH:
            return self._apply(plural, obj, body["status"])
        return self._merge(plural, obj, body)

    def _apply(self, plural: str, obj: Json, status: Json) -> Json:
        fields = OPERATOR_FIELDS if plural == "slideextractions" else status.keys()
        assert set(status) <= set(fields)
        before = obj.get("status") or {}
        kept = {k: v for k, v in before.items() if k not in fields}
        after = kept | copy.deepcopy(status)
        if plural != "slideextractions":
            after = copy.deepcopy(status)
        if after == before:
            return obj
        obj["status"] = after
        return self.changed(plural, obj)

    def _merge(self, plural: str, obj: Json, patch: Json) -> Json:
        meta, spec = patch.get("metadata") or {}, patch.get("spec") or {}
        before = copy.deepcopy(obj["spec"])
        obj["spec"] |= spec
        if obj["spec"] != before:
            obj["metadata"]["generation"] += 1
        if "finalizers" in meta:
            obj["metadata"]["finalizers"] = meta["finalizers"]
        if "deletionTimestamp" in obj["metadata"] and not obj["metadata"].get("finalizers"):
            self.remove(plural, obj)
            return obj
        return self.changed(plural, obj)


def _parse(path: str) -> tuple[str, str, str, str]:
    parts = list(_segments(path))
    at = parts.index("namespaces")
    namespace, plural, *rest = parts[at + 1 :]
    status = "/status" if rest[1:] == ["status"] else ""
    return plural, namespace, rest[0] if rest else "", status


def _segments(path: str) -> Iterator[str]:
    yield from (part for part in path.split("/") if part)
