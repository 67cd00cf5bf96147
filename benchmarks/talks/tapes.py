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
    """Write a video several times in a row, with its sound if it has one; return where."""
    with av.open(str(target), "w", options={"movflags": "+faststart"}) as tape:
        with av.open(str(source)) as first:
            copies = {
                stream.index: tape.add_stream_from_template(stream) for stream in _copied(first)
            }
        for packet in _in_order(_showings(source, times)):
            packet.stream = copies[packet.stream_index]
            tape.mux(packet)
    return target


def _showings(source: Path, times: int) -> Iterator["av.Packet[Stream]"]:
    for number in range(times):
        with av.open(str(source)) as container:
            video = container.streams.video[0]
            later_s = number * (video.duration or 0) * (video.time_base or Fraction(0))
            for packet in _packets(container, _copied(container)):
                _delay(packet, later_s)
                yield packet


def _in_order(packets: Iterator["av.Packet[Stream]"]) -> Iterator["av.Packet[Stream]"]:
    """Yield packets but those of sound that outlasts the picture: it overlaps what follows."""
    written: dict[int, int] = {}
    for packet in packets:
        dts, index = packet.dts or 0, packet.stream_index
        if index not in written or dts > written[index]:
            written[index] = dts
            yield packet


def _copied(container: InputContainer) -> "list[Stream]":
    return [*container.streams.video[:1], *container.streams.audio[:1]]


def _delay(packet: "av.Packet[Stream]", later_s: Fraction) -> None:
    later = round(later_s / packet.time_base)
    packet.pts = None if packet.pts is None else packet.pts + later
    packet.dts = None if packet.dts is None else packet.dts + later


def _packets(
    container: InputContainer, streams: "Sequence[Stream]"
) -> Iterator["av.Packet[Stream]"]:
    return (packet for packet in container.demux(streams) if packet.dts is not None)


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
        for packet in _packets(source, [source.streams[0]]):
            moment = float((packet.dts or 0) * (packet.time_base or 0))
            packet.stream = copied
            packets.append((moment, packet))
    for _, packet in sorted(packets, key=lambda pair: pair[0]):
        tape.mux(packet)
