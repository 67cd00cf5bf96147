"""What the watches saw, by uid: as JSON without what nobody reads, since objects are many.

Whoever writes puts the API server's answer in at once, so that a decision never stands on a state
older than one's own last write. The newest resourceVersion wins, and what was deleted stays so.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from slides_api.v1alpha1 import Phase
from slides_api.wellknown import (
    BATCH_KIND,
    BATCH_LABEL,
    BATCHES,
    EXTRACTION_KIND,
    EXTRACTION_LABEL,
    EXTRACTIONS,
)
from slides_operator.extraction.objects import job_has_ended
from slides_operator.kube.quickjson import from_json, to_json

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
GRAVES = 20_000
"""Uids of deleted objects that are remembered: chosen, 2 MB, minutes of the fastest deletion."""

JOB_SPEC_UNREAD = frozenset({"template", "selector", "podFailurePolicy"})
POD_STATUS_READ = ("phase", "reason", "message")
POD_CONDITIONS_READ = frozenset({"PodScheduled", "DisruptionTarget"})

Manifest = Mapping[str, Any]
"""An object as the API server writes it."""


class Kind(StrEnum):
    """The kinds that are reconciled."""

    EXTRACTION = EXTRACTION_KIND
    BATCH = BATCH_KIND


PLURALS = {Kind.EXTRACTION: EXTRACTIONS, Kind.BATCH: BATCHES}
JOB = "Job"
POD = "Pod"
VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Key:
    """Names one resource to be reconciled."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        """Return it as logs show it."""
        return f"{self.kind}/{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class _Group:
    """A row of the index: what of a kind, in a namespace, belongs to an owner.

    Labels anyone may write, and owner references too: only those of its own namespace count.
    """

    kind: str
    namespace: str
    owner: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """One object; `groups` are the index rows that it stands in."""

    kind: str
    namespace: str
    name: str
    version: int
    active: bool
    phase: str
    manifest: str
    """Which one its result names, if it stays."""
    groups: tuple[_Group, ...]
    data: bytes


class Cache:
    """All extractions, batches, Jobs and Pods that concern this operator."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._uids: dict[tuple[str, str, str], str] = {}
        self._groups: dict[_Group, dict[str, None]] = {}
        self._graves: dict[str, None] = {}
        self._active = 0
        self._phases: Counter[str] = Counter()

    def put(self, obj: Manifest) -> bool:
        """Store the object, and return whether it says anything new."""
        meta = obj["metadata"]
        uid, version = meta["uid"], int(meta["resourceVersion"])
        known = self._entries.get(uid)
        if uid in self._graves or (known and known.version >= version):
            return False
        self._remove(uid)
        entry = _entry(obj, version)
        if not self._take_place(uid, entry):
            return False
        self._entries[uid] = entry
        self._active += entry.active
        self._phases[entry.phase] += 1
        for group in entry.groups:
            self._groups.setdefault(group, {})[uid] = None
        return True

    def drop(self, obj: Manifest) -> bool:
        """Forget a deleted object, and return whether it was known."""
        return self._bury(obj["metadata"]["uid"])

    def retain(
        self, kind: str, uids: Collection[str], *, version: int, namespace: str | None = None
    ) -> list[Key]:
        """Forget what a list as of `version` no longer has; return the keys that this concerns."""
        gone = [
            uid
            for uid, entry in self._entries.items()
            if entry.kind == kind
            and entry.version <= version
            and uid not in uids
            and namespace in {None, entry.namespace}
        ]
        keys = {key: None for uid in gone for key in self._concerned(uid)}
        for uid in gone:
            self._bury(uid)
        return list(keys)

    def extraction(self, key: Key) -> dict[str, Any] | None:
        """Return the SlideExtraction of this name."""
        return self._load(self._uids.get((key.kind, key.namespace, key.name)))

    def batch(self, key: Key) -> dict[str, Any] | None:
        """Return the SlideExtractionBatch of this name."""
        return self._load(self._uids.get((key.kind, key.namespace, key.name)))

    def by_uid(self, uid: str) -> dict[str, Any] | None:
        """Return the object with this uid."""
        return self._load(uid)

    def jobs_of(self, namespace: str, uid: str) -> list[dict[str, Any]]:
        """Return the Jobs of an extraction, without their pod templates."""
        return self._members(_Group(JOB, namespace, uid))

    def pods_of(self, namespace: str, uid: str) -> list[dict[str, Any]]:
        """Return the Pods of an extraction; of their spec, the node's name alone."""
        return self._members(_Group(POD, namespace, uid))

    def children_of(self, namespace: str, batch_uid: str) -> list[dict[str, Any]]:
        """Return the SlideExtractions of a batch."""
        return self._members(_Group(Kind.EXTRACTION, namespace, batch_uid))

    def manifests_like(self, uris: Iterable[str], *, but_not: str) -> tuple[str, ...]:
        """Return the manifests that others, which stay, name as results of the same video.

        Whichever the bucket: where options alone lead is known to runners only.
        """
        groups = {_manifest_group(uri) for uri in uris}
        others = {uid for group in groups for uid in self._groups.get(group, ())}
        return tuple(sorted({self._entries[uid].manifest for uid in others - {but_not}}))

    def at_work_on(self, video: str) -> list[dict[str, Any]]:
        """Return the extractions, wherever they are, whose runners work on a video."""
        return self._members(_Group(VIDEO, "", video))

    def active_jobs(self) -> int:
        """Return how many Jobs have not ended."""
        return self._active

    def in_phase(self, phase: str) -> int:
        """Return how many extractions are in a phase; one without status is Pending."""
        return self._phases[phase]

    def key_of(self, uid: str) -> Key | None:
        """Return the key of the extraction or batch with this uid."""
        entry = self._entries.get(uid)
        if entry is None or entry.kind not in _RECONCILED:
            return None
        return Key(Kind(entry.kind), entry.namespace, entry.name)

    def keys(self) -> list[Key]:
        """Return all keys."""
        return [key for uid in self._entries if (key := self.key_of(uid))]

    def keys_concerned(self, obj: Manifest) -> list[Key]:
        """Return what has to be looked at when this object changes: itself, or whose it is."""
        return list(self._concerned(obj["metadata"]["uid"]))

    def count(self, kind: str, *, namespace: str | None = None) -> int:
        """Return how many objects of a kind are known."""
        return sum(
            entry.kind == kind and namespace in {None, entry.namespace}
            for entry in self._entries.values()
        )

    def version_of(self, uid: str) -> int:
        """Return the newest resourceVersion known of an object, 0 for none."""
        entry = self._entries.get(uid)
        return entry.version if entry else 0

    def _concerned(self, uid: str) -> Iterator[Key]:
        if own := self.key_of(uid):
            yield own
        entry = self._entries.get(uid)
        for group in entry.groups if entry else ():
            key = self.key_of(group.owner)
            if key and key.namespace == group.namespace:
                yield key

    def _members(self, group: _Group) -> list[dict[str, Any]]:
        members = self._groups.get(group, ())
        return [obj for member in members if (obj := self._load(member))]

    def _load(self, uid: str | None) -> dict[str, Any] | None:
        entry = self._entries.get(uid) if uid else None
        return from_json(entry.data) if entry else None

    def _take_place(self, uid: str, entry: _Entry) -> bool:
        """Give the name to this object; one that had it before is gone."""
        place = (entry.kind, entry.namespace, entry.name)
        other = self._uids.get(place)
        if other and other != uid:
            if self._entries[other].version > entry.version:
                return False
            self._bury(other)
        self._uids[place] = uid
        return True

    def _bury(self, uid: str) -> bool:
        self._graves[uid] = None
        if len(self._graves) > GRAVES:
            self._graves.pop(next(iter(self._graves)))
        return self._remove(uid)

    def _remove(self, uid: str) -> bool:
        entry = self._entries.pop(uid, None)
        if entry is None:
            return False
        self._active -= entry.active
        self._phases[entry.phase] -= 1
        self._uids.pop((entry.kind, entry.namespace, entry.name), None)
        for group in entry.groups:
            members = self._groups[group]
            del members[uid]
            if not members:
                del self._groups[group]
        return True


