"""Write the tables of docs/operator.md and docs/service.md from the code: --write, or --check.

Each is of settings or of metrics, and stands between a comment with its name and the next end
comment.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from prometheus_client import Histogram
from prometheus_client.metrics import MetricWrapperBase
from pydantic_settings import BaseSettings

from scripts.env_example import render_value
from slides_operator import settings as operator
from slides_operator.metrics import Metrics
from slides_operator.service import settings as service
from slides_operator.service.metrics import ServiceMetrics

Chapters = Mapping[str, Sequence[str]]


def settings_table(model: type[BaseSettings], chapters: Chapters) -> str:
    """Return every setting with its default and its meaning."""
    rows = [_setting(model, name) for names in chapters.values() for name in names]
    return _table("variable | default | ", rows)


def metrics_table(metrics: object) -> str:
    """Return every metric with its labels and its meaning."""
    return _table("metric | labels | ", [_metric(metric) for metric in _metrics(metrics)])


DOCUMENTS: Mapping[Path, Mapping[str, Callable[[], str]]] = {
    Path("docs/operator.md"): {
        "settings": lambda: settings_table(operator.OperatorSettings, operator.GROUPS),
        "metrics": lambda: metrics_table(Metrics()),
    },
    Path("docs/service.md"): {
        "settings": lambda: settings_table(service.ServiceSettings, service.GROUPS),
        "metrics": lambda: metrics_table(ServiceMetrics()),
    },
}


def render(document: str, tables: Mapping[str, Callable[[], str]]) -> str:
    """Return the document with its tables as they are now. Raises ValueError."""
    for name, table in tables.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        # By a function, lest a backslash in the table mean something.
        document, count = pattern.subn(lambda m: m[1] + table() + m[2], document)  # noqa: B023 - called at once
        if count != 1:
            raise ValueError(f"there is no place for the table of {name}")
    return document


def _table(head: str, rows: Sequence[str]) -> str:
    return "\n".join([f"| {head}|", "| --- | --- | --- |", *rows]) + "\n"


def _setting(model: type[BaseSettings], name: str) -> str:
    field = model.model_fields[name]
    default = f"`{value}`" if (value := render_value(field)) else "required"
    if not value and not field.is_required():
        default = "–"  # noqa: RUF001 - typography
    return f"| `{name.upper()}` | {default} | {field.description} |"


def _metrics(metrics: object) -> Iterator[MetricWrapperBase]:
    return (m for m in vars(metrics).values() if isinstance(m, MetricWrapperBase))


def _metric(metric: MetricWrapperBase) -> str:
    (family,) = metric.describe()
    name = family.name + {"counter": "_total"}.get(family.type, "")
    shown = f"`{name}`" + (" (histogram)" if isinstance(metric, Histogram) else "")
    labels = ", ".join(f"`{label}`" for label in metric._labelnames)  # noqa: SLF001 - no other way
    return f"| {shown} | {labels} | {family.documentation} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the documents' tables, or say which are not current."""
    parser = argparse.ArgumentParser(prog="python -m scripts.operator_tables")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the tables")
    action.add_argument("--check", action="store_true", help="fail when they are out of date")
    options = parser.parse_args(arguments)
    stale = 0
    for path, tables in DOCUMENTS.items():
        written = path.read_text(encoding="utf-8")
        current = render(written, tables)
        if options.write:
            path.write_text(current, encoding="utf-8")
        elif current != written:
            sys.stderr.write(f"{path}: run python -m scripts.operator_tables --write\n")
            stale += 1
    return min(stale, 1)


if __name__ == "__main__":
    sys.exit(main())
