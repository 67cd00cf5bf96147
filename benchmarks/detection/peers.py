"""Rivals: how each is installed, called with its defaults, and read.

Each stands in an environment of its own below build/peers, which uv makes on first use.
"""

import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measured import TAIL
from benchmarks.scoring import Prediction

PDF_TOOLS = ("pypdfium2==5.3.0", "pillow")
QUIET = {"OPENCV_LOG_LEVEL": "ERROR", "TQDM_DISABLE": "1"}


class PeerMissingError(RuntimeError):
    """A rival cannot be had on this machine; the message says why."""


@dataclass(frozen=True)
class Environment:
    """Where a rival is installed."""

    programs: Path
    pdf_python: Path
    """An interpreter that can draw PDF pages."""


@dataclass(frozen=True)
class Call:
    """One use of a rival."""

    environment: Environment
    video: Path
    folder: Path
    """Where the rival runs and writes, and where its stderr is."""

    def program(self, name: str) -> str:
        """Return the path of a program of the rival's environment."""
        return str(self.environment.programs / name)


@dataclass(frozen=True)
class Peer:
    """A rival."""

    name: str
    packages: tuple[str, ...]
    """What pip installs; empty for programs of the system."""
    command: Callable[[Call], list[str]]
    read: Callable[[Call], list[Prediction]]
    python: str = "3.11"
    system: str = ""
    """A program that the machine must have."""


def prepare(peer: Peer, root: Path) -> Environment:
    """Install a rival if need be; return where. Raises PeerMissingError."""
    if peer.system and shutil.which(peer.system) is None:
        raise PeerMissingError(f"{peer.system} is not on this machine")
    pdf = _environment("pdf", PDF_TOOLS, root, python="3.11")
    own = _environment(peer.name, peer.packages, root, python=peer.python)
    return Environment(own / "bin", pdf / "bin" / "python")


def _environment(name: str, packages: Sequence[str], root: Path, *, python: str) -> Path:
    folder = root / name
    marker = folder / "installed.txt"
    wanted = "\n".join([python, *packages])
    if marker.exists() and marker.read_text() == wanted:
        return folder
    uv = _uv()
    _run([uv, "venv", "--quiet", "--clear", "--python", python, str(folder)])
    if packages:
        interpreter = str(folder / "bin" / "python")
        _run([uv, "pip", "install", "--quiet", "--python", interpreter, *packages])
    marker.write_text(wanted)
    return folder


def _uv() -> str:
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise PeerMissingError("uv, which makes the rivals' environments, is not on this machine")
    return found


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        # Addresses of downloads say nothing about why.
        reason = re.sub(r"\(?https?://\S+", "", " ".join(done.stderr.split()))
        raise PeerMissingError(f"cannot be installed: {reason[:TAIL]}")


def pdf_pages(call: Call, pdf: Path) -> list[Prediction]:
    """Return the pages of a PDF as predictions without times."""
    if not pdf.exists():
        return []
    drawer = Path(__file__).parent / "pdf_pages.py"
    command = [str(call.environment.pdf_python), str(drawer), str(pdf), str(call.folder)]
    subprocess.run(command, check=True, capture_output=True)
    return [Prediction(image=page) for page in sorted(call.folder.glob("page*.png"))]


def _any_pdf(call: Call) -> list[Prediction]:
    return pdf_pages(call, call.folder / "out.pdf")


def _read_deck_extract(call: Call) -> list[Prediction]:
    predictions = []
    for image in sorted((call.folder / "out").glob("*.png")):
        stamp = re.search(r"_(\d+)-(\d+)-(\d+)\.png$", image.name)
        if stamp:
            hours, minutes, seconds = (int(part) for part in stamp.groups())
            predictions.append(Prediction(start=hours * 3600 + minutes * 60 + seconds, image=image))
    return predictions


def _read_video2pdfslides(call: Call) -> list[Prediction]:
    predictions = []
    for image in sorted((call.folder / "out").rglob("*.png")):
        minutes = re.search(r"_([\d.]+)\.png$", image.name)
        time_s = float(minutes.group(1)) * 60 if minutes else None
        predictions.append(Prediction(time=time_s, image=image))
    return predictions


SLIDE_EXTRACTOR = """
import os, sys
import cv2, numpy
for name in ("imshow", "waitKey", "destroyAllWindows"):  # there is no screen
    setattr(cv2, name, lambda *_: 0)
from slide_extractor.main import extract_slides
os.symlink(sys.argv[1], "talk.mp4")
whole = numpy.array([[0, 0], [sys.maxsize, sys.maxsize]])
extract_slides(os.path.abspath("talk.mp4"), 0.008, 1, whole, "")
"""
"""It has a window instead of a command line; these are the values that its window starts with."""


