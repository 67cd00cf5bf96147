import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slides_api.names import (
    child_name,
    claim_name,
    deletion_job_name,
    extractor_key,
    file_key,
    job_name,
    options_hash,
    storage_prefix,
    url_key,
)
from slides_api.v1alpha1 import Outputs, Sensitivity, SlidesOutput
from slides_api.v1alpha1.base import SUBDOMAIN

UID = "0f8fad5b-d9cb-469f-a165-70867728950e"
LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"


@pytest.mark.parametrize(
    ("extractor", "video_id", "want"),
    [
        ("youtube", "dQw4w9WgXcQ", "youtube-dQw4w9WgXcQ"),
        ("Youtube", "-_abcdefghi", "youtube--_abcdefghi"),
        ("vimeo:album", "123", "vimeo-album-123"),
    ],
)
def test_key_of_a_site_keeps_its_id(extractor: str, video_id: str, want: str) -> None:
    assert extractor_key(extractor, video_id) == want


@pytest.mark.parametrize("video_id", ["../../etc", "a/b", "a b", "", "ünï"])
def test_unsafe_ids_become_hashes_that_differ(video_id: str) -> None:
    key = extractor_key("site", video_id)
    assert key.startswith("site-")
    assert key.replace("-", "").isalnum()
    assert key != extractor_key("site", video_id + "?")


def test_keys_of_urls_and_files_have_sixteen_digits() -> None:
    assert len(url_key("https://example.com/a").removeprefix("url-")) == 16
    assert url_key("https://example.com/a") != url_key("https://example.com/b")
    assert file_key("ab" * 32) == "file-" + "ab" * 8


def test_options_hash_differs_only_with_other_outputs() -> None:
    plain = options_hash(Outputs())
    sensitive = Outputs(slides=SlidesOutput(sensitivity=Sensitivity.HIGH))
    assert plain == options_hash(Outputs(slides=SlidesOutput()))
    assert plain != options_hash(sensitive)
    assert len(plain) == 8


def test_options_hash_never_changes() -> None:
    """It is part of the prefix under which finished outputs are found again."""
    assert options_hash(Outputs()) == "296dd08c"


def test_storage_prefix_ends_with_a_slash() -> None:
    assert storage_prefix("file-1", Outputs()) == f"file-1/{options_hash(Outputs())}/"


def test_names_of_what_the_operator_makes() -> None:
    assert job_name("talk.one", UID, 3) == "talk-one-0f8fad5b-3"
    assert deletion_job_name("talk", UID, 1) == "talk-0f8fad5b-delete-1"
    assert claim_name("talk", UID) == "talk-0f8fad5b-work"
    assert child_name("week.47", UID, "one") == "week-47-one-0f8fad5b"


@given(name=st.from_regex(SUBDOMAIN.replace("$", r"\Z")).filter(lambda n: len(n) <= 253))
def test_names_are_valid_however_long(name: str) -> None:
    longest = f"{name}{'a' * 253}"[:253].rstrip(".-")
    for whole in (name, longest):
        pod_base = job_name(whole, UID, 9_999_999)
        assert len(pod_base) <= 57
        assert re.fullmatch(LABEL, pod_base)
        for made in (deletion_job_name(whole, UID, 99), claim_name(whole, UID)):
            assert len(made) <= 63
            assert re.fullmatch(LABEL, made)
        child = child_name(whole, UID, "i" * 63)
        assert len(child) <= 253
        assert re.fullmatch(SUBDOMAIN, child)


def test_children_of_different_batches_never_meet() -> None:
    other = UID[::-1]
    assert child_name("a", UID, "b-c") != child_name("a-b", other, "c")
    assert child_name("x" * 250, UID, "c") != child_name("x" * 251, other, "c")
