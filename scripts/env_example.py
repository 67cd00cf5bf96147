"""Write `.env.example` from the settings of runner, operator and service: --write, or --check.

It is made of their models' names, descriptions and defaults, chapter by chapter. A setting that
several read stands where it is read first.
"""

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from slides_operator import settings as operator
from slides_operator.service import settings as service
from slides_runner import settings as runner

EXAMPLE_FILE = Path(".env.example")
HEAD = """\
# Settings of Slides Extractor. Copy to .env and fill in what is needed; empty means the
# default. The environment wins over .env. Generated: do not edit by hand.
"""
PARTS: tuple[tuple[str, type[BaseSettings], Mapping[str, Sequence[str]]], ...] = (
    ("Runner", runner.RunnerSettings, runner.GROUPS),
    ("Operator", operator.OperatorSettings, operator.GROUPS),
    ("Service", service.ServiceSettings, service.GROUPS),
)
"""Who reads settings, in which model, in which chapters."""
WIDTH = 98


def render_example() -> str:
    """Return the text of `.env.example`: every setting with its description and its default."""
    return HEAD + "".join(_chapters())


def render_value(field: FieldInfo) -> str:
    """Return a default as the environment would have it; empty where there is none."""
    match field.default:
        case bool() as flag:
            return str(flag).lower()
        case tuple() as several:
            return ",".join(several)
        case dict() | list() as value:
            return json.dumps(value) if value else ""
        case value:
            return "" if value in {None, PydanticUndefined} else str(value)


def _chapters() -> Iterator[str]:
    told: set[str] = set()
    for part, model, groups in PARTS:
        for title, names in groups.items():
            untold = [name for name in names if name not in told]
            told.update(untold)
            if untold:
                yield f"\n## {part}: {title[0].lower()}{title[1:]}\n"
            yield from (_render(name, model.model_fields[name]) for name in untold)


def _render(name: str, field: FieldInfo) -> str:
    lines = textwrap.wrap(field.description or "", WIDTH)
    comment = "".join(f"# {line}\n" for line in lines)
    return f"\n{comment}{name.upper()}={render_value(field)}\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file into the working folder, or say whether it is current."""
    parser = argparse.ArgumentParser(prog="python -m scripts.env_example")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help=f"write {EXAMPLE_FILE}")
    action.add_argument("--check", action="store_true", help="fail when it is out of date")
    if parser.parse_args(arguments).write:
        EXAMPLE_FILE.write_text(render_example(), encoding="utf-8")
        return 0
    if EXAMPLE_FILE.is_file() and EXAMPLE_FILE.read_text(encoding="utf-8") == render_example():
        return 0
    sys.stderr.write(f"{EXAMPLE_FILE} is out of date: run python -m scripts.env_example --write\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