def _call_scenedetect(call: Call) -> list[str]:
    out = str(call.folder / "out")
    program = [call.program("scenedetect"), "-q", "-i", str(call.video), "-o", out]
    return [*program, "detect-content", "list-scenes", "save-images", "-n", "1"]


def _read_scenedetect(call: Call) -> list[Prediction]:
    out = call.folder / "out"
    table = next(out.glob("*-Scenes.csv"))
    predictions = []
    for row in csv.DictReader(table.read_text().splitlines()[1:]):
        images = list(out.glob(f"*-Scene-{int(row['Scene Number']):03d}-01.*"))
        predictions.append(
            Prediction(
                start=float(row["Start Time (seconds)"]),
                end=float(row["End Time (seconds)"]),
                image=images[0] if images else None,
            )
        )
    return predictions


def _call_ffmpeg(before: Sequence[str], filters: str) -> Callable[[Call], list[str]]:
    def command(call: Call) -> list[str]:
        out = ["-vf", filters, "-fps_mode", "passthrough", str(call.folder / "%05d.png")]
        return ["ffmpeg", "-v", "info", *before, "-i", str(call.video), *out]

    return command


def _read_ffmpeg(call: Call) -> list[Prediction]:
    log = (call.folder / "stderr").read_text(errors="replace")
    times = [float(time) for time in re.findall(r"pts_time:([\d.]+)", log)]
    images = sorted(call.folder.glob("*.png"))
    pairs = zip(times, images, strict=False)
    return [Prediction(start=time, image=image) for time, image in pairs]


PEERS = (
    Peer(
        "vid2slides",
        ("vid2slides",),
        lambda c: [c.program("vid2slides"), str(c.video), "-o", str(c.folder / "out.pdf")],
        _any_pdf,
    ),
    Peer(
        "deck-extract",
        ("deck-extract==0.1.1",),
        lambda c: [
            c.program("deck-extract"), str(c.video), "-o", str(c.folder / "out"),
            "--no-pdf", "--no-pptx", "--no-zip",
        ],
        _read_deck_extract,
    ),
    Peer(
        "video2pdfslides",
        ("video2pdfslides-tddschn", "numpy<2"),
        lambda c: [c.program("v2ps"), "-n", "-o", str(c.folder / "out"), str(c.video)],
        _read_video2pdfslides,
        python="3.9",
    ),
    Peer(
        "slide-extractor",
        ("slide-extractor==2.0.1",),
        lambda c: [c.program("python"), "-c", SLIDE_EXTRACTOR, str(c.video)],
        lambda c: pdf_pages(c, c.folder / "talk.pdf"),
    ),
    Peer(
        "miavisc-f",
        ("miavisc==2.0.0",),
        lambda c: [
            c.program("miavisc"), "-i", str(c.video), "-o", str(c.folder / "out.pdf"), "-f",
        ],
        _any_pdf,
        python="3.12",
    ),
    Peer(
        "scenedetect-content",
        ("scenedetect-headless",),
        _call_scenedetect,
        _read_scenedetect,
    ),
    Peer(
        "ffmpeg-scene",
        (),
        _call_ffmpeg([], "select='eq(n,0)+gt(scene,0.01)',showinfo"),
        _read_ffmpeg,
        system="ffmpeg",
    ),
    Peer(
        "ffmpeg-keyframes",
        (),
        _call_ffmpeg(["-skip_frame", "nokey"], "showinfo"),
        _read_ffmpeg,
        system="ffmpeg",
    ),
)  # fmt: skip


def chosen(names: str | None) -> list[Peer]:
    """Return the rivals of a comma list: all if there is none, none for "none"."""
    if names is None:
        return list(PEERS)
    if names == "none":
        return []
    wanted = [name.strip() for name in names.split(",")]
    known = {peer.name: peer for peer in PEERS}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise SystemExit(f"No peer named {', '.join(unknown)}; there are {', '.join(known)}.")
    return [known[name] for name in wanted]


def read_json(text: str) -> list[Prediction]:
    """Return the predictions of `slides extract --json`: each slide's first span and image."""
    document = json.loads(text)
    return [
        Prediction(
            start=slide["spans"][0]["start"], end=slide["spans"][0]["end"], image=slide["image"]
        )
        for slide in document["slides"]
    ]


OURS = "slides extract"


def our_command(video: Path, folder: Path) -> list[str]:
    """Return this project's own command."""
    program = Path(sys.executable).parent / "slides"
    return [str(program), "extract", str(video), "--output", str(folder / "out"), "--json"]
