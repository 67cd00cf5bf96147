"""Tapes: what is copied stays what it was."""

from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks.talks.make import make_talk
from benchmarks.talks.tapes import Chapter, join, repeat

SOUND_RATE = 22_050


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    truth_path = make_talk("a_cuts", 3, tmp_path_factory.mktemp("tape"), seconds=2, height=360)
    return truth_path.with_name("a_cuts_3.mp4")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tape") / "sound.m4a"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=SOUND_RATE, layout="mono")
        silence = np.zeros((1, 3 * SOUND_RATE), np.int16)
        frame = av.AudioFrame.from_ndarray(silence, format="s16", layout="mono")
        frame.sample_rate = SOUND_RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def times_s(path: Path, kind: str) -> list[float]:
    with av.open(str(path)) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        packets = [packet for packet in container.demux(stream) if packet.pts is not None]
        return sorted(float((p.pts or 0) * p.time_base) for p in packets)


def test_joins_picture_and_sound(video: Path, sound: Path, tmp_path: Path) -> None:
    target = tmp_path / "talk.mp4"
    chapters = [Chapter("One", 0, 1.5), Chapter("Two", 1.5, 3)]
    join(video, sound, target, metadata={"title": "Both"}, chapters=chapters)
    with av.open(str(target)) as container:
        assert container.metadata["title"] == "Both"
        titles = [chapter["metadata"]["title"] for chapter in container.chapters()]
    assert titles == ["One", "Two"]
    assert times_s(target, "video") == times_s(video, "video")
    assert len(times_s(target, "audio")) == len(times_s(sound, "audio"))


def test_repeats_with_sound(video: Path, sound: Path, tmp_path: Path) -> None:
    talk = tmp_path / "talk.mp4"
    join(video, sound, talk, metadata={})
    twice = repeat(talk, 2, tmp_path / "twice.mp4")
    once_s, twice_s = times_s(talk, "video"), times_s(twice, "video")
    step_s = once_s[1] - once_s[0]
    assert len(twice_s) == 2 * len(once_s)
    assert twice_s[len(once_s)] == pytest.approx(once_s[-1] + step_s, abs=step_s / 10)
    assert times_s(twice, "audio")[-1] > times_s(talk, "audio")[-1]


def test_repeats_without_sound(video: Path, tmp_path: Path) -> None:
    thrice = repeat(video, 3, tmp_path / "thrice.mp4")
    assert len(times_s(thrice, "video")) == 3 * len(times_s(video, "video"))
