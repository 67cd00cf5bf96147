"""Deciding which GOPs have to be decoded, and walking through them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slides_api.v1alpha1 import Sensitivity
from slides_runner.detection.motion import AROUND, STILL, Motion
from slides_runner.detection.packets import Gop, group, read_index
from slides_runner.detection.pictures import Picture
from slides_runner.detection.scenes import Scene, must_refine, scenes
from slides_runner.detection.survey import KeySample, survey
from slides_runner.detection.tolerance import TOLERANCES
from tests.runner.detection.drawings import draw_page, film, page, picture, write_video

NORMAL = TOLERANCES[Sensitivity.NORMAL]
FACE = picture(film(1))


def gop(
    *, still: bool = False, quiet: bool = False, busy: bool = False, spikes: tuple[float, ...] = ()
) -> Gop:
    return Gop(0.0, 5.0, 0, 50, still=still, quiet=quiet, busy=busy, spikes=spikes)


QUIET, MOVING = gop(quiet=True), gop()
WRITTEN = page(1, bullets=4)


@pytest.mark.parametrize(
    ("between", "before", "after", "refined"),
    [
        pytest.param(gop(still=True, quiet=True), page(1), page(2), False, id="provably still"),
        pytest.param(QUIET, page(1), page(1), False, id="same before and after"),
        pytest.param(QUIET, page(1), page(2), True, id="other after"),
        pytest.param(QUIET, page(1, bullets=2), WRITTEN, False, id="quietly written on"),
        pytest.param(MOVING, page(1, bullets=2), WRITTEN, True, id="added beside a presenter"),
        pytest.param(MOVING, page(1), page(1), False, id="a presenter, same slide"),
        pytest.param(gop(spikes=(2.0,)), page(1), page(1), True, id="something flashed"),
        pytest.param(gop(busy=True, spikes=(2.0,)), FACE, FACE, False, id="a face throughout"),
        pytest.param(gop(busy=True, spikes=(2.0,)), FACE, page(1), True, id="a slide after a face"),
        pytest.param(QUIET, None, page(1), True, id="keyframe unreadable"),
        pytest.param(QUIET, page(1), None, True, id="nothing known of what follows"),
    ],
)
def test_gop_is_decoded_only_where_something_may_happen(
    between: Gop, before: Picture | None, after: Picture | None, refined: bool
) -> None:
    samples = [KeySample(i, p, None) if p else None for i, p in enumerate((before, after))]
    motion = STILL if between.quiet else Motion(quiet=False, shaky=False, live=None)
    scene = Scene(between, samples[0], samples[1], motion)

    assert must_refine(scene, NORMAL) is refined


def test_every_gop_comes_with_its_keyframe_and_the_next(tmp_path: Path) -> None:
    path = write_video(tmp_path / "talk.mp4", [(draw_page(n), 4.0) for n in range(6)], gop=20)
    gops = group(read_index(path))

    found = list(scenes(survey(path, gops, None), gops))

    assert [s.gop for s in found] == list(gops)
    assert [s.sample.gop if s.sample else None for s in found] == list(range(12))
    assert [s.following.gop if s.following else None for s in found] == [*range(1, 12), None]


def test_unreadable_keyframes_leave_gaps() -> None:
    gops = [
        Gop(i, i + 1, i, i + 1, still=True, quiet=True, busy=False, spikes=()) for i in range(9)
    ]
    samples = [KeySample(i, page(1), None) for i in (0, 1, 4, 8)]

    found = list(scenes(iter(samples), gops))

    assert [i for i, s in enumerate(found) if s.sample] == [0, 1, 4, 8]


def test_survey_is_read_no_further_than_needed() -> None:
    gops = [
        Gop(i, i + 1, i, i + 1, still=True, quiet=True, busy=False, spikes=()) for i in range(50)
    ]
    taken = []

    def samples() -> Iterator[KeySample]:
        for i in range(50):
            taken.append(i)
            yield KeySample(i, page(1), None)

    for i, _ in enumerate(scenes(samples(), gops)):
        assert len(taken) <= i + AROUND + 1
