"""The manifest, from everything that was found and made: the same input gives the same bytes."""

import platform
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version

import av

from slides_api import __version__, manifest
from slides_api.names import options_hash
from slides_api.v1alpha1 import Document, Outputs
from slides_runner.detection import Detection
from slides_runner.outputs import SlideSet, Talk, slides_options
from slides_runner.outputs.moments import rounded_s
from slides_runner.sources import Media
from slides_runner.video import VideoProperties

METHOD = f"slides_runner.detection {__version__}"
FFMPEG_LIBRARIES = ("libavcodec", "libavformat", "libavutil", "libswscale")
ALWAYS = ("av", "numpy", "opencv-python-headless", "pillow")
"""Distributions that decide bytes of every output."""
NOT_FROM_A_SITE = ("file-", "url-")
"""Keys of videos that yt-dlp had no part in."""
NO_SLIDES = manifest.Warning(
    reason="NoSlidesFound",
    message="No slide was found. If the talk has slides, try a higher sensitivity or name the "
    "region of the picture that shows them.",
)


def build_manifest(
    talk: Talk,
    slide_set: SlideSet,
    artifacts: Iterable[manifest.Artifact],
    *,
    tools: Mapping[str, str],
) -> manifest.Manifest:
    """Return the record of an extraction; `tools` are the versions that `observe_tools` reads."""
    return manifest.Manifest(
        generator=f"slides-extractor {__version__}",
        tools=dict(sorted(tools.items())),
        source=_source(talk.key, talk.media),
        options=talk.options.with_default(),
        options_hash=options_hash(talk.options),
        video=_video(talk.video, talk.detection),
        detection=manifest.DetectionRecord(
            method=METHOD, thresholds=dict(sorted(talk.detection.thresholds.items()))
        ),
        slides=slide_set.slides,
        artifacts=tuple(sorted(artifacts, key=lambda artifact: artifact.key)),
        warnings=warnings_of(talk.detection),
    )


def files_of(whole: manifest.Manifest) -> Iterator[manifest.Image | manifest.Artifact]:
    """Yield everything that a manifest names."""
    for slide in whole.slides:
        yield slide.image
        yield from (build.image for build in slide.builds if build.image)
    yield from whole.artifacts


def warnings_of(detection: Detection) -> tuple[manifest.Warning, ...]:
    """Return what the reader of a result should know of it."""
    seen = (manifest.Warning(reason=r, message=m) for r, m in detection.warnings)
    return (*seen, *(() if detection.slides else (NO_SLIDES,)))


def observe_tools(video_key: str, options: Outputs) -> dict[str, str]:
    """Return the versions of the programs and libraries that take part in an extraction."""
    names = [*ALWAYS]
    if not video_key.startswith(NOT_FROM_A_SITE):
        names.append("yt-dlp")
    documents = slides_options(options).documents
    if Document.PDF in documents:
        names.append("reportlab")
    if Document.HTML in documents:
        names.append("jinja2")
    libraries = {name: _dotted(av.library_versions[name]) for name in FFMPEG_LIBRARIES}
    return {"python": platform.python_version(), **libraries, **{n: version(n) for n in names}}


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))


def _source(key: str, media: Media) -> manifest.SourceRecord:
    return manifest.SourceRecord(
        key=key,
        url=media.info.url,
        title=media.info.title,
        uploader=media.info.uploader,
        sha256=media.sha256,
        bytes=media.size_bytes,
        chapters=media.info.chapters,
    )


def _video(video: VideoProperties, detection: Detection) -> manifest.VideoRecord:
    return manifest.VideoRecord(
        duration_seconds=rounded_s(detection.duration_s),
        width=video.width,
        height=video.height,
        frames_per_second=rounded_s(video.frames_per_second),
        codec=video.codec,
        rotation=video.rotation,
    )
