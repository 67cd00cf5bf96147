"""Make the sample talk: python -m samples.make_talk.

Writes talk.mp4, a narrated talk about this project, and talk.truth.json, what it shows when.
The narration needs espeak-ng, a speech synthesiser: `apt-get install espeak-ng` on Debian and
Ubuntu, `brew install espeak-ng` on macOS. All else is drawn by benchmarks/talks.
"""

import json
import math
import random
import shutil
import subprocess
import sys
import tempfile
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks.talks.decks import OCEAN, DeckMaker, Draft, Item, Page, Slide
from benchmarks.talks.effects import FullFace, Inset, Pointer
from benchmarks.talks.encode import Encoding, encode
from benchmarks.talks.people import blank_room
from benchmarks.talks.pictures import Picture
from benchmarks.talks.scenes import Reel, Turn
from benchmarks.talks.tapes import Chapter, join
from benchmarks.talks.truth import TrueSlide, Truth

TITLE = "How slides are found in a talk"
SEED = 2026
SPEAKER_SEED = 19
"""Chosen by eye: a plain wall, and someone who stands out from it."""
SIZE = (1280, 720)
FPS = 25
CRF = 28
"""Chosen: legible, and the whole file stays well under 4 MB."""
SOUND_RATE = 22_050
"""Samples a second, as espeak-ng speaks."""
SOUND_BITS = 32_000
"""Bits a second; enough for one voice."""
PAUSE_S = 1.6
"""Silence after each scene's words; chosen, a speaker's breath."""
WORDS_PER_MINUTE = "145"

Live = Literal["inset", "pointer", "face"]


@dataclass(frozen=True)
class Scene:
    """A part of the talk: what is said, and what is seen meanwhile."""

    words: str
    slide: str | None = None
    """Name of the slide; none for the speaker's face."""
    step: int = -1
    live: Live | None = None
    turn: Turn | None = None
    chapter: str | None = None


SCENES = (
    Scene("How slides are found in a talk.", "title", chapter="Opening"),
    Scene(
        "Hello. I will show you how a video of a talk becomes its slides again. "
        "While I speak, you see only my face, and a face is not a slide.",
        live="face",
    ),
    Scene(
        "A talk is mostly waiting. A slide stands still for half a minute, and the video repeats "
        "it twenty five times a second. Decoding all of that is work for nothing.",
        "waiting", live="inset", turn="fade", chapter="Why it can be quick",
    ),
    Scene(
        "The picture costs what the decoder does. Reading every frame runs at about fifty times "
        "real time. Reading key frames alone is twenty five times faster. "
        "Reading only the sizes of the packets is faster still.",
        "costs", live="inset", turn="wipe-left",
    ),
    Scene("So there are four steps. First, the packets say where something changes.",
          "steps", step=1, turn="fade", chapter="Four steps"),
    Scene("Second, key frames show what is there between the changes.", "steps", step=2),
    Scene("Third, pictures of one slide are brought together, even if it comes back later.",
          "steps", step=3),
    Scene("Fourth, only the best picture of each slide is decoded in full.", "steps", step=4),
    Scene(
        "Not everything that moves is a new slide. A pointer moves. A speaker in the corner moves. "
        "A bullet that appears is the same slide, a little later.",
        "moving", live="pointer", chapter="What is no new slide",
    ),
    Scene(
        "Here are the four steps again. You have seen this slide before, so it is kept once, "
        "with two spans of time.",
        "steps", live="inset", turn="fade", chapter="A slide returned to",
    ),
    Scene(
        "How do we know that it works? We draw talks of our own, so that we know to the frame what "
        "is shown when: cuts and fades, speakers and pointers, filmed screens and live typing. "
        "Then we compare. Every slide that is missed costs points, "
        "and so does every picture too many.",
        "proof", live="inset", turn="wipe-down", chapter="How we know",
    ),
    Scene(
        "A last word from me, in person. If your talk is filmed from the back of the room, "
        "with people walking by, try it all the same.",
        live="face", turn="fade",
    ),
    Scene(
        "And this is how you run it. Give it a file or an address, and a folder. "
        "You get pictures, a PDF, a manifest with all times, and a report.",
        "command", turn="push", chapter="Try it",
    ),
    Scene("Thank you for listening. Now find the slides of your own talk.", "end", turn="black"),
)  # fmt: skip


class SpeechMissingError(RuntimeError):
    """There is no speech synthesiser on this machine."""


