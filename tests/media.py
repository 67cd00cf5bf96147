"""Small talks with known truth, made by PyAV in the codecs, rates and shapes that come along.

A talk of 12 seconds takes a fraction of a second to make. The same arguments give the same
pictures, and slides look like slides: a title, bullet lines and a shape on a quiet ground.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
Codec = Literal["libx264", "libx265", "libsvtav1", "libvpx-vp9", "mpeg2video", "mpeg4"]

THREE_SLIDES: tuple[tuple[int, float], ...] = ((1, 4.0), (2, 4.0), (3, 4.0))
"""(number of the slide, seconds it stands): a number that comes back is a return to it."""

QUICK: dict[Codec, dict[str, str]] = {
    "libx264": {"preset": "veryfast", "crf": "23"},
    "libx265": {"preset": "ultrafast", "crf": "23", "x265-params": "log-level=error"},
    "libsvtav1": {"preset": "12", "crf": "35", "svtav1-params": "scd=0"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "crf": "33", "b": "0"},
    "mpeg2video": {"qmin": "2", "qmax": "6"},
    "mpeg4": {"qmin": "2", "qmax": "6"},
}
"""Options with which each encoder is quick and keeps text readable."""

AUDIO_RATE = 48_000
TICKS = 1000
"""Ticks per second of a talk with a variable frame rate: milliseconds, as recorders write them."""


@dataclass(frozen=True)
class Talk:
    """A talk that was made, and what it shows."""

    path: Path
    spans: Mapping[int, tuple[tuple[float, float], ...]]
    """When each slide is on screen, seconds from the first frame, by its number."""
    duration_s: float
    size: tuple[int, int]
    """Width and height of the upright picture."""

    @property
    def starts(self) -> list[float]:
        """When each slide is first on screen, in order."""
        return sorted(spans[0][0] for spans in self.spans.values())


def make_talk(
    path: Path,
    *,
    slides: Sequence[tuple[int, float]] = THREE_SLIDES,
    codec: Codec = "libx264",
    fps: int = 10,
    size: tuple[int, int] = (640, 360),
    gop: int | None = None,
    pix_fmt: str = "yuv420p",
    rotation: Literal[0, 90, 180, 270] = 0,
    vfr: bool = False,
    audio: bool = False,
    title: str | None = None,
    container: Mapping[str, str] | None = None,
) -> Talk:
    """Write a talk and return its truth; the container format follows from the path's ending.

    `size` is the upright picture's, `gop` the distance of keyframes in frames (default: five
    seconds), `rotation` clockwise degrees that players have to apply, `vfr` irregular times of
    frames, `title` the container's own, `container` options of the muxer.
    """
    moments = list(_moments(slides, fps, vfr=vfr))

    def write() -> None:
        with av.open(str(path), "w", options=dict(container or {})) as output:
            if title is not None:
                output.metadata["title"] = title
            stream = _add_video(output, codec, fps, _stored_size(size, rotation), pix_fmt)
            stream.gop_size = gop or fps * 5
            tick = Fraction(1, TICKS if vfr else fps)
            stream.codec_context.time_base = tick
            if rotation:
                stream.set_display_rotation(-rotation)  # FFmpeg counts the other way
            sound = _add_audio(output) if audio else None
            _mux_video(output, stream, moments, tick=tick, size=size, rotation=rotation)
            if sound:
                _mux_audio(output, sound, sum(seconds for _, seconds in slides))

    _apart(write)
    return Talk(path, _spans(slides, fps), sum(seconds for _, seconds in slides), size)


def _apart(work: Callable[[], None]) -> None:
    """Do the work in a thread that ends with it.

    As root, SVT-AV1 gives the thread that calls it real-time priority, for good, and every process
    that it starts would inherit that: two that spin take the whole machine.
    """
    with ThreadPoolExecutor(1) as thread:
        thread.submit(work).result()


def make_audio(path: Path, seconds: float = 5.0) -> Path:
    """Write a file that has sound and no picture."""
    with av.open(str(path), "w") as output:
        _mux_audio(output, _add_audio(output), seconds)
    return path


def repeat_video(source: Path, path: Path, *, times: int) -> Path:
    """Write the packets of a video many times over, without encoding any of them again."""
    with av.open(str(source)) as one, av.open(str(path), "w") as output:
        template = one.streams.video[0]
        tick = template.time_base or Fraction(1)
        stream = output.add_stream_from_template(template)
        packets = [(bytes(p), p.pts, p.dts, p.is_keyframe) for p in one.demux(template) if p.size]
        length = template.duration or 0
        for turn in range(times):
            for content, pts, dts, is_keyframe in packets:
                packet = av.Packet(content)
                packet.stream, packet.time_base = stream, tick
                packet.pts = None if pts is None else pts + turn * length
                packet.dts = None if dts is None else dts + turn * length
                packet.is_keyframe = is_keyframe
                output.mux(packet)
    return path


def cut_off(source: Path, path: Path, *, share: float) -> Path:
    """Write the first part of a file, as a download that broke off leaves it."""
    content = source.read_bytes()
    path.write_bytes(content[: round(len(content) * share)])
    return path


def damage(source: Path, path: Path, *, start: float, end: float, seed: int = 0) -> Path:
    """Write a file whose bytes between two shares of its length are random."""
    content = bytearray(source.read_bytes())
    first, last = round(len(content) * start), round(len(content) * end)
    content[first:last] = random.Random(seed).randbytes(last - first)
    path.write_bytes(content)
    return path


def draw_slide(number: int, size: tuple[int, int]) -> Picture:
    """Return a slide: (H, W, 3) uint8 RGB, 0-255; the same number gives the same picture."""
    dice = random.Random(number)
    width, height = size
    unit = min(width, height) / 20
    ground = tuple(dice.randrange(225, 256) for _ in range(3))
    image = Image.new("RGB", size, ground)
    pen = ImageDraw.Draw(image)
    pen.text((unit, unit), _words(dice, 2).title(), fill="black", font=_font(unit * 1.8))
    for line in range(dice.randrange(4, 7)):
        at = (unit * 1.5, unit * (5 + 2.2 * line))
        pen.text(at, f"\N{BULLET} {_words(dice, 3)}", fill=(40, 40, 60), font=_font(unit))
    colour = tuple(dice.randrange(30, 200) for _ in range(3))
    left, top = width * dice.uniform(0.6, 0.7), height * dice.uniform(0.4, 0.55)
    shape = (left, top, left + unit * dice.uniform(4, 6), top + unit * dice.uniform(4, 6))
    pen.ellipse(shape, fill=colour) if number % 2 else pen.rectangle(shape, fill=colour)
    pen.text((width - unit * 2, height - unit * 1.5), str(number), fill="gray", font=_font(unit))
    return np.asarray(image)


def _words(dice: random.Random, count: int) -> str:
    words = (
        "layer",
        "cache",
        "graph",
        "token",
        "shard",
        "queue",
        "model",
        "batch",
        "proof",
        "curve",
    )
    return " ".join(dice.choice(words) for _ in range(count))


def _font(size_px: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=max(6, size_px))


def _spans(
    slides: Sequence[tuple[int, float]], fps: int
) -> dict[int, tuple[tuple[float, float], ...]]:
    spans: dict[int, tuple[tuple[float, float], ...]] = {}
    start_s = 0.0
    for number, seconds in slides:
        end_s = start_s + round(seconds * fps) / fps
        spans[number] = (*spans.get(number, ()), (start_s, end_s))
        start_s = end_s
    return spans


def _moments(
    slides: Sequence[tuple[int, float]], fps: int, *, vfr: bool
) -> Iterator[tuple[int, int]]:
    """Yield (time in ticks or frames, number of the slide) of every frame."""
    dice, start = random.Random(7), 0
    ticks_per_second = TICKS if vfr else fps
    for number, seconds in slides:
        end = start + round(seconds * fps) * ticks_per_second // fps
        moment = start
        while moment < end:
            yield moment, number
            moment += dice.randrange(500 // fps, 2000 // fps) if vfr else 1
        start = end


def _stored_size(size: tuple[int, int], rotation: int) -> tuple[int, int]:
    return size if rotation % 180 == 0 else (size[1], size[0])


def _add_video(
    output: OutputContainer, codec: Codec, fps: int, size: tuple[int, int], pix_fmt: str
) -> VideoStream:
    stream = output.add_stream(codec, rate=fps, options=_options(codec, size))
    stream.width, stream.height = size
    stream.pix_fmt = pix_fmt
    # Two cores are shared by everything that is tested at the same time.
    stream.thread_count = 1
    return stream


def _options(codec: Codec, size: tuple[int, int]) -> dict[str, str]:
    options = dict(QUICK[codec])
    if codec == "libx264" and size[0] * size[1] > 1920 * 1080:
        options["preset"] = "ultrafast"
    return options


def _mux_video(
    output: OutputContainer,
    stream: VideoStream,
    moments: Sequence[tuple[int, int]],
    *,
    tick: Fraction,
    size: tuple[int, int],
    rotation: int,
) -> None:
    frames: dict[int, av.VideoFrame] = {}
    for moment, number in moments:
        if number not in frames:
            stored = np.rot90(draw_slide(number, size), rotation // 90)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(stored), format="rgb24")
            frames = {number: frame.reformat(format=stream.pix_fmt)}
        frame = frames[number]
        frame.pts, frame.time_base = moment, tick
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def _add_audio(output: OutputContainer) -> AudioStream:
    return output.add_stream("aac", rate=AUDIO_RATE, layout="mono")


def _mux_audio(output: OutputContainer, stream: AudioStream, seconds: float) -> None:
    block = 1024  # AAC's own
    for start in range(0, round(seconds * AUDIO_RATE), block):
        phase = 2 * np.pi * 220 * np.arange(start, start + block) / AUDIO_RATE
        wave = (0.2 * np.sin(phase)).astype(np.float32)[None, :]
        frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE, start, Fraction(1, AUDIO_RATE)
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))
