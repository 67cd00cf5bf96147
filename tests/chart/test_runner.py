"""What the chart prepares for runners: accounts, rights, configuration, the network."""

import base64
import ipaddress
from typing import Any

import pytest

from slides_api import wellknown
from tests.chart.charts import (
    EVERYTHING,
    FULL_NAME,
    NAMESPACE,
    OPERATOR,
    RELEASE,
    SIDECAR,
    Object,
    of_kind,
    only,
    render,
    template,
)

METADATA = (
    ["169.254.169.254", "fd00:ec2::254"],
    ["100.100.100.200", "168.63.129.16", "192.0.0.192"],
)
"""Where AWS, Google, Azure and most others answer; and Alibaba, Azure and Oracle of their own."""
CLUSTER = ["10.96.0.1", "172.17.0.2", "192.168.1.1", "100.64.0.1", "fd12::1", "fe80::1"]


def _namespaces(objects: list[Object], kind: str, name: str) -> list[str]:
    found = (o["metadata"] for o in of_kind(objects, kind))
    return [m["namespace"] for m in found if m["name"] == name]


def _policy(values: dict[str, Any] | None = None) -> Object:
    spec: Object = only(render({"networkPolicy": values or {}}), "NetworkPolicy", "slides-runner")[
        "spec"
    ]
    return spec


def _reaches(policy: Object, address: str, port: int) -> bool:
    """Return whether an address outside of all namespaces may be reached."""
    return any(
        _has_port(rule, port) and ("to" not in rule or _has_address(rule["to"], address))
        for rule in policy["egress"]
    )


def _has_port(rule: Object, port: int) -> bool:
    return "ports" not in rule or any(one["port"] == port for one in rule["ports"])


def _has_address(peers: list[Object], address: str) -> bool:
    blocks = [peer["ipBlock"] for peer in peers if "ipBlock" in peer]
    one = ipaddress.ip_address(address)
    return any(
        one in ipaddress.ip_network(block["cidr"])
        and not any(one in ipaddress.ip_network(e) for e in block.get("except", []))
        for block in blocks
    )


@pytest.mark.parametrize(
    ("values", "binding", "want"),
    [
        ({}, "slides-runner", [NAMESPACE]),
        (
            {"runner": {"namespaces": ["physics", NAMESPACE]}},
            "slides-runner",
            [NAMESPACE, "physics"],
        ),
        (
            {"watchNamespaces": ["physics", "chemistry"]},
            f"{FULL_NAME}-runner",
            ["physics", "chemistry"],
        ),
    ],
    ids=["release", "prepared", "watched"],
)
def test_prepares_namespaces(values: dict[str, Any], binding: str, want: list[str]) -> None:
    created = {
        "config": {"create": True, "data": {"A": "b"}},
        "secrets": {"create": True, "data": {"A": "b"}},
    }

    objects = render({**values, **created})

    for kind, name in {
        "ServiceAccount": "slides-runner",
        "RoleBinding": binding,
        "NetworkPolicy": "slides-runner",
        "ConfigMap": "slides-extractor-config",
        "Secret": "slides-extractor-secrets",
    }.items():
        assert sorted(_namespaces(objects, kind, name)) == sorted(want), kind


def test_whole_cluster_has_one_cluster_role_for_runners() -> None:
    objects = render()

    assert only(objects, "ClusterRole", "slides-runner")["rules"] == [
        {
            "apiGroups": ["slides-extractor.dev"],
            "resources": ["slideextractions/status"],
            "verbs": ["patch"],
        }
    ]
    assert only(objects, "RoleBinding", "slides-runner")["roleRef"]["kind"] == "ClusterRole"


def test_listed_namespaces_need_no_right_beyond_them() -> None:
    objects = render({"watchNamespaces": ["physics"]})

    # What is left for the cluster gives users, not the operator, their rights.
    assert {o["metadata"]["name"] for o in of_kind(objects, "ClusterRole")} == {
        f"{NAMESPACE}-{RELEASE}-slides-extractor-{role}" for role in ("view", "edit")
    }
    assert of_kind(objects, "ClusterRoleBinding") == []
    assert {o["metadata"]["namespace"] for o in of_kind(objects, "Role")} == {NAMESPACE, "physics"}
    binding = only(objects, "RoleBinding", f"{FULL_NAME}-runner")
    role = only(objects, "Role", f"{FULL_NAME}-runner")
    assert binding["roleRef"]["kind"] == "Role"
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["metadata"]["namespace"] == role["metadata"]["namespace"] == "physics"


