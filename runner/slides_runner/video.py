"""Reading video files: properties, packets, and frames at given moments.

All decoding goes through PyAV (docs/decisions/0002-pyav-for-decoding.md); av's errors stop here.
Times are seconds from the first frame of the video stream.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, cast

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from numpy.typing import NDArray

from slides_runner.errors import NotAVideoError

SEEK_AHEAD_S = 1.0
"""Below this distance reading on is cheaper than seeking; chosen, a fraction of the usual GOP."""
UNINDEXED = frozenset({"mpegts", "mpeg"})
"""Formats in which FFmpeg seeks by guessing, so that the next keyframe may lie after the moment."""
STEPS_BACK_S = (0.0, 3.0, 12.0, 60.0, math.inf)
"""How far before a moment is sought, until the keyframe found is not after it; chosen: beyond the
GOPs of broadcasts, of HLS, of screen recorders, and in the end from the beginning."""
ROUNDING_S = 0.001
"""A time may be rounded by so much and still means its frame; times are written in milliseconds."""
NEAR_S = 0.5
"""Within this of the wanted frame every frame is decoded, before it those that others need."""
HD_HEIGHT = 577
"""Untagged pictures from this height on are BT.709, below BT.601: what mpv assumes."""
MAX_PIXELS = 7680 * 4320 * 2
"""Twice 8K UHD: a picture beyond is refused as hostile rather than decoded."""
MATRIX_COEFFICIENTS = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
"""ITU-T H.273 MatrixCoefficients, as streams carry them, to swscale's tables."""
DEFAULT_RATE = Fraction(25)
"""Frame rate assumed where a container names none."""

Skip = Literal["NONE", "NONREF", "NONKEY"]


@dataclass(frozen=True)
class VideoProperties:
    """The best video stream of a file, as it will be shown."""

    width: int
    """Width of the upright picture in pixels."""
    height: int
    """Height of the upright picture in pixels."""
    frames_per_second: float
    frame_count: int
    """As the container says, else estimated from duration and rate."""
    duration_s: float
    codec: str
    rotation: int
    """Clockwise rotation that is applied on reading: 0, 90, 180 or 270 degrees."""


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file and its best video stream; cover pictures are no video.

    Raises NotAVideoError.
    """
    try:
        container = av.open(str(path), metadata_errors="replace")
    except (FFmpegError, OSError, ValueError) as e:
        raise not_a_video(path, "it is no media file that FFmpeg can open") from e
    with container:
        yield container, best_stream(path, container)


def best_stream(path: Path, container: InputContainer) -> VideoStream:
    """Return the largest video stream that is no cover picture. Raises NotAVideoError."""
    cover = Disposition.attached_pic
    streams = [s for s in container.streams.video if not s.disposition & cover]
    if not streams:
        raise not_a_video(path, "it has no video stream" + _audio_note(container))
    stream = max(streams, key=lambda s: (s.width or 0) * (s.height or 0))
    if not stream.width or not stream.height:
        raise not_a_video(path, "its video stream has no picture size")
    if stream.width * stream.height > MAX_PIXELS:
        raise not_a_video(path, f"its picture of {stream.width}x{stream.height} is beyond 8K")
    return stream


def _audio_note(container: InputContainer) -> str:
    return ", only audio" if container.streams.audio else ""


def not_a_video(path: Path, why: str) -> NotAVideoError:
    """Return the error for a file that shows nothing."""
    return NotAVideoError(
        f"{path.name} cannot be read as a video: {why}.",
        hint="Check that the file plays in a video player; download it again if it was cut off.",
    )


def probe_video(path: Path) -> VideoProperties:
    """Return the properties of the file's best video stream.

    Raises NotAVideoError for a file without a decodable video stream.
    """
    with open_video(path) as (container, stream):
        rotation = _first_rotation(path, container, stream)
        return _properties(container, stream, rotation)


def _first_rotation(path: Path, container: InputContainer, stream: VideoStream) -> int:
    for frame in decode(container, stream):
        return int(-frame.rotation) % 360
    raise not_a_video(path, "none of its frames can be decoded")


def _properties(container: InputContainer, stream: VideoStream, rotation: int) -> VideoProperties:
    rate = float(stream.average_rate or stream.guessed_rate or DEFAULT_RATE)
    duration_s = _duration_s(container, stream)
    size = (stream.width, stream.height)
    width, height = size if rotation % 180 == 0 else (size[1], size[0])
    return VideoProperties(
        width=width,
        height=height,
        frames_per_second=rate,
        frame_count=stream.frames or round(duration_s * rate),
        duration_s=duration_s,
        codec=stream.codec_context.codec.canonical_name,
        rotation=rotation,
    )


def _duration_s(container: InputContainer, stream: VideoStream) -> float:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / av.time_base


def decode(
    container: InputContainer, stream: VideoStream, *, skip: Skip = "NONE"
) -> Iterator[av.VideoFrame]:
    """Yield frames in order of presentation; packets that cannot be decoded are passed over.

    A decoder that errs on damaged packets goes on with the next one, as players do.
    """
    stream.codec_context.skip_frame = skip
    for packet in packets(container, stream):
        yield from decoded(packet)


def packets(
    container: InputContainer, stream: VideoStream, errors: list[FFmpegError] | None = None
) -> Iterator["av.Packet[VideoStream]"]:
    """Yield the packets of a stream, and an empty one that drains the decoder.

    A container that is cut off ends where it is; the error that ended it is added to `errors`.
    """
    found = container.demux(stream)
    while True:
        try:
            packet = next(found)
        except StopIteration:
            return
        except FFmpegError as e:
            if errors is not None:
                errors.append(e)
            return
        yield packet


def presentation_ticks(packet: "av.Packet[VideoStream]") -> int | None:
    """Return when a packet is shown, in ticks of its stream; when decoded, where no more is known.

    Some containers (AVI) know the order of decoding alone. The packet that drains has neither.
    """
    return packet.pts if packet.pts is not None else packet.dts


def hurry(stream: VideoStream) -> None:
    """Set a stream that is not read yet to decode fast rather than prettily, for looking only.

    One thread, since frames are read in jumps, and no deblocking: a quarter less time on H.264
    (measured), and what is compared is all decoded in the same way.
    """
    stream.thread_count = 1
    stream.codec_context.options = {"skip_loop_filter": "all"}


def decoded(
    packet: "av.Packet[VideoStream]", failures: list[float] | None = None
) -> list[av.VideoFrame]:
    """Return the frames that a packet completes; none where it is damaged.

    The time of a damaged packet, in the stream's own seconds, is added to `failures`.
    """
    try:
        return packet.decode()
    except FFmpegError:
        if failures is not None and packet.pts is not None and packet.time_base:
            failures.append(float(packet.pts * packet.time_base))
        return []


def drained(context: VideoCodecContext) -> list[av.VideoFrame]:
    """Return the frames that a decoder still holds back."""
    try:
        return context.decode(None)
    except FFmpegError:
        return []


def start_time_s(stream: VideoStream) -> float:
    """Return the stream's own time of its first frame, in seconds."""
    if stream.start_time is None or stream.time_base is None:
        return 0.0
    return float(stream.start_time * stream.time_base)


