"""The sample talk: it is what its truth says, and its slides are found."""

import subprocess
import sys
from pathlib import Path

import av
import cv2
import pytest

from benchmarks.detection.peers import read_json
from benchmarks.scoring import Prediction, read_truth, score
from samples.make_talk import TITLE, slides
from slides_runner.video import read_frames

SAMPLES = Path(__file__).parents[2] / "samples"
TALK = SAMPLES / "talk.mp4"
SIZE_LIMIT_BYTES = 4_000_000
START_TOLERANCE_S = 0.3
"""The floor that detection has for the median of its starts."""


@pytest.fixture(scope="module")
def truth_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's truth with the pictures of its slides, which the repository has no copy of."""
    folder = tmp_path_factory.mktemp("sample")
    deck = slides()
    truth = read_truth(SAMPLES / "talk.truth.json")
    for state_id, state in truth.slides.items():
        step = -1 if state.final else int(state_id.rsplit("-", 1)[1])
        path = folder / str(state.image)
        path.parent.mkdir(exist_ok=True)
        picture = deck[state.group].steps[step]
        cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    path = folder / "talk.truth.json"
    path.write_text((SAMPLES / "talk.truth.json").read_text())
    return path


def test_is_small_titled_narrated_and_has_chapters() -> None:
    assert TALK.stat().st_size < SIZE_LIMIT_BYTES
    with av.open(str(TALK)) as container:
        assert container.metadata["title"] == TITLE
        assert len(container.chapters()) >= 5
        assert [stream.codec_context.name for stream in container.streams.audio] == ["aac"]
        minutes = (container.duration or 0) / av.time_base / 60
    assert 2 <= minutes <= 4


def test_has_all_that_a_talk_has() -> None:
    truth = read_truth(SAMPLES / "talk.truth.json")
    kinds = {segment.kind for segment in truth.segments}
    assert kinds == {"slide", "transition", "nonslide"}
    assert any(not state.final for state in truth.slides.values()), "a slide is built up"
    shown = [segment.slide_id for segment in truth.segments if segment.kind == "slide"]
    assert len(shown) > len(set(shown)), "a slide is returned to"


def test_frames_show_what_the_truth_says(truth_path: Path, tmp_path: Path) -> None:
    truth = read_truth(truth_path)
    first = {s.slide_id: s for s in reversed(truth.segments) if s.kind == "slide"}
    segments = sorted(first.values(), key=lambda segment: segment.start)
    frames = read_frames(TALK, [(s.start + s.end) / 2 for s in segments])
    predictions = []
    for number, (segment, frame) in enumerate(zip(segments, frames, strict=True)):
        path = tmp_path / f"{number}.png"
        cv2.imwrite(str(path), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        predictions.append(Prediction(start=segment.start, end=segment.end, image=path))
    result = score(truth_path, predictions)
    assert result.f1 == 1
    assert result.strict.f1 == 1


@pytest.fixture(scope="module")
def predictions(tmp_path_factory: pytest.TempPathFactory) -> list[Prediction]:
    """What the command line makes of the sample."""
    program = Path(sys.executable).parent / "slides"
    folder = tmp_path_factory.mktemp("out") / "slides"
    command = [str(program), "extract", str(TALK), "--output", str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return read_json(done.stdout)


def test_finds_each_slide_once(truth_path: Path, predictions: list[Prediction]) -> None:
    result = score(truth_path, predictions)
    assert result.missed == ()
    assert (result.duplicates, result.junk, result.partial) == (0, 0, 0)


def test_finds_when_slides_start(truth_path: Path, predictions: list[Prediction]) -> None:
    start_error_s = score(truth_path, predictions).start_error_s
    assert start_error_s is not None
    assert start_error_s <= START_TOLERANCE_S
