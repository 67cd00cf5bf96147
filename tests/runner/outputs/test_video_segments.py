import json
from typing import Any

import pytest

from slides_api.manifest import BuildStep, Image, Slide, Span
from slides_runner.outputs import SlideSet, Talk
from slides_runner.outputs.video_segments import build_segments, write_video_segments


def image(key: str) -> Image:
    return Image(
        key=f"slides/{key}.webp",
        media_type="image/webp",
        width=1,
        height=1,
        bytes=1,
        sha256="a" * 64,
    )


def slide(index: int, *spans: tuple[float, float], key: str = "", builds: int = 0) -> Slide:
    steps = tuple(
        BuildStep(start=spans[0][0], end=spans[0][1], image=image(f"{index:04d}-build-{n}"))
        for n in range(1, builds + 1)
    )
    return Slide(
        index=index,
        image=image(key or f"{index:04d}"),
        spans=tuple(Span(start=start, end=end) for start, end in spans),
        builds=steps,
        confidence=1.0,
    )


def segments_of(*slides: Slide, duration_s: float = 10.0) -> list[dict[str, Any]]:
    made = build_segments(slides, duration_s, lambda key: f"file:///out/{key}")
    return [dict(segment) for segment in made]


def outline(segments: list[dict[str, Any]]) -> list[tuple[str, float, float]]:
    return [(s["kind"], s["start_time"], s["end_time"]) for s in segments]


@pytest.mark.parametrize(
    ("slides", "want"),
    [
        pytest.param((), [("moving", 0, 10)], id="no slides"),
        pytest.param((slide(1, (0, 10)),), [("static", 0, 10)], id="all of it"),
        pytest.param(
            (slide(1, (1, 4)), slide(2, (4, 6))),
            [("moving", 0, 1), ("static", 1, 4), ("static", 4, 6), ("moving", 6, 10)],
            id="moving ones between",
        ),
        pytest.param(
            (slide(1, (0, 2), (5, 10)), slide(2, (2, 5))),
            [("static", 0, 2), ("static", 2, 5), ("static", 5, 10)],
            id="a return",
        ),
        pytest.param(
            (slide(1, (0, 4)), slide(2, (3, 10))),
            [("static", 0, 3), ("static", 3, 10)],
            id="never overlapping",
        ),
    ],
)
def test_segments_cover_the_talk(
    slides: tuple[Slide, ...], want: list[tuple[str, float, float]]
) -> None:
    assert outline(segments_of(*slides)) == want


def test_static_segments_count_from_zero() -> None:
    segments = segments_of(slide(1, (1, 2), (5, 6)), slide(2, (3, 4)))
    static = [s for s in segments if s["kind"] == "static"]
    assert [s["segment_id"] for s in static] == [0, 1, 2]
    assert static[1]["first_frame"]["frame_id"] == "static_frame_000001_first.webp"


def test_first_frame_is_the_first_build_step_and_last_the_finished_slide() -> None:
    (segment,) = segments_of(slide(1, (0, 10), builds=2))
    assert segment["first_frame"]["url"] == "slides/0001-build-1.webp"
    assert segment["last_frame"]["url"] == segment["url"] == "slides/0001.webp"
    assert segment["first_frame"]["duplicate_of"] is None
    assert segment["last_frame"]["duplicate_of"] is None


def test_slide_without_steps_ends_as_it_began() -> None:
    (segment,) = segments_of(slide(1, (0, 10)))
    want = {"segment_id": 0, "frame_position": "first"}
    assert segment["first_frame"]["duplicate_of"] is None
    assert segment["last_frame"]["duplicate_of"] == want


def test_returns_point_at_the_finished_slide_and_never_at_a_duplicate() -> None:
    talk = (slide(1, (0, 2), (4, 5), (7, 8), builds=1), slide(2, (2, 4), (8, 10), key="0002"))
    static = [s for s in segments_of(*talk) if s["kind"] == "static"]
    frames = {
        (s["segment_id"], place): s[f"{place}_frame"] for s in static for place in ("first", "last")
    }
    targets = [f["duplicate_of"] for f in frames.values() if f["duplicate_of"]]
    assert {"segment_id": 0, "frame_position": "last"} in targets
    for target in targets:
        assert frames[target["segment_id"], target["frame_position"]]["duplicate_of"] is None


def test_two_slides_with_one_picture_are_duplicates() -> None:
    one, other = segments_of(slide(1, (0, 5)), slide(2, (5, 10), key="0001"))
    assert one["first_frame"]["duplicate_of"] is None
    want = {"segment_id": 0, "frame_position": "first"}
    assert other["first_frame"]["duplicate_of"] == other["last_frame"]["duplicate_of"] == want


def test_frames_say_where_they_lie_in_s3() -> None:
    made = build_segments((slide(1, (0, 10)),), 10, lambda key: f"s3://talks/a/b/{key}")
    frame = made[0]["first_frame"]
    assert frame["s3_bucket"] == "talks"
    assert frame["s3_key"] == "a/b/slides/0001.webp"
    assert frame["s3_uri"] == frame["url"] == "s3://talks/a/b/slides/0001.webp"


def test_file_is_keyed_by_youtubes_own_id(talk: Talk, slide_set: SlideSet) -> None:
    file = write_video_segments(talk, slide_set, lambda key: f"file:///out/{key}")
    (video_id, record), *others = json.loads(file.path.read_text()).items()
    assert (video_id, others) == ("dQw4w9WgXcQ", [])
    assert [s["kind"] for s in record["segments"]] == ["static", "static", "static", "moving"]
