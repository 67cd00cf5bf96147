"""Draws the pages of a PDF as PNG; peers.py runs it in an environment that has pypdfium2."""

import importlib
import sys
from pathlib import Path

WIDTH = 1280
"""Pixels; more than the scorer compares."""


def main(pdf: Path, folder: Path) -> None:
    """Write page0000.png and so on into a folder."""
    document = importlib.import_module("pypdfium2").PdfDocument(str(pdf))
    for number, page in enumerate(document):
        picture = page.render(scale=WIDTH / page.get_size()[0]).to_pil()
        picture.convert("RGB").save(folder / f"page{number:04d}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
