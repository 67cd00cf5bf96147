"""The cache keeps what the watches saw: the newest, compactly, and finds it by whose it is."""

import pytest

from slides_operator.kube.cache import JOB, Cache, Key, Kind, compact
from tests.operator.objects import Json, build_batch, build_extraction, build_job, build_pod

X1 = Key(Kind.EXTRACTION, "default", "x-1")
B1 = Key(Kind.BATCH, "default", "b-1")


def _filled(*objects: Json) -> Cache:
    cache = Cache()
    for obj in objects:
        assert cache.put(obj)
    return cache


def test_returns_what_was_put() -> None:
    cache = _filled(build_extraction(), build_batch())

    extraction, batch = cache.extraction(X1), cache.batch(B1)

    assert extraction is not None
    assert batch is not None
    assert extraction["spec"]["source"]["url"] == "https://example.com/talk.mp4"
    assert set(cache.keys()) == {X1, B1}
    assert cache.key_of("x-1") == X1


def _nested(levels: int) -> Json:
    return {"in": _nested(levels - 1)} if levels else {}


@pytest.mark.parametrize(
    "strange",
    [
        pytest.param(_nested(220), id="deeper than pydantic reads"),
        pytest.param(_nested(300), id="deeper than pydantic writes"),
        pytest.param({"in": "\ud800"}, id="half a surrogate pair"),
    ],
)
def test_strange_objects_are_kept_as_they_are(strange: Json) -> None:
    extraction = build_extraction()
    extraction["spec"]["podTemplate"] = {"affinity": strange}

    kept = _filled(extraction).extraction(X1)

    assert kept is not None
    assert kept["spec"] == extraction["spec"]


@pytest.mark.parametrize(
    ("versions", "want"),
    [
        pytest.param([9, 10], [True, True], id="newer by number, not by letter"),
        pytest.param([10, 10], [True, False], id="the same again"),
        pytest.param([10, 9], [True, False], id="older"),
    ],
)
def test_newest_version_wins(versions: list[int], want: list[bool]) -> None:
    cache = Cache()

    news = [cache.put(build_extraction(version=version)) for version in versions]

    assert news == want
    assert cache.version_of("x-1") == max(versions)


def test_late_answer_does_not_bring_back_what_was_deleted() -> None:
    cache = _filled(build_extraction(version=1))

    assert cache.drop(build_extraction(version=2))

    assert not cache.put(build_extraction(version=3))
    assert cache.extraction(X1) is None


def test_name_belongs_to_the_newest_object_of_it() -> None:
    cache = _filled(build_extraction("old", 5, name="x-1"))

    assert cache.put(build_extraction("new", 6, name="x-1"))
    assert not cache.put(build_extraction("older", 4, name="x-1"))

    assert cache.key_of("new") == X1
    assert cache.key_of("old") is None
    assert cache.drop(build_extraction("old", 7, name="x-1")) is False
    assert cache.extraction(X1) is not None


def test_finds_jobs_pods_and_children() -> None:
    cache = _filled(
        build_batch(),
        build_extraction("x-1", batch="b-1"),
        build_extraction("x-2"),
        build_job("j-1"),
        build_job("j-2", of="x-2"),
        build_pod("p-1"),
    )

    assert [job["metadata"]["uid"] for job in cache.jobs_of("default", "x-1")] == ["j-1"]
    assert [pod["metadata"]["uid"] for pod in cache.pods_of("default", "x-1")] == ["p-1"]
    assert [child["metadata"]["uid"] for child in cache.children_of("default", "b-1")] == ["x-1"]
    assert cache.pods_of("default", "x-2") == []


def test_job_belongs_to_its_controller_whatever_its_labels_say() -> None:
    forged = build_job("j-1", of="x-2")
    forged["metadata"]["labels"]["slides-extractor.dev/extraction"] = "x-1"

    cache = _filled(forged)

    assert cache.jobs_of("default", "x-1") == []
    assert len(cache.jobs_of("default", "x-2")) == 1