_RECONCILED = frozenset(Kind)


def _entry(obj: Manifest, version: int) -> _Entry:
    meta, kind = obj["metadata"], obj["kind"]
    manifest = _manifest(obj) if kind == Kind.EXTRACTION else ""
    return _Entry(
        kind=kind,
        namespace=meta["namespace"],
        name=meta["name"],
        version=version,
        active=kind == JOB and not job_has_ended(obj),
        phase=_phase(obj) if kind == Kind.EXTRACTION else "",
        manifest=manifest,
        groups=tuple(_groups(obj, manifest)),
        data=to_json(compact(obj)),
    )


def _phase(obj: Manifest) -> str:
    return (obj.get("status") or {}).get("phase") or Phase.PENDING


def _manifest(obj: Manifest) -> str:
    if "deletionTimestamp" in obj["metadata"]:
        return ""  # or two that go together would keep the outputs for each other
    return ((obj.get("status") or {}).get("result") or {}).get("manifestURI") or ""


def _video_at_work(obj: Manifest) -> str:
    """Return the key of the video that a runner works on: until its last words, or the end."""
    status = obj.get("status") or {}
    over = "completionTime" in status or "deletionTimestamp" in obj["metadata"]
    if over or "reason" in (status.get("run") or {"reason": ""}):
        return ""
    return (status.get("video") or {}).get("key") or ""