def spoken(words: str, folder: Path) -> NDArray[np.int16]:
    """Return words as sound at SOUND_RATE, one channel. Raises SpeechMissingError."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise SpeechMissingError(
            "espeak-ng is not installed. It speaks the narration: apt-get install espeak-ng "
            "(Debian, Ubuntu) or brew install espeak-ng (macOS)."
        )
    path = folder / "words.wav"
    voice = ["-v", "en-gb", "-s", WORDS_PER_MINUTE, "-w", str(path)]
    subprocess.run([program, *voice, words], check=True)
    with wave.open(str(path)) as sound:
        if sound.getframerate() != SOUND_RATE:
            raise SpeechMissingError(f"espeak-ng speaks at {sound.getframerate()} Hz here.")
        return np.frombuffer(sound.readframes(sound.getnframes()), np.int16)


def slides() -> dict[str, Slide]:
    """Return the slides of the talk by name."""
    maker = DeckMaker(random.Random(SEED), SIZE, OCEAN)
    drafts = {
        "title": title_draft(maker),
        "waiting": list_draft(
            maker, "A talk is mostly waiting",
            ["One slide: half a minute", "Half a minute: 750 frames", "750 frames: one picture"],
        ),
        "costs": costs_draft(maker),
        "steps": list_draft(
            maker, "Four steps",
            ["Packet sizes: where it changes", "Key frames: what is there",
             "Bring equal slides together", "Decode the best picture of each"],
        ),
        "moving": list_draft(
            maker, "What is no new slide",
            ["A mouse or a laser", "A speaker in the corner", "A fade halfway", "One more bullet"],
        ),
        "proof": proof_draft(maker),
        "command": command_draft(maker),
        "end": words_draft(maker, "Thank you"),
    }  # fmt: skip
    return {name: maker.draw(draft) for name, draft in drafts.items()}


def title_draft(maker: DeckMaker) -> Draft:
    """Return the opening slide."""

    def item(page: Page) -> None:
        heading, middle = maker.theme.heading, page.width / 2
        page.text(middle, 330, TITLE, 62, face=heading, anchor="ms")
        page.line([(middle - 240, 368), (middle + 240, 368)], maker.theme.accent, 5)
        page.text(middle, 430, "Slides Extractor, a sample talk", 30, anchor="ms")

    return Draft((item,), text=(TITLE, "Slides Extractor, a sample talk"))


def list_draft(maker: DeckMaker, title: str, lines: Sequence[str]) -> Draft:
    """Return a title with numbered lines, which may come one by one."""
    added = tuple(_line(maker, number, line) for number, line in enumerate(lines))
    return Draft((maker.heading(title),), added, (title, *lines))


def _line(maker: DeckMaker, number: int, words: str) -> Item:
    def item(page: Page) -> None:
        y = 180 + number * 115
        page.box(60, y, 70, 70, fill=maker.theme.accent, round_=14)
        page.text(95, y + 36, str(number + 1), 38, colour=maker.theme.ground, anchor="mm")
        page.text(165, y + 36, words, 40, anchor="lm")

    return item


def costs_draft(maker: DeckMaker) -> Draft:
    """Return a chart of what decoding costs, as `make bench-detect` measures it."""
    bars = (("every frame", 48), ("key frames", 1230), ("packets", 7770))

    def item(page: Page) -> None:
        for number, (name, speed) in enumerate(bars):
            y, width = 190 + number * 130, 200 * math.log10(speed)
            page.text(60, y + 40, name, 34, anchor="lm")
            page.box(280, y, width, 80, fill=maker.theme.accent, round_=6)
            page.text(300 + width, y + 40, f"{speed:,}x", 38, face="grotesk-bold", anchor="lm")
        page.text(60, 610, "seconds of video per second of CPU, 720p (logarithmic)", 28)

    title = "What the decoder costs"
    return Draft((maker.heading(title), item), text=(title, *(name for name, _ in bars)))


def proof_draft(maker: DeckMaker) -> Draft:
    """Return a table of what is compared."""
    rows = (
        ("found", "the finished slide"),
        ("neutral", "a step on the way to it"),
        ("wrong", "the same slide twice"),
        ("wrong", "a face, a blend, half a line"),
    )

    def item(page: Page) -> None:
        for number, (verdict, words) in enumerate(rows):
            y = 190 + number * 110
            colour = maker.theme.accent if verdict == "found" else maker.theme.ink
            page.text(70, y, verdict, 38, face="grotesk-bold", colour=colour)
            page.text(330, y, words, 38)
            page.line([(60, y + 70), (page.width - 60, y + 70)], maker.theme.accent, 2)

    title = "Held against the truth"
    return Draft((maker.heading(title), item), text=(title, *(words for _, words in rows)))


def command_draft(maker: DeckMaker) -> Draft:
    """Return the slide with the command."""
    lines = ("$ slides extract talk.mp4 --output out/", "", "out/manifest.json", "out/slides.pdf",
             "out/report.html")  # fmt: skip

    def item(page: Page) -> None:
        page.box(60, 150, page.width - 120, 420, fill=(16, 18, 28), round_=12)
        for number, line in enumerate(lines):
            page.text(95, 185 + number * 70, line, 36, face="mono", colour=(220, 235, 220))

    return Draft((maker.heading("One command"), item), text=("One command", *filter(None, lines)))


def words_draft(maker: DeckMaker, words: str) -> Draft:
    """Return a slide with hardly anything on it."""

    def item(page: Page) -> None:
        page.text(90, 390, words, 84, face=maker.theme.heading, colour=maker.theme.accent)

    return Draft((item,), text=(words,))


@dataclass
class Director:
    """Puts the scenes on a reel, each as long as its words."""

    deck: dict[str, Slide]
    reel: Reel
    live: dict[Live, Inset | Pointer | FullFace]
    shown: Picture | None = None

    def play(self, scene: Scene, words_s: float) -> float:
        """Add a scene with its transition; return when its words begin, in seconds."""
        picture = self._picture(scene)
        if scene.turn and self.shown is not None:
            self.reel.turn(self.shown, picture, 0.7, scene.turn)
        begin_s = self.reel.seconds
        live = self.live[scene.live] if scene.live else None
        slide_id = self._state(scene)
        kind: Literal["slide", "nonslide"] = "slide" if slide_id else "nonslide"
        self.reel.hold(picture, words_s + PAUSE_S, slide_id, kind=kind, live=live)
        self.shown = live(picture, self.reel.seconds) if live else picture
        return begin_s

    def _picture(self, scene: Scene) -> Picture:
        return self.deck[scene.slide].steps[scene.step] if scene.slide else blank_room(*SIZE)

    def _state(self, scene: Scene) -> str | None:
        if scene.slide is None:
            return None
        slide = self.deck[scene.slide]
        step = scene.step % len(slide.steps)
        final = step == len(slide.steps) - 1
        name = scene.slide if final else f"{scene.slide}-{step}"
        known = {state.id for state in self.reel.truth.slides}
        if name not in known:
            state = TrueSlide(name, scene.slide, final, slide.steps[step], text=slide.text)
            self.reel.know(state)
        return name


def speaker() -> random.Random:
    """Return the source of chance that makes the speaker and her room, the same each time."""
    return random.Random(SPEAKER_SEED)


def directed(sounds: Sequence[NDArray[np.int16]]) -> tuple[Reel, list[float]]:
    """Return the talk as a reel, and when each scene's words begin."""
    rng = random.Random(SEED)
    inset = Inset(rng, SIZE, {0.0: "right-bottom"}, round_=False, person=speaker())
    truth = Truth("talk", "sample", FPS, SIZE, 5, scenecut=False, mask=inset.regions())
    pointer = Pointer(rng, SIZE, "arrow", 600)
    face = FullFace(rng, SIZE, "Ada Stein", person=speaker())
    reel = Reel(truth)
    director = Director(slides(), reel, {"inset": inset, "pointer": pointer, "face": face})
    begins = [
        director.play(scene, len(sound) / SOUND_RATE)
        for scene, sound in zip(SCENES, sounds, strict=True)
    ]
    return reel, begins


