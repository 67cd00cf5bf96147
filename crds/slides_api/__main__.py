"""Write the generated files of the API: python -m slides_api [--check] [FOLDER].

FOLDER is `crds` of the repository unless named. With --check nothing is written, and the exit code
is 1 when a file is missing or not what the models say.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from slides_api.schema import manifest_schema_json

GENERATED: dict[str, Callable[[], str]] = {"manifest.schema.json": manifest_schema_json}
"""Each generated file and what makes its text."""
CRDS = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Write or check the generated files and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m slides_api", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=CRDS, metavar="FOLDER")
    parser.add_argument("--check", action="store_true", help="write nothing, fail on differences")
    options = parser.parse_args(arguments)
    stale = [name for name, make in GENERATED.items() if _read(options.folder / name) != make()]
    if options.check:
        return _report(stale)
    for name in stale:
        (options.folder / name).write_text(GENERATED[name](), encoding="utf-8")
    return 0


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _report(stale: list[str]) -> int:
    for name in stale:
        sys.stderr.write(f"{name} is not what the models say: run python -m slides_api\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
