"""What a tool made of a talk: its score, and what it cost."""

import tempfile
from pathlib import Path

from pydantic import BaseModel

from benchmarks.detection.peers import OURS, QUIET, Call, Environment, Peer, our_command, read_json
from benchmarks.detection.videos import Talk
from benchmarks.measured import Usage, complaint, measure
from benchmarks.scoring import Prediction, score

TIMEOUT_S = 1800
"""Chosen: the slowest rival that still finishes runs at twice real time."""


class Outcome(BaseModel):
    """One tool on one talk; a tool that failed has found nothing, and says why."""

    tool: str
    group: str
    talk: str
    regime: str
    fps: float
    duration_s: float
    usage: Usage | None = None
    f1: float = 0.0
    f1_strict: float = 0.0
    precision: float = 0.0
    recall: float = 0.0
    slides: int = 0
    predicted: int = 0
    duplicates: int = 0
    junk: int = 0
    partial: int = 0
    missed: list[str] = []
    start_errors_s: list[float] = []
    error: str | None = None

    @property
    def letter(self) -> str:
        """The regime's letter."""
        return self.regime[0]

    @property
    def spent(self) -> Usage | None:
        """What a run that ended well used; a failed one says nothing about speed."""
        return None if self.error else self.usage

    @property
    def realtime_x(self) -> float | None:
        """Seconds of video per second on the clock."""
        return self.duration_s / self.spent.wall_s if self.spent else None

    @property
    def cpu_x(self) -> float | None:
        """Seconds of video per second of CPU."""
        return self.duration_s / self.spent.cpu_s if self.spent and self.spent.cpu_s else None

    @property
    def peak_mb(self) -> float | None:
        """Peak memory in MiB."""
        return self.spent.peak_mb if self.spent else None

    @property
    def line(self) -> str:
        """One line for people who wait."""
        if self.error:
            return f"{self.tool}  {self.group}/{self.talk}  failed: {self.error}"
        return (
            f"{self.tool}  {self.group}/{self.talk}  F1 {self.f1:.3f}  of {self.slides} "
            f"predicted {self.predicted}  doubled {self.duplicates}  junk {self.junk}  "
            f"{self.realtime_x or 0:.0f}x real time  {self.cpu_x or 0:.0f} CPU-x"
        )


def ours_on(talk: Talk) -> Outcome:
    """Return what `slides extract` makes of a talk."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        folder = Path(scratch)
        try:
            usage = measure(our_command(talk.video.resolve(), folder), folder, timeout_s=TIMEOUT_S)
        except FileNotFoundError as e:
            return _failed(OURS, talk, None, str(e))
        if usage.code:
            return _failed(OURS, talk, usage, f"exit code {usage.code}: {complaint(folder)}")
        return scored(OURS, talk, usage, read_json((folder / "stdout").read_text()))


def peer_on(peer: Peer, environment: Environment, talk: Talk) -> Outcome:
    """Return what a rival makes of a talk."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        call = Call(environment, talk.video.resolve(), Path(scratch))
        usage = measure(peer.command(call), call.folder, timeout_s=TIMEOUT_S, environment=QUIET)
        if usage.timed_out:
            return _failed(peer.name, talk, usage, f"stopped after {TIMEOUT_S} s")
        try:
            predictions = peer.read(call)
        # The task boundary: whatever a rival leaves behind must not end the bench.
        except Exception as e:  # noqa: BLE001 - a rival may fail in any way; the table says so
            return _failed(peer.name, talk, usage, f"{e!r}: {complaint(call.folder)}")
        if usage.code and not predictions:
            reason = f"exit code {usage.code}: {complaint(call.folder)}"
            return _failed(peer.name, talk, usage, reason)
        return scored(peer.name, talk, usage, predictions)


def scored(tool: str, talk: Talk, usage: Usage | None, predictions: list[Prediction]) -> Outcome:
    """Return the outcome of predictions."""
    result = score(talk.truth_path, predictions)
    return _outcome(tool, talk, usage).model_copy(
        update={
            "f1": result.rates.f1,
            "f1_strict": result.strict.f1,
            "precision": result.rates.precision,
            "recall": result.rates.recall,
            "slides": result.slides,
            "predicted": result.predicted,
            "duplicates": result.duplicates,
            "junk": result.junk,
            "partial": result.partial,
            "missed": list(result.missed),
            "start_errors_s": list(result.start_errors_s),
        }
    )


def _failed(tool: str, talk: Talk, usage: Usage | None, reason: str) -> Outcome:
    return _outcome(tool, talk, usage).model_copy(update={"error": " ".join(reason.split())})


def _outcome(tool: str, talk: Talk, usage: Usage | None) -> Outcome:
    truth = talk.truth
    return Outcome(
        tool=tool,
        group=talk.group,
        talk=talk.name,
        regime=truth.regime,
        fps=truth.fps,
        duration_s=truth.duration,
        usage=usage,
    )