def _manifest_group(uri: str) -> _Group:
    """Return the row of all that end alike: `{video key}/{options hash}/manifest.json`.

    Resources of all namespaces may share a bucket.
    """
    return _Group("manifest", "", "/".join(uri.rsplit("/", 3)[-3:]))


def _groups(obj: Manifest, manifest: str) -> Iterator[_Group]:
    kind, namespace = obj["kind"], obj["metadata"]["namespace"]
    labels = obj["metadata"].get("labels") or {}
    if kind == Kind.EXTRACTION:
        if batch := labels.get(BATCH_LABEL):
            yield _Group(kind, namespace, batch)
        if manifest:
            yield _manifest_group(manifest)
        if video := _video_at_work(obj):
            yield _Group(VIDEO, "", video)
    elif owner := (kind == JOB and owner_uid(obj)) or labels.get(EXTRACTION_LABEL):
        yield _Group(kind, namespace, owner)


def owner_uid(obj: Manifest) -> str | None:
    """Return the uid of the controller of an object: labels anyone may write, this is checked."""
    owners = obj["metadata"].get("ownerReferences") or ()
    return next((owner["uid"] for owner in owners if owner.get("controller")), None)


def compact(obj: Manifest) -> dict[str, Any]:
    """Return the object without what no decision needs: nine tenths of a Job, half of the rest."""
    small = {**obj, "metadata": _compact_metadata(obj["metadata"])}
    match obj["kind"]:
        case "Job":
            small["spec"] = _without(obj.get("spec") or {}, JOB_SPEC_UNREAD)
        case "Pod":
            small["metadata"].pop("annotations", None)
            small["spec"] = {n: v for n, v in (obj.get("spec") or {}).items() if n == "nodeName"}
            small["status"] = _compact_pod_status(obj.get("status") or {})
    return small


def _compact_metadata(meta: Manifest) -> dict[str, Any]:
    small = _without(meta, {"managedFields"})
    if LAST_APPLIED in (annotations := meta.get("annotations") or {}):
        small["annotations"] = _without(annotations, {LAST_APPLIED})
    return small


def _compact_pod_status(status: Manifest) -> dict[str, Any]:
    """Return what says how a pod fares: of its conditions, those that explain more than phases."""
    small = {name: status[name] for name in POD_STATUS_READ if name in status}
    conditions = [c for c in status.get("conditions") or () if c["type"] in POD_CONDITIONS_READ]
    containers = [
        {name: one[name] for name in ("name", "state") if name in one}
        for one in status.get("containerStatuses") or ()
    ]
    return small | {"conditions": conditions, "containerStatuses": containers}


def _without(mapping: Manifest, names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name not in names}
