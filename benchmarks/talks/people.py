"""People and rooms as a camera sees them: drawn figures that breathe, sway, blink and talk."""

import math
import random
from dataclasses import dataclass, replace

import cv2
import numpy as np

from benchmarks.talks.decks import scenery
from benchmarks.talks.pictures import (
    Colour,
    Picture,
    Sensor,
    blend,
    clouds,
    flat,
    gradient,
    paste,
    tinted,
)

SKINS: tuple[Colour, ...] = (
    (241, 205, 178), (224, 178, 140), (198, 140, 100), (150, 98, 66), (100, 64, 44),
    (250, 222, 204),
)  # fmt: skip
HAIRS: tuple[Colour, ...] = (
    (30, 24, 20),
    (90, 56, 30),
    (190, 150, 90),
    (150, 150, 150),
    (120, 40, 20),
)
SHIFT = 4
"""Binary digits of sub-pixel places in cv2's drawing, so that slow motion is smooth."""


@dataclass(frozen=True)
class Looks:
    """What does not change about a person."""

    skin: Colour
    hair: Colour
    clothes: Colour
    long_hair: bool
    glasses: bool
    tempo: float
    """How lively: 1 is a usual speaker."""
    size: float
    """Height of the head as a part of the picture's."""
    phase: float


def random_looks(rng: random.Random) -> Looks:
    """Return some person."""
    return Looks(
        skin=rng.choice(SKINS),
        hair=rng.choice(HAIRS),
        clothes=(rng.randint(20, 220), rng.randint(20, 200), rng.randint(30, 220)),
        long_hair=rng.random() < 0.5,
        glasses=rng.random() < 0.35,
        tempo=rng.uniform(0.6, 1.5),
        size=rng.uniform(0.3, 0.42),
        phase=rng.uniform(0, 60),
    )


def in_the_dark(looks: Looks) -> Looks:
    """Return a person without light, as someone before a bright screen is seen."""
    colours = (looks.skin, looks.hair, looks.clothes)
    skin, hair, clothes = (_shaded(colour, 0.25) for colour in colours)
    return replace(looks, skin=skin, hair=hair, clothes=clothes, glasses=False)


class Presenter:
    """A person in a room, filmed by a camera that stands still."""

    def __init__(self, rng: random.Random, size: tuple[int, int], *, noise: float = 2.5) -> None:
        self.looks = random_looks(rng)
        self._room = room(rng, *size)
        self._sensor = Sensor(rng, size, noise)
        self._lit = rng.uniform(0.0, 0.04)

    def frame(self, time_s: float) -> Picture:
        """Return the picture at a time."""
        picture = self._room.copy()
        draw_person(picture, self.looks, time_s)
        if self._lit:
            level = 1 + self._lit * math.sin(time_s * 0.7 + self.looks.phase)
            picture = np.asarray(cv2.convertScaleAbs(picture, alpha=level), np.uint8)
        return self._sensor.expose(picture)


