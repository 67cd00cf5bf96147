"""What the chart makes of its values for the operator itself."""

import json
from typing import Any

import pytest

import slides_api
from slides_operator.settings import OperatorSettings, load_settings
from tests.chart.charts import (
    EVERYTHING,
    FULL_NAME,
    NAMESPACE,
    OPERATOR,
    RELEASE,
    Object,
    environment,
    of_kind,
    only,
    render,
)


def _pod(values: dict[str, Any] | None = None) -> Object:
    spec: Object = only(render(values), "Deployment")["spec"]["template"]["spec"]
    return spec


def _operator(**values: object) -> Object:
    return _pod({"operator": values})


def test_every_setting_of_the_operator_is_set() -> None:
    # The only ones that are empty by default; the API server keeps no empty variable.
    (container,) = _pod({"watchNamespaces": ["a"], "image": {"pullSecrets": ["b"]}})["containers"]

    assert {one["name"] for one in container["env"]} == {
        name.upper() for name in OperatorSettings.model_fields
    }


def test_no_variable_is_empty() -> None:
    assert "" not in environment(render()).values()


def test_default_values_are_the_defaults_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    image = f"slides-extractor-runner:{slides_api.__version__}"
    by_default = OperatorSettings(runner_image=image)
    for name, value in environment(render()).items():
        monkeypatch.setenv(name, value)

    assert load_settings(None) == by_default


@pytest.mark.parametrize(
    ("values", "setting", "want"),
    [
        ({"operator": {"apiQps": 1000000}}, "api_qps", 1000000),
        ({"operator": {"apiQps": 0.5}}, "api_qps", 0.5),
        ({"operator": {"apiBurst": 10}}, "api_burst", 10),
        ({"operator": {"workers": 4}}, "workers", 4),
        ({"operator": {"port": 9000}}, "health_port", 9000),
        ({"operator": {"logLevel": "WARNING"}}, "log_level", "WARNING"),
        ({"operator": {"debug": True}}, "debug", True),
        ({"operator": {"environment": "development"}}, "environment", "development"),
        ({"watchNamespaces": ["a", "b"]}, "watch_namespaces", ("a", "b")),
        ({"image": {"pullPolicy": "Always"}}, "runner_image_pull_policy", "Always"),
        ({"image": {"pullSecrets": ["x", "y"]}}, "runner_image_pull_secrets", ("x", "y")),
        ({"runner": {"entrypoint": "env slides run"}}, "pipeline_entrypoint", "env slides run"),
        ({"runner": {"gpu": True}}, "enable_gpu", True),
        ({"runner": {"debug": True}}, "debug_pipeline", True),
        ({"runner": {"timeoutSeconds": 7200000}}, "job_timeout", 7200000),
        ({"runner": {"historySeconds": 0}}, "job_history_seconds", 0),
        ({"runner": {"downloadRetentionHours": 1}}, "download_retention_hours", 1),
        ({"runner": {"workVolumeSize": "5Gi"}}, "work_volume_size", "5Gi"),
        (
            {"runner": {"resources": {"limits": {"memory": "4Gi"}, "requests": None}}},
            "runner_resources",
            {"limits": {"memory": "4Gi"}},
        ),
        (
            {"runner": {"extraEnv": {"ALLOW_PRIVATE_ADDRESSES": True, "N": 1000000, "S": 'a"b'}}},
            "runner_extra_env",
            {"ALLOW_PRIVATE_ADDRESSES": "true", "N": "1000000", "S": 'a"b'},
        ),
        ({"runner": {"nodeSelector": {"pool": "big"}}}, "runner_node_selector", {"pool": "big"}),
        (
            {"runner": {"tolerations": [{"key": "video", "operator": "Exists"}]}},
            "runner_tolerations",
            [{"key": "video", "operator": "Exists"}],
        ),
        ({"runner": {"serviceAccount": {"name": "r"}}}, "runner_service_account", "r"),
        ({"rbac": {"runnerRole": "r"}}, "runner_cluster_role", "r"),
        ({"config": {"name": "c"}}, "config_map_name", "c"),
        ({"secrets": {"name": "s"}}, "secret_name", "s"),
        ({"webhooks": {"secretNames": ["a", "b"]}}, "webhook_secret_names", ("a", "b")),
        ({"webhooks": {"allowPrivateCallbacks": True}}, "allow_private_callbacks", True),
    ],
    ids=lambda given: json.dumps(given) if isinstance(given, dict) else None,
)
def test_value_reaches_the_operator(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, Any], setting: str, want: object
) -> None:
    for name, value in environment(render(values)).items():
        monkeypatch.setenv(name, value)

    assert getattr(load_settings(None), setting) == want


