"""What bad and odd videos get: the best result there is with its reason, or a clear error."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from slides_api.exit_codes import ExitCode
from tests.media import (
    Talk,
    cut_off,
    damage,
    draw_slide,
    make_audio,
    make_talk,
    repeat_video,
)
from tests.runner.command import PAGES_OFF, Ended, slides

pytestmark = pytest.mark.slow

START_TOLERANCE_S = 0.3
"""The floor that detection has for the median of its starts."""
PICTURE_TOLERANCE = 8.0
"""Mean difference per channel, 0-255: lossy codecs stay below 4, another slide is beyond 15."""

UNEVEN = ((1, 7.3), (2, 6.1), (3, 9.5))
"""Slides that change between keyframes."""

ODD: dict[str, Callable[[Path], Talk]] = {
    "variable.mp4": lambda path: make_talk(path, vfr=True),
    "rotated90.mp4": lambda path: make_talk(path, rotation=90),
    "rotated180.mp4": lambda path: make_talk(path, rotation=180),
    "rotated270.mp4": lambda path: make_talk(path, rotation=270),
    "portrait.mp4": lambda path: make_talk(path, size=(360, 640)),
    "h264-10bit.mp4": lambda path: make_talk(path, pix_fmt="yuv420p10le"),
    "hevc.mp4": lambda path: make_talk(path, codec="libx265"),
    "hevc-10bit.mkv": lambda path: make_talk(path, codec="libx265", pix_fmt="yuv420p10le"),
    "av1.mp4": lambda path: make_talk(path, codec="libsvtav1"),
    "av1-uneven.mp4": lambda path: make_talk(path, codec="libsvtav1", slides=UNEVEN, fps=25),
    "h264.ts": lambda path: make_talk(path, slides=UNEVEN, fps=25),
    "vp9.webm": lambda path: make_talk(path, codec="libvpx-vp9"),
    "mpeg2.mpg": lambda path: make_talk(path, codec="mpeg2video", fps=25),
    "mpeg2.ts": lambda path: make_talk(path, codec="mpeg2video", fps=25),
    "mpeg4.avi": lambda path: make_talk(path, codec="mpeg4"),
    "silent.mp4": lambda path: make_talk(path, audio=False),
    "with-sound.mp4": lambda path: make_talk(path, audio=True),
    "4-4-4.mp4": lambda path: make_talk(path, pix_fmt="yuv444p"),
    "odd-size.mkv": lambda path: make_talk(path, size=(853, 479), pix_fmt="yuv444p"),
    "tiny.mp4": lambda path: make_talk(path, size=(128, 96)),
    "8k.mp4": lambda path: make_talk(path, size=(7680, 4320), fps=1, slides=((1, 3), (2, 3))),
}
"""Videos that are unusual and have to work all the same."""


@dataclass(frozen=True)
class OddResults:
    """What one call made of all odd videos, by file name."""

    ended: Ended
    talks: dict[str, Talk]
    documents: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> OddResults:
    folder = tmp_path_factory.mktemp("odd")
    talks = {name: make(folder / name) for name, make in ODD.items()}
    ended = slides(
        "extract", *talks, *PAGES_OFF, "--json", "--output", "out", "--jobs", "2", cwd=folder
    )
    return OddResults(ended, talks, {one["source"]: one for one in ended.documents})


@pytest.mark.parametrize("name", ODD)
def test_odd_video_gives_its_slides(odd: OddResults, name: str) -> None:
    talk, document = odd.talks[name], odd.documents[name]

    assert document.get("reason") == "Completed", document
    starts = [one["spans"][0]["start"] for one in document["slides"]]
    assert starts == pytest.approx(talk.starts, abs=START_TOLERANCE_S)
    assert document["video"]["durationSeconds"] == pytest.approx(talk.duration_s, abs=0.5)


@pytest.mark.parametrize("name", ODD)
def test_odd_video_gives_upright_pictures_in_right_colours(odd: OddResults, name: str) -> None:
    talk, document = odd.talks[name], odd.documents[name]

    for number, one in enumerate(document["slides"], 1):
        assert difference(Path(one["image"]), number, talk.size) < PICTURE_TOLERANCE


def difference(image: Path, number: int, size: tuple[int, int]) -> float:
    """Return how much a picture differs from the slide, 0-255, at a size that both have."""
    with Image.open(image) as picture:
        assert picture.width * size[1] == pytest.approx(picture.height * size[0], rel=0.01)
        found = np.asarray(picture.convert("RGB"))
    small = (320, max(1, round(320 * size[1] / size[0])))
    pictures = [
        cv2.resize(one, small, interpolation=cv2.INTER_AREA).astype(float)
        for one in (found, draw_slide(number, size))
    ]
    return float(np.abs(pictures[0] - pictures[1]).mean())


def test_odd_videos_leave_nothing_behind(odd: OddResults) -> None:
    home = odd.talks["silent.mp4"].path.parent

    assert odd.ended.exit_code == 0
    assert [path for path in (home / "cache").rglob("*") if path.is_file()] == []


def test_one_frame_gives_one_slide_or_says_that_there_is_none(tmp_path: Path) -> None:
    make_talk(tmp_path / "one.mp4", slides=((1, 0.1),))

    ended = slides("extract", "one.mp4", "--json", "--output", "out", cwd=tmp_path)

    assert ended.exit_code == 0
    document = ended.document
    assert (document["reason"], len(document["slides"])) in {
        ("Completed", 1),
        ("NoSlidesFound", 0),
    }
    assert bool(document["slides"]) or document["warnings"]
    assert (tmp_path / "out" / "manifest.json").exists()


def write_text(path: Path) -> None:
    path.write_text("This is no video.\n" * 100)


def write_noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(1).bytes(100_000))


def write_cut_without_index(path: Path) -> None:
    whole = make_talk(path.with_name("whole.mp4"))  # its index comes last, as most recorders do it
    cut_off(whole.path, path, share=0.7)


NOT_VIDEOS: dict[str, tuple[Callable[[Path], object], str]] = {
    "text.mp4": (write_text, "cannot be read as a video"),
    "noise.mp4": (write_noise, "cannot be read as a video"),
    "empty.mp4": (Path.touch, "is empty"),
    "sound.m4a": (make_audio, "only audio"),
    "cut.mp4": (write_cut_without_index, "cannot be read as a video"),
}


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("refused")
    for name, (write, _) in NOT_VIDEOS.items():
        write(folder / name)
    ended = slides("extract", *NOT_VIDEOS, "--json", "--output", "out", cwd=folder)
    assert ended.exit_code == 1
    assert not (folder / "out").exists()
    return {one["source"]: one["error"] for one in ended.documents}


@pytest.mark.parametrize("name", NOT_VIDEOS)
def test_what_is_no_video_is_refused_with_a_next_step(
    refusals: dict[str, dict[str, Any]], name: str
) -> None:
    error = refusals[name]

    assert (error["reason"], error["exitCode"]) == ("NotAVideo", ExitCode.NOT_A_VIDEO)
    assert NOT_VIDEOS[name][1] in error["message"]
    assert error["hint"]


def test_people_read_the_same_without_a_trace(tmp_path: Path) -> None:
    write_text(tmp_path / "text.mp4")

    ended = slides("extract", "text.mp4", cwd=tmp_path)

    assert ended.exit_code == ExitCode.NOT_A_VIDEO
    assert ended.stdout == ""
    assert "error: text.mp4 cannot be read as a video" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("nothing.mp4", "BadUrl", id="no such file"),
        pytest.param(".", "BadUrl", id="folder"),
        pytest.param("ftp://example.com/talk.mp4", "BadUrl", id="scheme"),
        pytest.param("https://", "BadUrl", id="no host"),
        pytest.param("x" * 300, "BadUrl", id="name too long for a file"),
    ],
)
def test_what_means_nothing_is_refused_with_a_next_step(
    tmp_path: Path, name: str, reason: str
) -> None:
    ended = slides("extract", name, "--json", cwd=tmp_path)

    assert (ended.error["reason"], ended.exit_code) == (reason, ExitCode.BAD_URL)
    assert ended.error["hint"]
    assert [path.name for path in tmp_path.iterdir()] == []


FIVE = tuple((number, 4.0) for number in range(1, 6))


def test_truncated_video_gives_the_slides_up_to_the_cut_and_says_so(tmp_path: Path) -> None:
    whole = make_talk(
        tmp_path / "whole.mp4", slides=FIVE, container={"movflags": "+faststart"}, gop=10
    )
    cut_off(whole.path, tmp_path / "cut.mp4", share=0.6)

    ended = slides("extract", "cut.mp4", "--json", "--output", "out", cwd=tmp_path)

    document = ended.document
    starts = [one["spans"][0]["start"] for one in document["slides"]]
    assert ended.exit_code == 0
    assert 2 <= len(starts) <= 4
    assert starts == pytest.approx(whole.starts[: len(starts)], abs=START_TOLERANCE_S)
    assert [one["reason"] for one in document["warnings"]] == ["VideoTruncated"]
    assert document["video"]["durationSeconds"] < whole.duration_s - 2
    recorded = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    assert [one["reason"] for one in recorded["warnings"]] == ["VideoTruncated"]


def test_people_are_told_of_the_cut(tmp_path: Path) -> None:
    whole = make_talk(
        tmp_path / "whole.mp4", slides=FIVE, container={"movflags": "+faststart"}, gop=10
    )
    cut_off(whole.path, tmp_path / "cut.mp4", share=0.6)

    ended = slides("extract", "cut.mp4", *PAGES_OFF, cwd=tmp_path)

    assert "missing" in ended.stdout + ended.stderr


def test_video_corrupted_in_the_middle_gives_what_surrounds_it_and_says_so(tmp_path: Path) -> None:
    whole = make_talk(tmp_path / "whole.mp4", slides=FIVE, gop=10, audio=True)
    damage(whole.path, tmp_path / "bad.mp4", start=0.4, end=0.6)

    ended = slides("extract", "bad.mp4", *PAGES_OFF, "--json", "--output", "out", cwd=tmp_path)

    assert ended.exit_code == 0
    starts = [one["spans"][0]["start"] for one in ended.document["slides"]]
    for want in (whole.starts[0], whole.starts[1], whole.starts[4]):
        assert min(abs(want - start) for start in starts) <= START_TOLERANCE_S
    assert [one["reason"] for one in ended.document["warnings"]] == ["VideoCorrupt"]


PEAK_OF_CHILDREN = """
import json, resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(json.dumps([code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""


def peak_memory_kb(*arguments: str, cwd: Path) -> int:
    """Return the greatest memory that a call had, which has to succeed."""
    line = [sys.executable, "-c", PEAK_OF_CHILDREN, sys.executable, "-m", "slides_runner"]
    done = subprocess.run([*line, *arguments], cwd=cwd, capture_output=True, text=True, check=True)
    code, peak_kb = json.loads(done.stdout)
    assert code == 0, done.stderr
    return int(peak_kb)


def test_six_hours_take_no_more_memory_than_minutes(tmp_path: Path) -> None:
    part = tuple((number, 120.0) for number in range(1, 5))
    short = make_talk(tmp_path / "short.mp4", slides=part, fps=4, size=(192, 108)).path
    repeat_video(short, tmp_path / "long.mp4", times=45)

    options = (*PAGES_OFF, "--json", "--output")
    minutes_kb = peak_memory_kb("extract", "short.mp4", *options, "a", cwd=tmp_path)
    hours_kb = peak_memory_kb("extract", "long.mp4", *options, "b", cwd=tmp_path)

    found = json.loads((tmp_path / "b" / "manifest.json").read_bytes())
    assert found["video"]["durationSeconds"] == pytest.approx(6 * 3600, abs=5)
    assert len(found["slides"]) == 4
    assert sum(len(one["spans"]) for one in found["slides"]) == 4 * 45
    assert hours_kb < minutes_kb + 64 * 1024  # the packets' sizes and times, and 180 spans
