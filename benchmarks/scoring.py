"""The measure of slide detection: what was found of a talk, held against its exact truth.

A slide is one group of states (its build steps); it is found when a prediction shows its final
state. The first picture of an earlier step is neutral; every repetition, every half-typed text and
every picture that is no slide (a blend, a face, an empty room) is a false positive.

Predictions are matched to states by picture: the cosine of signed gradients, moving regions masked,
allowing small shifts. A prediction without a picture is matched by time.
"""

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, TypeAdapter

THRESHOLD = 0.88
"""Likeness from which a picture shows a state; the bench's own, blends and faces lie below."""
CAMERA_THRESHOLD = 0.70
"""The same for filmed screens, which noise makes less alike; the bench's own."""
WIDTH, HEIGHT = 320, 180
"""Size at which pictures are compared."""
BLUR = 1.2
"""Standard deviation, in pixels of that size, that hides coding noise; the bench's own."""
FLAT = 12
"""Gradients below it are coding noise on flat ground; the bench's own."""
SHIFT, CAMERA_SHIFT = 2, 8
"""Pixels by which a picture may be displaced; the bench's own, cameras shake."""
CANDIDATES = 6
"""States that are compared with shifts, the best without shifts; the bench's own."""
NEAR_TIE = 0.01
"""Likenesses this close are told apart by the clock; the bench's own."""
CLOCK_S = 1.0
"""How far a time may lie outside of a segment, in seconds; the bench's own."""

Features = NDArray[np.float32]
"""(HEIGHT, WIDTH, 2) float32: horizontal and vertical gradients."""
Masks = Sequence[Sequence[float]]
"""Left, top, width, height as parts of the picture's size."""


class TrueState(BaseModel):
    """One state of a slide in the truth."""

    group: str
    final: bool
    kind: Literal["slide", "partial"]
    image: str | None = None
    alt: str | None = None


class TrueSegment(BaseModel):
    """What is shown from a second to another."""

    start: float
    end: float
    slide_id: str | None
    kind: str

    def holds(self, time_s: float) -> bool:
        """Return whether a time lies in the segment."""
        return self.start <= time_s < self.end

    def distance_s(self, time_s: float) -> float:
        """Return how far a time lies outside of the segment, in seconds."""
        if self.holds(time_s):
            return 0.0
        return min(abs(time_s - self.start), abs(time_s - self.end))


class TruthFile(BaseModel):
    """A NAME.truth.json."""

    video: str
    regime: str
    fps: float
    duration: float
    mask: list[list[float]] = []
    slides: dict[str, TrueState]
    segments: list[TrueSegment]
    thr: float | None = None

    @property
    def is_camera(self) -> bool:
        """Whether the talk is a filmed screen."""
        return self.regime.startswith("f_camera")

    @property
    def groups(self) -> set[str]:
        """The slides that can be found."""
        return {state.group for state in self.slides.values() if state.final}


class Prediction(BaseModel):
    """One slide that a tool says it found; times in seconds, `time` where only that is known."""

    start: float | None = None
    end: float | None = None
    time: float | None = None
    image: Path | None = None

    @property
    def at_s(self) -> float | None:
        """The best known moment of the picture."""
        return self.start if self.time is None else self.time


@dataclass(frozen=True)
class Rates:
    """Precision, recall and their harmonic mean, rounded to four digits."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Score:
    """How well one talk's slides were found."""

    rates: Rates
    strict: Rates
    """The same with every build step as a slide of its own."""
    slides: int
    predicted: int
    found: int
    duplicates: int
    junk: int
    partial: int
    neutral_builds: int
    start_errors_s: tuple[float, ...] = ()
    """For every found slide, how far its start lies from the nearest true one."""
    end_errors_s: tuple[float, ...] = ()
    missed: tuple[str, ...] = ()

    @property
    def f1(self) -> float:
        """The figure that counts."""
        return self.rates.f1

    @property
    def start_error_s(self) -> float | None:
        """Median error of the starts, in seconds; None if none is known."""
        return round(statistics.median(self.start_errors_s), 3) if self.start_errors_s else None

    @property
    def end_error_s(self) -> float | None:
        """Median error of the ends, in seconds; None if none is known."""
        return round(statistics.median(self.end_errors_s), 3) if self.end_errors_s else None

    def document(self) -> dict[str, Any]:
        """Return the score as JSON has it."""
        return asdict(self) | {"start_error_s": self.start_error_s, "end_error_s": self.end_error_s}


