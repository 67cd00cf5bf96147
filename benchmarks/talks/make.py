"""Making of talks: one video with its truth, by regime and seed."""

import random
from dataclasses import replace
from pathlib import Path

from benchmarks.talks.encode import encode
from benchmarks.talks.regimes import REGIMES, Setting, encoding_of
from benchmarks.talks.truth import Truth

LONG_FACTOR = 6
"""How much longer the lecture is than the other talks; chosen, about a quarter of an hour."""


def make_talk(
    regime: str, seed: int, folder: Path, *, seconds: float = 120, height: int | None = None
) -> Path:
    """Write NAME.mp4, NAME.truth.json and the slides' pictures; return the truth's path.

    The same regime, seed, length and height give the same talk again. The height is the regime's
    own choice unless one is given.
    """
    rng = random.Random(f"{regime}-{seed}")
    encoding = encoding_of(regime, rng)
    if height is not None:
        encoding = replace(encoding, width=height * 16 // 9, height=height)
    truth = Truth(
        name=f"{regime}_{seed}",
        regime=regime,
        fps=encoding.fps,
        size=(encoding.width, encoding.height),
        gop_s=encoding.gop_s,
        scenecut=encoding.scenecut,
    )
    length = seconds * LONG_FACTOR if regime == "l_long" else seconds
    reel = REGIMES[regime](Setting(rng, truth, length))
    folder.mkdir(parents=True, exist_ok=True)
    # The truth comes last: where it stands, the talk is whole.
    encode(reel.pictures(), folder / f"{truth.name}.mp4", encoding)
    return truth.write(folder)
