"""Programs under measurement."""

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.limits import measure_limits
from benchmarks.measured import complaint, measure
from benchmarks.talks.make import make_talk


def test_measures_time_and_memory(tmp_path: Path) -> None:
    code = "x = bytearray(60 * 2**20); print(sum(range(3 * 10**6)))"
    usage = measure([sys.executable, "-S", "-c", code], tmp_path)
    assert usage.code == 0
    assert usage.peak_mb > 60
    assert usage.cpu_s > 0
    assert (tmp_path / "stdout").read_text().strip() == str(sum(range(3 * 10**6)))


def test_the_memory_of_the_bench_is_not_counted(tmp_path: Path) -> None:
    ballast = np.ones(400 * 2**20, np.uint8)
    usage = measure([sys.executable, "-S", "-c", "pass"], tmp_path)
    assert usage.peak_mb < 100
    assert ballast.any()


def test_tells_exit_codes_and_complaints(tmp_path: Path) -> None:
    usage = measure([sys.executable, "-c", "import sys; sys.exit('no such slide')"], tmp_path)
    assert usage.code == 1
    assert complaint(tmp_path) == "no such slide"


def test_stops_what_takes_too_long(tmp_path: Path) -> None:
    usage = measure([sys.executable, "-c", "while True: pass"], tmp_path, timeout_s=1)
    assert usage.timed_out
    assert usage.code < 0


def test_programs_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        measure(["no-such-program"], tmp_path)


def test_limits_read_the_whole_talk(tmp_path: Path) -> None:
    truth_path = make_talk("a_cuts", 3, tmp_path, seconds=2, height=360)
    limits = measure_limits(tmp_path / truth_path.name.replace(".truth.json", ".mp4"))
    assert list(limits) == ["demux only", "keyframes only", "full decode"]
    assert all(usage.code == 0 for usage in limits.values())
