"""Pages, filmed scenes, packets and videos that the tests of detection are made of."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from slides_runner.detection.packets import PacketIndex
from slides_runner.detection.pictures import Picture

Gray = NDArray[np.uint8]
"""(360, 640) uint8, 0-255."""

HEIGHT, WIDTH = 360, 640
WORDS = ("Kernel", "Vector", "Matrix", "Garden", "Window", "Bridge", "Copper", "Ladder")


def draw_page(number: int, *, bullets: int = 4) -> Gray:
    """Return a page: a title, a table beside it, and the first of its bullets."""
    page = np.full((HEIGHT, WIDTH), 245, np.uint8)
    write(page, f"{WORDS[number % 8]} {WORDS[(3 * number + 1) % 8]}", (30, 60), 1.4)
    for line in range(bullets):
        words = f"{WORDS[(number + line) % 8]} {WORDS[(5 * number + 3 * line) % 8]}"
        write(page, f"- {words}", (40 + 15 * (number % 3), 130 + 45 * line), 0.8)
    left = 440 + 12 * (number % 7)
    for row in range(2 + number % 4):
        cv2.rectangle(page, (left, 110 + 40 * row), (left + 100, 150 + 40 * row), 60, 2)
    return page


def write(page: Gray, text: str, at: tuple[int, int], scale: float) -> None:
    """Write a text on a page, in place."""
    cv2.putText(page, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, 20, 2, cv2.LINE_AA)


def film(seed: int) -> Gray:
    """Return a filmed scene: soft shapes without a plain ground or upright edges."""
    noise = np.random.default_rng(seed).normal(size=(HEIGHT, WIDTH)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 9)
    scaled = (soft - soft.min()) / (soft.max() - soft.min()) * 255
    return np.asarray(scaled, np.uint8)


def picture(gray: Gray, time_s: float = 0.0) -> Picture:
    """Return a drawing as detection sees it."""
    small = cv2.resize(gray, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    return Picture(time_s, np.asarray(small, np.uint8))


def page(number: int, time_s: float = 0.0, *, bullets: int = 4) -> Picture:
    """Return a page as detection sees it."""
    return picture(draw_page(number, bullets=bullets), time_s)


def index_of(sizes: Sequence[int], *, keys: Iterable[int] = (0,), fps: int = 10) -> PacketIndex:
    """Return the index of packets of these sizes; `keys` are the places of keyframes."""
    marked = np.zeros(len(sizes), np.bool_)
    marked[list(keys)] = True
    return PacketIndex(np.arange(len(sizes)) / fps, np.array(sizes), marked, truncated=False)


def write_video(
    path: Path,
    parts: Iterable[tuple[Gray, float]],
    *,
    fps: int = 10,
    gop: int = 50,
    options: dict[str, str] | None = None,
) -> Path:
    """Write drawings, each for some seconds, as H.264; only every `gop`th frame is a keyframe."""
    chosen = {"preset": "veryfast", "crf": "20", "sc_threshold": "0", **(options or {})}
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=fps, options=chosen)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.gop_size, stream.thread_count = gop, 1
        moment = 0
        for gray, seconds in parts:
            frame = av.VideoFrame.from_ndarray(gray, format="gray").reformat(format="yuv420p")
            for _ in range(round(seconds * fps)):
                frame.pts, frame.time_base = moment, Fraction(1, fps)
                output.mux(stream.encode(frame))
                moment += 1
        output.mux(stream.encode(None))
    return path


def fade(before: Gray, after: Gray, *, steps: int, fps: int = 10) -> list[tuple[Gray, float]]:
    """Return the pictures between two drawings, one for each frame."""
    shares = [(step + 1) / (steps + 1) for step in range(steps)]
    return [
        (np.asarray(cv2.addWeighted(before, 1 - s, after, s, 0), np.uint8), 1 / fps) for s in shares
    ]
