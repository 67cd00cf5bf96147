"""Fonts that every installation of the project has: those that reportlab brings."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

import reportlab
from PIL import ImageFont

Face = Literal["sans", "sans-bold", "grotesk", "grotesk-bold", "serif", "serif-bold", "mono"]

FACES: dict[Face, str] = {
    "sans": "Vera.ttf",
    "sans-bold": "VeraBd.ttf",
    "grotesk": "_a______.pfb",
    "grotesk-bold": "_ab_____.pfb",
    "serif": "_er_____.pfb",
    "serif-bold": "_eb_____.pfb",
    "mono": "cob_____.pfb",
}
"""Faces and their files; the bold Courier, for the thin one vanishes in video."""


@lru_cache(maxsize=256)
def font(face: Face, size_px: int) -> ImageFont.FreeTypeFont:
    """Return a face at a size in pixels."""
    folder = Path(reportlab.__file__).parent / "fonts"
    return ImageFont.truetype(str(folder / FACES[face]), size_px)
