"""Encoding of talks as sites serve them: H.264, moderate quality, a GOP of seconds."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.video.reformatter import Colorspace
from av.video.stream import VideoStream

from benchmarks.talks.pictures import Picture


@dataclass(frozen=True)
class Encoding:
    """How a talk is encoded."""

    fps: int
    width: int
    height: int
    gop_s: float = 5
    scenecut: bool = False
    """Whether the encoder may put keyframes at cuts, as uploads have it and streams have not."""
    crf: int = 25

    def options(self) -> dict[str, str]:
        """Return the options of libx264."""
        keyint = round(self.gop_s * self.fps)
        grid = (
            f"keyint={keyint}:scenecut=40"
            if self.scenecut
            else f"keyint={keyint}:min-keyint={keyint}:scenecut=0"
        )
        return {"preset": "veryfast", "crf": str(self.crf), "x264-params": f"{grid}:threads=2"}


def add_video(container: av.container.OutputContainer, encoding: Encoding) -> VideoStream:
    """Add the video stream to a container."""
    stream = container.add_stream("libx264", rate=encoding.fps, options=encoding.options())
    stream.width, stream.height = encoding.width, encoding.height
    stream.pix_fmt = "yuv420p"
    stream.codec_context.colorspace = Colorspace.ITU709.value
    stream.codec_context.color_primaries = 1  # BT.709 (ITU-T H.273)
    stream.codec_context.color_trc = 1
    stream.codec_context.color_range = 1  # limited
    return stream


def encode(pictures: Iterable[Picture], path: Path, encoding: Encoding) -> None:
    """Write pictures as an MP4; a picture that is the very same object again costs little."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = add_video(container, encoding)
        mux_video(pictures, container, stream)


def mux_video(
    pictures: Iterable[Picture], container: av.container.OutputContainer, stream: VideoStream
) -> None:
    """Encode all pictures into a stream of a container."""
    rate = Fraction(stream.average_rate or 25)
    shown: Picture | None = None
    planes = None
    for number, picture in enumerate(pictures):
        if picture is not shown or planes is None:
            shown = picture
            planes = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, interpolation="FAST_BILINEAR"
            )
        planes.pts, planes.time_base = number, 1 / rate
        container.mux(stream.encode(planes))
    container.mux(stream.encode(None))
