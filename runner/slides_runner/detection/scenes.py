"""Scenes: one GOP at a time with what the survey says of it, decoded only where it has to be."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from slides_runner.detection.motion import AROUND, Motion, motion_around
from slides_runner.detection.packets import Gop
from slides_runner.detection.pictures import Picture
from slides_runner.detection.refine import GopReader, changing, pieces, stretches
from slides_runner.detection.shots import ShotBuilder
from slides_runner.detection.survey import KeySample
from slides_runner.detection.tolerance import Tolerance

NEAR_MOST = 600
"""Pictures near spikes that are held at once, 35 MB; chosen: beyond any usual GOP. Where there are
more the GOP is walked piece by piece."""


@dataclass(frozen=True, eq=False)
class Scene:
    """One GOP with what the survey says of it."""

    gop: Gop
    sample: KeySample | None
    """Its keyframe; None where that is not readable."""
    following: KeySample | None
    """The next GOP's."""
    motion: Motion
    """What moves around it."""


def scenes(samples: Iterator[KeySample], gops: Sequence[Gop]) -> Iterator[Scene]:
    """Yield every GOP with its surroundings; only a window of samples is held in memory."""
    window: dict[int, KeySample] = {}
    for i, gop in enumerate(gops):
        while (not window or max(window) < i + AROUND) and (sample := next(samples, None)):
            window[sample.gop] = sample
        for old in [j for j in window if j < i - AROUND]:
            del window[old]
        yield Scene(gop, window.get(i), window.get(i + 1), motion_around(gops, window, i))


def must_refine(scene: Scene, tolerance: Tolerance) -> bool:
    """Return whether a GOP has to be decoded to know what happens in it."""
    gop, sample, following = scene.gop, scene.sample, scene.following
    if sample is None:
        return True
    if gop.still:
        return False
    if gop.busy and following and not (sample.drawn or following.drawn):
        return False  # a face or a room throughout: when it changes does not matter
    if gop.spikes or following is None:
        return True
    change = scene.motion.compare(sample.picture, following.picture, scene.motion)
    if tolerance.is_same(change):
        return False
    # Without a spike ink can only have been added stroke by stroke: typing, a pen.
    return not (gop.quiet and tolerance.only_adds(change))


SETTLED_PICTURES = 2
"""Pictures in a row that have to look like what follows; chosen: one may by chance in a fade."""


@dataclass(frozen=True, eq=False)
class Walker:
    """Feeds scenes to the shots: the keyframe of each, and more of it where it changes."""

    reader: GopReader
    builder: ShotBuilder
    tolerance: Tolerance

    def walk(self, scene: Scene) -> None:
        """Feed the next scene."""
        if not must_refine(scene, self.tolerance):
            self._feed_key(scene, scene.motion)
            return
        near = self._near_spikes(scene)
        if near and (scene.gop.quiet or self._joins(scene, near)):
            self._feed_key(scene, scene.motion)
            self._feed(near, scene.motion)
            return
        self._feed_whole(scene)

    def _near_spikes(self, scene: Scene) -> list[Picture]:
        """Return the pictures near the spikes of a scene; none where there are too many to hold."""
        if not scene.gop.spikes:
            return []
        pictures = self._until_settled(scene, self.reader.near_spikes(scene.gop))
        near = list(itertools.islice(pictures, NEAR_MOST + 1))
        return near if len(near) <= NEAR_MOST else []

    def _until_settled(self, scene: Scene, pictures: Iterable[Picture]) -> Iterator[Picture]:
        """Yield pictures until, after the last spike, they show what the next keyframe shows."""
        settled = 0
        for picture in pictures:
            yield picture
            if scene.following is None or picture.time_s <= scene.gop.spikes[-1]:
                continue
            change = scene.motion.compare(picture, scene.following.picture, scene.motion)
            settled = settled + 1 if self.tolerance.is_same(change) else 0
            if settled == SETTLED_PICTURES:
                return

    def _joins(self, scene: Scene, near: Sequence[Picture]) -> bool:
        """Return whether nothing but what happens near its spikes happens in a GOP."""
        if scene.sample is None or scene.following is None:
            return False
        compare = scene.motion.compare
        before = compare(scene.sample.picture, near[0], scene.motion)
        after = compare(near[-1], scene.following.picture, scene.motion)
        return self.tolerance.is_same(before) and self.tolerance.is_same(after)

    def _feed_whole(self, scene: Scene) -> None:
        first = True
        for pictures in pieces(self.reader.pictures(scene.gop)):
            for stretch, motion in stretches(pictures, scene.motion):
                if first:
                    self._feed_key(scene, motion)
                changes = changing(stretch, motion, scene.gop.spikes, self.tolerance)
                self._feed(changes, motion)
                first = False
        if first:  # nothing of it could be decoded
            self._feed_key(scene, scene.motion)

    def _feed_key(self, scene: Scene, motion: Motion) -> None:
        if scene.sample:
            self.builder.feed(scene.sample.picture, motion, key=True)

    def _feed(self, pictures: Iterable[Picture], motion: Motion) -> None:
        for picture in pictures:
            self.builder.feed(picture, motion)
