"""The scorer: known answers on made-up talks, and the bench's own scorer where it is there."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.scoring import Prediction, read_predictions, read_truth, score

SHARED = Path(__file__).parents[3] / "shared" / "bench"


def drawn(words: str, *, noise: int = 0) -> NDArray[np.uint8]:
    picture = np.full((360, 640, 3), 250, np.uint8)
    for number, word in enumerate(words.split()):
        place = (40, 60 + 60 * number)
        cv2.putText(picture, word, place, cv2.FONT_HERSHEY_SIMPLEX, 1.6, (20, 20, 20), 3)
    if noise:
        grain = np.random.default_rng(1).integers(-noise, noise, picture.shape)
        picture = np.clip(picture.astype(np.int16) + grain, 0, 255).astype(np.uint8)
    return picture


STATES = {
    "a": ("a", True, "slide", "alpha beta gamma"),
    "b1": ("b", False, "slide", "one"),
    "b2": ("b", True, "slide", "one two three four"),
    "c25": ("c", False, "partial", "def half"),
    "c": ("c", True, "slide", "def half return whole again"),
}
SEGMENTS = [
    (0, 5, "a", "slide"),
    (5, 6, None, "transition"),
    (6, 10, "b1", "slide"),
    (10, 15, "b2", "slide"),
    (15, 20, "a", "slide"),
    (20, 30, "c", "growing"),
    (30, 35, "c", "slide"),
    (35, 40, None, "nonslide"),
]


@pytest.fixture
def truth_path(tmp_path: Path) -> Path:
    slides = {}
    for state_id, (group, final, kind, words) in STATES.items():
        cv2.imwrite(str(tmp_path / f"{state_id}.png"), drawn(words))
        image = f"{state_id}.png"
        slides[state_id] = {"group": group, "final": final, "kind": kind, "image": image}
    segments = [
        {"start": start, "end": end, "slide_id": state_id, "kind": kind}
        for start, end, state_id, kind in SEGMENTS
    ]
    document = {
        "video": "talk.mp4", "regime": "made", "fps": 25, "duration": 40, "mask": [],
        "slides": slides, "segments": segments,
    }  # fmt: skip
    path = tmp_path / "talk.truth.json"
    path.write_text(json.dumps(document))
    return path


def shows(folder: Path, words: str, start: float | None = None, **times: float) -> Prediction:
    path = folder / f"seen-{words.replace(' ', '-')}-{start}.png"
    cv2.imwrite(str(path), drawn(words, noise=6))
    return Prediction(start=start, image=path, **times)


A, B1, B2, C25, C = (words for _, _, _, words in STATES.values())
FACE = "nothing that any slide shows"


COUNTS = ("found", "neutral_builds", "duplicates", "junk", "partial")


@pytest.mark.parametrize(
    ("words", "counts", "f1"),
    [
        pytest.param([A, B2, C], (3, 0, 0, 0, 0), 1.0, id="every finished slide"),
        pytest.param([A, B1, B2, C], (3, 1, 0, 0, 0), 1.0, id="a build step is neutral"),
        pytest.param([A, B2, A, C], (3, 0, 1, 0, 0), 0.8571, id="a repetition is wrong"),
        pytest.param([A, B2, C25, C], (3, 0, 0, 0, 1), 0.8571, id="half-typed code is wrong"),
        pytest.param([A, B2, FACE, C], (3, 0, 0, 1, 0), 0.8571, id="what is no slide is wrong"),
        pytest.param([A, B1], (1, 1, 0, 0, 0), 0.5, id="an unfinished slide is not found"),
        pytest.param([], (0, 0, 0, 0, 0), 0.0, id="nothing"),
    ],
)
def test_counts_pictures(
    truth_path: Path, words: list[str], counts: tuple[int, ...], f1: float
) -> None:
    result = score(truth_path, [shows(truth_path.parent, seen) for seen in words])
    assert tuple(getattr(result, count) for count in COUNTS) == counts
    assert result.f1 == pytest.approx(f1)


def test_names_missed_slides(truth_path: Path) -> None:
    assert score(truth_path, [shows(truth_path.parent, A)]).missed == ("b", "c")


def test_strict_wants_every_build_step(truth_path: Path) -> None:
    result = score(truth_path, [shows(truth_path.parent, words) for words in (A, B2, C)])
    assert result.rates.recall == 1
    assert result.strict.recall == 0.75


@pytest.mark.parametrize(
    ("start", "want"),
    [
        pytest.param(0.2, 0.2, id="late"),
        pytest.param(14.9, 0.1, id="nearest of two showings"),
    ],
)
def test_measures_starts_to_the_nearest_showing(
    truth_path: Path, start: float, want: float
) -> None:
    result = score(truth_path, [shows(truth_path.parent, A, start)])
    assert result.start_error_s == pytest.approx(want)


def test_end_errors_are_measured_too(truth_path: Path) -> None:
    result = score(truth_path, [shows(truth_path.parent, A, 0, end=5.25)])
    assert result.end_error_s == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("prediction", "found"),
    [
        pytest.param(Prediction(start=1, end=4), True, id="inside"),
        pytest.param(Prediction(time=5.3), True, id="just after"),
        pytest.param(Prediction(start=22, end=28), False, id="while typing"),
        pytest.param(Prediction(start=37, end=39), False, id="on a face"),
        pytest.param(Prediction(), False, id="without any time"),
    ],
)
def test_matches_by_time_without_a_picture(
    truth_path: Path, prediction: Prediction, found: bool
) -> None:
    assert bool(score(truth_path, [prediction]).found) is found


def test_unreadable_pictures_are_junk(truth_path: Path) -> None:
    assert score(truth_path, [Prediction(image=truth_path.parent / "none.png")]).junk == 1


def test_moving_regions_are_left_out(truth_path: Path) -> None:
    document = json.loads(truth_path.read_text()) | {"mask": [[0.5, 0.1, 0.5, 0.9]]}
    truth_path.write_text(json.dumps(document))
    seen = shows(truth_path.parent, A)
    picture = cv2.imread(str(seen.image))
    assert picture is not None
    cv2.circle(picture, (500, 200), 90, (0, 0, 255), -1)
    cv2.circle(picture, (500, 200), 50, (255, 0, 0), -1)
    cv2.imwrite(str(seen.image), picture)
    assert score(truth_path, [seen]).found == 1


def test_reads_image_paths_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "predictions.json"
    path.write_text('[{"start": 1.5, "image": "p/1.jpg"}, {"time": 2}]')
    first, second = read_predictions(path)
    assert first.image == tmp_path / "p" / "1.jpg"
    assert second.at_s == 2


TALKS = ("dev/e_revisit", "dev/f_camera", "dev/k_typing", "real/ekarton5")


def bench_scorer() -> ModuleType:
    """Return the bench's own scorer."""
    spec = importlib.util.spec_from_file_location("bench_score", SHARED / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def middles(truth_path: Path) -> list[dict[str, Any]]:
    """Return predictions without pictures: one second into everything that is shown."""
    segments = read_truth(truth_path).segments
    return [{"start": s.start + 0.3, "end": s.end} for s in segments]


def truths_pictures(truth_path: Path) -> list[dict[str, Any]]:
    """Return predictions with the truth's pictures: of steps, repeated, wrongly timed."""
    truth = read_truth(truth_path)
    folder = truth_path.parent
    shown = [s for s in truth.segments if s.slide_id and truth.slides[s.slide_id].image]
    return [
        {"start": s.start + n % 3, "image": str(folder / str(truth.slides[s.slide_id or ""].image))}
        for n, s in enumerate(shown)
    ]


# No skip where the bench is missing: it is no part of this repository, and nothing is wrong then.
if (SHARED / "score.py").exists():

    @pytest.mark.filterwarnings("ignore::ResourceWarning")  # it leaves its files to the collector
    @pytest.mark.parametrize("talk", TALKS)
    @pytest.mark.parametrize("make", [middles, truths_pictures])
    def test_agrees_with_the_bench(talk: str, make: Callable[[Path], list[dict[str, Any]]]) -> None:
        truth_path = SHARED / f"{talk}.truth.json"
        predictions = make(truth_path)
        ours = score(truth_path, [Prediction.model_validate(p) for p in predictions])
        theirs = bench_scorer().score(str(truth_path), predictions)
        assert ours.f1 == theirs["f1"]
        assert ours.strict.f1 == theirs["f1_strict"]
        assert (ours.found, ours.duplicates) == (theirs["tp"], theirs["duplicates"])
        assert (ours.junk, ours.partial) == (theirs["junk"], theirs["partial"])
        assert ours.start_error_s == theirs["start_err_median"]
        assert ours.end_error_s == theirs["end_err_median"]
        assert list(ours.missed) == theirs["missed"]
