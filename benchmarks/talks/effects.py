"""What moves over slides: a presenter's picture, pointers, clocks, a shaking camera."""

import math
import random
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.talks.decks import Page, Theme
from benchmarks.talks.people import Footage, Presenter, draw_person, in_the_dark, random_looks
from benchmarks.talks.pictures import (
    Colour,
    Picture,
    Sensor,
    blend,
    clouds,
    disc,
    flat,
    paste,
    paste_through,
    tinted,
)
from benchmarks.talks.truth import Region

Corner = Literal["right-bottom", "left-bottom", "right-top", "left-top"]
PointerKind = Literal["arrow", "black-arrow", "laser", "green-laser", "spotlight"]


class Inset:
    """A presenter in corners of the picture, changing place at given times."""

    def __init__(
        self,
        rng: random.Random,
        size: tuple[int, int],
        corners: dict[float, Corner],
        *,
        round_: bool,
        person: random.Random | None = None,
    ) -> None:
        width = size[0]
        share = rng.uniform(0.18, 0.27)
        self._width = int(width * share) // 2 * 2
        self._height = (
            self._width if round_ else int(self._width * rng.choice((0.5625, 0.75))) // 2 * 2
        )
        self._margin = rng.choice((0, 12, 24))
        self._size = size
        self._corners = corners
        self._alpha = disc(self._width, self._height) if round_ else None
        self._presenter = Presenter(person or rng, (self._width, self._height))

    def __call__(self, picture: Picture, time_s: float) -> Picture:
        """Return the picture with the presenter on it."""
        x, y = self._place(self._corner(time_s))
        seen = picture.copy()
        person = self._presenter.frame(time_s)
        if self._alpha is None:
            paste(seen, person, x, y)
        else:
            paste_through(seen, person, self._alpha, x, y)
        return seen

    def _corner(self, time_s: float) -> Corner:
        begun = [start for start in self._corners if start <= time_s]
        return self._corners[max(begun)]

    def _place(self, corner: Corner) -> tuple[int, int]:
        width, height = self._size
        side, edge = corner.split("-")
        x = self._margin if side == "left" else width - self._width - self._margin
        y = self._margin if edge == "top" else height - self._height - self._margin
        return x, y

    def regions(self) -> tuple[Region, ...]:
        """Return where the presenter may be."""
        width, height = self._size
        places = [self._place(corner) for corner in dict.fromkeys(self._corners.values())]
        return tuple(
            (x / width, y / height, self._width / width, self._height / height) for x, y in places
        )