@pytest.mark.parametrize(
    ("values", "operator", "runner"),
    [
        ({}, "slides-extractor-operator:0.1.0", "slides-extractor-runner:0.1.0"),
        (
            {"image": {"registry": "registry.example.com/team/", "tag": "v2"}},
            "registry.example.com/team/slides-extractor-operator:v2",
            "registry.example.com/team/slides-extractor-runner:v2",
        ),
        (
            {"runner": {"image": {"tag": "0.1.0-ytdlp-2026.12.1"}}},
            "slides-extractor-operator:0.1.0",
            "slides-extractor-runner:0.1.0-ytdlp-2026.12.1",
        ),
        (
            {
                "image": {"registry": "localhost"},
                "operator": {"image": {"tag": "x", "digest": f"sha256:{'a' * 64}"}},
                "runner": {"image": {"repository": "mine/runner"}},
            },
            f"localhost/slides-extractor-operator@sha256:{'a' * 64}",
            "localhost/mine/runner:0.1.0",
        ),
    ],
    ids=["default", "registry-and-tag", "newer-runner", "digest-and-repository"],
)
def test_images(values: dict[str, Any], operator: str, runner: str) -> None:
    objects = render(values)

    (container,) = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    (test,) = only(objects, "Pod")["spec"]["containers"]
    assert container["image"] == test["image"] == operator
    assert environment(objects)["RUNNER_IMAGE"] == runner


@pytest.mark.parametrize(
    ("given", "field", "want"),
    [
        ({"nodeSelector": {"a": "b"}}, "nodeSelector", {"a": "b"}),
        ({"tolerations": [{"operator": "Exists"}]}, "tolerations", [{"operator": "Exists"}]),
        ({"affinity": {"nodeAffinity": {}}}, "affinity", {"nodeAffinity": {}}),
        ({"priorityClassName": "high"}, "priorityClassName", "high"),
        ({"terminationGracePeriodSeconds": 5}, "terminationGracePeriodSeconds", 5),
        (
            {"topologySpreadConstraints": [{"topologyKey": "zone"}]},
            "topologySpreadConstraints",
            [{"topologyKey": "zone"}],
        ),
    ],
    ids=lambda given: next(iter(given)) if isinstance(given, dict) else None,
)
def test_value_reaches_the_pod(given: dict[str, object], field: str, want: object) -> None:
    assert _operator(**given)[field] == want
    assert _operator().get(field) != want


def test_extra_environment_resources_labels_and_annotations() -> None:
    variable = {"name": "HTTPS_PROXY", "value": "http://proxy:3128"}
    values = {
        "extraEnv": [variable],
        "resources": {"limits": {"memory": "1Gi"}},
        "podLabels": {"team": "video"},
        "podAnnotations": {"why": "because"},
    }

    template = only(render({"operator": values}), "Deployment")["spec"]["template"]

    (container,) = template["spec"]["containers"]
    assert container["env"][-1] == variable
    assert container["resources"]["limits"] == {"memory": "1Gi"}
    assert template["metadata"]["labels"]["team"] == "video"
    assert template["metadata"]["annotations"]["why"] == "because"


def test_pull_secrets_are_for_every_pod() -> None:
    objects = render({"image": {"pullSecrets": ["a", "b"]}})

    want = [{"name": "a"}, {"name": "b"}]
    assert only(objects, "Deployment")["spec"]["template"]["spec"]["imagePullSecrets"] == want
    assert only(objects, "Pod")["spec"]["imagePullSecrets"] == want


