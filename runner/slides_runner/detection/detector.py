"""The detector: packets say where to look, keyframes what is there, single GOPs when it changed.

1. `packets`: read the sizes of all packets; most of a talk is provably still.
2. `survey`: decode the keyframes alone, and a probe of what moves where something does.
3. `refine`: decode the GOPs in which something changes, to find when.
4. `shots`: group the pictures into stable stretches.
5. `slides`: fold build steps, recognise returns, leave out faces and rooms.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from slides_api.v1alpha1 import SlidesOutput
from slides_runner.detection import (
    DetectedBuild,
    DetectedSlide,
    Detection,
    Sample,
    Span,
)
from slides_runner.detection.ground import PEAK, looks_drawn
from slides_runner.detection.packets import Gop, PacketIndex, group, read_index
from slides_runner.detection.pictures import NOISE, SHARE, Picture
from slides_runner.detection.refine import GopReader, changing, pieces, stretches
from slides_runner.detection.shots import Shot, ShotBuilder
from slides_runner.detection.slides import Look, SlideShots, fold, image_time_s
from slides_runner.detection.survey import AROUND, Habit, KeySample, Motion, motion_around, survey
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
MAX_SAMPLES = 4000
"""Points of the change curve that are kept; chosen: more than a report has pixels."""


def detect(path: Path, options: SlidesOutput, on_frames: OnFrames | None = None) -> Detection:
    """Return the slides of a video file.

    Raises NotAVideoError when nothing of it can be decoded.
    """
    index = read_index(path)
    gops = group(index)
    tolerance = TOLERANCES[options.sensitivity]
    builder = ShotBuilder(tolerance)
    habit, seen = Habit(), 0
    with open_video(path) as (container, stream):
        reader = GopReader(container, stream, options.region)
        for scene in scenes(survey(path, gops, options.region), gops):
            if scene.sample:
                seen += 1
                habit.add(scene.sample)
            walk(scene, reader, builder, tolerance)
            if on_frames:
                on_frames(scene.gop.last, len(index.times_s))
    shots = builder.finish(index.end_s)
    if not shots:
        raise not_a_video(path, "none of its frames can be decoded")
    look = Look(tolerance, habit.cells(), shaky=habit.shaky)
    slides, nonslides = fold(shots, index, look, options.min_duration_seconds)
    return Detection(
        slides=tuple(_detected(s, tolerance) for s in slides),
        duration_s=index.end_s,
        samples=_thinned(builder.samples),
        thresholds=_thresholds(tolerance, options),
        nonslides=tuple(_joined(Span(s.start_s, s.end_s) for s in nonslides)),
        warnings=tuple(_warnings(path, index, len(gops) - seen, reader.failed_s())),
    )


@dataclass(frozen=True, eq=False)
class Scene:
    """One GOP with what the survey says of it."""

    gop: Gop
    sample: KeySample | None
    """Its keyframe; None where that is not readable."""
    following: KeySample | None
    motion: Motion


def scenes(samples: Iterator[KeySample], gops: Sequence[Gop]) -> Iterator[Scene]:
    """Yield every GOP with its surroundings; only a window of samples is held in memory."""
    window: dict[int, KeySample] = {}
    for i, gop in enumerate(gops):
        while (not window or max(window) < i + AROUND) and (sample := next(samples, None)):
            window[sample.gop] = sample
        for old in [j for j in window if j < i - AROUND]:
            del window[old]
        yield Scene(gop, window.get(i), window.get(i + 1), motion_around(gops, window, i))


def walk(scene: Scene, reader: GopReader, builder: ShotBuilder, tolerance: Tolerance) -> None:
    """Feed a GOP to the shots: its keyframe, and more of it where it changes."""
    gop, motion = scene.gop, scene.motion
    key = [scene.sample.picture] if scene.sample else []
    if not must_refine(scene, tolerance):
        feed(builder, key, motion, key=True)
        return
    if gop.spikes and (near := list(reader.near_spikes(gop))):
        if gop.quiet or _joins(scene, near, tolerance):
            feed(builder, key, motion, key=True)
            feed(builder, near, motion)
            return
    for pictures in pieces(reader.pictures(gop)):
        for stretch, own in stretches(pictures, motion):
            feed(builder, key, own, key=True)
            feed(builder, changing(stretch, own, gop.spikes, tolerance), own)
            key = []
    feed(builder, key, motion, key=True)


def feed(
    builder: ShotBuilder, pictures: Iterable[Picture], motion: Motion, *, key: bool = False
) -> None:
    """Feed pictures to the shots."""
    for picture in pictures:
        builder.feed(picture, motion, key=key)


def _joins(scene: Scene, near: Sequence[Picture], tolerance: Tolerance) -> bool:
    """Whether nothing but what happens near its spikes happens in a GOP."""
    if scene.sample is None or scene.following is None:
        return False
    compare = scene.motion.compare
    before = compare(scene.sample.picture, near[0], scene.motion)
    after = compare(near[-1], scene.following.picture, scene.motion)
    return tolerance.is_same(before) and tolerance.is_same(after)


def must_refine(scene: Scene, tolerance: Tolerance) -> bool:
    """Return whether a GOP has to be decoded to know what happens in it."""
    gop = scene.gop
    if scene.sample is None:
        return True
    if gop.still:
        return False
    following = scene.following
    if gop.busy and following and not (scene.sample.drawn or following.drawn):
        return False  # a face or a room throughout: when it changes does not matter
    if gop.spikes or following is None:
        return True
    motion = scene.motion
    change = motion.compare(scene.sample.picture, following.picture, motion)
    if tolerance.is_same(change):
        return False
    # Without a spike ink can only have been added stroke by stroke: typing, a pen.
    return not (gop.quiet and tolerance.only_adds(change))


def _detected(slide: SlideShots, tolerance: Tolerance) -> DetectedSlide:
    first = Span(slide.states[0].start_s, slide.final.end_s)
    spans = _joined([first, *(Span(s.start_s, s.end_s) for s in slide.returns)])
    return DetectedSlide(
        spans=tuple(spans),
        image_time_s=image_time_s(slide.final, tolerance),
        builds=tuple(_builds(slide.states, tolerance)),
        confidence=_confidence(slide.final),
    )


def _builds(states: Sequence[Shot], tolerance: Tolerance) -> Iterator[DetectedBuild]:
    for state in states[:-1]:
        if state.duration_s >= MIN_BUILD_S:
            span = Span(state.start_s, state.end_s)
            yield DetectedBuild(span, image_time_s(state, tolerance))


def _confidence(shot: Shot) -> float:
    """Grows with the time it stood, from a half; what does not look drawn counts less."""
    stood = 1.0 - 0.5 * 2.0 ** (-shot.duration_s / 2.0)
    return round(stood * (1.0 if looks_drawn(shot.last) else 0.8), 3)


def _joined(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for span in sorted(spans, key=lambda s: s.start_s):
        if found and span.start_s - found[-1].end_s < JOIN_S:
            found[-1] = Span(found[-1].start_s, max(found[-1].end_s, span.end_s))
        else:
            found.append(span)
    return found


def _thinned(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """Keep the highest point of each stretch."""
    step = -(-len(samples) // MAX_SAMPLES) or 1
    stretches = (samples[i : i + step] for i in range(0, len(samples), step))
    return tuple(max(s, key=lambda x: x.score) for s in stretches)


def _thresholds(tolerance: Tolerance, options: SlidesOutput) -> dict[str, float]:
    return {
        "change": round((tolerance.few_cells + 1) / 576, 4),
        "cellNoise": NOISE,
        "cellShare": SHARE,
        "pointerCells": float(tolerance.pointer_cells),
        "minDurationSeconds": options.min_duration_seconds,
        "plainGround": PEAK,
    }


def _warnings(
    path: Path, index: PacketIndex, unreadable: int, failed_s: Sequence[float]
) -> Iterator[tuple[str, str]]:
    declared_s = probe_video(path).duration_s
    if index.truncated or declared_s - index.end_s > max(2.0, 0.02 * declared_s):
        yield (
            "VideoTruncated",
            f"The file ends at {index.end_s:.1f} s of {declared_s:.1f} s: slides after that are missing.",
        )
    failed = [time_s for time_s in failed_s if time_s < index.end_s - CUT_S]
    if unreadable or failed:
        where = f" from {failed[0]:.1f} to {failed[-1]:.1f} s" if failed else ""
        yield (
            "VideoCorrupt",
            f"The video is damaged{where}: slides there may be missing or spoilt.",
        )