class SideColumn:
    """A presenter beside the slide: the slide is smaller, the rest is the person's."""

    def __init__(self, rng: random.Random, size: tuple[int, int]) -> None:
        width, height = size
        self._size = size
        self._slide_width = int(width * rng.uniform(0.7, 0.78)) // 2 * 2
        self._slide_height = self._slide_width * height // width // 2 * 2
        self._top = (height - self._slide_height) // 2
        column = width - self._slide_width
        self._person_height = rng.choice((height, column * 3 // 4, column))
        self._presenter = Presenter(rng, (column, self._person_height))
        shade = rng.randint(10, 60)
        self._ground = flat(width, height, (shade, shade, shade + 8))
        self._laid_out: tuple[Picture, Picture] | None = None

    def laid_out(self, picture: Picture) -> Picture:
        """Return the slide in its place, without the person."""
        if self._laid_out is None or self._laid_out[0] is not picture:
            size = (self._slide_width, self._slide_height)
            small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            ground = self._ground.copy()
            paste(ground, np.asarray(small, np.uint8), 0, self._top)
            self._laid_out = (picture, ground)
        return self._laid_out[1]

    def __call__(self, picture: Picture, time_s: float) -> Picture:
        """Return slide and person side by side."""
        seen = self.laid_out(picture).copy()
        paste(seen, self._presenter.frame(time_s), self._slide_width, self._person_top)
        return seen

    @property
    def _person_top(self) -> int:
        return (self._size[1] - self._person_height) // 2

    def regions(self) -> tuple[Region, ...]:
        """Return where the presenter is."""
        width, height = self._size
        left = self._slide_width / width
        return ((left, self._person_top / height, 1 - left, self._person_height / height),)


class Player:
    """A film that plays within slides."""

    def __init__(self, rng: random.Random, size: tuple[int, int], share: float) -> None:
        width, height = size
        self._size = size
        self._film = (int(width * share) // 2 * 2, int(width * share * 0.5625) // 2 * 2)
        self._x = rng.randint(width // 20, width - self._film[0] - width // 20)
        self._y = min(height - self._film[1] - 8, int(height * rng.uniform(0.2, 0.4)))
        self._footage = Footage(rng, self._film)

    def __call__(self, picture: Picture, time_s: float) -> Picture:
        """Return the slide with the film's picture at a time."""
        seen = picture.copy()
        paste(seen, self._footage.frame(time_s), self._x, self._y)
        return seen

    def regions(self) -> tuple[Region, ...]:
        """Return where the film is."""
        width, height = self._size
        return ((self._x / width, self._y / height, self._film[0] / width, self._film[1] / height),)


class Pointer:
    """A mouse or a laser that wanders, rests, and sometimes hides."""

    def __init__(
        self, rng: random.Random, size: tuple[int, int], kind: PointerKind, end_s: float
    ) -> None:
        self._size = size
        self._kind = kind
        self._stops: list[tuple[float, float, float, bool]] = []
        time_s = 0.0
        while time_s < end_s + 5:
            place = (rng.uniform(0.1, 0.9) * size[0], rng.uniform(0.1, 0.9) * size[1])
            self._stops.append((time_s, *place, rng.random() < 0.75))
            time_s += rng.uniform(1.2, 4.5)

    def __call__(self, picture: Picture, time_s: float) -> Picture:
        """Return the picture with the pointer on it."""
        x, y, visible = self._at(time_s)
        if not visible:
            return picture
        seen = picture.copy()
        self._draw(seen, x, y)
        return seen

    def _at(self, time_s: float) -> tuple[float, float, bool]:
        number = max(n for n, stop in enumerate(self._stops) if stop[0] <= time_s)
        begin, x, y, visible = self._stops[number]
        _, old_x, old_y, _ = self._stops[max(0, number - 1)]
        progress = min(1.0, (time_s - begin) / 0.7)
        eased = progress * progress * (3 - 2 * progress)
        if "laser" in self._kind:  # a hand trembles
            x += 5 * math.sin(time_s * 17) + 3 * math.sin(time_s * 29)
            y += 4 * math.sin(time_s * 23)
        return (old_x + (x - old_x) * eased, old_y + (y - old_y) * eased, visible)

    def _draw(self, picture: Picture, x: float, y: float) -> None:
        scale = self._size[1] / 720
        match self._kind:
            case "arrow" | "black-arrow":
                _draw_arrow(picture, x, y, scale, white=self._kind == "arrow")
            case "laser":
                _glow(picture, x, y, 14 * scale, (255, 40, 40))
            case "green-laser":
                _glow(picture, x, y, 11 * scale, (60, 255, 90))
            case "spotlight":
                _glow(picture, x, y, 42 * scale, (255, 245, 90), core=False)


def _draw_arrow(picture: Picture, x: float, y: float, scale: float, *, white: bool) -> None:
    outline = np.array([(0, 0), (0, 20), (5, 16), (9, 24), (13, 22), (9, 14), (15, 14)], np.float32)
    points = (outline * scale * 1.2 + (x, y)).astype(np.int32)
    body, rim = ((255, 255, 255), (0, 0, 0)) if white else ((0, 0, 0), (255, 255, 255))
    cv2.fillPoly(picture, [points], body, cv2.LINE_AA)
    cv2.polylines(picture, [points], isClosed=True, color=rim, thickness=1, lineType=cv2.LINE_AA)


def _glow(
    picture: Picture, x: float, y: float, radius: float, colour: Colour, *, core: bool = True
) -> None:
    size = int(radius * 2) // 2 * 2
    alpha = disc(size, size) * (0.85 if core else 0.45)
    paste_through(picture, flat(size, size, colour), alpha, int(x - size / 2), int(y - size / 2))
    if core:
        cv2.circle(
            picture, (int(x), int(y)), max(1, int(radius / 4)), (255, 255, 255), -1, cv2.LINE_AA
        )


class Clock:
    """A clock of seconds in a corner of the slide."""

    def __init__(self, theme: Theme, size: tuple[int, int], *, left: bool) -> None:
        self._theme = theme
        self._x = 24 if left else size[0] / size[1] * 720 - 130
        self._made: tuple[Picture, int, Picture] | None = None

    def __call__(self, picture: Picture, time_s: float) -> Picture:
        """Return the picture with the time of day on it."""
        second = int(time_s) + 36_000
        if self._made is None or self._made[0] is not picture or self._made[1] != second:
            page = Page(picture, self._theme)
            words = f"{second // 3600}:{second // 60 % 60:02d}:{second % 60:02d}"
            page.text(self._x, 706, words, 20, anchor="ls")
            self._made = (picture, second, page.result())
        return self._made[2]


class Camera:
    """A screen filmed from the audience: slanted, shaky, flickering, noisy, sometimes hidden."""

    def __init__(self, rng: random.Random, size: tuple[int, int], end_s: float) -> None:
        width, height = size
        self._size = size
        self._room = tinted(
            clouds(rng, width, height, finest=48), (28, 26, 24), rng.uniform(0.75, 0.9)
        )
        self._corners = self._random_corners(rng)
        self._shake = rng.uniform(1.0, 4.0) * width / 1280
        self._flicker = rng.uniform(0.01, 0.05)
        self._contrast, self._ambient = rng.uniform(0.72, 0.9), rng.uniform(8, 30)
        self._phase = rng.uniform(0, 100)
        self._sensor = Sensor(rng, size, rng.uniform(3, 7))
        self._walker = in_the_dark(random_looks(rng))
        self._walks = self._random_walks(rng, end_s)

    def _random_corners(self, rng: random.Random) -> NDArray[np.float32]:
        width, height = self._size
        inset = rng.uniform(0.06, 0.16)
        ideal = [(inset, inset), (1 - inset, inset), (1 - inset, 1 - inset), (inset, 1 - inset)]
        bent = [(x + rng.gauss(0, 0.022), y + rng.gauss(0, 0.025)) for x, y in ideal]
        return np.array([(x * width, y * height) for x, y in bent], np.float32)

    @staticmethod
    def _random_walks(rng: random.Random, end_s: float) -> list[tuple[float, float, bool]]:
        walks, start = [], rng.uniform(8, 25)
        while start < end_s - 10:
            walks.append((start, rng.uniform(4, 9), rng.random() < 0.5))
            start += rng.uniform(20, 50)
        return walks

    def still(self, picture: Picture) -> Picture:
        """Return the slide as it is seen on average, without noise or people."""
        return self._seen(picture, self._corners)

    def _seen(self, picture: Picture, corners: NDArray[np.float32]) -> Picture:
        width, height = self._size
        ideal = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
        dulled = cv2.convertScaleAbs(picture, alpha=self._contrast, beta=self._ambient)
        seen = cv2.warpPerspective(
            dulled, cv2.getPerspectiveTransform(ideal, corners), self._size,
            dst=self._room.copy(), borderMode=cv2.BORDER_TRANSPARENT,
        )  # fmt: skip
        return np.asarray(seen, np.uint8)

    def __call__(self, picture: Picture, time_s: float) -> Picture:
        """Return what the camera records."""
        seen = self._seen(picture, self._corners + self._jitter(time_s))
        for start, length, leftwards in self._walks:
            if start <= time_s < start + length:
                along = (time_s - start) / length
                across = 1.15 - 1.3 * along if leftwards else -0.15 + 1.3 * along
                draw_person(seen, self._walker, time_s, centre_x=across, floor_y=1.25)
        light = (
            1 + self._flicker * math.sin(time_s * 31) + 0.04 * math.sin(time_s * 0.2 + self._phase)
        )
        return self._sensor.expose(np.asarray(cv2.convertScaleAbs(seen, alpha=light), np.uint8))

    def _jitter(self, time_s: float) -> NDArray[np.float32]:
        t = time_s + self._phase
        x = math.sin(t * 2.1) + 0.6 * math.sin(t * 5.3) + 0.3 * math.sin(t * 11.7)
        y = math.sin(t * 1.7) + 0.6 * math.sin(t * 4.9) + 0.3 * math.sin(t * 12.9)
        return np.array([(x * self._shake, y * self._shake)] * 4, np.float32)

    def regions(self) -> tuple[Region, ...]:
        """Return what lies outside the screen: left, right, above and below it."""
        width, height = self._size
        xs, ys = self._corners[:, 0] / width, self._corners[:, 1] / height
        left, right = float(max(xs[0], xs[3])), float(min(xs[1], xs[2]))
        top, bottom = float(max(ys[0], ys[1])), float(min(ys[2], ys[3]))
        return (
            (0, 0, left, 1),
            (right, 0, 1 - right, 1),
            (0, 0, 1, top),
            (0, bottom, 1, 1 - bottom),
        )


class FullFace:
    """A presenter who fills the picture, perhaps with a name below."""

    def __init__(
        self,
        rng: random.Random,
        size: tuple[int, int],
        name: str | None,
        *,
        person: random.Random | None = None,
    ) -> None:
        self._size = size
        self._presenter = Presenter(person or rng, (640, 360), noise=rng.uniform(1.5, 4))
        self._name = name

    def __call__(self, picture: Picture, time_s: float) -> Picture:
        """Return the person; nothing of the given picture but its size is left."""
        small = self._presenter.frame(time_s)
        seen = np.asarray(cv2.resize(small, picture.shape[1::-1]), np.uint8)
        if self._name:
            self._write_name(seen, self._name)
        return seen

    def _write_name(self, picture: Picture, name: str) -> None:
        width, height = self._size
        top, bottom = int(height * 0.82), int(height * 0.92)
        strip = picture[top:bottom, : width // 2]
        picture[top:bottom, : width // 2] = blend(strip.copy(), np.zeros_like(strip), 0.7)
        place = (width // 20, bottom - (bottom - top) // 3)
        cv2.putText(
            picture,
            name,
            place,
            cv2.FONT_HERSHEY_SIMPLEX,
            height / 720,
            (240, 240, 240),
            2,
            cv2.LINE_AA,
        )