def room(rng: random.Random, width: int, height: int) -> Picture:
    """Return what stands behind a person: a shelf, a window, a plain or a blurred wall."""
    kind = rng.choice(("shelf", "window", "wall", "blur"))
    wall: Colour = (rng.randint(90, 220), rng.randint(90, 210), rng.randint(90, 200))
    shade: Colour = (wall[0] // 2, wall[1] // 2, wall[2] // 2)
    picture = gradient(width, height, wall, shade, slant=rng.random())
    if kind == "shelf":
        _fill_shelf(rng, picture)
    elif kind == "window":
        view = scenery(rng, width * 2 // 5, height // 2)
        paste(picture, view, rng.choice((width // 20, width * 11 // 20)), height // 8)
    elif kind == "blur":
        picture = tinted(clouds(rng, width, height, finest=12), wall, 0.7)
    picture = blend(picture, clouds(rng, width, height, finest=96), 0.12)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.4 + height / 600), np.uint8)


def _fill_shelf(rng: random.Random, picture: Picture) -> None:
    height, width = picture.shape[:2]
    for row in range(4):
        base, x = (row + 1) * height // 4, 0
        while x < width:
            book = rng.randint(width // 60 + 2, width // 22 + 4)
            top = base - rng.randint(height // 8, height // 5)
            colour = (rng.randint(30, 220), rng.randint(30, 200), rng.randint(30, 200))
            cv2.rectangle(picture, (x, top), (x + book, base - 3), colour, -1)
            x += book + (rng.randint(4, width // 10) if rng.random() < 0.15 else 1)
        cv2.rectangle(picture, (0, base - 4), (width, base), (70, 50, 30), -1)


def draw_person(
    picture: Picture, looks: Looks, time_s: float, *, centre_x: float = 0.5, floor_y: float = 1.0
) -> None:
    """Draw head and shoulders in place; centre and floor are parts of the picture's size."""
    height, width = picture.shape[:2]
    now = (time_s + looks.phase) * looks.tempo
    head = height * looks.size
    x = width * centre_x + head * (0.22 * math.sin(now * 0.5) + 0.08 * math.sin(now * 1.9))
    y = height * floor_y - head * (1.45 - 0.05 * math.sin(now * 1.3))
    _draw_body(picture, looks, (width * centre_x + (x - width * centre_x) * 0.5, y), head, now)
    _draw_head(picture, looks, (x, y), head, now)


def _ellipse(
    picture: Picture, centre: tuple[float, float], axes: tuple[float, float], colour: Colour,
    *, angle: float = 0,
) -> None:  # fmt: skip
    one = 1 << SHIFT
    place = (round(centre[0] * one), round(centre[1] * one))
    radii = (max(1, round(axes[0] * one)), max(1, round(axes[1] * one)))
    cv2.ellipse(picture, place, radii, angle, 0, 360, colour, -1, cv2.LINE_AA, SHIFT)


def _shaded(colour: Colour, factor: float) -> Colour:
    return (int(colour[0] * factor), int(colour[1] * factor), int(colour[2] * factor))


def _draw_body(
    picture: Picture, looks: Looks, head_at: tuple[float, float], head: float, now: float
) -> None:
    x, y = head_at
    breath = 1 + 0.015 * math.sin(now * 1.7)
    _ellipse(picture, (x, y + head * 1.62), (head * 0.98 * breath, head * 1.0), looks.clothes)
    _ellipse(picture, (x, y + head * 0.62), (head * 0.19, head * 0.34), _shaded(looks.skin, 0.85))
    side = math.copysign(1, math.sin(now * 0.31))
    lift = max(0.0, math.sin(now * 0.9)) ** 2
    hand = (x + side * head * (0.85 + 0.2 * math.sin(now * 2.3)), y + head * (1.75 - 1.0 * lift))
    arm = _shaded(looks.clothes, 0.8)
    shoulder = (round(x + side * head * 0.8), round(y + head * 1.2))
    cv2.line(
        picture,
        shoulder,
        (round(hand[0]), round(hand[1])),
        arm,
        max(2, round(head * 0.22)),
        cv2.LINE_AA,
    )
    _ellipse(picture, hand, (head * 0.15, head * 0.17), looks.skin, angle=40 * math.sin(now * 2))


def _draw_head(
    picture: Picture, looks: Looks, at: tuple[float, float], head: float, now: float
) -> None:
    x, y = at
    tilt = 7 * math.sin(now * 0.8)
    look = head * 0.05 * math.sin(now * 0.43)
    if looks.long_hair:
        _ellipse(picture, (x, y + head * 0.1), (head * 0.44, head * 0.58), looks.hair, angle=tilt)
    _ellipse(picture, (x, y - head * 0.08), (head * 0.4, head * 0.49), looks.hair, angle=tilt)
    _ellipse(picture, (x, y + head * 0.05), (head * 0.34, head * 0.45), looks.skin, angle=tilt)
    _draw_eyes(picture, looks, (x + look, y), head, now)
    nose = _shaded(looks.skin, 0.8)
    _ellipse(picture, (x + look * 1.3, y + head * 0.12), (head * 0.045, head * 0.09), nose)
    open_ = head * (0.02 + 0.06 * abs(math.sin(now * 6.1) * math.sin(now * 2.7)))
    _ellipse(picture, (x + look, y + head * 0.3), (head * 0.11, open_), (130, 50, 50))


def _draw_eyes(
    picture: Picture, looks: Looks, at: tuple[float, float], head: float, now: float
) -> None:
    x, y = at
    shut = (now % 3.7) < 0.16
    white = _shaded((245, 245, 245), min(1.0, max(looks.skin) / 110))
    for side in (-1, 1):
        eye = (x + side * head * 0.14, y - head * 0.02)
        _ellipse(picture, eye, (head * 0.06, head * (0.008 if shut else 0.032)), white)
        if not shut:
            _ellipse(picture, eye, (head * 0.026, head * 0.03), (40, 30, 30))
        brow = (eye[0], eye[1] - head * (0.09 + 0.015 * math.sin(now * 1.1)))
        _ellipse(picture, brow, (head * 0.08, head * 0.014), looks.hair)
        if looks.glasses:
            rim = (round(eye[0]), round(eye[1]))
            cv2.circle(
                picture,
                rim,
                round(head * 0.1),
                (30, 30, 30),
                max(1, round(head * 0.015)),
                cv2.LINE_AA,
            )


class Footage:
    """A film that is shown inside a slide: moving scenery with cuts of its own."""

    def __init__(self, rng: random.Random, size: tuple[int, int]) -> None:
        self._size = size
        self._rng = rng
        width, height = size
        self._views = [scenery(rng, width * 2, height) for _ in range(3)]
        self._people = [Presenter(rng, size) for _ in range(1)]
        self._shot_s = rng.uniform(3, 6)
        self._movers = [(rng.random(), rng.uniform(0.05, 0.3), rng.random()) for _ in range(6)]
        self._sensor = Sensor(rng, size, 3)

    def frame(self, time_s: float) -> Picture:
        """Return the picture at a time."""
        shot = int(time_s / self._shot_s)
        if shot % 4 == 3:
            return self._people[0].frame(time_s)
        return self._sensor.expose(self._pan(shot, time_s))

    def _pan(self, shot: int, time_s: float) -> Picture:
        width, height = self._size
        view = self._views[shot % len(self._views)]
        along = (0.5 + 0.5 * math.sin(time_s * 0.25 + shot)) * width
        left = min(width - 1, int(along))
        picture = view[:, left : left + width].copy()
        for n, (start, speed, level) in enumerate(self._movers):
            x = (start + speed * time_s) % 1.2 * width
            y = height * (0.6 + 0.35 * level)
            colour = (40 + 30 * n, 200 - 30 * n, 60 + 20 * n)
            _ellipse(picture, (x, y), (height * 0.03, height * 0.07), colour)
        return picture


def blank_room(width: int, height: int) -> Picture:
    """Return a dark room."""
    return flat(width, height, (24, 24, 28))
