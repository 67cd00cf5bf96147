"""Reading video files: properties, and the frame of a moment, in every kind of container."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest
from av.stream import Disposition
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray
from PIL import Image

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


COLOURS = ((200, 30, 40), (30, 160, 60), (40, 60, 190), (128, 128, 128), (250, 250, 250))
COLOUR_TOLERANCE = 4.0
"""Mean difference, 0-255: rounding and coding stay below 3, a wrong matrix is 10 and more off."""


def bars(size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return upright bars, (H, W, 3) uint8 RGB."""
    width, height = size
    picture = np.zeros((height, width, 3), np.uint8)
    for place, colour in enumerate(COLOURS):
        picture[:, place * width // 5 : (place + 1) * width // 5] = colour
    return picture


def coloured_video(
    path: Path,
    size: tuple[int, int],
    *,
    matrix: Colorspace,
    tag: int,
    colour_range: ColorRange = ColorRange.MPEG,
    pix_fmt: str = "yuv420p",
) -> Path:
    """Write bars, converted by `matrix` and tagged with `tag` (2: not told)."""
    shown = av.VideoFrame.from_ndarray(bars(size), format="rgb24")
    frame = shown.reformat(
        format=pix_fmt, dst_colorspace=matrix, dst_color_range=colour_range, interpolation="AREA"
    )
    frame.colorspace, frame.color_range, frame.pts = tag, colour_range, 0
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=10, options={"preset": "ultrafast", "crf": "8"})
        stream.width, stream.height, stream.pix_fmt = (*size, pix_fmt)
        stream.codec_context.colorspace = tag
        stream.codec_context.color_range = colour_range
        stream.thread_count = 1
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


BT709, BT601 = Colorspace.ITU709, Colorspace.ITU601
HD, SD = (1280, 720), (640, 480)


@pytest.mark.parametrize(
    ("size", "matrix", "tag", "colour_range", "pix_fmt"),
    [
        pytest.param(HD, BT709, 1, ColorRange.MPEG, "yuv420p", id="HD tagged BT.709"),
        pytest.param(HD, BT601, 6, ColorRange.MPEG, "yuv420p", id="HD tagged BT.601"),
        pytest.param(SD, BT709, 1, ColorRange.MPEG, "yuv420p", id="SD tagged BT.709"),
        pytest.param(SD, BT601, 5, ColorRange.MPEG, "yuv420p", id="SD tagged BT.601"),
        pytest.param(HD, BT709, 2, ColorRange.MPEG, "yuv420p", id="HD untagged"),
        pytest.param(SD, BT601, 2, ColorRange.MPEG, "yuv420p", id="SD untagged"),
        pytest.param(HD, BT709, 1, ColorRange.JPEG, "yuv420p", id="full range"),
        pytest.param(HD, BT709, 1, ColorRange.MPEG, "yuv420p10le", id="10 bits"),
    ],
)
def test_colours_are_those_that_were_filmed(
    tmp_path: Path,
    size: tuple[int, int],
    matrix: Colorspace,
    tag: int,
    colour_range: ColorRange,
    pix_fmt: str,
) -> None:
    path = coloured_video(
        tmp_path / "bars.mp4",
        size,
        matrix=matrix,
        tag=tag,
        colour_range=colour_range,
        pix_fmt=pix_fmt,
    )

    (picture,) = read_frames(path, [0.0])

    width = size[0] // 5
    for place, colour in enumerate(COLOURS):
        inner = picture[8:-8, place * width + 8 : (place + 1) * width - 8].reshape(-1, 3)
        assert np.abs(inner.mean(axis=0) - colour).max() < COLOUR_TOLERANCE, colour


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_every_rotation_is_shown_upright(
    tmp_path: Path, rotation: Literal[0, 90, 180, 270]
) -> None:
    talk = make_talk(tmp_path / "talk.mp4", slides=((1, 1.0),), rotation=rotation)

    (picture,) = read_frames(talk.path, [0.5])

    assert probe_video(talk.path).rotation == rotation
    assert picture.shape == (360, 640, 3)
    assert is_slide(picture, 1, talk.size)


def test_cover_picture_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.m4a"
    jpeg = io.BytesIO()
    Image.fromarray(draw_slide(1, (320, 180))).save(jpeg, "JPEG")
    with av.open(str(path), "w", format="mp4") as output:
        sound = output.add_stream("aac", rate=48_000, layout="mono")
        cover = output.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 320, 180, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
        )
        silence.sample_rate, silence.pts = 48_000, 0
        output.mux(sound.encode(silence))
        output.mux(sound.encode(None))
        packet = av.Packet(jpeg.getvalue())
        packet.stream, packet.pts, packet.dts = cover, 0, 0
        output.mux(packet)

    with pytest.raises(NotAVideoError, match="only audio"):
        probe_video(path)


def test_picture_beyond_8k_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "huge.mkv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 16_000, 8_000, "yuvj420p"
        packet = av.Packet(b"\xff\xd8\xff\xd9")
        packet.stream, packet.pts, packet.dts = stream, 0, 0
        output.mux(packet)

    with pytest.raises(NotAVideoError, match="16000x8000"):
        probe_video(path)
