"""Generated talks: what their truth says is what their frames show."""

import json
from itertools import pairwise
from pathlib import Path

import av
import cv2
import pytest

from benchmarks.detection.videos import Talk, find_talks, repeated
from benchmarks.scoring import Prediction, read_truth, score
from benchmarks.talks.__main__ import chosen
from benchmarks.talks.make import make_talk
from benchmarks.talks.regimes import REGIMES
from slides_runner.video import probe_video, read_frames

HEIGHT = 360
"""Small, for the tests to be quick; the makers draw at any size."""
SHORT = ["a_cuts", "b_fades", "d_builds", "e_revisit", "h_pointer", "j_flips", "k_typing"]
LIVELY = ["c_pip", "f_camera", "g_embedded", "i_talkhead"]


def truthful_predictions(truth_path: Path, folder: Path) -> list[Prediction]:
    """Return what a tool without faults would: each state's own frame, late in its first span."""
    truth = read_truth(truth_path)
    first = {s.slide_id: s for s in reversed(truth.segments) if s.slide_id and s.kind == "slide"}
    segments = sorted(first.values(), key=lambda s: s.start)
    times = [s.start + 0.9 * (s.end - s.start) for s in segments]
    predictions = []
    frames = read_frames(truth_path.parent / truth.video, times)
    for number, (segment, frame) in enumerate(zip(segments, frames, strict=True)):
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        predictions.append(Prediction(start=segment.start, end=segment.end, image=path))
    return predictions


@pytest.mark.parametrize(
    "regime",
    [*SHORT[:1], *(pytest.param(r, marks=pytest.mark.slow) for r in (*SHORT[1:], *LIVELY))],
)
def test_frames_show_what_the_truth_says(regime: str, tmp_path: Path) -> None:
    truth_path = make_talk(regime, 3, tmp_path, seconds=8, height=HEIGHT)
    result = score(truth_path, truthful_predictions(truth_path, tmp_path))
    assert result.f1 == 1
    assert result.strict.recall == 1 or regime == "k_typing"
    assert result.start_error_s == 0


def test_the_video_is_as_long_as_the_truth(tmp_path: Path) -> None:
    truth_path = make_talk("a_cuts", 4, tmp_path, seconds=5, height=HEIGHT)
    truth = read_truth(truth_path)
    properties = probe_video(tmp_path / truth.video)
    assert properties.duration_s == pytest.approx(truth.duration, abs=0.001)
    assert truth.segments[-1].end == truth.duration
    assert properties.codec == "h264"


def test_the_same_seed_gives_the_same_truth(tmp_path: Path) -> None:
    texts = [
        make_talk("j_flips", 5, tmp_path / name, seconds=4, height=HEIGHT).read_text()
        for name in ("one", "two")
    ]
    assert texts[0] == texts[1]


def test_segments_follow_each_other(tmp_path: Path) -> None:
    truth = read_truth(make_talk("b_fades", 6, tmp_path, seconds=6, height=HEIGHT))
    assert truth.segments[0].start == 0
    assert all(first.end == second.start for first, second in pairwise(truth.segments))


def test_keyframes_lie_on_the_grid_that_the_truth_names(tmp_path: Path) -> None:
    truth_path = make_talk("a_cuts", 8, tmp_path, seconds=12, height=HEIGHT)
    document = json.loads(truth_path.read_text())
    with av.open(str(truth_path.parent / document["video"])) as container:
        packets = list(container.demux(video=0))
    numbers = sorted(round(float(p.pts * p.time_base) * document["fps"]) for p in packets
                     if p.is_keyframe and p.pts is not None)  # fmt: skip
    gop = document["gop_s"] * document["fps"]
    gaps = [second - first for first, second in pairwise(numbers)]
    assert max(gaps) <= gop
    assert document["scenecut"] or set(gaps) == {gop}


def test_a_repeated_talk_has_the_same_slides(tmp_path: Path) -> None:
    talk = Talk("any", make_talk("e_revisit", 3, tmp_path, seconds=6, height=HEIGHT))
    thrice = repeated(talk, 3, tmp_path, group="long")
    once = talk.truth
    assert thrice.truth.groups == once.groups
    assert thrice.truth.duration == pytest.approx(3 * once.duration)
    assert thrice.truth.segments[-1].end == pytest.approx(3 * once.duration)
    assert probe_video(thrice.video).duration_s == pytest.approx(3 * once.duration, abs=0.05)
    predictions = truthful_predictions(thrice.truth_path, tmp_path)
    assert score(thrice.truth_path, predictions).f1 == 1
    again = [*predictions, predictions[0].model_copy(update={"start": once.duration})]
    assert score(thrice.truth_path, again).duplicates == 1


def test_finds_talks_that_are_whole(tmp_path: Path) -> None:
    truth_path = make_talk("a_cuts", 3, tmp_path, seconds=1, height=HEIGHT)
    (tmp_path / "b_cuts_9.truth.json").write_text(
        truth_path.read_text().replace("a_cuts_3.mp4", "not-there.mp4")
    )
    assert [talk.name for talk in find_talks(tmp_path, "any")] == ["a_cuts_3"]


@pytest.mark.parametrize(
    ("asked", "want"),
    [
        pytest.param("", [name for name in REGIMES if name != "l_long"], id="all but the long"),
        pytest.param("b,k", ["b_fades", "k_typing"], id="letters"),
        pytest.param("f_camera", ["f_camera"], id="a name"),
    ],
)
def test_chooses_regimes(asked: str, want: list[str]) -> None:
    assert chosen(asked) == want


def test_unknown_regimes_are_refused() -> None:
    with pytest.raises(SystemExit, match="No regime named z"):
        chosen("z")
