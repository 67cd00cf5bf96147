"""Tapes: videos repeated, or joined with a sound track, by copying what is encoded."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.container import InputContainer, OutputContainer

if TYPE_CHECKING:
    from av.stream import Stream

CHAPTER_BASE = Fraction(1, 1000)


@dataclass(frozen=True)
class Chapter:
    """A named part of a talk, in seconds."""

    title: str
    start_s: float
    end_s: float


def repeat(source: Path, times: int, target: Path) -> Path:
    """Write a video several times in a row, without its sound; return where."""
    with av.open(str(target), "w", options={"movflags": "+faststart"}) as tape:
        with av.open(str(source)) as first:
            copied = tape.add_stream_from_template(first.streams.video[0])
        for number in range(times):
            with av.open(str(source)) as container:
                stream = container.streams.video[0]
                offset = number * (stream.duration or 0)
                for packet in _packets(container):
                    packet.pts, packet.dts = _later(packet, offset)
                    packet.stream = copied
                    tape.mux(packet)
    return target


def _later(packet: "av.Packet[Stream]", offset: int) -> tuple[int, int]:
    return (packet.pts or 0) + offset, (packet.dts or 0) + offset


def _packets(container: InputContainer) -> Iterator["av.Packet[Stream]"]:
    return (packet for packet in container.demux() if packet.dts is not None)


def join(
    video: Path,
    sound: Path,
    target: Path,
    *,
    metadata: Mapping[str, str],
    chapters: Sequence[Chapter] = (),
) -> None:
    """Write one MP4 with the picture of one file and the sound of another."""
    with (
        av.open(str(target), "w", options={"movflags": "+faststart"}) as tape,
        av.open(str(video)) as pictures,
        av.open(str(sound)) as tones,
    ):
        tape.metadata.update(metadata)
        tape.set_chapters(
            [
                {
                    "id": number,
                    "start": round(chapter.start_s / CHAPTER_BASE),
                    "end": round(chapter.end_s / CHAPTER_BASE),
                    "time_base": CHAPTER_BASE,
                    "metadata": {"title": chapter.title},
                }
                for number, chapter in enumerate(chapters, 1)
            ]
        )
        _mux_both(tape, pictures, tones)


def _mux_both(tape: OutputContainer, pictures: InputContainer, tones: InputContainer) -> None:
    copies = [
        (source, tape.add_stream_from_template(source.streams[0])) for source in (pictures, tones)
    ]
    packets = []
    for source, copied in copies:
        for packet in _packets(source):
            moment = float((packet.dts or 0) * (packet.time_base or 0))
            packet.stream = copied
            packets.append((moment, packet))
    for _, packet in sorted(packets, key=lambda pair: pair[0]):
        tape.mux(packet)
