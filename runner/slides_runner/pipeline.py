"""One extraction from beginning to end: the same on a laptop and in a pod.

`run` reads as its stages. Whatever stops it, what was downloaded stays in its work folder, and what
was stored lacks its manifest, so it never looks complete.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from slides_api.conditions import Reason
from slides_api.manifest import Manifest
from slides_api.names import options_hash
from slides_api.v1alpha1 import Outputs
from slides_api.v1alpha1 import Source as SourceSpec
from slides_runner.artifacts import LocalFile
from slides_runner.detection.detector import detect
from slides_runner.errors import OutputConflictError, TooLongError
from slides_runner.outputs import SlideSet, Talk, slides_options
from slides_runner.outputs.documents import write_documents
from slides_runner.outputs.manifest import build_manifest, files_of, observe_tools
from slides_runner.outputs.slide_images import write_slides
from slides_runner.reporters import Found, Reporter, Stored
from slides_runner.reporters.meter import Meter
from slides_runner.settings import RunnerSettings
from slides_runner.sinks import MANIFEST_KEY, Sink, StoredManifest
from slides_runner.sinks.existing import is_complete
from slides_runner.sinks.registry import folder_below, open_sink
from slides_runner.sources import Media, VideoInfo, open_source
from slides_runner.sources.egress import Egress
from slides_runner.video import probe_video
from slides_runner.workspace import Room, WorkFolder, claim

LONGEST_NAME_BYTES = 120
"""Of a folder named after a talk; chosen: half of what file systems take, titles are long."""
UNSAFE_IN_NAMES = frozenset('/\\:*?"<>|')
"""What no file system, or only some, take in a name."""


@dataclass(frozen=True)
class RunRequest:
    """What one extraction is asked to do."""

    source: SourceSpec
    outputs: Outputs
    work_root: Path
    """Folder that holds the work folders."""
    output: str | None = None
    """Folder or s3://BUCKET/PREFIX; None names a folder here after the talk."""
    several: bool = False
    """Whether other talks go to the same output, each into a folder of its own."""
    force: bool = False
    """Work even if the same output is there already."""
    proxy: str | None = None
    """The extraction's own proxy, before those of the settings."""
    work_limit_bytes: int | None = None
    """How much may lie in `work_root`; None: what the disk has."""
    work_stays: bool = True
    """Whether the next try finds what lies in `work_root`."""


@dataclass(frozen=True)
class RunResult:
    """What one extraction came to."""

    reason: Reason
    manifest: Manifest
    sink: Sink
    """Where the outputs lie."""


@dataclass(frozen=True)
class Place:
    """Where the outputs of a talk go, and what lies there."""

    sink: Sink
    stored: StoredManifest | None
    finished: Manifest | None
    """The manifest of this very output, when nothing is left to do."""


@dataclass(frozen=True)
class Products:
    """All files made of a talk."""

    slide_set: SlideSet
    documents: tuple[LocalFile, ...]

    @property
    def files(self) -> tuple[LocalFile, ...]:
        """Every file, in the order in which they are stored."""
        return (*self.slide_set.files, *self.documents)


def go_on() -> None:
    """Let the run go on."""


def run(
    request: RunRequest,
    settings: RunnerSettings,
    reporter: Reporter,
    *,
    check: Callable[[], None] = go_on,
    egress: Egress | None = None,
) -> RunResult:
    """Turn a video into its outputs, and return what they are and where.

    `check` is called at every step and raises InterruptedRunError to stop the run. Runs that share
    an `egress` share its rotation and know which proxies rest. Raises SlidesError.
    """
    room = Room(request.work_root, request.work_limit_bytes)
    meter = Meter(reporter, lambda: _check_all(check, room.check))
    meter.start("Asking for the video")
    source = open_source(
        request.source.url, request.source, settings, proxy=request.proxy, egress=egress
    )
    info = source.probe()
    meter.found(Found(info, info.duration_s))
    refuse_too_long(info.duration_s, request.source)
    name = identity(request.source, info)
    with claim(request.work_root, name, stays=request.work_stays) as work:
        # Which video a local file is shows in its content alone, so that is read before the rest.
        media = None if info.key else source.fetch(work.downloads, meter.downloading)
        place = find_place(request, settings, media.info if media else info, meter)
        if place.finished:
            return _already_done(info, place, place.finished, meter)
        place.sink.prepare()
        room.refuse(None if media else info.size_bytes, work)
        media = media or source.fetch(work.downloads, meter.downloading)
        talk = _watch(request, _keyed(media, info), work, meter)
        products = _make(talk, place.sink, meter)
        manifest = _store(talk, products, place, meter)
    return _completed(manifest, place.sink, meter)


def _check_all(*checks: Callable[[], None]) -> None:
    for check in checks:
        check()


def identity(spec: SourceSpec, info: VideoInfo) -> str:
    """Return what a download can go on with: the same video, asked for in the same height."""
    return f"{info.key or Path(spec.url).absolute()} {spec.max_height}"


