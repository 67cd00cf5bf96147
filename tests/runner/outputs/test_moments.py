import pytest

from slides_api.moments import clock, link_at
from slides_runner.outputs.moments import rounded_s


@pytest.mark.parametrize(
    ("time_s", "want"),
    [
        (0, "0:00"),
        (7.999, "0:07"),
        (61, "1:01"),
        (3599, "59:59"),
        (3600, "1:00:00"),
        (36_061, "10:01:01"),
    ],
)
def test_writes_times_as_players_do(time_s: float, want: str) -> None:
    assert clock(time_s) == want


@pytest.mark.parametrize(("time_s", "want"), [(1.00049, 1.0), (-0.02, 0.0), (2.9996, 3.0)])
def test_rounds_to_milliseconds_from_zero(time_s: float, want: float) -> None:
    assert rounded_s(time_s) == want


@pytest.mark.parametrize(
    ("url", "want"),
    [
        ("https://www.youtube.com/watch?v=ID", "https://www.youtube.com/watch?v=ID&t=61s"),
        ("https://youtu.be/ID?t=5", "https://youtu.be/ID?t=61s"),
        ("https://m.youtube.com/watch?v=ID&t=1&x=", "https://m.youtube.com/watch?v=ID&x=&t=61s"),
        ("https://vimeo.com/123", "https://vimeo.com/123#t=61s"),
        ("https://example.com/talk.mp4?a=1", "https://example.com/talk.mp4?a=1#t=61"),
        ("https://example.com/talk", None),
        ("https://notyoutube.com/watch?v=ID", None),
        ("https://youtube.com.example.com/watch?v=ID", None),
        ("s3://bucket/talk.mp4", None),
        ("javascript:alert(1)//youtube.com/", None),
        (None, None),
    ],
)
def test_links_to_a_moment_where_the_site_can(url: str | None, want: str | None) -> None:
    assert link_at(url, 61.9) == want
