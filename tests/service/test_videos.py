"""One video has many addresses."""

import pytest

from slides_operator.service.videos import Video, canonical_url, find_video, is_code

ID = "dQw4w9WgXcQ"


@pytest.mark.parametrize(
    "url",
    [
        f"https://www.youtube.com/watch?v={ID}",
        f"https://youtube.com/watch?list=PL1&v={ID}&t=42s",
        f"http://m.youtube.com/watch?v={ID}#here",
        f"https://music.youtube.com/watch?v={ID}",
        f"https://www.youtube-nocookie.com/embed/{ID}?rel=0",
        f"https://www.youtube.com/v/{ID}",
        f"https://www.youtube.com/shorts/{ID}",
        f"https://www.youtube.com/live/{ID}?feature=share",
        f"https://youtu.be/{ID}?si=x",
        f"youtube:{ID}",
        f" HTTPS://WWW.YouTube.com/watch?v={ID} ",
    ],
)
def test_addresses_of_a_youtube_video_are_one(url: str) -> None:
    assert find_video(url) == Video("youtube", ID)
    assert canonical_url(url) == f"youtube:{ID}"


@pytest.mark.parametrize(
    "url",
    [
        "https://www.instagram.com/p/CxYz123_-/",
        "https://instagram.com/reel/CxYz123_-/?igsh=1",
        "https://www.instagram.com/somebody/reels/CxYz123_-",
        "instagram:CxYz123_-",
    ],
)
def test_addresses_of_an_instagram_video_are_one(url: str) -> None:
    assert canonical_url(url) == "instagram:CxYz123_-"


@pytest.mark.parametrize(
    "url",
    [
        "https://www.youtube.com/watch?v=short",
        "https://www.youtube.com/@somebody",
        "https://www.youtube.com/playlist?list=PL1",
        f"https://youtube.com.evil.example/watch?v={ID}",
        f"https://notyoutube.com/watch?v={ID}",
        "https://youtu.be/",
        "https://www.instagram.com/somebody/",
        f"vimeo:{ID}",
        "https://[broken/talk.mp4",
        "",
    ],
)
def test_anything_else_is_no_video_of_a_platform(url: str) -> None:
    assert find_video(url) is None


def test_another_source_is_its_url_without_the_fragment() -> None:
    assert canonical_url("https://a.example/t.mp4?x=1#t=3") == "https://a.example/t.mp4?x=1"


@pytest.mark.parametrize(
    ("platform", "code", "want"),
    [
        ("youtube", ID, True),
        ("youtube", ID + "x", False),
        ("youtube", "dQw4w9WgXc\n", False),
        ("instagram", "ABC123", True),
        ("instagram", "../x", False),
        ("vimeo", "12345", False),
    ],
)
def test_codes_are_what_the_runner_takes(platform: str, code: str, want: bool) -> None:
    assert is_code(platform, code) is want