def test_nobody_may_read_secrets_but_keys_of_webhooks() -> None:
    keys = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a"], "verbs": ["get"]}
    webhooks = {"webhooks": {"secretNames": ["a"]}}
    for values in ({}, {"watchNamespaces": ["physics"]}, EVERYTHING, SIDECAR):
        objects = render({**values, **webhooks})
        rules = [
            r for k in ("Role", "ClusterRole") for o in of_kind(objects, k) for r in o["rules"]
        ]

        assert [r for r in rules if {"secrets", "*"} & set(r["resources"])] == [keys]
        assert not {"configmaps"} & {resource for rule in rules for resource in rule["resources"]}
        assert not {verb for rule in rules for verb in rule["verbs"]} & {
            "*",
            "escalate",
            "impersonate",
        }


@pytest.mark.parametrize("webhooks", [{"enabled": False}, {"secretNames": []}], ids=str)
def test_nobody_may_read_secrets_without_webhooks(webhooks: dict[str, Any]) -> None:
    assert "secrets]" not in template({"webhooks": webhooks})


def test_rights_are_left_to_others() -> None:
    objects = render({"rbac": {"create": False}})

    assert {o["kind"] for o in objects} & {"Role", "ClusterRole", "RoleBinding"} == set()


def test_runner_service_account_has_its_annotations() -> None:
    annotations = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/slides"}

    objects = render({"runner": {"serviceAccount": {"name": "r", "annotations": annotations}}})

    assert only(objects, "ServiceAccount", "r")["metadata"]["annotations"] == annotations
    assert only(objects, "RoleBinding", "r")["subjects"][0]["name"] == "r"


def test_configuration_is_made_only_when_told() -> None:
    assert {"Secret", "ConfigMap"} & {o["kind"] for o in render()} == set()


def test_configuration_holds_what_was_given() -> None:
    objects = render(
        {
            "config": {"create": True, "name": "c", "data": {"S3_BUCKET_NAME": "b", "N": 1000000}},
            "secrets": {"create": True, "name": "s", "data": {"S3_ACCESS_KEY": 'k: "#'}},
        }
    )

    assert only(objects, "ConfigMap", "c")["data"] == {"S3_BUCKET_NAME": "b", "N": "1000000"}
    secret = only(objects, "Secret", "s")["data"]
    assert base64.b64decode(secret["S3_ACCESS_KEY"]).decode() == 'k: "#'


def test_no_secret_value_appears_outside_of_the_secret() -> None:
    values = {"secrets": {"create": True, "data": {"S3_ACCESS_KEY": "AKIA-very-secret"}}}
    encoded = base64.b64encode(b"AKIA-very-secret").decode()

    text = template(values)

    assert "AKIA-very-secret" not in text
    assert text.count(encoded) == 1
    assert encoded not in template()


def test_network_policy_finds_the_runners() -> None:
    policy = _policy()

    assert policy["podSelector"]["matchLabels"] == {
        wellknown.NAME_LABEL: wellknown.RUNNER_NAME,
        wellknown.MANAGED_BY_LABEL: wellknown.OPERATOR_NAME,
    }
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in policy


@pytest.mark.parametrize("port", [80, 443, 6443, 8011])
@pytest.mark.parametrize("address", [*METADATA[0], *METADATA[1]])
def test_runner_never_reaches_metadata(address: str, port: int) -> None:
    assert not _reaches(_policy(), address, port)
    assert not _reaches(_policy({"apiServer": {"cidrs": ["10.0.0.1/32"]}}), address, port)


@pytest.mark.parametrize("address", CLUSTER)
def test_runner_reaches_only_the_api_server_of_the_cluster(address: str) -> None:
    known = _policy({"apiServer": {"cidrs": ["192.168.49.2/32", "fd12::2/128"]}})

    assert not _reaches(_policy(), address, 80)
    assert not _reaches(_policy(), address, 9000)
    assert not _reaches(known, address, 443)
    assert _reaches(known, "192.168.49.2", 6443)
    assert _reaches(known, "fd12::2", 6443)
    assert not _reaches(known, "192.168.49.2", 22)


