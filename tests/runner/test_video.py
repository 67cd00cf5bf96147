"""Reading video files: properties, and the frame of a moment, in every kind of container."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from slides_runner.errors import NotAVideoError
from slides_runner.video import open_video, probe_video, read_frames, seek, start_time_s
from tests.media import Talk, draw_slide, make_audio, make_talk

UNEVEN = ((1, 2.3), (2, 3.1), (3, 2.7))
PICTURE_TOLERANCE = 5.0
"""Mean difference per channel, 0-255: lossy codecs stay below 3, another slide is beyond 15."""

MAKERS: dict[str, Callable[[Path], Talk]] = {
    "talk.mp4": lambda path: make_talk(path, slides=UNEVEN),
    "talk.mkv": lambda path: make_talk(path, slides=UNEVEN),
    "talk.ts": lambda path: make_talk(path, slides=UNEVEN, fps=25),
    "talk.mpg": lambda path: make_talk(path, slides=UNEVEN, codec="mpeg2video", fps=25),
    "talk.webm": lambda path: make_talk(path, slides=UNEVEN, codec="libvpx-vp9"),
    "talk.avi": lambda path: make_talk(path, slides=UNEVEN, codec="mpeg4"),
    "rotated.mp4": lambda path: make_talk(path, slides=UNEVEN, rotation=90),
    "variable.mp4": lambda path: make_talk(path, slides=UNEVEN, vfr=True),
}


@pytest.fixture(scope="module", params=MAKERS)
def talk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Talk:
    name = str(request.param)
    return MAKERS[name](tmp_path_factory.mktemp("video") / name)


def is_slide(picture: NDArray[np.uint8], number: int, size: tuple[int, int]) -> bool:
    difference = np.abs(picture.astype(float) - draw_slide(number, size).astype(float))
    return bool(difference.mean() < PICTURE_TOLERANCE)


def test_properties_are_those_of_the_upright_picture(talk: Talk) -> None:
    video = probe_video(talk.path)

    assert (video.width, video.height) == talk.size
    assert video.duration_s == pytest.approx(talk.duration_s, abs=0.6)


@pytest.mark.parametrize(
    "times_s",
    [
        pytest.param([0.0, 2.2, 2.5, 5.2, 5.6, 8.0], id="forward"),
        pytest.param([8.0, 0.0, 5.2, 2.5], id="back and forth"),
        pytest.param([4.0], id="one in the middle"),
        pytest.param([100.0], id="past the end"),
    ],
)
def test_frame_is_what_is_shown_at_the_moment(talk: Talk, times_s: list[float]) -> None:
    pictures = list(read_frames(talk.path, times_s))

    assert len(pictures) == len(times_s)
    for time_s, picture in zip(times_s, pictures, strict=True):
        number = 1 if time_s < 2.3 else 2 if time_s < 5.4 else 3
        assert is_slide(picture, number, talk.size), time_s


def test_seeking_never_passes_the_keyframe_of_a_moment(talk: Talk) -> None:
    with open_video(talk.path) as (container, stream):
        for time_s in (0.0, 3.0, 6.5):
            seek(container, stream, time_s)
            first = next(p for p in container.demux(stream) if p.is_keyframe and p.pts is not None)
            found_s = float((first.pts or 0) * (first.time_base or 1)) - start_time_s(stream)
            assert found_s <= time_s + 0.05


def test_frames_close_together_in_a_slow_recording_are_told_apart(tmp_path: Path) -> None:
    talk = make_talk(tmp_path / "talk.mp4", slides=((1, 4.0), (2, 4.0), (3, 4.0)), vfr=True)

    pictures = read_frames(talk.path, [4.0, 7.99, 8.0])

    shown = [is_slide(one, n, talk.size) for one, n in zip(pictures, (2, 2, 3), strict=True)]
    assert shown == [True, True, True]


def test_moment_just_before_a_keyframe_shows_what_is_before_it(tmp_path: Path) -> None:
    talk = make_talk(tmp_path / "talk.mp4", slides=((1, 4.0), (2, 4.0)), fps=25, gop=100)

    (picture,) = read_frames(talk.path, [3.97])

    assert is_slide(picture, 1, talk.size)


def test_codec_is_named_not_its_decoder(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    make_talk(path, slides=((1, 1.0),), codec="libsvtav1")

    assert probe_video(path).codec == "av1"


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(NotAVideoError, match="only audio"):
        probe_video(make_audio(tmp_path / "sound.m4a"))