def seek(container: InputContainer, stream: VideoStream, time_s: float) -> None:
    """Go to the last keyframe at or before a time, or further back where it is not easily found.

    MP4 seeks by the time of decoding, which reordering puts before that of showing, and formats
    without an index by guessing. Either may end at the keyframe after the moment, so where it ended
    is looked at.
    """
    for back_s in STEPS_BACK_S:
        if back_s >= time_s:
            _rewind(container, stream)
            return
        _seek_once(container, stream, time_s - back_s)
        if _next_keyframe_s(container, stream) <= time_s + ROUNDING_S:
            _seek_once(container, stream, time_s - back_s)
            return


def _rewind(container: InputContainer, stream: VideoStream) -> None:
    if container.format.name in UNINDEXED:
        container.seek(0)  # the stream's own first time would come after its first keyframe
    else:
        _seek_once(container, stream, 0.0)


def _seek_once(container: InputContainer, stream: VideoStream, time_s: float) -> None:
    time_base = stream.time_base or Fraction(1, av.time_base)
    offset = int((time_s + start_time_s(stream)) / time_base)
    try:
        container.seek(max(offset, stream.start_time or 0), stream=stream, backward=True)
    except FFmpegError:
        container.seek(0)


def _next_keyframe_s(container: InputContainer, stream: VideoStream) -> float:
    """Return when the first keyframe from here on is shown; reads on without decoding."""
    try:
        for packet in container.demux(stream):
            if packet.is_keyframe and packet.pts is not None and packet.time_base:
                return float(packet.pts * packet.time_base) - start_time_s(stream)
    except FFmpegError:
        pass
    return math.inf


