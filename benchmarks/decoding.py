"""Reads a video in one way and counts what was read; limits.py runs it in a process of its own.

It imports PyAV and nothing else, for what it costs is a yardstick.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream


def count_packets(path: Path) -> int:
    """Read all packets, decoding none."""
    with av.open(str(path)) as container:
        return sum(packet.size > 0 for packet in container.demux(video=0))


def count_keyframes(path: Path) -> int:
    """Decode the keyframes alone."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        return _count(container, stream)


def count_frames(path: Path) -> int:
    """Decode every frame, by as many threads as the decoder likes."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        return _count(container, stream)


def _count(container: InputContainer, stream: VideoStream) -> int:
    frames = 0
    for packet in container.demux(stream):
        frames += len(packet.decode())
    if not frames:
        raise ValueError(f"No frame of {container.name} can be decoded.")
    return frames


LIMITS: dict[str, Callable[[Path], int]] = {
    "demux only": count_packets,
    "keyframes only": count_keyframes,
    "full decode": count_frames,
}


if __name__ == "__main__":
    print(LIMITS[sys.argv[1]](Path(sys.argv[2])))