def read_truth(path: Path) -> TruthFile:
    """Return a truth file's content."""
    return TruthFile.model_validate_json(path.read_text())


def read_predictions(path: Path) -> list[Prediction]:
    """Return the predictions of a JSON file; its image paths are relative to it."""
    predictions = TypeAdapter(list[Prediction]).validate_python(json.loads(path.read_text()))
    for prediction in predictions:
        if prediction.image is not None:
            prediction.image = path.parent / prediction.image
    return predictions


def score(truth_path: Path, predictions: Sequence[Prediction]) -> Score:
    """Return how well predictions fit the truth of one talk."""
    truth = read_truth(truth_path)
    matcher = Matcher(truth, truth_path.parent)
    return tally(truth, predictions, [matcher.state_of(prediction) for prediction in predictions])


def features(image: NDArray[np.uint8] | None, masks: Masks) -> Features | None:
    """Return the gradients of a picture, (H, W, 3) uint8 BGR, outside of masked regions."""
    if image is None:
        return None
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(gray, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32)
    smooth = cv2.GaussianBlur(small, (0, 0), BLUR)
    across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    gradients = np.asarray(np.dstack([across, down]), np.float32)
    for left, top, width, height in masks:
        rows = slice(int(top * HEIGHT) - 3, int((top + height) * HEIGHT) + 4)
        columns = slice(max(0, int(left * WIDTH) - 3), int((left + width) * WIDTH) + 4)
        gradients[rows, columns] = 0
    gradients[np.abs(gradients).max(axis=2) < FLAT] = 0
    return gradients


def likeness(first: Features, second: Features) -> float:
    """Return the cosine of two pictures' gradients."""
    lengths = np.sqrt((first * first).sum() * (second * second).sum())
    return float((first * second).sum() / (lengths + 1e-6))


def shifted_likeness(first: Features, second: Features, shift: int) -> float:
    """Return the best cosine over displacements of up to some pixels."""
    inner = np.ascontiguousarray(second[shift:-shift, shift:-shift])
    cosines = cv2.matchTemplate(np.ascontiguousarray(first), inner, cv2.TM_CCORR_NORMED)
    finite = cosines[np.isfinite(cosines)]
    return float(finite.max()) if finite.size else 0.0


@dataclass(frozen=True)
class Reference:
    """What a state of a slide looks like, in the talk (image) or by itself (alt)."""

    state_id: str
    looks: Features
    kind: Literal["image", "alt"]


@dataclass
class Matcher:
    """Says which state of a slide a prediction shows."""

    truth: TruthFile
    folder: Path
    references: list[Reference] = field(init=False)

    def __post_init__(self) -> None:
        """Read what the states look like."""
        self.references = list(self._read_references())

    def _read_references(self) -> Iterable[Reference]:
        for state_id, state in self.truth.slides.items():
            if state.image:
                yield self._reference(state_id, state.image, "image")
            if state.alt:
                yield self._reference(state_id, state.alt, "alt")

    def _reference(self, state_id: str, name: str, kind: Literal["image", "alt"]) -> Reference:
        looks = features(read_image(self.folder / name), self.truth.mask if kind == "image" else [])
        if looks is None:
            raise FileNotFoundError(f"The truth's picture {self.folder / name} cannot be read.")
        return Reference(state_id, looks, kind)

    def state_of(self, prediction: Prediction) -> str | None:
        """Return the id of the state that a prediction shows, or None if it is no slide."""
        if prediction.image is not None:
            return self._by_picture(prediction.image, prediction.at_s)
        return self._by_time(prediction)

    def _by_picture(self, path: Path, time_s: float | None) -> str | None:
        image = read_image(path)
        as_shown = features(image, self.truth.mask)
        if as_shown is None or not self.references:
            return None
        # A filmed slide may also be returned flattened, and then no region of it moves.
        flattened = features(image, []) if self.truth.is_camera else None
        ranked = self._ranked(as_shown, flattened if flattened is not None else as_shown)
        best = ranked[0]
        if best[0] < self._threshold:
            return None
        return self._by_clock(ranked, time_s) or best[1]

    @property
    def _threshold(self) -> float:
        if self.truth.thr is not None:
            return self.truth.thr
        return CAMERA_THRESHOLD if self.truth.is_camera else THRESHOLD

    def _ranked(self, as_shown: Features, flattened: Features) -> list[tuple[float, str]]:
        looks = {"image": as_shown, "alt": flattened}
        shift = CAMERA_SHIFT if self.truth.is_camera else SHIFT
        rough = [(likeness(looks[r.kind], r.looks), r) for r in self.references]
        rough.sort(key=lambda pair: -pair[0])
        fine = [
            (max(cosine, shifted_likeness(looks[r.kind], r.looks, shift)), r.state_id)
            for cosine, r in rough[:CANDIDATES]
        ]
        return sorted(fine, key=lambda pair: -pair[0])

    def _by_clock(self, ranked: list[tuple[float, str]], time_s: float | None) -> str | None:
        if time_s is None:
            return None
        near = (state_id for cosine, state_id in ranked if cosine > ranked[0][0] - NEAR_TIE)
        return next((state_id for state_id in near if self._is_shown(state_id, time_s)), None)

    def _is_shown(self, state_id: str, time_s: float) -> bool:
        return any(
            s.slide_id == state_id and s.start - CLOCK_S <= time_s <= s.end + CLOCK_S
            for s in self.truth.segments
        )

    def _by_time(self, prediction: Prediction) -> str | None:
        time_s = _settled_s(prediction)
        if time_s is None:
            return None
        inside = next((s for s in self.truth.segments if s.holds(time_s)), None)
        if inside and inside.slide_id and inside.kind == "slide":
            return inside.slide_id
        near = [
            s
            for s in self.truth.segments
            if s.slide_id and s.kind != "growing" and s.distance_s(time_s) <= CLOCK_S
        ]
        return min(near, key=lambda s: s.distance_s(time_s)).slide_id if near else None


