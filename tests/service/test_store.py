"""Records are found by every name they have, and listed as if all were sorted and counted anew."""

import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slides_api.v1alpha1 import Phase
from slides_operator.kube.cache import Kind
from slides_operator.service.records import Record, record_of
from slides_operator.service.store import Store
from tests.service.objects import batch, child, extraction, made_by_rest

YOUTUBE = "youtube:dQw4w9WgXcQ"


def filled(*objects: dict[str, Any]) -> Store:
    store = Store()
    for obj in objects:
        store.put(record_of(obj))
    return store


def found(store: Store, id_: str, *, kind: Kind = Kind.EXTRACTION) -> str:
    record = store.get(kind, "talks", id_)
    return record.name if record else ""


def listed(store: Store, **filters: Any) -> list[str]:
    return [record.name for record in store.list(Kind.EXTRACTION, **filters).records]


@pytest.mark.parametrize("id_", ["talk", "uid-of-talk", "dQw4w9WgXcQ"])
def test_a_record_is_found_by_name_uid_and_video(id_: str) -> None:
    store = filled(extraction(url=YOUTUBE))

    assert found(store, id_) == "talk"
    assert store.get(Kind.EXTRACTION, "elsewhere", id_) is None
    assert found(store, id_, kind=Kind.BATCH) == ""


def test_of_a_video_the_newest_extraction_is_found() -> None:
    store = filled(
        extraction("new", url=YOUTUBE, created="2026-11-21T12:00:02Z"),
        extraction("old", url="https://youtu.be/dQw4w9WgXcQ", created="2026-11-21T12:00:01Z"),
    )

    assert found(store, "dQw4w9WgXcQ") == "new"
    every = store.of_video(Kind.EXTRACTION, "talks", "dQw4w9WgXcQ")
    assert [one.name for one in every] == ["new", "old"]
    store.drop("uid-of-new")
    assert found(store, "dQw4w9WgXcQ") == "old"
    store.drop("uid-of-old")
    assert found(store, "dQw4w9WgXcQ") == ""


def test_a_name_goes_before_a_video_of_that_id() -> None:
    store = filled(extraction("some", url="youtube:aaaaaaaaaaa"), extraction("aaaaaaaaaaa"))

    assert found(store, "aaaaaaaaaaa") == "aaaaaaaaaaa"


def test_the_newest_version_stays() -> None:
    store = Store()

    assert store.put(record_of(extraction(version=7, phase="Completed")))
    assert not store.put(record_of(extraction(version=7, phase="Failed")))
    assert not store.put(record_of(extraction(version=6, phase="Failed")))
    assert store.counts(Kind.EXTRACTION)[Phase.COMPLETED] == 1


def test_what_was_deleted_stays_so() -> None:
    store = filled(extraction())

    assert store.drop("uid-of-talk") is not None
    assert store.drop("uid-of-talk") is None
    assert not store.put(record_of(extraction()))
    assert len(store) == 0


def test_a_name_that_is_used_again_is_the_new_resource() -> None:
    store = filled(extraction(uid="first"), extraction(uid="second"))

    assert store.by_uid("first") is None
    record = store.get(Kind.EXTRACTION, "talks", "talk")
    assert record is not None
    assert record.uid == "second"
    assert store.list(Kind.EXTRACTION).total == 1


def test_children_come_in_the_order_of_the_items() -> None:
    own = batch("talks", "b", "a")
    stranger = child(own, "c", namespace="elsewhere")
    store = filled(own, child(own, "a"), child(own, "b"), stranger, extraction("other"))
    record = store.get(Kind.BATCH, "talks", "talks")
    assert record is not None

    assert [one.item for one in store.children(record)] == ["b", "a"]


def test_lists_are_newest_first_in_pages_of_a_known_total() -> None:
    store = filled(*(extraction(f"t{n}", created=f"2026-11-21T12:00:0{n}Z") for n in range(5)))

    page = store.list(Kind.EXTRACTION, offset=1, limit=2)

    assert (page.total, [record.name for record in page.records]) == (5, ["t3", "t2"])
    assert listed(store, newest_first=False, limit=2) == ["t0", "t1"]
    assert listed(store, offset=5) == []
    assert listed(store, limit=0) == []
    assert listed(store, limit=None) == ["t4", "t3", "t2", "t1", "t0"]


