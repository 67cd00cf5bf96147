import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from slides_api.manifest import Chapter, Manifest
from slides_api.schema import build_manifest_schema
from slides_api.v1alpha1 import Document, Outputs, SlidesOutput
from slides_runner.outputs import SlideSet, Talk
from slides_runner.outputs.documents import write_documents
from slides_runner.outputs.manifest import build_manifest, observe_tools
from slides_runner.outputs.slide_images import write_slides
from tests.runner.outputs.talks import DETECTION, INFO, open_talk, with_slides


def make(talk: Talk) -> Manifest:
    slide_set = write_slides(talk)
    documents = write_documents(talk, slide_set, address=lambda key: f"file:///out/{key}")
    tools = observe_tools(talk.key, talk.options)
    return build_manifest(talk, slide_set, [d.record() for d in documents], tools=tools)


def test_every_manifest_satisfies_the_published_schema(video: Path, tmp_path: Path) -> None:
    talks = [
        open_talk(video, tmp_path / "full"),
        open_talk(video, tmp_path / "none", detection=with_slides()),
        open_talk(
            video,
            tmp_path / "chapters",
            info=replace(INFO, chapters=(Chapter(start=0.0, title="One"),), url=None),
            detection=replace(DETECTION, warnings=(("VideoTruncated", "It ends early."),)),
        ),
    ]
    for talk in talks:
        written = json.loads(make(talk).to_json())
        jsonschema.validate(written, build_manifest_schema())


def test_manifest_reads_back_as_it_was_written(talk: Talk) -> None:
    manifest = make(talk)
    assert Manifest.model_validate_json(manifest.to_json()) == manifest


def test_same_input_gives_the_same_bytes_wherever_it_is_worked_on(
    video: Path, tmp_path: Path
) -> None:
    one, other = (make(open_talk(video, tmp_path / name)) for name in ("a", "elsewhere"))
    assert one.to_json() == other.to_json()


def test_names_every_file_with_size_and_digest(talk: Talk) -> None:
    artifacts = make(talk).artifacts
    assert [a.key for a in artifacts] == ["report.html", "slides.pdf", "video_segments.json"]
    assert [a.kind for a in artifacts] == ["html", "pdf", "videoSegments"]
    assert all(a.bytes > 0 for a in artifacts)


def test_tells_where_the_video_came_from_and_how_it_was_read(talk: Talk) -> None:
    manifest = make(talk)
    assert manifest.source.key == "youtube-dQw4w9WgXcQ"
    assert manifest.source.sha256 == talk.media.sha256
    assert (manifest.video.width, manifest.video.height) == (640, 360)
    assert manifest.video.duration_seconds == 8.0
    assert list(manifest.detection.thresholds) == ["change", "same"]


def test_local_video_is_known_by_its_content(talk: Talk) -> None:
    local = replace(talk, media=replace(talk.media, info=replace(INFO, key=None, url=None)))
    assert make(local).source.key == f"file-{talk.media.sha256[:16]}"


def test_warnings_are_passed_on_and_missing_slides_are_one(video: Path, tmp_path: Path) -> None:
    found = replace(DETECTION, slides=(), warnings=(("VideoCorrupt", "Parts are damaged."),))
    warnings = make(open_talk(video, tmp_path, detection=found)).warnings
    assert [w.reason for w in warnings] == ["VideoCorrupt", "NoSlidesFound"]


@pytest.mark.parametrize(
    ("key", "documents", "extra"),
    [
        ("file-1", (), set()),
        ("url-1", (Document.PDF,), {"reportlab"}),
        ("youtube-1", (Document.HTML,), {"yt-dlp", "jinja2"}),
    ],
)
def test_names_the_tools_that_took_part(
    key: str, documents: tuple[Document, ...], extra: set[str]
) -> None:
    tools = observe_tools(key, Outputs(slides=SlidesOutput(documents=documents)))
    assert set(tools) & {"reportlab", "yt-dlp", "jinja2"} == extra
    assert {"av", "libavcodec", "numpy", "opencv-python-headless", "pillow"} <= set(tools)


def test_options_hash_is_that_of_the_prefix(talk: Talk, slide_set: SlideSet) -> None:
    one = build_manifest(talk, slide_set, [], tools={})
    other = build_manifest(
        replace(talk, options=Outputs(slides=SlidesOutput(min_duration_seconds=5))),
        slide_set,
        [],
        tools={},
    )
    assert one.options_hash != other.options_hash
    assert one.options.slides == SlidesOutput()
