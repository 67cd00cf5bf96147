"""Text of strangers on a terminal: titles and file names must not move its cursor or deceive."""

import unicodedata

LONGEST = 300
"""Characters after which foreign text is cut; chosen: three lines of a terminal."""
JOINERS = frozenset("\u200c\u200d")
"""Invisible, harmless, and needed by Persian, Indic scripts and emoji."""
DANGEROUS = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""General categories of Unicode: controls, bidi overrides, surrogates, private use, separators."""


def printable(text: str, *, longest: int = LONGEST) -> str:
    """Return text on one line, without anything that a terminal would act on."""
    shown = "".join(_visible(character) for character in text)
    return shown if len(shown) <= longest else shown[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _visible(character: str) -> str:
    if character in "\t\n\r":
        return " "
    if character in JOINERS or unicodedata.category(character) not in DANGEROUS:
        return character
    return "\N{REPLACEMENT CHARACTER}"
