from typing import Any

from slides_api.manifest import (
    Artifact,
    BuildStep,
    Chapter,
    DetectionRecord,
    Image,
    Manifest,
    Slide,
    SourceRecord,
    Span,
    VideoRecord,
)
from slides_api.v1alpha1 import Outputs
from slides_operator.service.web.gallery import Gallery, build_gallery

SHA = "a" * 64


def image(key: str) -> Image:
    return Image(key=key, media_type="image/webp", width=1280, height=720, bytes=9, sha256=SHA)


def slide(index: int, *spans: tuple[float, float], **more: Any) -> Slide:
    shown = tuple(Span(start=start, end=end) for start, end in spans)
    default: dict[str, Any] = {"image": image(f"slides/{index}.webp"), "confidence": 1}
    return Slide(index=index, spans=shown, **{**default, **more})


def gallery(*slides: Slide, **source: Any) -> Gallery:
    manifest = Manifest(
        generator="test",
        source=SourceRecord(key="url-1", sha256=SHA, bytes=1, **source),
        options=Outputs(),
        options_hash="0" * 8,
        video=VideoRecord(
            duration_seconds=100, width=1280, height=720, frames_per_second=25, codec="h264"
        ),
        detection=DetectionRecord(method="test", thresholds={}),
        slides=slides,
        artifacts=(
            Artifact(
                key="slides.pdf", kind="pdf", media_type="application/pdf", bytes=2000, sha256=SHA
            ),
            Artifact(key="audio.mp3", kind="new", media_type="audio/mpeg", bytes=3000, sha256=SHA),
        ),
    )
    return build_gallery(manifest, link=lambda key, sha: f"/{key}?{sha[:2]}", manifest_link="/m")


def test_says_how_much_of_the_talk_is_slides() -> None:
    made = gallery(slide(1, (0, 25), (50, 60)), slide(2, (25, 40)))
    assert (made.coverage, made.returns, made.steps) == ("50%", 1, 0)
    assert made.slides[0].spans_data == "0.000-25.000 50.000-60.000"
    assert [span.clock for span in made.slides[0].spans] == ["0:00", "0:50"]


def test_build_steps_are_marked_where_the_next_one_appears() -> None:
    steps = (
        BuildStep(start=0, end=10, image=image("slides/1-build-1.webp")),
        BuildStep(start=10, end=20),
    )
    made = gallery(slide(1, (0, 50), builds=steps))
    assert made.build_marks == (10.0, 20.0)
    assert [step.href for step in made.slides[0].builds] == ["/slides/1-build-1.webp?aa"]
    assert made.steps == 2


def test_chapters_are_marked_apart_from_the_start() -> None:
    chapters = (Chapter(start=0, title="One"), Chapter(start=40, title="Two"))
    made = gallery(slide(1, (0, 40), (60, 70)), slide(2, (40, 60)), chapters=chapters)
    assert made.chapter_marks == (40.0,)
    assert [(one.clock, one.slide) for one in made.chapters] == [("0:00", 1), ("0:40", 2)]


def test_a_chapter_after_all_slides_leads_to_the_last_one() -> None:
    chapters = (Chapter(start=90, title="Questions"),)
    assert gallery(slide(1, (0, 40)), chapters=chapters).chapters[0].slide == 1
    assert gallery(chapters=chapters).chapters == ()


def test_spans_lead_into_the_video_where_its_site_can() -> None:
    made = gallery(slide(1, (61, 70)), url="https://youtu.be/ID")
    assert made.slides[0].spans[0].link == "https://youtu.be/ID?t=61s"
    assert gallery(slide(1, (61, 70)), url="javascript:alert(1)").slides[0].spans[0].link is None


def test_every_artifact_can_be_downloaded_also_of_a_kind_that_is_new() -> None:
    files = [(one.word, one.href, one.size) for one in gallery().files]
    assert files == [
        ("audio.mp3", "/audio.mp3?aa", "3.0 kB"),
        ("PDF of the slides", "/slides.pdf?aa", "2.0 kB"),
        ("Manifest", "/m", ""),
    ]


def test_says_which_slides_may_be_none() -> None:
    sure, unsure = gallery(slide(1, (0, 1)), slide(2, (1, 2), confidence=0.4)).slides
    assert (sure.is_unsure, unsure.is_unsure, unsure.confidence) == (False, True, "40%")
