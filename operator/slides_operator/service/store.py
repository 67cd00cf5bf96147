"""All records, looked up and listed without being sorted or counted anew.

Records lie in shelves, one for each combination of what lists are filtered by, and each shelf is
kept in the order of creation. A list joins the shelves that fit: their lengths are the total, and
only as much of each is read as the page can need.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, TypeVar

from slides_api.v1alpha1 import Phase
from slides_operator.kube.cache import Kind
from slides_operator.service.records import Record

GRAVES = 20_000
"""Uids of deleted resources that are remembered: as many as the operator's cache does."""

Key = TypeVar("Key")
Place = tuple[str, str]
"""When a record was created, and its uid: the order of lists."""
Places = list[Place]
"""In that order."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, and how long the whole is."""

    total: int
    records: tuple[Record, ...]


class Shelf(NamedTuple):
    """What the records of one shelf have in common."""

    kind: Kind
    namespace: str
    phase: Phase
    job_type: str
    origin: str


class Store:
    """The newest record of every resource."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._names: dict[tuple[Kind, str, str], str] = {}
        self._videos: dict[tuple[Kind, str, str], dict[str, None]] = {}
        self._children: dict[str, dict[str, None]] = {}
        self._shelves: dict[Shelf, Places] = {}
        self._words: dict[str, str] = {}
        self._graves: dict[str, None] = {}

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self._records)

    def put(self, record: Record) -> bool:
        """Store a record, and return whether it says anything new."""
        uid = record.uid
        known = self._records.get(uid)
        if uid in self._graves or (known and known.version >= record.version):
            return False
        name = (record.kind, record.namespace, record.name)
        other = self._names.get(name)
        if other and other != uid:  # deleted and made anew; its deletion was not seen
            self.drop(other)
        if known is None or _standing(known) != _standing(record):
            if known:
                self._take_out(known)
            self._put_in(record)
        self._records[uid] = record
        self._names[name] = uid
        return True

    def drop(self, uid: str) -> Record | None:
        """Forget a deleted resource, for good; return what was known of it."""
        self._graves[uid] = None
        if len(self._graves) > GRAVES:
            self._graves.pop(next(iter(self._graves)))
        record = self._records.pop(uid, None)
        if record is not None:
            self._take_out(record)
            del self._names[record.kind, record.namespace, record.name]
        return record

    def by_uid(self, uid: str) -> Record | None:
        """Return the record of a uid, wherever it is."""
        return self._records.get(uid)

    def get(self, kind: Kind, namespace: str, id_: str) -> Record | None:
        """Return the record of a name, of a uid, or the newest of a video's id."""
        uid = self._names.get((kind, namespace, id_))
        record = self._records.get(uid or id_)
        if record and record.kind is kind and record.namespace == namespace:
            return record
        of_video = self._videos.get((kind, namespace, id_), ())
        newest = max(of_video, key=self._place, default=None)
        return self._records[newest] if newest else None

    def of_video(self, kind: Kind, namespace: str, video_id: str) -> list[Record]:
        """Return the records of a video's id, the newest first."""
        uids = self._videos.get((kind, namespace, video_id), ())
        return [self._records[uid] for uid in sorted(uids, key=self._place, reverse=True)]

    def children(self, batch: Record) -> list[Record]:
        """Return the extractions of a batch, in the order of its items."""
        order = {row.name: place for place, row in enumerate(batch.rows)}
        records = (self._records[uid] for uid in self._children.get(batch.uid, ()))
        own = [one for one in records if one.namespace == batch.namespace]
        return sorted(own, key=lambda one: order.get(one.item, len(order)))

    def counts(
        self,
        kind: Kind,
        *,
        namespaces: Collection[str] | None = None,
        job_type: str | None = None,
        origin: str | None = None,
    ) -> dict[Phase, int]:
        """Return how many records are in each phase."""
        counts = dict.fromkeys(Phase, 0)
        for shelf in self._fitting(kind, namespaces, None, job_type, origin):
            counts[shelf.phase] += len(self._shelves[shelf])
        return counts

    def list(
        self,
        kind: Kind,
        *,
        namespaces: Collection[str] | None = None,
        phases: Collection[Phase] | None = None,
        job_type: str | None = None,
        origin: str | None = None,
        search: str = "",
        where: Callable[[Record], bool] | None = None,
        newest_first: bool = True,
        offset: int = 0,
        limit: int | None = 50,
    ) -> Page:
        """Return a page of what fits, by time of creation; None asks for all of a kind.

        `search` is part of a name, title, URL or video id, whatever the case.
        """
        shelves = [
            self._shelves[shelf]
            for shelf in self._fitting(kind, namespaces, phases, job_type, origin)
        ]
        if search or where:
            shelves = [self._matching(shelves, search.lower(), where)]
        total = sum(map(len, shelves))
        end = total if limit is None else min(offset + limit, total)
        first = min(offset, end)
        ranks = (total - end, total - first) if newest_first else (first, end)
        places = _between(shelves, *ranks)
        ordered = reversed(places) if newest_first else places
        return Page(total, tuple(self._records[uid] for _, uid in ordered))

    def iterate(self, kind: Kind) -> Iterator[Record]:
        """Yield all records of a kind, in no order."""
        return (one for one in tuple(self._records.values()) if one.kind is kind)

    def _fitting(
        self,
        kind: Kind,
        namespaces: Collection[str] | None,
        phases: Collection[Phase] | None,
        job_type: str | None,
        origin: str | None,
    ) -> Iterator[Shelf]:
        return (
            shelf
            for shelf in self._shelves
            if shelf.kind is kind
            and (namespaces is None or shelf.namespace in namespaces)
            and (phases is None or shelf.phase in phases)
            and job_type in {None, shelf.job_type}
            and origin in {None, shelf.origin}
        )

    def _matching(
        self,
        shelves: Iterable[Places],
        search: str,
        where: Callable[[Record], bool] | None,
    ) -> Places:
        words, records = self._words, self._records
        found: Iterable[Place] = chain.from_iterable(shelves)
        if search:
            found = (place for place in found if search in words[place[1]])
        if where:
            found = (place for place in found if where(records[place[1]]))
        return sorted(found)

    def _place(self, uid: str) -> Place:
        return self._records[uid].created, uid

    def _put_in(self, record: Record) -> None:
        uid = record.uid
        insort(self._shelves.setdefault(_shelf(record), []), (record.created, uid))
        self._words[uid] = _searched(record)
        if record.video_id:
            video = (record.kind, record.namespace, record.video_id)
            self._videos.setdefault(video, {})[uid] = None
        if record.batch:
            self._children.setdefault(record.batch, {})[uid] = None

    def _take_out(self, record: Record) -> None:
        uid, shelf = record.uid, _shelf(record)
        places = self._shelves[shelf]
        del places[bisect_left(places, (record.created, uid))]
        if not places:
            del self._shelves[shelf]
        del self._words[uid]
        _discard(self._videos, (record.kind, record.namespace, record.video_id), uid)
        _discard(self._children, record.batch, uid)


