"""What the chart makes of its values for the service's container, in whichever pod it is."""

import json
from typing import Any

import pytest

from slides_operator.service.settings import ServiceSettings, load_settings
from tests.chart.charts import (
    NAMESPACE,
    OPERATOR,
    SERVICE,
    SIDECAR,
    HelmError,
    Object,
    container,
    environment,
    of_kind,
    only,
    pod_specs,
    render,
    template,
)

LISTENS_EVERYWHERE = "SERVICE_HOST"
"""The one setting that pods have no use for."""
FROM_SECRET = {
    "API_KEY",
    "API_PASSWORD",
    "REDIS_URL",
    "S3_ACCESS_KEY",
    "S3_SECRET_KEY",
    "SECRET_KEY",
}
FROM_CONFIG = {"S3_BUCKET_NAME", "S3_ENDPOINT", "S3_REGION"}
OWN: dict[str, Any] = {"enabled": True, "mode": "deployment"}


def _render(**values: object) -> list[Object]:
    return render({"service": {"enabled": True, **values}})


def _own(**values: object) -> list[Object]:
    return render({"service": {**OWN, **values}})


def _references(objects: list[Object]) -> dict[str, dict[str, Any]]:
    env = container(objects, "service")["env"]
    kinds = ("secretKeyRef", "configMapKeyRef")
    return {
        one["name"]: {"kind": kind, **one["valueFrom"][kind]}
        for one in env
        for kind in kinds
        if kind in one.get("valueFrom", {})
    }


def _pods(objects: list[Object], name: str) -> Object:
    spec: Object = only(objects, "Deployment", name)["spec"]["template"]["spec"]
    return spec


def test_is_left_out_unless_asked_for() -> None:
    text = template()

    assert "service" not in [
        c["name"] for s in pod_specs(render()).values() for c in s["containers"]
    ]
    assert "/healthz/ready" not in text
    assert "pods/log" not in text


def test_every_setting_of_the_service_is_set() -> None:
    # The only ones that are empty by default; the API server keeps no empty variable.
    given = {"enabled": True, "corsOrigins": ["*"], "trustedProxies": ["10.0.0.0/8"]}
    objects = render({"watchNamespaces": [NAMESPACE], "service": given})

    env = container(objects, "service")["env"]

    assert {one["name"] for one in env} | {LISTENS_EVERYWHERE} == {
        name.upper() for name in ServiceSettings.model_fields
    }


def test_default_values_are_the_defaults_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "the same for both")
    by_default = ServiceSettings()
    for name, value in environment(render(SIDECAR), "service").items():
        monkeypatch.setenv(name, value)

    assert load_settings(None) == by_default


@pytest.mark.parametrize(
    ("given", "setting", "want"),
    [
        ({"appName": "Talks"}, "app_name", "Talks"),
        (
            {"corsOrigins": ["https://a.example", "https://b.example"]},
            "cors_origins",
            ("https://a.example", "https://b.example"),
        ),
        ({"trustedProxies": ["10.0.0.0/8", "::1"]}, "trusted_proxies", ("10.0.0.0/8", "::1")),
        ({"requestLimit": "5/minute"}, "request_limit", "5/minute"),
        ({"maxVideosPerRequest": 7}, "max_videos_per_request", 7),
        ({"maxUrlsPerJob": 8}, "max_urls_per_job", 8),
        ({"maxBodyBytes": 10485760}, "max_body_bytes", 10485760),
        ({"allowPrivateAddresses": True}, "allow_private_addresses", True),
        ({"gracefulShutdownTimeoutSeconds": 1800}, "graceful_shutdown_timeout_seconds", 1800),
        ({"logLevel": "WARNING"}, "log_level", "WARNING"),
        ({"debug": True}, "debug", True),
        ({"apiQps": 1000000}, "api_qps", 1000000),
        ({"apiBurst": 9}, "api_burst", 9),
        ({"port": 9000}, "service_port", 9000),
        ({"healthPort": 9001}, "service_health_port", 9001),
    ],
    ids=lambda given: json.dumps(given) if isinstance(given, dict) else None,
)
@pytest.mark.parametrize("mode", ["sidecar", "deployment"])
def test_value_reaches_the_service(
    monkeypatch: pytest.MonkeyPatch, mode: str, given: dict[str, Any], setting: str, want: object
) -> None:
    for name, value in environment(_render(mode=mode, **given), "service").items():
        monkeypatch.setenv(name, value)

    assert getattr(load_settings(None), setting) == want


@pytest.mark.parametrize("mode", ["sidecar", "deployment"])
def test_credentials_come_key_by_key(mode: str) -> None:
    references = _references(_render(mode=mode))

    assert references.keys() == FROM_SECRET | FROM_CONFIG
    assert all(one["key"] == name for name, one in references.items())
    assert {references[name]["name"] for name in FROM_SECRET} == {"slides-extractor-secrets"}
    assert {references[name]["name"] for name in FROM_CONFIG} == {"slides-extractor-config"}
    assert "envFrom" not in container(_render(mode=mode), "service")
    assert environment(_render(mode=mode), "service").keys() & FROM_SECRET == set()