def upright_rgb(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """Return a frame as it is shown: (H, W, 3) uint8 RGB, 0-255, rotated upright."""
    untagged = Colorspace.ITU709 if frame.height >= HD_HEIGHT else Colorspace.ITU601
    rgb = frame.reformat(
        format="rgb24",
        src_colorspace=MATRIX_COEFFICIENTS.get(frame.colorspace, untagged),
        dst_color_range=ColorRange.JPEG,
        interpolation="BICUBIC",
    ).to_ndarray()
    return cast("NDArray[np.uint8]", np.ascontiguousarray(np.rot90(rgb, frame.rotation // 90)))


def read_frames(path: Path, times_s: Sequence[float]) -> Iterator[NDArray[np.uint8]]:
    """Yield the upright frame shown at each time: (H, W, 3) uint8 RGB, 0-255.

    Times are seconds from the first frame, ascending. A time past the end yields the last frame.
    Raises NotAVideoError.
    """
    with open_video(path) as (container, stream):
        reader = FrameReader(container, stream)
        for time_s in times_s:
            frame = reader.at(time_s)
            if frame is None:
                raise not_a_video(path, f"no frame can be decoded at {time_s:.1f} s")
            yield upright_rgb(frame)


class FrameReader:
    """Reads the frame shown at a moment, decoding no more for it than it depends on."""

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        """Take an open file and the stream of it that is read by this reader alone."""
        self._container = container
        self._stream = stream
        self._zero_s = start_time_s(stream)
        self._base = float(stream.time_base or 1)
        # Not half a frame: among the slow frames of a recording some are 10 ms apart.
        self._tolerance_s = min(ROUNDING_S, 0.5 / float(stream.average_rate or DEFAULT_RATE))
        self._packets: Iterator[av.Packet[VideoStream]] = iter(())
        self._shown: av.VideoFrame | None = None
        self._later: list[av.VideoFrame] = []
        self._drained = False

    def at(self, time_s: float) -> av.VideoFrame | None:
        """Return the last frame that starts at or before a time, or None if none is readable."""
        if not self._reads_on_to(time_s):
            self._restart(time_s)
        frame = self._advance(time_s)
        if frame is None:  # damaged around here: fall back to the nearest readable frame before
            self._restart(max(0.0, time_s - 10.0))
            frame = self._advance(time_s)
        return frame

    def _reads_on_to(self, time_s: float) -> bool:
        """Whether a time lies ahead and no keyframe nearer to it than what was read last."""
        if self._shown is None or self._time_s(self._shown) > time_s + self._tolerance_s:
            return False
        if self._drained:
            return self._is_exact(time_s)
        key_s = self._keyframe_before(time_s)
        if key_s is None:
            return time_s - self._time_s(self._shown) <= SEEK_AHEAD_S
        return key_s <= self._time_s(self._shown) + self._tolerance_s

    def _keyframe_before(self, time_s: float) -> float | None:
        entries = self._stream.index_entries
        ticks = round((time_s + self._zero_s) / self._base)
        at = entries.search_timestamp(ticks, backward=True) if len(entries) else -1
        return entries[at].timestamp * self._base - self._zero_s if at >= 0 else None

    def _restart(self, time_s: float) -> None:
        seek(self._container, self._stream, time_s)
        self._packets = packets(self._container, self._stream)
        self._shown, self._later, self._drained = None, [], False

    def _advance(self, time_s: float) -> av.VideoFrame | None:
        while not self._is_exact(time_s):
            if not self._later and not self._read(time_s):
                break
            while self._later and self._time_s(self._later[0]) <= time_s + self._tolerance_s:
                self._shown = self._later.pop(0)
            if self._later and self._shown is not None:
                break
            if self._later:
                self._shown = self._later.pop(0)
        return self._shown

    def _is_exact(self, time_s: float) -> bool:
        shown = self._shown
        return shown is not None and self._time_s(shown) >= time_s - self._tolerance_s

    def _read(self, time_s: float) -> bool:
        """Decode the next packet; frames that nothing depends on are skipped on the way."""
        packet = next(self._packets, None)
        if packet is None:
            return False
        ticks = presentation_ticks(packet)
        packet_s = time_s if ticks is None else ticks * self._base - self._zero_s
        far = packet_s < time_s - NEAR_S
        self._stream.codec_context.skip_frame = "NONREF" if far else "NONE"
        self._later.extend(decoded(packet))
        if packet.is_keyframe and abs(packet_s - time_s) <= self._tolerance_s and not self._later:
            # The frame itself: no need to wait until reordering hands it out.
            self._later.extend(drained(self._stream.codec_context))
            self._stream.codec_context.flush_buffers()
            self._packets, self._drained = iter(()), True
        return True

    def _time_s(self, frame: av.VideoFrame) -> float:
        return (frame.pts or 0) * self._base - self._zero_s