def test_nothing_of_another_namespace_belongs_to_a_resource() -> None:
    forged = [
        build_job(namespace="theirs"),
        build_pod(namespace="theirs"),
        build_extraction("x-9", batch="b-1", namespace="theirs"),
    ]
    cache = _filled(build_batch(), build_extraction(), *forged)

    assert cache.jobs_of("default", "x-1") == []
    assert cache.pods_of("default", "x-1") == []
    assert cache.children_of("default", "b-1") == []
    theirs = [key for obj in forged for key in cache.keys_concerned(obj)]
    assert theirs == [Key(Kind.EXTRACTION, "theirs", "x-9")]


@pytest.mark.parametrize(
    ("obj", "want"),
    [
        pytest.param(build_extraction("x-1", 2, batch="b-1"), [X1, B1], id="child of a batch"),
        pytest.param(build_batch("b-1", 2), [B1], id="batch"),
        pytest.param(build_job(), [X1], id="Job"),
        pytest.param(build_pod(), [X1], id="Pod"),
        pytest.param(build_job(of="nobody"), [], id="Job of a deleted resource"),
    ],
)
def test_change_concerns(obj: Json, want: list[Key]) -> None:
    cache = _filled(build_batch(), build_extraction("x-1", batch="b-1"))

    cache.put(obj)

    assert cache.keys_concerned(obj) == want


def test_knows_who_else_names_a_manifest() -> None:
    uri, moved = "s3://bucket/video/1/manifest.json", "s3://old/a/b/video/1/manifest.json"
    other = "s3://bucket/video/2/manifest.json"
    cache = _filled(build_extraction("x-1", manifest=uri), build_extraction("x-9", manifest=other))

    def others() -> tuple[str, ...]:
        return cache.manifests_like(["video/1/manifest.json", uri], but_not="x-1")

    assert others() == ()
    cache.put(build_extraction("x-2", 2, manifest=uri))
    cache.put(build_extraction("x-3", 2, manifest=moved))
    assert others() == (uri, moved)
    going = build_extraction("x-2", 3, manifest=uri, deletionTimestamp="2026-01-02T00:00:00Z")
    cache.put(going)
    assert others() == (moved,)
    cache.drop(build_extraction("x-3", 3))
    assert others() == ()


def test_counts_jobs_that_have_not_ended() -> None:
    cache = _filled(build_job("j-1"), build_job("j-2"), build_job("j-3", ended=True))
    assert cache.active_jobs() == 2

    cache.put(build_job("j-1", 2, ended=True))
    cache.drop(build_job("j-2", 2))

    assert cache.active_jobs() == 0


def test_counts_phases() -> None:
    cache = _filled(build_extraction("x-1"), build_extraction("x-2", manifest="s3://b/m"))
    assert (cache.in_phase("Pending"), cache.in_phase("Completed")) == (1, 1)

    cache.drop(build_extraction("x-1", 2))

    assert (cache.in_phase("Pending"), cache.in_phase("Completed")) == (0, 1)


def test_new_list_forgets_what_it_no_longer_has() -> None:
    cache = _filled(
        build_extraction(), build_job("j-1", 5), build_job("j-2", 6), build_job("j-3", 9)
    )

    concerned = cache.retain(JOB, {"j-2"}, version=8)

    assert [job["metadata"]["uid"] for job in cache.jobs_of("default", "x-1")] == ["j-2", "j-3"]
    assert concerned == [X1]


def test_new_list_of_a_namespace_leaves_others_alone() -> None:
    cache = _filled(build_job("j-1", 5))

    assert cache.retain(JOB, set(), version=8, namespace="elsewhere") == []

    assert cache.count(JOB) == 1
    assert cache.count(JOB, namespace="elsewhere") == 0


@pytest.mark.parametrize(
    ("obj", "want"),
    [
        pytest.param(build_job(), {"backoffLimit": 0}, id="Job without its template"),
        pytest.param(build_pod(), {"nodeName": "node-1"}, id="Pod's node alone"),
        pytest.param(
            build_extraction(),
            {"source": {"url": "https://example.com/talk.mp4"}},
            id="SlideExtraction whole",
        ),
    ],
)
def test_keeps_what_decisions_need(obj: Json, want: Json) -> None:
    small = compact(obj)

    assert small["spec"] == want
    assert "managedFields" not in small["metadata"]


def test_keeps_annotations_but_kubectl_s_copy() -> None:
    assert compact(build_extraction())["metadata"]["annotations"] == {"note": "kept"}
