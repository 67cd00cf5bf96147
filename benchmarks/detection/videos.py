"""The talks that are measured: found where they lie, made where they are missing."""

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.scoring import TruthFile, read_truth
from benchmarks.talks.make import make_talk
from benchmarks.talks.regimes import REGIMES
from benchmarks.talks.tapes import repeat

SUFFIX = ".truth.json"
GENERATED_SEED = 1
GENERATED_S = 75.0
"""Length of each generated talk; chosen: some ten slides, and a set that is made in minutes."""
LONG_TIMES = 4
"""How often the long talk is shown; four quarters of an hour are the 62 minutes of the bench."""
HD_REGIME, HD_SEED, HD_HEIGHT = "c_pip", 2, 1080
HD_TOTAL_S = 3600
"""An hour of 1080p, which is what a lecture is."""


@dataclass(frozen=True)
class Talk:
    """A video with its truth."""

    group: str
    """The set that it belongs to: generated, dev, real, long or hd."""
    truth_path: Path

    @property
    def name(self) -> str:
        """Name of the talk."""
        return self.truth_path.name.removesuffix(SUFFIX)

    @property
    def truth(self) -> TruthFile:
        """What it shows when."""
        return read_truth(self.truth_path)

    @property
    def video(self) -> Path:
        """Its video file."""
        return self.truth_path.parent / self.truth.video


def find_talks(folder: Path, group: str) -> list[Talk]:
    """Return the talks of a folder by name; the long ones are measured apart."""
    paths = sorted(folder.glob(f"*{SUFFIX}"))
    talks = [Talk(group, path) for path in paths]
    return [talk for talk in talks if talk.truth.regime != "l_long" and talk.video.exists()]


def generated_talks(folder: Path) -> list[Talk]:
    """Return a talk of every regime, made where it is not there yet."""
    for regime in REGIMES:
        if regime != "l_long":
            _made(regime, GENERATED_SEED, folder, seconds=GENERATED_S)
    return find_talks(folder, "generated")


def _made(
    regime: str, seed: int, folder: Path, *, seconds: float, height: int | None = None
) -> Path:
    marker = folder / f"{regime}_{seed}{SUFFIX}"
    if not marker.exists():
        print(f"Making the talk {regime}_{seed} ...", flush=True)
        make_talk(regime, seed, folder, seconds=seconds, height=height)
    return marker


def long_talk(shared: Path | None, folder: Path) -> Talk:
    """Return the long talk, four times in a row: the bench's own where it is, else a generated one.

    What is shown again is the same slide again, so it can be found only once.
    """
    known = shared / f"l_long{SUFFIX}" if shared else None
    if known and known.exists():
        return repeated(Talk("dev", known), LONG_TIMES, folder, group="long")
    source = _made("l_long", GENERATED_SEED, folder, seconds=GENERATED_S * 2)
    return repeated(Talk("generated", source), LONG_TIMES, folder, group="long")


def full_hd_talk(folder: Path) -> Talk:
    """Return an hour of generated 1080p."""
    hd = folder / "hd"
    source = Talk("hd", _made(HD_REGIME, HD_SEED, hd, seconds=GENERATED_S, height=HD_HEIGHT))
    times = round(HD_TOTAL_S / source.truth.duration)
    return repeated(source, times, folder, group="hd")


def repeated(talk: Talk, times: int, folder: Path, *, group: str) -> Talk:
    """Return a talk that shows another one several times in a row."""
    name = f"{talk.name}_x{times}"
    path = folder / "repeated" / f"{name}{SUFFIX}"
    if path.exists():
        return Talk(group, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    repeat(talk.video, times, path.parent / f"{name}.mp4")
    document = repeated_truth(talk.truth, times, talk.truth_path.parent.resolve())
    path.write_text(json.dumps(document.model_dump(mode="json") | {"video": f"{name}.mp4"}))
    return Talk(group, path)


def repeated_truth(truth: TruthFile, times: int, folder: Path) -> TruthFile:
    """Return the truth of a talk shown several times: the same slides, the segments in a row."""
    slides = {
        state_id: state.model_copy(
            update={
                "image": str(folder / state.image) if state.image else None,
                "alt": str(folder / state.alt) if state.alt else None,
            }
        )
        for state_id, state in truth.slides.items()
    }
    segments = [
        segment.model_copy(
            update={
                "start": segment.start + number * truth.duration,
                "end": segment.end + number * truth.duration,
            }
        )
        for number in range(times)
        for segment in truth.segments
    ]
    return truth.model_copy(
        update={"slides": slides, "segments": segments, "duration": truth.duration * times}
    )
