"""Programs that are typed live into an editor."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.talks.fonts import font
from benchmarks.talks.pictures import Colour, Picture

WORDS = """
class def return if in for while yield async await with import from not is else elif try
fn let mut use pub SELECT FROM JOIN ON WHERE AND GROUP BY HAVING ORDER LIMIT DESC AS
func range continue template section button chan
"""
KEYWORDS = frozenset(WORDS.split())
TOKENS = re.compile(
    r"(?P<comment>(#|//).*)|(?P<text>\"[^\"]*\"|'[^']*')|(?P<number>\b\d+\b)|(?P<word>\w+)|(?P<rest>\s+|.)"
)


@dataclass(frozen=True)
class EditorTheme:
    """Colours of an editor."""

    ground: Colour
    frame: Colour
    ink: Colour
    keyword: Colour
    text: Colour
    comment: Colour
    number: Colour


def hex_theme(colours: str) -> EditorTheme:
    """Return a theme from its colours in hexadecimal, in the order of the fields."""
    rgb = [bytes.fromhex(word) for word in colours.split()]
    ground, frame, ink, keyword, text, comment, number = ((c[0], c[1], c[2]) for c in rgb)
    return EditorTheme(ground, frame, ink, keyword, text, comment, number)


EDITORS = (
    hex_theme("1e1e1e 323234 d4d4d4 569cd6 ce9178 6a9955 b5cea8"),
    hex_theme("282a36 44475a f8f8f2 ff79c6 f1fa8c 6272a4 bd93f9"),
    hex_theme("002b36 073642 93a1a1 859900 2aa198 586e75 d33682"),
    hex_theme("272822 3c3d36 f8f8f2 f92672 e6db74 75715e ae81ff"),
)


class Editor:
    """An editor's window into which one program is written, letter by letter."""

    def __init__(
        self, rng: random.Random, size: tuple[int, int], theme: EditorTheme, name: str
    ) -> None:
        self._theme = theme
        self._scale = size[1] / 720
        self._letter_px = round(rng.choice((22, 26)) * self._scale)
        self._font = font("mono", self._letter_px)
        self._pitch = (self._font.getlength("m"), self._letter_px * 1.35)
        self._numbered = rng.random() < 0.6
        self._image = Image.new("RGB", size, theme.ground)
        self._draw = ImageDraw.Draw(self._image)
        self._draw_frame(size, name)

    def _draw_frame(self, size: tuple[int, int], name: str) -> None:
        bar = 34 * self._scale
        self._draw.rectangle([0, 0, size[0], bar], self._theme.frame)
        label = font("grotesk", round(18 * self._scale))
        self._draw.text((16 * self._scale, bar / 2), name, self._theme.ink, label, anchor="lm")
        self._draw.rectangle([0, size[1] - bar * 0.7, size[0], size[1]], self._theme.frame)

    def _cell(self, line: int, column: int) -> tuple[float, float]:
        left = 90 if self._numbered else 50
        return (
            left * self._scale + column * self._pitch[0],
            60 * self._scale + line * self._pitch[1],
        )

    def type(self, code: str) -> Iterator[Picture]:
        """Yield the window after every letter that can be seen."""
        for number, line in enumerate(code.split("\n")):
            if self._numbered:
                x, y = self._cell(number, 0)
                self._draw.text(
                    (x - 24 * self._scale, y),
                    str(number + 1),
                    self._theme.comment,
                    self._font,
                    anchor="ra",
                )
            for column, letter, colour in coloured(line, self._theme):
                self._draw.text(self._cell(number, column), letter, colour, self._font)
                yield self._picture()

    def _picture(self) -> Picture:
        return np.asarray(self._image, np.uint8).copy()


def coloured(line: str, theme: EditorTheme) -> Iterator[tuple[int, str, Colour]]:
    """Yield the letters of a line that can be seen, with column and colour."""
    for token in TOKENS.finditer(line):
        colour = _colour(token, theme)
        for offset, letter in enumerate(token.group()):
            if not letter.isspace():
                yield token.start() + offset, letter, colour


def _colour(token: re.Match[str], theme: EditorTheme) -> Colour:
    match token.lastgroup:
        case "comment":
            return theme.comment
        case "text":
            return theme.text
        case "number":
            return theme.number
        case "word" if token.group() in KEYWORDS:
            return theme.keyword
        case _:
            return theme.ink
