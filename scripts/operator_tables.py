"""Write the tables of docs/operator.md, settings and metrics, from the code: --write, or --check.

Each stands between a comment with its name and the next end comment.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from prometheus_client import Histogram
from prometheus_client.metrics import MetricWrapperBase

from scripts.env_example import render_value
from slides_operator.metrics import Metrics
from slides_operator.settings import GROUPS, OperatorSettings

DOCUMENT = Path("docs/operator.md")


def settings_table() -> str:
    """Return every setting with its default and its meaning."""
    rows = [_setting(name) for names in GROUPS.values() for name in names]
    return _table("variable | default | ", rows)


def metrics_table() -> str:
    """Return every metric with its labels and its meaning."""
    return _table("metric | labels | ", [_metric(metric) for metric in _metrics()])


TABLES: Mapping[str, Callable[[], str]] = {"settings": settings_table, "metrics": metrics_table}


def render(document: str) -> str:
    """Return the document with its tables as they are now."""
    for name, table in TABLES.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        # By a function, lest a backslash in the table mean something.
        document, count = pattern.subn(lambda m: m[1] + table() + m[2], document)  # noqa: B023 - called at once
        if count != 1:
            raise ValueError(f"{DOCUMENT} has no place for the table of {name}")
    return document


def _table(head: str, rows: Sequence[str]) -> str:
    return "\n".join([f"| {head}|", "| --- | --- | --- |", *rows]) + "\n"


def _setting(name: str) -> str:
    field = OperatorSettings.model_fields[name]
    default = f"`{value}`" if (value := render_value(field)) else "required"
    if not value and not field.is_required():
        default = "–"  # noqa: RUF001 - typography
    return f"| `{name.upper()}` | {default} | {field.description} |"


def _metrics() -> Iterator[MetricWrapperBase]:
    return (m for m in vars(Metrics()).values() if isinstance(m, MetricWrapperBase))


def _metric(metric: MetricWrapperBase) -> str:
    (family,) = metric.describe()
    name = family.name + {"counter": "_total"}.get(family.type, "")
    shown = f"`{name}`" + (" (histogram)" if isinstance(metric, Histogram) else "")
    labels = ", ".join(f"`{label}`" for label in metric._labelnames)  # noqa: SLF001 - no other way
    return f"| {shown} | {labels} | {family.documentation} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the document's tables, or say whether they are current."""
    parser = argparse.ArgumentParser(prog="python -m scripts.operator_tables")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help=f"write the tables of {DOCUMENT}")
    action.add_argument("--check", action="store_true", help="fail when they are out of date")
    options = parser.parse_args(arguments)
    written = DOCUMENT.read_text(encoding="utf-8")
    if options.write:
        DOCUMENT.write_text(render(written), encoding="utf-8")
    elif render(written) != written:
        sys.stderr.write(f"{DOCUMENT}: run python -m scripts.operator_tables --write\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