def refuse_too_long(duration_s: float | None, spec: SourceSpec) -> None:
    """Raise TooLongError for a duration beyond the limit; an unknown one is asked again later."""
    limit_s = spec.max_duration_seconds
    if limit_s is not None and duration_s is not None and duration_s > limit_s:
        raise TooLongError(
            f"The video takes {duration_s:,.0f} s, {limit_s:,} s are allowed.",
            hint="Raise maxDurationSeconds (--max-duration).",
        )


def find_place(
    request: RunRequest, settings: RunnerSettings, info: VideoInfo, meter: Meter
) -> Place:
    """Return where the outputs go and what lies there. Raises OutputConflictError."""
    key = info.key or ""
    name = request.output or folder_name(info.title or key)
    is_shared = request.several and request.output is not None
    folder = folder_below(name, video_key=key, outputs=request.outputs, several=is_shared)
    sink = open_sink(name, folder=folder, settings=settings, warn=meter.warn)
    stored = sink.read_manifest()
    finished = is_complete(
        stored,
        video_key=key,
        options_hash=options_hash(request.outputs),
        place=name,
        force=request.force,
    )
    return Place(sink, stored, _parse(stored, name) if stored and finished else None)


def folder_name(title: str) -> str:
    """Return `TITLE-slides`, as any file system takes it and no shell is surprised by it."""
    safe = "".join(" " if c in UNSAFE_IN_NAMES or not c.isprintable() else c for c in title)
    words = " ".join(safe.split()).strip(". -")
    cut = words.encode(errors="ignore")[:LONGEST_NAME_BYTES].decode(errors="ignore").strip(". ")
    return f"{cut or 'talk'}-slides"


def _parse(stored: StoredManifest, place: str) -> Manifest:
    try:
        return Manifest.model_validate_json(stored.content)
    except ValidationError as e:
        raise OutputConflictError(
            f"{place} holds the output of another version of this program.",
            hint="Choose another --output, or replace it with --force.",
        ) from e


def _keyed(media: Media, info: VideoInfo) -> Media:
    """Return the media under the key that its place was found by."""
    return replace(media, info=replace(media.info, key=info.key or media.info.key))


def _watch(request: RunRequest, media: Media, work: WorkFolder, meter: Meter) -> Talk:
    video = probe_video(media.path)
    meter.found(Found(media.info, video.duration_s, video.width, video.height))
    refuse_too_long(video.duration_s, request.source)
    meter.detecting(0, video.frame_count)
    detection = detect(media.path, slides_options(request.outputs), meter.detecting)
    return Talk(media, video, detection, request.outputs, work.made)


def _make(talk: Talk, sink: Sink, meter: Meter) -> Products:
    slide_set = write_slides(talk, meter.picturing)
    meter.documenting(len(slide_set.slides))
    return Products(slide_set, write_documents(talk, slide_set, address=_address(sink)))


def _address(sink: Sink) -> Callable[[str], str]:
    """Return how outputs name each other: relatively in a folder, so that it can be moved."""
    return lambda key: key if sink.local_path(key) else sink.uri(key)


def _store(talk: Talk, products: Products, place: Place, meter: Meter) -> Manifest:
    total = len(products.files) + 1
    meter.storing(0, total)
    for done, _ in enumerate(place.sink.put(products.files), 1):
        meter.storing(done, total)
    tools = observe_tools(talk.key, talk.options)
    artifacts = [file.record() for file in products.documents]
    manifest = build_manifest(talk, products.slide_set, artifacts, tools=tools)
    content = manifest.to_json()
    place.sink.commit(content, replaces=place.stored)
    meter.stored(_stored(place.sink, manifest, content))
    return manifest


def _stored(sink: Sink, manifest: Manifest, content: bytes) -> Stored:
    files = {file.key: file.bytes for file in files_of(manifest)}
    return Stored(
        manifest_uri=sink.uri(MANIFEST_KEY),
        manifest_sha256=hashlib.sha256(content).hexdigest(),
        slide_count=len(manifest.slides),
        size_bytes=sum(files.values()) + len(content),
    )


def _completed(manifest: Manifest, sink: Sink, meter: Meter) -> RunResult:
    reason = Reason.COMPLETED if manifest.slides else Reason.NO_SLIDES_FOUND
    for warning in manifest.warnings:
        meter.warn(warning.message)
    count = len(manifest.slides)
    meter.finish(f"{count} slide{'' if count == 1 else 's'}")
    return RunResult(reason, manifest, sink)


def _already_done(info: VideoInfo, place: Place, manifest: Manifest, meter: Meter) -> RunResult:
    video = manifest.video
    known = replace(info, key=manifest.source.key)
    meter.found(Found(known, video.duration_seconds, video.width, video.height))
    if place.stored:
        meter.stored(_stored(place.sink, manifest, place.stored.content))
    meter.finish("Nothing to do: the output is there already")
    return RunResult(Reason.ALREADY_COMPLETED, manifest, place.sink)
