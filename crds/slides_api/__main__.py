"""Write the generated files of the API: python -m slides_api [--check] [FOLDER].

FOLDER is the repository unless named. With --check nothing is written, and the exit code is 1 when
a file is missing or not what the models say.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from slides_api.crd import RESOURCES, crd_yaml
from slides_api.schema import manifest_schema_json

REPOSITORY = Path(__file__).resolve().parents[2]
CRDS = "crds"
CHART_CRDS = "charts/slides-extractor/files/crds"
"""Charts cannot read what lies outside of them: these are copies."""

GENERATED: dict[str, Callable[[], str]] = {
    f"{CRDS}/manifest.schema.json": manifest_schema_json,
    **{
        f"{folder}/{resource.file_name}": partial(crd_yaml, resource)
        for folder in (CRDS, CHART_CRDS)
        for resource in RESOURCES
    },
}
"""Each generated file and what makes its text."""


def main(arguments: list[str] | None = None) -> int:
    """Write or check the generated files and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m slides_api", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=REPOSITORY, metavar="FOLDER")
    parser.add_argument("--check", action="store_true", help="write nothing, fail on differences")
    options = parser.parse_args(arguments)
    made = {options.folder / name: make() for name, make in GENERATED.items()}
    stale = [path for path, text in made.items() if _read(path) != text]
    if options.check:
        return _report(stale)
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made[path], encoding="utf-8")
    return 0


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _report(stale: list[Path]) -> int:
    for path in stale:
        sys.stderr.write(f"{path} is not what the models say: run python -m slides_api\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
