"""Write talks with their truth: python -m benchmarks.talks --seed 7 --out build/talks."""

import argparse
import sys
import time
from pathlib import Path

from benchmarks.talks.make import make_talk
from benchmarks.talks.regimes import REGIMES


def parsed(arguments: list[str]) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.talks", description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help="repeatable (default: 1)")
    parser.add_argument(
        "--out", type=Path, default=Path("build/talks"), help="folder to write into"
    )
    parser.add_argument(
        "--regimes", default="", help="letters or names, by commas (default: all but l)"
    )
    parser.add_argument("--seconds", type=float, default=120, help="length of each talk")
    return parser.parse_args(arguments)


def chosen(regimes: str) -> list[str]:
    """Return the names of regimes given by letters or names."""
    if not regimes:
        return [name for name in REGIMES if name != "l_long"]
    wanted = [word.strip() for word in regimes.split(",")]
    names = [name for name in REGIMES if name in wanted or name[0] in wanted]
    if not names:
        raise SystemExit(f"No regime named {regimes}; there are {', '.join(REGIMES)}.")
    return names


def main(arguments: list[str]) -> None:
    """Write the talks that the command line asks for."""
    options = parsed(arguments)
    for seed in options.seed or [1]:
        for regime in chosen(options.regimes):
            begun = time.monotonic()
            path = make_talk(regime, seed, options.out, seconds=options.seconds)
            print(f"{path}  ({time.monotonic() - begun:.0f} s)", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
