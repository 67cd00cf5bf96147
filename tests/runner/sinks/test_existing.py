import json

import pytest

from slides_runner.errors import OutputConflictError
from slides_runner.sinks import StoredManifest
from slides_runner.sinks.existing import is_complete, named_keys


def stored(key: str = "file-1", options_hash: str = "aaaa") -> StoredManifest:
    content = {"schemaVersion": 1, "source": {"key": key}, "optionsHash": options_hash}
    return StoredManifest(json.dumps(content).encode(), "v1")


def check(manifest: StoredManifest | None, *, force: bool = False) -> bool:
    return is_complete(manifest, video_key="file-1", options_hash="aaaa", place="out", force=force)


@pytest.mark.parametrize(
    ("manifest", "force", "want"),
    [
        pytest.param(None, False, False, id="nothing there: work"),
        pytest.param(None, True, False, id="nothing there, forced: work"),
        pytest.param(stored(), False, True, id="the same: done"),
        pytest.param(stored(), True, False, id="the same, forced: work"),
        pytest.param(stored(options_hash="b"), True, False, id="other options, forced: work"),
    ],
)
def test_tells_whether_the_output_is_there(
    manifest: StoredManifest | None, force: bool, want: bool
) -> None:
    assert check(manifest, force=force) is want


@pytest.mark.parametrize(
    ("manifest", "force", "hint"),
    [
        pytest.param(stored(options_hash="b"), False, "--force", id="other options"),
        pytest.param(stored(key="file-2"), False, "another --output", id="another talk"),
        pytest.param(stored(key="file-2"), True, "another --output", id="another talk, forced"),
        pytest.param(StoredManifest(b"{}", "v"), True, "another --output", id="not ours"),
        pytest.param(StoredManifest(b"\xff", "v"), False, "another --output", id="not even JSON"),
    ],
)
def test_refuses_to_replace(manifest: StoredManifest, force: bool, hint: str) -> None:
    with pytest.raises(OutputConflictError) as refused:
        check(manifest, force=force)
    assert hint in refused.value.hint


def test_names_every_key_of_a_manifest() -> None:
    manifest = {
        "slides": [
            {"image": {"key": "slides/0001.webp"}, "builds": [{"image": {"key": "slides/b.webp"}}]},
            {"image": {"key": "slides/0002.webp"}, "builds": [{"start": 1.0}]},
        ],
        "artifacts": [{"key": "slides.pdf"}],
    }
    want = {"slides/0001.webp", "slides/0002.webp", "slides/b.webp", "slides.pdf"}
    assert named_keys(json.dumps(manifest).encode()) == want


@pytest.mark.parametrize("key", ["../x", "/etc/x", "a/../../x", "a//x", "..\\x", "", 7, None])
def test_passes_over_keys_that_lead_elsewhere(key: object) -> None:
    assert named_keys(json.dumps({"artifacts": [{"key": key}]}).encode()) == frozenset()


@pytest.mark.parametrize("content", [b"", b"[]", b'{"slides": 1}', b'{"artifacts": [1, "x"]}'])
def test_a_damaged_manifest_names_nothing(content: bytes) -> None:
    assert named_keys(content) == frozenset()