def test_rollout_has_a_new_pod_before_an_old_one_goes() -> None:
    strategy = only(render(), "Deployment")["spec"]["strategy"]

    assert strategy["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


@pytest.mark.parametrize(
    ("values", "want"),
    [
        ({}, 1),
        ({"replicas": 1}, None),
        ({"replicas": 3, "podDisruptionBudget": {"maxUnavailable": "50%"}}, "50%"),
        ({"podDisruptionBudget": {"enabled": False}}, None),
    ],
    ids=["default", "one-replica", "three-replicas", "off"],
)
def test_disruption_budget(values: dict[str, Any], want: object) -> None:
    budgets = of_kind(render({"operator": values}), "PodDisruptionBudget")

    assert [b["spec"]["maxUnavailable"] for b in budgets] == ([] if want is None else [want])


def test_selectors_find_the_pods() -> None:
    objects = render(
        {
            "metrics": {"serviceMonitor": {"enabled": True}},
            "nameOverride": "x",
            "commonLabels": {"a": "b"},
        }
    )
    deployment = only(objects, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"].items()
    service = only(objects, "Service")

    for selector in (
        deployment["spec"]["selector"]["matchLabels"],
        deployment["spec"]["template"]["spec"]["topologySpreadConstraints"][0]["labelSelector"][
            "matchLabels"
        ],
        service["spec"]["selector"],
        only(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        only(objects, "NetworkPolicy", f"{RELEASE}-x-operator")["spec"]["podSelector"][
            "matchLabels"
        ],
    ):
        assert selector.items() <= labels
        assert selector.keys() == {
            f"app.kubernetes.io/{k}" for k in ("name", "instance", "component")
        }
    assert only(objects, "ServiceMonitor")["spec"]["selector"]["matchLabels"].items() <= (
        service["metadata"]["labels"].items()
    )


@pytest.mark.parametrize(
    ("options", "values", "want"),
    [
        ({}, {}, OPERATOR),
        ({"release": "slides-extractor"}, {}, "slides-extractor-operator"),
        ({}, {"nameOverride": "slx"}, f"{RELEASE}-slx-operator"),
        ({}, {"fullnameOverride": "slx"}, "slx-operator"),
        ({"release": "r" * 53}, {}, f"{'r' * 46}-operator"),
    ],
    ids=["release-and-chart", "release-is-chart", "name", "full-name", "long"],
)
def test_names(options: dict[str, str], values: dict[str, str], want: str) -> None:
    objects = render(values, **options)

    assert only(objects, "Deployment")["metadata"]["name"] == want
    assert max(len(o["metadata"]["name"]) for o in of_kind(objects, "Service")) <= 63


def test_every_object_has_labels_and_what_lives_in_a_namespace_names_it() -> None:
    objects = render({"commonLabels": {"team": "video"}, **EVERYTHING})

    assert [o for o in objects if o["metadata"]["labels"].get("team") != "video"] == []
    assert {o["kind"] for o in objects if "namespace" not in o["metadata"]} == {
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
    assert {o["metadata"].get("namespace", NAMESPACE) for o in objects} == {NAMESPACE}


@pytest.mark.parametrize(
    ("account", "name", "made"),
    [
        ({}, OPERATOR, True),
        ({"name": "other"}, "other", True),
        ({"create": False, "name": "theirs"}, "theirs", False),
    ],
    ids=["default", "named", "existing"],
)
def test_service_account(account: dict[str, Any], name: str, made: bool) -> None:
    objects = render({"operator": {"serviceAccount": account}})

    accounts = {o["metadata"]["name"] for o in of_kind(objects, "ServiceAccount")}
    bound = [s["name"] for o in of_kind(objects, "ClusterRoleBinding") for s in o["subjects"]]
    assert only(objects, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"] == name
    assert (name in accounts) is made
    assert bound == [name]
    assert f"system:serviceaccount:{NAMESPACE}:{name}" in json.dumps(
        only(objects, "ValidatingAdmissionPolicy")
    )


def test_test_asks_the_service() -> None:
    objects = render({"operator": {"port": 9000}})
    service = only(objects, "Service")
    (port,) = service["spec"]["ports"]
    (container,) = only(objects, "Pod")["spec"]["containers"]

    asked = {one["name"]: one["value"] for one in container["env"]}
    assert asked["READY_URL"] == (
        f"http://{service['metadata']['name']}.{NAMESPACE}.svc:{port['port']}/readyz"
    )
    assert asked["NAMESPACE"] == NAMESPACE
    assert FULL_NAME in only(objects, "Pod")["metadata"]["name"]