def chapters(begins: Sequence[float], end_s: float) -> list[Chapter]:
    """Return the talk's chapters."""
    begun = [0.0, *begins[1:]]
    named = zip(SCENES, begun, strict=True)
    starts = [(scene.chapter, begin) for scene, begin in named if scene.chapter]
    ends = [begin for _, begin in starts[1:]] + [end_s]
    return [Chapter(title, start, end) for (title, start), end in zip(starts, ends, strict=True)]


def write_sound(sounds: Sequence[NDArray[np.int16]], begins: Sequence[float], path: Path, *,
                seconds: float) -> None:  # fmt: skip
    """Write the narration as AAC."""
    track = np.zeros((1, round(seconds * SOUND_RATE)), np.int16)
    for sound, begin in zip(sounds, begins, strict=True):
        first = round((begin + PAUSE_S / 3) * SOUND_RATE)
        track[0, first : first + len(sound)] = sound[: track.shape[1] - first]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=SOUND_RATE, layout="mono", bit_rate=SOUND_BITS)
        frame = av.AudioFrame.from_ndarray(track, format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = SOUND_RATE, Fraction(1, SOUND_RATE), 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def make(folder: Path) -> None:
    """Write the sample and its truth into a folder. Raises SpeechMissingError."""
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        sounds = [spoken(scene.words, work) for scene in SCENES]
        reel, begins = directed(sounds)
        encode(reel.pictures(), work / "video.mp4", Encoding(FPS, *SIZE, crf=CRF))
        write_sound(sounds, begins, work / "sound.m4a", seconds=reel.seconds)
        metadata = {
            "title": TITLE,
            "artist": "Slides Extractor",
            "comment": "Made by samples/make_talk.py",
        }
        parts = chapters(begins, reel.seconds)
        join(
            work / "video.mp4",
            work / "sound.m4a",
            folder / "talk.mp4",
            metadata=metadata,
            chapters=parts,
        )
    document = reel.truth.document() | {"chapters": [vars(part) for part in parts]}
    (folder / "talk.truth.json").write_text(json.dumps(document, indent=1) + "\n")


def main() -> int:
    """Make the sample beside this script."""
    try:
        make(Path(__file__).parent)
    except SpeechMissingError as e:
        print(e, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
