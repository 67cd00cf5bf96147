"""The files that are made of the chart: deploy/prod.yaml and the table of docs/chart.md."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from tests.chart.charts import CHART, helm
from tests.chart.table import markdown, read_values
from tests.cluster.tools import KUBERNETES_VERSION, REPOSITORY

DEPLOY = REPOSITORY / "deploy"
DOCUMENT = REPOSITORY / "docs" / "chart.md"
RELEASE = "slides-extractor"
"""Name and namespace of what deploy/prod.yaml installs."""
HEAD = """\
# Everything of Slides Extractor for `kubectl apply`: made of charts/slides-extractor with
# deploy/prod-values.yaml by `make chart`. How to use it: docs/production.md.
---
"""
TABLE = re.compile(r"(?<=<!-- values -->\n).*(?=<!-- /values -->)", re.DOTALL)


def prod_yaml() -> str:
    """Return the text of deploy/prod.yaml."""
    rendered = helm(
        "template",
        RELEASE,
        CHART,
        f"--namespace={RELEASE}",
        f"--kube-version={KUBERNETES_VERSION}",
        f"--values={DEPLOY / 'prod-values.yaml'}",
        "--no-hooks",
    )
    namespace = (DEPLOY / "namespace.yaml").read_text(encoding="utf-8")
    return HEAD + namespace + rendered


def chart_md() -> str:
    """Return the text of docs/chart.md with the table as it has to be."""
    table = markdown(read_values(CHART / "values.yaml"))
    text, count = TABLE.subn(lambda _: table, DOCUMENT.read_text(encoding="utf-8"))
    assert count == 1, f"{DOCUMENT} has lost the marks around its table"
    return text


GENERATED: Mapping[Path, Callable[[], str]] = MappingProxyType(
    {DEPLOY / "prod.yaml": prod_yaml, DOCUMENT: chart_md}
)
"""Each generated file and what makes its text."""


def stale() -> list[Path]:
    """Return the generated files that are not what they have to be."""
    return [
        path
        for path, make in GENERATED.items()
        if not path.exists() or path.read_text(encoding="utf-8") != make()
    ]
