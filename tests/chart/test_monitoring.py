"""Alerts, dashboard and ServiceMonitor: whether they ask for what there is."""

import json
import re
from collections.abc import Iterator

import promql_parser
import pytest
from prometheus_client import Metric

from slides_operator.metrics import Metrics
from slides_operator.service.metrics import ServiceMetrics
from tests.chart.charts import (
    CHART,
    EVERYTHING,
    NAMESPACE,
    OPERATOR,
    SERVICE,
    Object,
    only,
    render,
)
from tests.cluster.tools import REPOSITORY

DASHBOARD: Object = json.loads((CHART / "files" / "dashboard.json").read_text())
PANELS: list[Object] = DASHBOARD["panels"]
SAMPLE = re.compile(r"\bslides_(?:operator|service)_\w+")
GRAFANA = {"$__rate_interval": "5m", "$job": ".*"}
"""What Grafana puts in the place of its variables."""


def _rules(**values: object) -> list[Object]:
    rule = {"metrics": {"prometheusRule": {"enabled": True, **values}}}
    (group,) = only(render(rule), "PrometheusRule")["spec"]["groups"]
    rules: list[Object] = group["rules"]
    return rules


def _samples() -> dict[str, set[str]]:
    """Return every sample that operator and service can export, with its labels."""
    kinds = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "gauge": [""]}
    return {
        f"{metric.name}{suffix}": {*labels, *({"le"} if suffix == "_bucket" else ())}
        for metric, labels in _metrics()
        for suffix in kinds[metric.type]
    }


def _metrics() -> Iterator[tuple[Metric, set[str]]]:
    for collector in (*vars(Metrics()).values(), *vars(ServiceMetrics()).values()):
        if hasattr(collector, "describe"):
            (metric,) = collector.describe()
            yield metric, set(collector._labelnames)  # noqa: SLF001 - unused metrics have no sample


ALERTS = re.findall(
    r"- alert: (\w+)",
    (CHART / "templates" / "monitoring" / "prometheusrule.yaml").read_text(),
)
PANEL_QUERIES = {
    f"{panel['title']} {target['refId']}": target["expr"]
    for panel in PANELS
    for target in panel["targets"]
}


@pytest.fixture(params=[*ALERTS, *PANEL_QUERIES])
def query(request: pytest.FixtureRequest) -> str:
    """The query of each alert and each panel."""
    asked: str = PANEL_QUERIES.get(request.param) or _rule(request.param)["expr"]
    return asked


def _rule(alert: str) -> Object:
    (found,) = [rule for rule in _rules() if rule["alert"] == alert]
    return found


def test_query_is_promql_over_what_is_exported(query: str) -> None:
    for variable, value in GRAFANA.items():
        query = query.replace(variable, value)

    promql_parser.parse(query)

    named = set(SAMPLE.findall(query))
    assert named
    assert named - _samples().keys() == set()


def test_query_asks_for_labels_that_there_are(query: str) -> None:
    samples = _samples()
    known = set.union({"job", "namespace", "pod"}, *(samples[n] for n in SAMPLE.findall(query)))

    matched = {
        m for braces in re.findall(r"\{([^}]*)\}", query) for m in re.findall(r"(\w+)[=!]", braces)
    }
    grouped = {g.strip() for by in re.findall(r"by \(([^)]*)\)", query) for g in by.split(",")}

    assert (matched | grouped) - known == set()


@pytest.mark.parametrize("alert", ALERTS)
def test_alert_says_what_to_do(alert: str) -> None:
    rule = _rule(alert)
    guide = (REPOSITORY / "docs" / "production.md").read_text()

    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"].endswith(".")
    assert len(rule["annotations"]["description"].split()) > 20
    assert f"\n### {alert}\n" in guide


def test_alert_has_the_labels_and_the_runbook_that_were_given() -> None:
    rules = _rules(alertLabels={"team": "video"}, runbookURL="https://example.com/production#")

    assert {rule["labels"]["team"] for rule in rules} == {"video"}
    assert rules[0]["annotations"]["runbook_url"] == (
        f"https://example.com/production#{rules[0]['alert'].lower()}"
    )
    assert "runbook_url" not in _rules()[0]["annotations"]


def test_alerts_are_of_this_release() -> None:
    selectors = [s for rule in _rules() for s in re.findall(r"\{([^}]*)\}", rule["expr"])]

    of_release = f'job="{OPERATOR}-metrics",namespace="{NAMESPACE}"'
    assert [s for s in selectors if not s.startswith(of_release)] == []


@pytest.mark.parametrize("name", [OPERATOR, SERVICE])
def test_monitor_reads_the_metrics_port(name: str) -> None:
    objects = render(EVERYTHING)

    (endpoint,) = only(objects, "ServiceMonitor", name)["spec"]["endpoints"]
    (port,) = only(objects, "Service", f"{name}-metrics")["spec"]["ports"]
    assert endpoint == {"port": port["name"], "path": "/metrics", "interval": "30s"}


def test_labels_are_those_by_which_they_are_found() -> None:
    found = {"release": "prometheus"}
    kinds = {"ServiceMonitor": "serviceMonitor", "PrometheusRule": "prometheusRule"}
    values = {name: {"enabled": True, "labels": found} for name in kinds.values()}

    objects = render({"metrics": values})

    assert [only(objects, kind)["metadata"]["labels"]["release"] for kind in kinds] == [
        "prometheus"
    ] * 2


def test_dashboard_is_the_file_with_the_sidecars_label() -> None:
    values = {"dashboard": {"enabled": True, "annotations": {"grafana_folder": "Video"}}}

    config = only(render({"metrics": values}), "ConfigMap")

    assert json.loads(config["data"]["slides-extractor.json"]) == DASHBOARD
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert config["metadata"]["annotations"]["grafana_folder"] == "Video"


def test_panels_neither_overlap_nor_share_an_id() -> None:
    cells = [
        (x, y)
        for at in (panel["gridPos"] for panel in PANELS)
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]

    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {
        name for panel in PANELS for t in panel["targets"] for name in SAMPLE.findall(t["expr"])
    }
    known = {re.sub(r"_(bucket|sum|count)$", "", name) for name in _samples()}

    assert known - {re.sub(r"_bucket$", "", name) for name in shown} == set()


def test_nothing_is_monitored_unless_told() -> None:
    kinds = {o["kind"] for o in render()}

    assert not kinds & {"ServiceMonitor", "PrometheusRule", "ConfigMap"}