def test_runner_reaches_the_internet_and_an_unknown_api_server() -> None:
    assert _reaches(_policy(), "142.250.1.1", 443)
    assert _reaches(_policy(), "2a00:1450::1", 8011)
    assert _reaches(_policy(), "10.96.0.1", 443)
    assert _reaches(_policy(), "172.18.0.2", 6443)


def test_runner_reaches_what_is_allowed() -> None:
    extra = {"to": [{"podSelector": {"matchLabels": {"app": "proxy"}}}], "ports": [{"port": 3128}]}
    policy = _policy(
        {
            "runner": {
                "allowedCIDRs": ["10.1.2.0/24"],
                "allowedNamespaces": ["minio"],
                "extraEgress": [extra],
            }
        }
    )

    assert _reaches(policy, "10.1.2.3", 9000)
    assert not _reaches(policy, "10.1.3.3", 9000)
    peers = [peer for rule in policy["egress"] for peer in rule.get("to", [])]
    named = {"matchLabels": {"kubernetes.io/metadata.name": "minio"}}
    assert {"namespaceSelector": named} in peers
    assert policy["egress"][-1] == extra


def test_dns_is_asked_where_it_is() -> None:
    for policy in (
        _policy({"dns": {"to": [{"namespaceSelector": {}}], "ports": [5353]}}),
        only(
            render(
                {"networkPolicy": {"dns": {"to": [{"namespaceSelector": {}}], "ports": [5353]}}}
            ),
            "NetworkPolicy",
            OPERATOR,
        )["spec"],
    ):
        assert policy["egress"][0] == {
            "to": [{"namespaceSelector": {}}],
            "ports": [{"protocol": "UDP", "port": 5353}, {"protocol": "TCP", "port": 5353}],
        }


def test_operator_reaches_the_api_server_alone_without_webhooks() -> None:
    values = {
        "webhooks": {"enabled": False},
        "networkPolicy": {"apiServer": {"cidrs": ["10.0.0.1/32"], "ports": [6443]}},
    }
    policy = only(render(values), "NetworkPolicy", OPERATOR)["spec"]

    assert _reaches(policy, "10.0.0.1", 6443)
    assert not _reaches(policy, "10.0.0.1", 443)
    assert not _reaches(policy, "142.250.1.1", 6443)
    assert not _reaches(policy, "142.250.1.1", 80)


def test_operator_reaches_receivers_of_webhooks() -> None:
    receiver = {"to": [{"ipBlock": {"cidr": "10.7.7.7/32"}}], "ports": [{"port": 8443}]}
    values = {"networkPolicy": {"operator": {"extraEgress": [receiver]}}}
    policy = only(render(values), "NetworkPolicy", OPERATOR)["spec"]

    assert _reaches(policy, "142.250.1.1", 443)
    assert _reaches(policy, "10.7.7.7", 8443)
    assert not _reaches(policy, "10.7.7.8", 8443)
    for address in (*METADATA[0], *METADATA[1]):
        assert not _reaches(policy, address, 80)


def test_metrics_are_read_by_those_who_may_and_by_the_test() -> None:
    prometheus = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}
    }
    objects = render({"networkPolicy": {"operator": {"metricsFrom": [prometheus]}}})
    (rule,) = only(objects, "NetworkPolicy", OPERATOR)["spec"]["ingress"]

    first, second = rule["from"]
    assert first == prometheus
    assert second["podSelector"]["matchLabels"].items() <= (
        only(objects, "Pod")["metadata"]["labels"].items()
    )
    assert "from" not in only(render(), "NetworkPolicy", OPERATOR)["spec"]["ingress"][0]


def test_network_policies_can_be_left_out() -> None:
    assert of_kind(render({"networkPolicy": {"enabled": False}}), "NetworkPolicy") == []


def test_admission_policy_is_for_the_watched_namespaces() -> None:
    def binding(values: dict[str, Any]) -> Object:
        spec: Object = only(render(values), "ValidatingAdmissionPolicyBinding")["spec"]
        return spec

    (expression,) = binding({"watchNamespaces": ["physics"]})["matchResources"][
        "namespaceSelector"
    ]["matchExpressions"]
    assert expression["values"] == ["physics"]
    assert "matchResources" not in binding({})


def test_admission_policy_can_be_left_out() -> None:
    kinds = {o["kind"] for o in render({"admissionPolicy": {"enabled": False}})}

    assert not {k for k in kinds if k.startswith("ValidatingAdmissionPolicy")}
