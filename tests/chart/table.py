"""The table of docs/chart.md: every value of the chart with its default and its comment."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

MARK = "# --"


@dataclass(frozen=True)
class Value:
    """A value that can be set."""

    path: str
    """With dots, as `--set` takes it."""
    default: object
    description: str
    """Its comment; empty where nobody wrote one."""


def read_values(path: Path) -> list[Value]:
    """Return the values of a values.yaml in its order.

    A comment that begins with `# --` makes one value of what stands below it, maps too.
    """
    text = path.read_text(encoding="utf-8")
    root = yaml.compose(text, yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    return list(_walk(root, text.splitlines(), ""))


def _walk(node: yaml.MappingNode, lines: list[str], prefix: str) -> Iterator[Value]:
    for key, value in node.value:
        path = f"{prefix}{key.value}"
        description = _comment_above(lines, key.start_mark.line)
        if not description and isinstance(value, yaml.MappingNode) and value.value:
            yield from _walk(value, lines, f"{path}.")
        else:
            yield Value(path, _loaded(value), description)


def _comment_above(lines: list[str], line: int) -> str:
    first = line
    while first and lines[first - 1].lstrip().startswith("#"):
        first -= 1
        if lines[first].lstrip().startswith(MARK):
            words = (one.strip().removeprefix(MARK).removeprefix("#") for one in lines[first:line])
            return " ".join(word.strip() for word in words)
    return ""


def _loaded(node: yaml.Node) -> object:
    loader = yaml.SafeLoader("")
    try:
        loaded: object = loader.construct_document(node)
    finally:
        loader.dispose()
    return loaded


def markdown(values: list[Value]) -> str:
    """Return the table."""
    rows = [f"| `{v.path}` | {_cell(v.default)} | {_escaped(v.description)} |" for v in values]
    return "\n".join(["| value | default | |", "| --- | --- | --- |", *rows]) + "\n"


def _cell(default: object) -> str:
    return f"`{_escaped(json.dumps(default, ensure_ascii=False))}`"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