@pytest.mark.parametrize(
    ("filters", "want"),
    [
        pytest.param({"phases": {Phase.FAILED}}, ["failed"], id="phase"),
        pytest.param({"phases": set()}, [], id="no phase"),
        pytest.param({"job_type": "full_processing"}, ["typed"], id="job type"),
        pytest.param({"origin": "rest"}, ["typed"], id="origin"),
        pytest.param({"search": "DQW4"}, ["video"], id="part of a video's id"),
        pytest.param({"search": "kubecon"}, ["titled"], id="part of a title"),
        pytest.param({"search": "ideo"}, ["video"], id="part of a name"),
        pytest.param({"namespaces": ["elsewhere"]}, ["away"], id="namespace"),
        pytest.param({"where": lambda record: record.percent > 40}, ["failed"], id="anything else"),
        pytest.param({"search": "fail", "phases": {Phase.PENDING}}, [], id="two that exclude"),
    ],
)
def test_filters(filters: dict[str, Any], want: list[str]) -> None:
    store = filled(
        extraction("failed", phase="Failed", run={"percent": 50}),
        extraction("typed", labels=made_by_rest("full_processing")),
        extraction("video", url=YOUTUBE),
        extraction("titled", status={"video": {"title": "KubeCon keynote"}}),
        extraction("away", namespace="elsewhere"),
        batch("talks", "one"),
    )

    assert listed(store, **filters) == want


def test_a_title_that_becomes_known_is_searched() -> None:
    store = filled(extraction(phase="Pending"))
    assert listed(store, search="keynote") == []

    store.put(record_of(extraction(phase="Pending", status={"video": {"title": "Keynote"}})))

    assert listed(store, search="keynote") == ["talk"]


PHASES = ["Pending", "Extracting", "Completed", "Failed"]
STEP = st.tuples(st.integers(0, 8), st.sampled_from([*PHASES, "deleted"]), st.booleans())


@given(st.lists(STEP, max_size=40), st.integers(0, 10), st.integers(0, 10), st.booleans())
def test_any_history_lists_as_if_sorted_and_counted_anew(
    steps: list[tuple[int, str, bool]],
    offset: int,
    limit: int,
    newest_first: bool,
) -> None:
    store, model = Store(), dict[str, Record]()
    for number, phase, by_rest in steps:
        name = f"t{number}"
        if phase == "deleted":
            store.drop(f"uid-of-{name}")
            model.pop(name, None)
            continue
        created = f"2026-11-21T12:00:{number // 2:02}Z"
        labels = made_by_rest() if by_rest else {}
        record = record_of(extraction(name, phase=phase, created=created, labels=labels))
        if store.put(record):
            model[name] = record

    def check(keep: Callable[[Record], bool], **filters: Any) -> None:
        ordered = sorted(
            filter(keep, model.values()), key=lambda r: (r.created, r.uid), reverse=newest_first
        )
        page = store.list(
            Kind.EXTRACTION, newest_first=newest_first, offset=offset, limit=limit, **filters
        )
        assert page.total == len(ordered)
        assert list(page.records) == ordered[offset : offset + limit]

    check(lambda _: True)
    check(lambda r: r.phase is Phase.FAILED, phases={Phase.FAILED})
    check(lambda r: r.origin == "rest", origin="rest")
    check(lambda r: "t1" in r.name, search="T1")
    counted = store.counts(Kind.EXTRACTION)
    assert counted == {p: sum(r.phase is p for r in model.values()) for p in Phase}


def test_a_page_of_fifty_thousand_takes_milliseconds() -> None:
    store, random_ = Store(), random.Random(7)
    phases = random_.choices(["Completed", "Failed", "Cancelled"], [8, 1, 1], k=50_000)
    for number, phase in enumerate(phases):
        created = f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}T12:00:00Z"
        store.put(record_of(extraction(f"talk-{number}", phase=phase, created=created)))

    def slowest(**filters: Any) -> float:
        times = []
        for _ in range(5):
            begin = time.process_time()
            store.list(Kind.EXTRACTION, offset=random_.randrange(40_000), **filters)
            times.append(time.process_time() - begin)
        return min(times)

    assert slowest() < 0.05
    assert slowest(phases={Phase.FAILED, Phase.CANCELLED}) < 0.05
    assert slowest(search="talk-4999") < 0.1
