"""What `helm install` says at its end."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.charts import CHART, EVERYTHING, OPERATOR, SIDECAR, only, render

AS_OBJECT = """\
apiVersion: v1
kind: Notes
metadata: {name: notes}
text: {{ include "slides-extractor.notes" . | toJson }}
"""


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart with its notes as an object, since `helm template` leaves notes out."""
    copy = tmp_path_factory.mktemp("notes") / "slides-extractor"
    shutil.copytree(CHART, copy)
    (copy / "templates" / "notes.yaml").write_text(AS_OBJECT)
    return copy


def _notes(chart: Path, values: dict[str, Any] | None = None) -> str:
    text: str = only(render(values, chart=chart), "Notes")["text"]
    return text


def test_are_what_helm_prints() -> None:
    text = (CHART / "templates" / "NOTES.txt").read_text().strip()

    assert text == '{{ include "slides-extractor.notes" . }}'


def test_commands_have_the_names_of_the_release(chart: Path) -> None:
    notes = _notes(chart)

    for command in (
        f"kubectl -n media rollout status deployment/{OPERATOR}",
        "helm -n media test talks",
        "kubectl -n media create configmap slides-extractor-config",
        "kubectl -n media create secret generic slides-extractor-secrets",
        "kubectl -n media wait slx/my-talk --for=condition=Succeeded",
        f"kubectl -n media logs deployment/{OPERATOR}",
    ):
        assert command in notes


def test_sample_is_a_manifest(chart: Path) -> None:
    notes = _notes(chart)

    text = notes.partition("<<'EOF'\n")[2].partition("     EOF\n")[0]
    sample = yaml.safe_load(text)
    assert sample["kind"] == "SlideExtraction"
    assert sample["spec"]["source"]["url"].startswith("https://")


@pytest.mark.parametrize(
    ("values", "says", "silent"),
    [
        ({}, ["all namespaces", "apiServer.cidrs", "service.enabled=true"], ["WARNING", "/ui"]),
        ({"watchNamespaces": ["a", "b"]}, ["the namespaces a, b", "kubectl -n a apply"], []),
        (
            EVERYTHING,
            ["`helm get values` shows them", "Another namespace needs", "literal=API_PASSWORD"],
            ["from-literal=S3"],
        ),
        (
            {**SIDECAR, "secrets": {"create": True, "data": {"API_PASSWORD": "p"}}},
            ["Call the service"],
            ["literal=API_PASSWORD"],
        ),
        ({"networkPolicy": {"enabled": False}}, ["WARNING: networkPolicy"], ["allowedCIDRs"]),
        ({"networkPolicy": {"apiServer": {"cidrs": ["10.0.0.1/32"]}}}, [], ["endpointslices"]),
        ({"admissionPolicy": {"enabled": False}}, ["WARNING: admissionPolicy"], []),
        (SIDECAR, ["port-forward service/talks-slides-extractor 8000:80", "/stream"], ["WARNING"]),
        (EVERYTHING, ["URL=https://slides.example.com"], ["port-forward", "tlsSecretName"]),
        (
            {"service": {"enabled": True, "ingress": {"enabled": True, "host": "a.example"}}},
            ["URL=http://a.example", "cross the network in the clear"],
            [],
        ),
        (
            {
                "operator": {"environment": "development"},
                "service": {"enabled": True, "insecure": True},
            },
            ["WARNING: service.insecure is true"],
            [],
        ),
        ({"crds": {"keep": False}}, ["deletes the CRDs, and with them every extraction"], []),
    ],
    ids=[
        "default",
        "namespaces",
        "created",
        "password-created",
        "open-network",
        "closed",
        "no-policy",
        "service",
        "ingress",
        "plain-http",
        "insecure",
        "crds",
    ],
)
def test_say_what_the_values_mean(
    chart: Path, values: dict[str, Any], says: list[str], silent: list[str]
) -> None:
    notes = _notes(chart, values)

    assert [text for text in says if text not in notes] == []
    assert [text for text in silent if text in notes] == []


def test_never_repeat_a_secret(chart: Path) -> None:
    values = {"secrets": {"create": True, "data": {"S3_ACCESS_KEY": "AKIA-very-secret"}}}

    assert "AKIA" not in _notes(chart, values)