def _standing(record: Record) -> tuple[object, ...]:
    """Return all that decides where a record is found."""
    return _shelf(record), record.created, record.video_id, record.batch, record.title


def _shelf(record: Record) -> Shelf:
    return Shelf(record.kind, record.namespace, record.phase, record.job_type, record.origin)


def _searched(record: Record) -> str:
    return f"{record.name}\n{record.title}\n{record.url}\n{record.video_id}".lower()


def _discard(groups: dict[Key, dict[str, None]], key: Key, uid: str) -> None:
    members = groups.get(key)
    if members is None:
        return
    members.pop(uid, None)
    if not members:
        del groups[key]


def _between(shelves: Sequence[Places], first: int, last: int) -> Places:
    """Return the places from the rank `first` to before `last` of all shelves together."""
    begins, ends = _cut(shelves, first), _cut(shelves, last)
    cuts = zip(shelves, begins, ends, strict=True)
    return sorted(chain.from_iterable(shelf[begin:end] for shelf, begin, end in cuts))


def _cut(shelves: Sequence[Places], rank: int) -> list[int]:
    """Return how much of each shelf is among the first `rank` places, without merging any.

    Each round halves the longest stretch that is left, at a place whose rank bisection tells.
    """
    lows, highs = [0] * len(shelves), [len(shelf) for shelf in shelves]
    while sum(lows) < rank:
        longest = max(range(len(shelves)), key=lambda at: highs[at] - lows[at])
        pivot = shelves[longest][(lows[longest] + highs[longest]) // 2]
        through = [bisect_right(shelf, pivot) for shelf in shelves]
        if sum(through) <= rank:
            lows = through
        else:
            highs = [bisect_left(shelf, pivot) for shelf in shelves]
            if sum(highs) <= rank:
                return highs
    return lows