def _settled_s(prediction: Prediction) -> float | None:
    if prediction.time is not None or prediction.start is None:
        return prediction.at_s
    if not prediction.end:
        return prediction.start + CLOCK_S / 2
    return prediction.start + min(CLOCK_S, (prediction.end - prediction.start) / 2)


def read_image(path: Path) -> NDArray[np.uint8] | None:
    """Return a picture, (H, W, 3) uint8 BGR, or None if it cannot be read."""
    image = cv2.imread(str(path))
    return None if image is None else np.asarray(image, np.uint8)


def tally(
    truth: TruthFile, predictions: Sequence[Prediction], state_ids: Sequence[str | None]
) -> Score:
    """Return the score of predictions whose states are known."""
    seen: set[str] = set()
    first: list[tuple[Prediction, TrueState]] = []
    duplicates = junk = partial = 0
    for prediction, state_id in zip(predictions, state_ids, strict=True):
        if state_id is None:
            junk += 1
        elif truth.slides[state_id].kind == "partial":
            partial += 1
        elif state_id in seen:
            duplicates += 1
        else:
            seen.add(state_id)
            first.append((prediction, truth.slides[state_id]))
    hits = [(prediction, state) for prediction, state in first if state.final]
    false = duplicates + partial + junk
    states = sum(state.kind == "slide" for state in truth.slides.values())
    return Score(
        rates=_rates(len(hits), false, len(truth.groups)),
        strict=_rates(len(first), false, states),
        slides=len(truth.groups),
        predicted=len(predictions),
        found=len(hits),
        duplicates=duplicates,
        junk=junk,
        partial=partial,
        neutral_builds=len(first) - len(hits),
        start_errors_s=tuple(_errors_s(truth, hits, "start")),
        end_errors_s=tuple(_errors_s(truth, hits, "end")),
        missed=tuple(sorted(truth.groups - {state.group for _, state in hits})),
    )


def _rates(found: int, false: int, all_: int) -> Rates:
    precision = found / (found + false) if found + false else 0.0
    recall = found / all_ if all_ else 0.0
    both = precision + recall
    f1 = 2 * precision * recall / both if both else 0.0
    return Rates(round(precision, 4), round(recall, 4), round(f1, 4))


def _errors_s(
    truth: TruthFile, hits: Iterable[tuple[Prediction, TrueState]], edge: Literal["start", "end"]
) -> Iterable[float]:
    for prediction, state in hits:
        said = prediction.start if edge == "start" else prediction.end
        if said is None:
            continue
        segments = (s for s in truth.segments if _group_of(truth, s) == state.group)
        yield min(abs(said - (s.start if edge == "start" else s.end)) for s in segments)


def _group_of(truth: TruthFile, segment: TrueSegment) -> str | None:
    state = truth.slides.get(segment.slide_id) if segment.slide_id else None
    return state.group if state else None
