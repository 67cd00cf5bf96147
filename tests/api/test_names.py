import pytest

from slides_api.names import extractor_key, file_key, options_hash, storage_prefix, url_key
from slides_api.v1alpha1 import Outputs, Sensitivity, SlidesOutput


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


def test_storage_prefix_ends_with_a_slash() -> None:
    assert storage_prefix("file-1", Outputs()) == f"file-1/{options_hash(Outputs())}/"
