"""The detector: packets say where to look, keyframes what is there, single GOPs when it changed.

1. `packets`: read the sizes of all packets; most of a talk is provably still.
2. `survey`: decode the keyframes alone, and a probe of what moves where something does (`motion`).
3. `scenes` and `refine`: decode the GOPs in which something changes, to find when.
4. `shots`: group the pictures into stable stretches.
5. `slides`: fold build steps, recognise returns, leave out faces and rooms.

Pictures are compared by `pictures`; how much difference is none is in `tolerance`.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2

from slides_api.v1alpha1 import Region, SlidesOutput
from slides_runner.detection import (
    DetectedBuild,
    DetectedSlide,
    Detection,
    Sample,
    Span,
)
from slides_runner.detection.ahead import ahead
from slides_runner.detection.ground import PEAK, looks_drawn
from slides_runner.detection.motion import Habit
from slides_runner.detection.packets import Gop, PacketIndex, group, read_index
from slides_runner.detection.pictures import NOISE, SHARE
from slides_runner.detection.refine import GopReader
from slides_runner.detection.scenes import Walker, scenes
from slides_runner.detection.shots import Shot, ShotBuilder
from slides_runner.detection.slides import Look, SlideShots, fold, image_time_s
from slides_runner.detection.survey import KeySample, survey
from slides_runner.detection.tolerance import TOLERANCES, Tolerance
from slides_runner.video import not_a_video, open_video, probe_video

OnFrames = Callable[[int, int], None]
"""Called with (frames looked at, frames in all)."""

METHOD = "packets-keyframes-cells/1"
"""Name and version of this method, for the manifest."""
JOIN_S = 1.0
"""A slide hidden for less than this is shown without a pause; chosen."""
MIN_BUILD_S = 1.0
"""A build step that stands for less is part of the next; chosen: typing and drawing are faster."""
CUT_S = 1.0
"""Before the end, damage is what a cut left of the last packets; chosen: longer than they are."""
CUT_OFF_S = 2.0
CUT_OFF_SHARE = 0.02
"""A file that ends so much before its declared end was cut off; chosen: beyond the difference
between a stream's length and its container's."""
LONG_S = 600.0
"""From this length on a second thread surveys ahead; measured on an hour: a quarter less time on
the clock for a tenth more of CPU, which short talks do not repay."""
MAX_SAMPLES = 4000
"""Points of the change curve that are kept; chosen: more than a report has pixels."""


def detect(path: Path, options: SlidesOutput, on_frames: OnFrames | None = None) -> Detection:
    """Return the slides of a video file.

    Raises NotAVideoError when nothing of it can be decoded.
    """
    cv2.setNumThreads(1)  # pictures are small: waking threads costs more than they save
    index = read_index(path)
    gops = group(index)
    tolerance = TOLERANCES[options.sensitivity]
    walked = _walk(path, gops, options, on_frames or _ignore)
    shots = walked.builder.finish(index.end_s)
    if not shots:
        raise not_a_video(path, "none of its frames can be decoded")
    look = Look(tolerance, walked.habit.cells(), shaky=walked.habit.shaky)
    slides, nonslides = fold(shots, index, look, options.min_duration_seconds)
    return Detection(
        slides=tuple(_detected(s, tolerance) for s in slides),
        duration_s=index.end_s,
        samples=thinned(walked.builder.samples),
        thresholds=_thresholds(tolerance, options, cells=walked.builder.cells),
        nonslides=tuple(joined(Span(s.start_s, s.end_s) for s in nonslides)),
        warnings=tuple(_warnings(path, index, walked)),
    )


@dataclass(frozen=True, eq=False)
class _Walked:
    """What is known after the last GOP."""

    builder: ShotBuilder
    habit: Habit
    unreadable: int
    """GOPs without a readable keyframe."""
    failed_s: Sequence[float]
    """Times of packets that could not be decoded."""


def _walk(path: Path, gops: Sequence[Gop], options: SlidesOutput, on_frames: OnFrames) -> _Walked:
    """Walk through the video, from its first GOP to its last."""
    tolerance = TOLERANCES[options.sensitivity]
    builder = ShotBuilder(tolerance, min_duration_s=options.min_duration_seconds)
    habit, unreadable = Habit(), 0
    with (
        open_video(path) as (container, stream),
        # Closed also when a run is stopped midway, so that no thread is left behind.
        closing(_samples(path, gops, options.region)) as samples,
    ):
        reader = GopReader(container, stream, options.region)
        walker = Walker(reader, builder, tolerance)
        for scene in scenes(samples, gops):
            if scene.sample:
                habit.add(scene.sample)
            unreadable += scene.sample is None
            walker.walk(scene)
            on_frames(scene.gop.last, gops[-1].last)
        return _Walked(builder, habit, unreadable, reader.failed_s())


def _samples(
    path: Path, gops: Sequence[Gop], region: Region | None
) -> Generator[KeySample, None, None]:
    samples = survey(path, gops, region)
    yield from ahead(samples) if gops[-1].end_s > LONG_S else samples


def _ignore(_seen: int, _all: int) -> None:
    """Report to nobody."""


def _detected(slide: SlideShots, tolerance: Tolerance) -> DetectedSlide:
    first = Span(slide.states[0].start_s, slide.final.end_s)
    return DetectedSlide(
        spans=tuple(joined([first, *(Span(s.start_s, s.end_s) for s in slide.returns)])),
        image_time_s=image_time_s(slide.final, tolerance),
        builds=tuple(_builds(slide.states, tolerance)),
        confidence=_confidence(slide.final),
    )


def _builds(states: Sequence[Shot], tolerance: Tolerance) -> Iterator[DetectedBuild]:
    for state in states[:-1]:
        # Typing is seen in one keyframe and gone by the next: no step that stood.
        if state.last.time_s - state.first.time_s >= MIN_BUILD_S:
            span = Span(state.start_s, state.end_s)
            yield DetectedBuild(span, image_time_s(state, tolerance))


def _confidence(shot: Shot) -> float:
    """Return a half and more, the longer it stood; what does not look drawn counts less."""
    stood: float = 1.0 - 0.5 * 2.0 ** (-shot.duration_s / 2.0)
    return round(stood * (1.0 if looks_drawn(shot.last) else 0.8), 3)


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order of time, those less than JOIN_S apart as one."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda s: s.start_s):
        if found and span.start_s - found[-1].end_s < JOIN_S:
            found[-1] = Span(found[-1].start_s, max(found[-1].end_s, span.end_s))
        else:
            found.append(span)
    return found


def thinned(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """Return at most MAX_SAMPLES of the samples: the highest of each stretch."""
    step = -(-len(samples) // MAX_SAMPLES) or 1
    stretches = (samples[i : i + step] for i in range(0, len(samples), step))
    return tuple(max(s, key=lambda x: x.score) for s in stretches)


def _thresholds(tolerance: Tolerance, options: SlidesOutput, *, cells: int) -> dict[str, float]:
    return {
        "change": round((tolerance.few_cells + 1) / cells, 4),
        "cellNoise": NOISE,
        "cellShare": SHARE,
        "pointerCells": float(tolerance.pointer_cells),
        "minDurationSeconds": options.min_duration_seconds,
        "plainGround": PEAK,
    }


def _warnings(path: Path, index: PacketIndex, walked: _Walked) -> Iterator[tuple[str, str]]:
    declared_s = probe_video(path).duration_s
    missing_s = declared_s - index.end_s
    if index.truncated or missing_s > max(CUT_OFF_S, CUT_OFF_SHARE * declared_s):
        until = f"The file ends at {index.end_s:.1f} s of {declared_s:.1f} s"
        yield "VideoTruncated", f"{until}: slides after that are missing."
    failed = [time_s for time_s in walked.failed_s if time_s < index.end_s - CUT_S]
    if walked.unreadable or failed:
        where = f" from {failed[0]:.1f} to {failed[-1]:.1f} s" if failed else ""
        yield "VideoCorrupt", f"The video is damaged{where}: slides there may be missing or spoilt."
