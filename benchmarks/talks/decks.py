"""Decks: slides of many looks, each with the steps in which it may be built up.

Everything is laid out on a page 720 units high and drawn at any size.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw

from benchmarks.talks.fonts import Face, font
from benchmarks.talks.pictures import (
    Colour,
    Picture,
    blend,
    clouds,
    flat,
    gradient,
    paste,
    tinted,
)
from benchmarks.talks.wording import Wording

PAGE_HEIGHT = 720


@dataclass(frozen=True)
class Theme:
    """The look of a deck."""

    name: str
    ground: Colour
    second_ground: Colour
    ink: Colour
    accent: Colour
    bar: Colour | None
    """Colour of a bar behind the title, if there is one."""
    text: Face
    heading: Face
    narrow: bool = False
    """4:3 slides between black bars."""
    photo: float = 0.0
    """How much of an unfocused photo shines through the ground."""


WHITE: Colour = (255, 255, 255)
PAPER = Theme("paper", WHITE, WHITE, (30, 30, 34), (51, 51, 178), None, "grotesk", "grotesk")
BEAM = Theme(
    "beam", (252, 252, 252), (252, 252, 252), (20, 20, 20), (38, 84, 124), (38, 84, 124),
    "sans", "sans-bold", narrow=True,
)  # fmt: skip
NIGHT = Theme(
    "night", (24, 26, 34), (14, 15, 20), (228, 230, 236), (255, 170, 60), None, "sans", "sans-bold"
)
OCEAN = Theme(
    "ocean", (12, 48, 82), (20, 100, 130), (240, 248, 252), (255, 214, 90), None,
    "grotesk", "grotesk-bold",
)  # fmt: skip
SAND = Theme(
    "sand", (246, 238, 222), (236, 220, 190), (60, 44, 30), (176, 66, 34), None,
    "serif", "serif-bold",
)  # fmt: skip
POSTER = Theme(
    "poster", (235, 64, 82), (140, 40, 140), WHITE, (255, 232, 120), None, "sans", "sans-bold"
)
MIST = Theme(
    "mist", (238, 242, 246), (214, 224, 236), (32, 44, 60), (0, 122, 120), (0, 96, 96),
    "grotesk", "grotesk-bold", photo=0.25,
)  # fmt: skip
FOREST = Theme(
    "forest", (20, 44, 32), (10, 22, 18), (232, 240, 226), (150, 214, 90), None,
    "serif", "serif-bold", photo=0.2,
)  # fmt: skip
MEMO = Theme(
    "memo", WHITE, WHITE, (0, 0, 0), (200, 30, 30), (40, 40, 40), "serif", "serif-bold",
    narrow=True,
)  # fmt: skip
THEMES = (PAPER, BEAM, NIGHT, OCEAN, SAND, POSTER, MIST, FOREST, MEMO)


class Page:
    """A sheet that is drawn on in page units."""

    def __init__(self, ground: Picture, theme: Theme) -> None:
        self.theme = theme
        self.scale: float = ground.shape[0] / PAGE_HEIGHT
        self.width: float = ground.shape[1] / self.scale
        self._image = Image.fromarray(ground)
        self._draw = ImageDraw.Draw(self._image)

    def text(
        self, x: float, y: float, words: str, size: float, *,
        face: Face | None = None, colour: Colour | None = None, anchor: str = "la",
    ) -> None:  # fmt: skip
        """Write one line; anchors as Pillow names them."""
        place = (x * self.scale, y * self.scale)
        letters = font(face or self.theme.text, max(6, round(size * self.scale)))
        self._draw.text(place, words, colour or self.theme.ink, letters, anchor=anchor)

    def text_width(self, words: str, size: float, face: Face | None = None) -> float:
        """Return how wide a line would be, in page units."""
        letters = font(face or self.theme.text, max(6, round(size * self.scale)))
        return float(letters.getlength(words)) / self.scale

    def box(
        self, x: float, y: float, width: float, height: float, *,
        fill: Colour | None = None, rim: Colour | None = None, line: float = 2, round_: float = 0,
    ) -> None:  # fmt: skip
        """Draw a rectangle, filled, rimmed or both."""
        corners = [v * self.scale for v in (x, y, x + width, y + height)]
        self._draw.rounded_rectangle(
            corners, round_ * self.scale, fill, rim, max(1, round(line * self.scale))
        )

    def line(self, points: Sequence[tuple[float, float]], colour: Colour, width: float = 3) -> None:
        """Draw connected lines."""
        scaled = [(x * self.scale, y * self.scale) for x, y in points]
        self._draw.line(scaled, colour, max(1, round(width * self.scale)), joint="curve")

    def dot(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Draw a filled circle."""
        r, x, y = radius * self.scale, x * self.scale, y * self.scale
        self._draw.ellipse([x - r, y - r, x + r, y + r], colour)

    def polygon(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        """Draw a filled polygon."""
        self._draw.polygon([(x * self.scale, y * self.scale) for x, y in points], colour)

    def picture(self, x: float, y: float, picture: Picture) -> None:
        """Put a picture, in its own pixels, at a place in page units."""
        self._image.paste(Image.fromarray(picture), (round(x * self.scale), round(y * self.scale)))

    def result(self) -> Picture:
        """Return what has been drawn."""
        return np.asarray(self._image, np.uint8).copy()


Item = Callable[[Page], None]
"""Something that is put on a page: one step of a build."""


@dataclass(frozen=True)
class Slide:
    """A slide as pictures of its build steps; the last one is the finished slide."""

    steps: tuple[Picture, ...]
    text: tuple[str, ...] = ()
    """What is written on it, title first."""

    @property
    def final(self) -> Picture:
        """The finished slide."""
        return self.steps[-1]


@dataclass(frozen=True)
class Draft:
    """A slide before it is drawn: what stands from the start, and what is added in steps."""

    fixed: tuple[Item, ...]
    added: tuple[Item, ...] = ()
    text: tuple[str, ...] = ()


class DeckMaker:
    """Draws the slides of one deck: one theme, one subject, running page numbers."""

    def __init__(
        self, rng: random.Random, size: tuple[int, int], theme: Theme | None = None
    ) -> None:
        self.rng = rng
        self.size = size
        self.theme = theme or rng.choice(THEMES)
        self.wording = Wording(rng)
        self._numbered = rng.random() < 0.6
        self._progress = rng.random() < 0.3
        self._ground = self._make_ground()
        self._count = 0

    @property
    def page_size(self) -> tuple[int, int]:
        """Width and height of the slide itself, in pixels."""
        width, height = self.size
        return (height * 4 // 3, height) if self.theme.narrow else (width, height)

    @property
    def page_width(self) -> float:
        """Width of the page in page units."""
        width, height = self.page_size
        return width / height * PAGE_HEIGHT

    def _make_ground(self) -> Picture:
        theme, (width, height) = self.theme, self.page_size
        ground = gradient(width, height, theme.ground, theme.second_ground, slant=self.rng.random())
        if not theme.photo:
            return ground
        return blend(ground, clouds(self.rng, width, height, finest=6), theme.photo)

    def draw(self, draft: Draft) -> Slide:
        """Return a draft's slide: one picture for what is fixed, and one for each addition."""
        self._count += 1
        firsts = range(len(draft.added) + 1)
        pictures = (self._sheet((*draft.fixed, *draft.added[:n])) for n in firsts)
        return Slide(tuple(pictures), draft.text)

    def _sheet(self, items: Sequence[Item]) -> Picture:
        page = Page(self._ground, self.theme)
        self._draw_furniture(page)
        for item in items:
            item(page)
        return self._framed(page.result())

    def _draw_furniture(self, page: Page) -> None:
        if self._numbered:
            page.text(page.width - 24, 706, str(self._count), 20, anchor="rs")
        if self._progress:
            page.box(0, 714, page.width * min(1.0, self._count / 20), 6, fill=self.theme.accent)

    def _framed(self, picture: Picture) -> Picture:
        width, height = self.size
        if picture.shape[1] == width:
            return picture
        framed = flat(width, height, (0, 0, 0))
        paste(framed, picture, (width - picture.shape[1]) // 2, 0)
        return framed

    # The kinds of slides

    def heading(self, words: str) -> Item:
        """Return a slide's title, on its bar if the theme has one."""

        def item(page: Page) -> None:
            if self.theme.bar:
                page.box(0, 0, page.width, 92, fill=self.theme.bar)
            colour = (255, 255, 255) if self.theme.bar else self.theme.accent
            room = page.width - 90
            size = min(44.0, 44 * room / page.text_width(words, 44, self.theme.heading))
            page.text(45, 66, words, size, face=self.theme.heading, colour=colour, anchor="ls")

        return item

    def opening(self) -> Draft:
        """Return a title slide: much ground, few words."""
        title, who = self.wording.title(), self.wording.fill("{A} group, {n} May")

        def item(page: Page) -> None:
            middle = page.width / 2
            size = min(
                60.0, 60 * (page.width - 120) / page.text_width(title, 60, self.theme.heading)
            )
            page.text(middle, 320, title, size, face=self.theme.heading, anchor="ms")
            page.line([(middle - 160, 352), (middle + 160, 352)], self.theme.accent, 4)
            page.text(middle, 410, who, 28, anchor="ms")

        return Draft((item,), text=(title, who))

    def section(self) -> Draft:
        """Return a slide with hardly anything on it."""
        words = self.wording.section()

        def item(page: Page) -> None:
            page.text(
                90, 380, words, 64, face=self.theme.heading, colour=self.theme.accent, anchor="ls"
            )

        return Draft((item,), text=(words,))

    def bullets(self, count: int | None = None) -> Draft:
        """Return a title with bullets that may come one by one."""
        title = self.wording.title()
        lines = self.wording.bullets(count or self.rng.randint(3, 5))
        size = self.rng.choice((30, 34, 38))
        top = self.rng.choice((150, 180))
        gap = min(100.0, 480 / len(lines))
        added = tuple(self._bullet(line, top + n * gap, size) for n, line in enumerate(lines))
        return Draft((self.heading(title),), added, (title, *lines))

    def _bullet(self, words: str, y: float, size: float) -> Item:
        def item(page: Page) -> None:
            page.dot(64, y + size * 0.55, size * 0.17, self.theme.accent)
            fitting = min(size, size * (page.width - 150) / page.text_width(words, size))
            page.text(90, y, words, fitting)

        return item

    def dense(self) -> Draft:
        """Return a slide full of running text."""
        title, words = self.wording.title(), self.wording.paragraph(16).split()

        def item(page: Page) -> None:
            lines, line = [], ""
            for word in words:
                if page.text_width(f"{line} {word}", 24) > page.width - 110:
                    lines.append(line)
                    line = ""
                line = f"{line} {word}".strip()
            for number, full in enumerate([*lines, line][:16]):
                page.text(50, 130 + number * 34, full, 24)

        return Draft((self.heading(title), item), text=(title, *words[:8]))

    def code(self) -> Draft:
        """Return a program in a box."""
        title, code = self.wording.title(), self.wording.code()
        ground: Colour = self.rng.choice(((40, 42, 54), (245, 245, 245), (0, 43, 54)))
        ink: Colour = (230, 230, 230) if ground[0] < 128 else (30, 30, 30)

        def item(page: Page) -> None:
            page.box(45, 125, page.width - 90, 550, fill=ground, round_=8)
            for number, line in enumerate(code.split("\n")):
                page.text(70, 142 + number * 36, line, 26, face="mono", colour=ink)

        return Draft((self.heading(title), item), text=(title,))

    def bars(self) -> Draft:
        """Return a bar chart whose bars may come one by one."""
        title = self.wording.title()
        count = self.rng.randint(4, 7)
        names = [self.wording.noun() for _ in range(count)]
        values = [self.rng.randint(8, 100) for _ in range(count)]
        pitch = (self.page_width - 180) / count

        def axes(page: Page) -> None:
            page.line([(90, 150), (90, 630), (page.width - 60, 630)], self.theme.ink, 3)
            for tick in range(0, 101, 25):
                page.text(80, 630 - tick * 4.6, str(tick), 18, anchor="rm")

        added = tuple(
            self._bar(100 + n * pitch, pitch * 0.7, value, name)
            for n, (name, value) in enumerate(zip(names, values, strict=True))
        )
        return Draft((self.heading(title), axes), added, (title, *names))

    def _bar(self, x: float, width: float, value: int, name: str) -> Item:
        def item(page: Page) -> None:
            height = value * 4.6
            page.box(x, 630 - height, width, height, fill=self.theme.accent)
            page.text(x + width / 2, 620 - height, str(value), 24, anchor="ms")
            page.text(x + width / 2, 660, name, 20, anchor="ms")

        return item

    def curves(self) -> Draft:
        """Return a line chart."""
        title = self.wording.title()
        colours: tuple[Colour, ...] = (self.theme.accent, (220, 90, 60), (60, 160, 90))
        curves = [self._curve() for _ in range(self.rng.randint(1, 3))]

        def axes(page: Page) -> None:
            for row in range(5):
                page.line(
                    [(90, 150 + row * 120), (page.width - 60, 150 + row * 120)], (150, 150, 150), 1
                )
            page.line([(90, 150), (90, 630), (page.width - 60, 630)], self.theme.ink, 3)

        def curve(points: list[tuple[float, float]], colour: Colour) -> Item:
            return lambda page: page.line(points, colour, 5)

        added = tuple(curve(points, colours[n]) for n, points in enumerate(curves))
        return Draft((self.heading(title), axes), added, (title,))

    def _curve(self) -> list[tuple[float, float]]:
        level, points = self.rng.uniform(200, 560), []
        for n in range(24):
            level = min(610.0, max(170.0, level + self.rng.gauss(0, 35)))
            points.append((95 + n * (self.page_width - 170) / 23, level))
        return points

    def boxes(self) -> Draft:
        """Return boxes in a row or a ring, with arrows between them."""
        title = self.wording.title()
        count = self.rng.randint(3, 5)
        names = [self.wording.noun() for _ in range(count)]
        ring = self.rng.random() < 0.5
        places = [self._place(n, count, ring=ring) for n in range(count)]
        added = tuple(
            self._node(places[n], places[n - 1] if n else None, name)
            for n, name in enumerate(names)
        )
        return Draft((self.heading(title),), added, (title, *names))

    def _place(self, number: int, count: int, *, ring: bool) -> tuple[float, float]:
        if not ring:
            return (130 + number * (self.page_width - 260) / max(1, count - 1), 390)
        angle = math.tau * number / count - 1.57
        return (self.page_width / 2 + 300 * math.cos(angle), 410 + 190 * math.sin(angle))

    def _node(self, at: tuple[float, float], before: tuple[float, float] | None, name: str) -> Item:
        def item(page: Page) -> None:
            x, y = at
            if before:
                self._arrow(page, before, at)
            page.box(x - 85, y - 42, 170, 84, fill=self.theme.accent, rim=self.theme.ink, round_=12)
            page.text(x, y, name, 24, face="sans-bold", colour=self.theme.ground, anchor="mm")

        return item

    def _arrow(self, page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
        length = math.dist(start, end)
        along = ((end[0] - start[0]) / length, (end[1] - start[1]) / length)
        tail = (start[0] + along[0] * 90, start[1] + along[1] * 55)
        tip = (end[0] - along[0] * 92, end[1] - along[1] * 57)
        page.line([tail, tip], self.theme.ink, 4)
        left = (tip[0] - 16 * along[0] - 8 * along[1], tip[1] - 16 * along[1] + 8 * along[0])
        right = (tip[0] - 16 * along[0] + 8 * along[1], tip[1] - 16 * along[1] - 8 * along[0])
        page.polygon([tip, left, right], self.theme.ink)

    def table(self) -> Draft:
        """Return a table of numbers."""
        title = self.wording.title()
        rows, columns = self.rng.randint(4, 7), self.rng.randint(3, 5)
        names = [self.wording.noun() for _ in range(rows)]
        numbers = [[self.rng.randint(10, 999) for _ in range(columns)] for _ in range(rows)]
        return Draft((self.heading(title), self._grid(names, numbers)), text=(title, *names))

    def _grid(self, names: list[str], numbers: list[list[int]]) -> Item:
        def item(page: Page) -> None:
            pitch = (page.width - 300) / len(numbers[0])
            for row, (name, values) in enumerate(zip(names, numbers, strict=True)):
                y = 165 + row * 68
                page.text(60, y, name, 28)
                for column, value in enumerate(values):
                    page.text(280 + (column + 0.8) * pitch, y, str(value), 28, anchor="ra")
                page.line([(50, y + 48), (page.width - 50, y + 48)], self.theme.accent, 2)

        return item

    def changed_number(self) -> tuple[Draft, Draft]:
        """Return two slides that differ by one big number alone."""
        title, first = self.wording.title(), self.rng.randint(12, 48)
        lines = self.wording.bullets(2)
        low = [self._bullet(line, 520 + n * 70, 28) for n, line in enumerate(lines)]

        def number(value: int) -> Item:
            return lambda page: page.text(
                page.width / 2, 420, f"{value} %", 150, face="sans-bold", anchor="ms"
            )

        drafts = [
            Draft((self.heading(title), number(value), *low), text=(title, f"{value} %"))
            for value in (first, first + self.rng.randint(15, 45))
        ]
        return drafts[0], drafts[1]

    def photo(self) -> Draft:
        """Return a picture with a caption."""
        words = self.wording.title()
        width, height = self.page_size
        view = scenery(self.rng, round(width * 0.62), round(height * 0.66))

        def item(page: Page) -> None:
            page.picture(page.width * 0.19, 60, view)
            page.text(page.width / 2, 620, words, 34, anchor="ms")

        return Draft((item,), text=(words,))

    def quote(self) -> Draft:
        """Return a sentence in large letters."""
        words = self.wording.bullets(2)

        def item(page: Page) -> None:
            page.text(
                60,
                240,
                "\N{LEFT DOUBLE QUOTATION MARK}",
                150,
                face="serif-bold",
                colour=self.theme.accent,
                anchor="ls",
            )
            for n, line in enumerate(words):
                fitting = min(46.0, 46 * (page.width - 200) / page.text_width(line, 46, "serif"))
                page.text(110, 290 + n * 76, line, fitting, face="serif")

        return Draft((item,), text=tuple(words))

    def any_draft(self) -> Draft:
        """Return a slide of any kind."""
        kinds = (
            self.bullets, self.bullets, self.dense, self.code, self.bars, self.curves,
            self.boxes, self.table, self.photo, self.quote, self.section,
        )  # fmt: skip
        return self.rng.choice(kinds)()

    def built_draft(self) -> Draft:
        """Return a slide of a kind that is built up."""
        kinds = (self.bullets, self.bullets, self.bars, self.curves, self.boxes)
        return self.rng.choice(kinds)()

    def deck(self, count: int) -> list[Slide]:
        """Return slides of all kinds, an opening first; one pair differs by a number alone."""
        drafts = [self.opening(), *(self.any_draft() for _ in range(count - 3))]
        drafts.extend(self.changed_number())
        return [self.draw(draft) for draft in drafts[:count]]


def scenery(rng: random.Random, width: int, height: int) -> Picture:
    """Return a landscape as a camera might see it: sky, hills, a few houses."""
    sky = gradient(
        width, height, (rng.randint(80, 200), 170, 220), (240, 220, rng.randint(150, 230)), slant=1
    )
    picture = tinted(blend(sky, clouds(rng, width, height), 0.3), (200, 210, 220), 0.1)
    for layer in range(3):
        ridge = _ridge(rng, width, height * (0.45 + 0.17 * layer), height * 0.12)
        colour = tuple(int(c * (0.9 - 0.22 * layer)) for c in (90, 140, 100))
        shape = np.array([(0, height), *ridge, (width, height)], np.int32)
        cv2.fillPoly(picture, [shape], colour, cv2.LINE_AA)
    for _ in range(rng.randint(3, 8)):
        _house(rng, picture)
    return blend(picture, clouds(rng, width, height, finest=128), 0.12)


def _ridge(rng: random.Random, width: int, level: float, swing: float) -> list[tuple[float, float]]:
    phases = [(rng.uniform(0, 6.28), rng.uniform(1, 9)) for _ in range(4)]
    steps = range(0, width + 8, 8)
    return [
        (
            x,
            level
            + sum(swing / (k + 1) * math.sin(p + f * x / width) for k, (p, f) in enumerate(phases)),
        )
        for x in steps
    ]


def _house(rng: random.Random, picture: Picture) -> None:
    height, width = picture.shape[:2]
    size = rng.randint(height // 14 + 2, height // 6 + 3)
    x, y = rng.randrange(width), rng.randint(height // 2, height - size)
    wall = (rng.randint(140, 255), rng.randint(120, 220), rng.randint(90, 200))
    cv2.rectangle(picture, (x, y), (x + size, y + size), wall, -1)
    roof = np.array([(x - 3, y), (x + size // 2, y - size // 2), (x + size + 3, y)], np.int32)
    cv2.fillPoly(picture, [roof], (rng.randint(90, 180), 50, 40), cv2.LINE_AA)