@pytest.mark.parametrize(
    ("values", "alone"),
    [
        ({"service": OWN}, False),
        ({"service": {**OWN, "replicas": 1}}, True),
        ({"service": {**OWN, "replicas": 1, "autoscaling": {"enabled": True}}}, False),
        (SIDECAR, False),
        ({**SIDECAR, "operator": {"replicas": 1}}, True),
    ],
    ids=["two", "one", "autoscaled", "sidecars", "one-sidecar"],
)
def test_replicas_share_a_key_that_signs(values: dict[str, Any], alone: bool) -> None:
    optional = {name for name, one in _references(render(values)).items() if one["optional"]}

    assert (FROM_SECRET | FROM_CONFIG) - optional == (set() if alone else {"SECRET_KEY"})


def test_secret_may_be_one_of_its_own() -> None:
    references = _references(_render(secretName="keys"))

    assert {references[name]["name"] for name in FROM_SECRET} == {"keys"}


def test_sidecar_shares_the_operators_pod() -> None:
    objects = render(SIDECAR)

    names = [one["name"] for one in _pods(objects, OPERATOR)["containers"]]
    assert names == ["operator", "service"]
    assert [o["metadata"]["name"] for o in of_kind(objects, "Deployment")] == [OPERATOR]
    assert of_kind(objects, "HorizontalPodAutoscaler") == []


def test_deployment_has_pods_of_its_own() -> None:
    objects = _own(replicas=3)

    assert [c["name"] for c in _pods(objects, OPERATOR)["containers"]] == ["operator"]
    assert [c["name"] for c in _pods(objects, SERVICE)["containers"]] == ["service"]
    assert _pods(objects, SERVICE)["serviceAccountName"] == SERVICE
    assert only(objects, "Deployment", SERVICE)["spec"]["replicas"] == 3


@pytest.mark.parametrize("mode", ["sidecar", "deployment"])
def test_image_is_the_operators(mode: str) -> None:
    objects = render(
        {
            "image": {"registry": "localhost", "tag": "v2"},
            "service": {"enabled": True, "mode": mode},
        }
    )

    assert container(objects, "service")["image"] == "localhost/slides-extractor-operator:v2"
    assert container(objects, "service")["args"] == ["serve"]


@pytest.mark.parametrize("mode", ["sidecar", "deployment"])
def test_is_asked_whether_it_lives_and_is_ready(mode: str) -> None:
    one = container(_render(mode=mode), "service")

    paths = {p: one[f"{p}Probe"]["httpGet"]["path"] for p in ("startup", "liveness", "readiness")}
    assert paths == {
        "startup": "/healthz/live",
        "liveness": "/healthz/live",
        "readiness": "/healthz/ready",
    }
    assert {p["name"]: p["containerPort"] for p in one["ports"]} == {
        "http": 8000,
        "http-metrics": 8082,
    }


def test_extra_environment_resources_labels_and_annotations() -> None:
    variable = {"name": "HTTPS_PROXY", "value": "http://proxy:3128"}
    objects = _own(
        extraEnv=[variable],
        resources={"limits": {"memory": "1Gi"}},
        podLabels={"team": "video"},
        podAnnotations={"why": "because"},
    )

    one = container(objects, "service")
    meta = only(objects, "Deployment", SERVICE)["spec"]["template"]["metadata"]
    assert one["env"][-1] == variable
    assert one["resources"]["limits"] == {"memory": "1Gi"}
    assert meta["labels"]["team"] == "video"
    assert meta["annotations"]["why"] == "because"


@pytest.mark.parametrize(
    ("values", "want"),
    [
        ({"ingress": {"enabled": True}}, "name the host in service.ingress.host"),
        ({**OWN, "serviceAccount": {"create": False}}, "service.serviceAccount.name"),
        ({"autoscaling": {"enabled": True}}, "service.autoscaling is for service.mode deployment"),
        ({"insecure": True}, "for operator.environment development alone"),
        ({"port": 8081}, "have to differ"),
        ({"healthPort": 8000}, "have to differ"),
        ({"mode": "pod"}, "'/service/mode': value must be one of 'sidecar'"),
        ({"requestLimit": "many"}, "'/service/requestLimit': 'many' does not match"),
        ({"corsOrigins": ["https://a.example/path"]}, "'/service/corsOrigins/0'"),
        ({"maxUrlsPerJob": 0}, "'/service/maxUrlsPerJob': minimum: got 0, want 1"),
        ({"ingress": {"enabled": True, "host": "a b"}}, "'/service/ingress/host': 'a b'"),
    ],
    ids=lambda given: json.dumps(given) if isinstance(given, dict) else None,
)
def test_impossible_values_are_refused(values: dict[str, Any], want: str) -> None:
    with pytest.raises(HelmError) as refused:
        _render(**values)

    assert want in str(refused.value)


def test_everybody_is_let_in_only_in_development() -> None:
    values = {
        "operator": {"environment": "development"},
        "service": {"enabled": True, "insecure": True},
    }

    assert container(render(values), "service")["args"] == ["serve", "--insecure"]
