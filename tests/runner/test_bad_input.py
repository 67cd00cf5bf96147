"""What bad and odd input gets: the best result there is with its reason, or a clear error."""

import json
import os
import resource
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
from slides_api.v1alpha1 import Source as SourceSpec
from slides_runner.errors import TimedOutError
from slides_runner.settings import RunnerSettings
from slides_runner.sources import open_source
from slides_runner.sources.patience import Patience
from tests.media import (
    Talk,
    cut_off,
    damage,
    draw_slide,
    make_audio,
    make_talk,
    repeat_video,
)
from tests.runner.command import Ended, slides
from tests.runner.sources.forward_proxy import run_forward_proxy
from tests.runner.sources.media_server import MediaServer, Resource, run_media_server

pytestmark = pytest.mark.slow

START_TOLERANCE_S = 0.3
"""The floor that detection has for the median of its starts."""
PICTURE_TOLERANCE = 8.0
"""Mean difference per channel, 0-255: lossy codecs stay below 4, another slide is beyond 15."""
PAGES_OFF = ("--no-pdf", "--no-html")
"""Documents are not what these tests are about, and take longer than the slides."""

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


def limit_file_sizes() -> None:
    """Let no file grow beyond a few kilobytes: to a program as good as a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def test_no_space_in_the_work_folder_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    make_talk(tmp_path / "talk.mp4")
    arguments = ("extract", "talk.mp4", *PAGES_OFF, "--json", "--output", "out")

    ended = slides(*arguments, cwd=tmp_path, before=limit_file_sizes)

    assert (ended.error["reason"], ended.exit_code) == ("DiskFull", ExitCode.DISK_FULL)
    assert "--work-dir" in ended.error["hint"]
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert slides(*arguments, cwd=tmp_path).exit_code == 0  # once there is space again


def test_no_space_for_the_output_is_said_and_leaves_no_manifest(tmp_path: Path) -> None:
    make_talk(tmp_path / "talk.mp4")
    (tmp_path / "out").mkdir()
    # As an interrupted run may leave it, but that a file's place is where nothing ever fits.
    (tmp_path / "out" / ".slides-extractor-incomplete").write_text("slides/0001.webp\n")
    (tmp_path / "out" / "slides").mkdir()
    (tmp_path / "out" / "slides" / ".0001.webp.part").symlink_to("/dev/full")

    ended = slides("extract", "talk.mp4", *PAGES_OFF, "--json", "-o", "out", cwd=tmp_path)

    assert (ended.error["reason"], ended.exit_code) == ("DiskFull", ExitCode.DISK_FULL)
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_no_space_for_the_download_is_said(tmp_path: Path) -> None:
    talk = make_talk(tmp_path / "talk.mp4")
    with run_media_server() as server:
        url = server.put("/talk.mp4", Resource(talk.path.read_bytes()))
        ended = slides(
            "extract", url, "--allow-private", "--json", cwd=tmp_path, before=limit_file_sizes
        )

    assert (ended.error["reason"], ended.exit_code) == ("DiskFull", ExitCode.DISK_FULL)


def test_result_that_stdout_does_not_take_is_said(tmp_path: Path) -> None:
    make_talk(tmp_path / "talk.mp4")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "slides_runner", "extract", "talk.mp4", "--json", "-o", "out"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == ExitCode.DISK_FULL
    assert "cannot be written to stdout" in done.stderr


@pytest.mark.parametrize(
    "output",
    [
        pytest.param("file.txt/out", id="below a file"),
        pytest.param("file.txt", id="a file"),
        pytest.param("/proc/slides-output", id="file system without room for files"),
    ],
)
def test_output_folder_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, output: str
) -> None:
    make_talk(tmp_path / "talk.mp4")
    (tmp_path / "file.txt").write_text("mine")

    ended = slides("extract", "talk.mp4", "--verbose", "--json", "--output", output, cwd=tmp_path)

    assert ended.error["reason"] == "OutputNotWritable"
    assert ended.exit_code == ExitCode.OUTPUT_REFUSED
    assert ended.error["hint"]
    assert "Finding slides" not in ended.stderr
    assert (tmp_path / "file.txt").read_text() == "mine"


@pytest.mark.parametrize("work_dir", ["file.txt/work", "/proc/work"])
def test_work_folder_that_cannot_be_written_is_refused(tmp_path: Path, work_dir: str) -> None:
    make_talk(tmp_path / "talk.mp4")
    (tmp_path / "file.txt").write_text("mine")

    ended = slides("extract", "talk.mp4", "--json", "--work-dir", work_dir, cwd=tmp_path)

    assert (ended.error["reason"], ended.exit_code) == ("OutputNotWritable", 78)
    assert "--work-dir" in ended.error["hint"]


def test_folder_with_another_talks_output_is_refused_even_by_force(tmp_path: Path) -> None:
    make_talk(tmp_path / "one.mp4")
    make_talk(tmp_path / "two.mp4", slides=((4, 3.0), (5, 3.0)))
    slides("extract", "one.mp4", *PAGES_OFF, "--output", "out", cwd=tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}

    ended = slides("extract", "two.mp4", "--force", "--json", "--output", "out", cwd=tmp_path)

    assert (ended.error["reason"], ended.exit_code) == ("OutputConflict", 78)
    assert "another talk" in ended.error["message"]
    assert before
    assert all(path.read_bytes() == content for path, content in before.items())


def test_folder_with_somebodys_files_is_refused(tmp_path: Path) -> None:
    make_talk(tmp_path / "talk.mp4")
    (tmp_path / "out" / "slides").mkdir(parents=True)
    (tmp_path / "out" / "slides" / "0001.webp").write_text("mine")

    ended = slides("extract", "talk.mp4", "--json", "--output", "out", cwd=tmp_path)

    assert (ended.error["reason"], ended.exit_code) == ("OutputConflict", 78)
    assert (tmp_path / "out" / "slides" / "0001.webp").read_text() == "mine"


ANSWERS: dict[str, tuple[Resource, str, int]] = {
    "/page.mp4": (
        Resource(b"<!doctype html><title>x</title>", media_type="text/html"),
        "NotAVideo",
        65,
    ),
    "/401.mp4": (Resource(status=401), "AccessDenied", 77),
    "/403.mp4": (Resource(status=403), "AccessDenied", 77),
    "/404.mp4": (Resource(status=404), "Removed", 67),
    "/410.mp4": (Resource(status=410), "Removed", 67),
    "/429.mp4": (Resource(status=429), "RateLimited", 84),
    "/500.mp4": (Resource(status=500), "ServerError", 81),
    "/503.mp4": (Resource(status=503), "ServerError", 81),
    "/nothing.mp4": (Resource(b""), "NotAVideo", 65),
    "/text.mp4": (Resource(b"no video" * 1000), "NotAVideo", 65),
}
"""What a server answers, and the reason and exit code that it gets."""


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("answers")
    with run_media_server() as server:
        urls = {server.put(path, answer): path for path, (answer, _, _) in ANSWERS.items()}
        # All at once, since most of the time goes into waiting before another try.
        jobs = str(len(urls))
        arguments = ("--allow-private", "--json", "--output", "out", "--jobs", jobs)
        ended = slides("extract", *urls, *arguments, cwd=folder)
    assert not (folder / "out").exists()
    return {urls[one["source"]]: one["error"] for one in ended.documents}


@pytest.mark.parametrize("path", ANSWERS)
def test_what_a_server_refuses_is_told_apart(
    answered: dict[str, dict[str, Any]], path: str
) -> None:
    error = answered[path]

    assert (error["reason"], error["exitCode"]) == ANSWERS[path][1:]
    assert error["hint"]


@pytest.fixture
def server() -> Any:
    with run_media_server() as running:
        yield running


def test_url_that_hangs_is_given_up(
    server: MediaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    url = server.put("/hangs.mp4", Resource(hangs=True))
    spec = SourceSpec(url=url)
    patience = Patience(connect_s=2.0, idle_s=0.3, attempts=2, backoff_s=0.01)
    source = open_source(url, spec, RunnerSettings(allow_private_addresses=True), patience=patience)

    with pytest.raises(TimedOutError) as raised:
        source.probe()

    assert raised.value.exit_code == ExitCode.TIMED_OUT
    assert raised.value.hint


def test_url_that_claims_too_short_a_length_is_no_whole_video(
    server: MediaServer, tmp_path: Path
) -> None:
    body = make_talk(tmp_path / "talk.mp4").path.read_bytes()
    url = server.put("/talk.mp4", Resource(body, ranged=False, announced_length=len(body) // 2))

    ended = slides("extract", url, "--allow-private", "--json", "-o", "out", cwd=tmp_path)

    assert ended.exit_code >= 64
    assert ended.error["hint"]
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_url_that_leads_to_a_private_address_is_refused(
    server: MediaServer, tmp_path: Path
) -> None:
    url = server.put("/talk.mp4", Resource(b"x" * 1000))

    ended = slides("extract", url, "--json", cwd=tmp_path)

    assert (ended.error["reason"], ended.exit_code) == ("AddressRefused", ExitCode.BAD_URL)
    assert server.seen == []


def test_redirect_to_a_private_address_is_refused_unless_allowed(
    server: MediaServer, tmp_path: Path
) -> None:
    body = make_talk(tmp_path / "talk.mp4").path.read_bytes()
    inside = server.put("/inside.mp4", Resource(body))
    server.put("/talk.mp4", Resource(status=302, headers={"Location": inside}))
    url = "http://talks.example/talk.mp4"
    with run_forward_proxy() as proxy:
        proxy.hosts["talks.example"] = proxy.hosts["127.0.0.1"] = ("127.0.0.1", server.port)
        arguments = ("extract", url, *PAGES_OFF, "--proxy", proxy.address, "--json", "-o", "out")
        refused = slides(*arguments, cwd=tmp_path)
        allowed = slides(*arguments, "--allow-private", cwd=tmp_path)

    assert (refused.error["reason"], refused.exit_code) == ("AddressRefused", 73)
    assert allowed.exit_code == 0
    assert len(allowed.document["slides"]) == 3


HOSTILE_NAMES = [
    pytest.param("[bold red]x[on blue].mp4", id="markup"),
    pytest.param("\x1b[31m\x1b[2Jred.mp4", id="ANSI"),
    pytest.param("line\nbreak\tand\rreturn.mp4", id="control characters"),
    pytest.param("talk\u202e4pm.mp4", id="right-to-left override"),
    pytest.param("..mp4", id="dots"),
    pytest.param("-rf.mp4", id="like an option"),
    pytest.param("a'b\"c;$(touch pwned)`.mp4", id="shell"),
    pytest.param("<script>alert(1)<b>.mp4", id="HTML"),
    pytest.param("y" * 250 + ".mp4", id="longest name"),
    pytest.param("日本語 état 👩\u200d💻.mp4", id="other scripts"),
    pytest.param("con.mp4", id="reserved elsewhere"),
]


@pytest.fixture(scope="module")
def small_talk(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("small") / "talk.mp4"
    return make_talk(path, slides=((1, 2.0), (2, 2.0)), size=(320, 180)).path.read_bytes()


@dataclass(frozen=True)
class HostileResults:
    """What one call made of all hostile names."""

    folder: Path
    words: Ended
    outputs: dict[str, Path]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, small_talk: bytes) -> HostileResults:
    folder = tmp_path_factory.mktemp("hostile")
    names = [str(one.values[0]) for one in HOSTILE_NAMES]
    for name in names:
        (folder / name).write_bytes(small_talk)
    words = slides("extract", *PAGES_OFF, "--", *names, cwd=folder)
    ended = slides("extract", *PAGES_OFF, "--json", "--", *names, cwd=folder)
    outputs = {one["source"]: Path(one["output"]) for one in ended.documents}
    return HostileResults(folder, words, outputs)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_file_name_gives_a_harmless_folder(hostile: HostileResults, name: str) -> None:
    output = hostile.outputs[name]

    assert output.parent == hostile.folder
    assert output.name.endswith("-slides")
    assert not forbidden(output.name)
    assert (output / "manifest.json").exists()


def test_hostile_file_names_do_not_reach_the_terminal(hostile: HostileResults) -> None:
    assert hostile.words.exit_code == 0, hostile.words.stderr
    assert not forbidden(hostile.words.stdout + hostile.words.stderr)
    assert "[bold red]x[on blue]" in hostile.words.stdout
    made = {path for path in hostile.folder.iterdir() if path.is_dir()} - set(
        hostile.outputs.values()
    )
    assert [path.name for path in made] == ["cache"]


def forbidden(text: str) -> set[str]:
    """Return the characters of a text that a terminal acts on."""
    return {c for c in text if c != "\n" and (not c.isprintable()) and c != "\u200d"}


def test_file_name_that_is_not_utf8_is_a_clean_message(tmp_path: Path, small_talk: bytes) -> None:
    name = os.fsdecode(b"caf\xe9.mp4")
    (tmp_path / name).write_bytes(small_talk)

    ended = slides("extract", name, *PAGES_OFF, "--json", "-o", "out", cwd=tmp_path)

    assert ended.exit_code == ExitCode.USAGE
    assert "not UTF-8" in ended.error["message"]
    assert not forbidden(ended.stderr)


def test_hostile_title_of_a_url_is_harmless(
    server: MediaServer, tmp_path: Path, small_talk: bytes
) -> None:
    path = "/..%2F..%2F%1B%5B2J%E2%80%AE%5Bred%5D" + "t" * 300 + ".mp4"
    url = server.put(path, Resource(small_talk))

    ended = slides("extract", url, "--allow-private", *PAGES_OFF, cwd=tmp_path)

    assert ended.exit_code == 0, ended.stderr
    made = [path.name for path in tmp_path.iterdir() if path.name != "cache"]
    assert len(made) == 1
    assert made[0].endswith("-slides")
    assert not forbidden(ended.stdout + ended.stderr)


def test_hostile_title_in_the_container_stays_text(tmp_path: Path) -> None:
    title = "</script><script>alert(1)</script>[red]\x1b[2J"
    make_talk(tmp_path / "talk.mp4", slides=((1, 2.0), (2, 2.0)), title=title)

    ended = slides("extract", "talk.mp4", "--output", "out", cwd=tmp_path)

    assert ended.exit_code == 0
    assert not forbidden(ended.stdout + ended.stderr)
    assert "<script>alert(1)" not in (tmp_path / "out" / "report.html").read_text()
