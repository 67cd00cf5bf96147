"""What stands around the service's pods: Services, Ingress, policies, rights, the preStop hook."""

import ipaddress
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.chart.charts import (
    EVERYTHING,
    FULL_NAME,
    NAMESPACE,
    OPERATOR,
    SERVICE,
    SIDECAR,
    Object,
    container,
    environment,
    of_kind,
    only,
    render,
)

OWN: dict[str, Any] = {"enabled": True, "mode": "deployment"}


def _render(**values: object) -> list[Object]:
    return render({"service": {"enabled": True, **values}})


def _own(**values: object) -> list[Object]:
    return render({"service": {**OWN, **values}})


def _pods(objects: list[Object], name: str) -> Object:
    spec: Object = only(objects, "Deployment", name)["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize(
    ("values", "name", "want"),
    [
        ({"service": OWN}, SERVICE, 45),
        (
            {"service": {**OWN, "drainDelaySeconds": 20, "gracefulShutdownTimeoutSeconds": 1800}},
            SERVICE,
            1830,
        ),
        ({"service": OWN}, OPERATOR, 30),
        (SIDECAR, OPERATOR, 45),
        ({**SIDECAR, "operator": {"terminationGracePeriodSeconds": 60}}, OPERATOR, 60),
    ],
    ids=["own", "as-long-as-it-drains", "operator-alone", "sidecar", "longer-operator"],
)
def test_pod_has_time_to_drain(values: dict[str, Any], name: str, want: int) -> None:
    assert _pods(render(values), name)["terminationGracePeriodSeconds"] == want


def test_rollout_has_a_new_pod_before_an_old_one_goes() -> None:
    strategy = only(_own(), "Deployment", SERVICE)["spec"]["strategy"]

    assert strategy["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_autoscaler_alone_says_how_many_there_are() -> None:
    objects = _own(autoscaling={"enabled": True, "minReplicas": 3, "maxReplicas": 9})

    scaler = only(objects, "HorizontalPodAutoscaler")["spec"]
    assert "replicas" not in only(objects, "Deployment", SERVICE)["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (3, 9)
    assert scaler["scaleTargetRef"]["name"] == SERVICE
    assert "cpu" in container(objects, "service")["resources"]["requests"]


@pytest.mark.parametrize(
    ("values", "want"),
    [
        ({}, [1]),
        ({"replicas": 1}, []),
        ({"replicas": 1, "autoscaling": {"enabled": True}}, [1]),
        ({"podDisruptionBudget": {"enabled": False}}, []),
        ({"podDisruptionBudget": {"maxUnavailable": "50%"}}, ["50%"]),
    ],
    ids=["default", "one-replica", "autoscaled", "off", "percent"],
)
def test_disruption_budget(values: dict[str, Any], want: list[object]) -> None:
    budgets = [
        o["spec"]["maxUnavailable"]
        for o in of_kind(_own(**values), "PodDisruptionBudget")
        if o["metadata"]["name"] == SERVICE
    ]

    assert budgets == want


@pytest.mark.parametrize("mode", ["sidecar", "deployment"])
def test_services_find_the_pods(mode: str) -> None:
    objects = render(
        {
            "service": {
                "enabled": True,
                "mode": mode,
                "expose": {"type": "LoadBalancer", "port": 8080, "annotations": {"a": "b"}},
            },
            "metrics": {"serviceMonitor": {"enabled": True}},
        }
    )
    name = OPERATOR if mode == "sidecar" else SERVICE
    labels = only(objects, "Deployment", name)["spec"]["template"]["metadata"]["labels"].items()

    service, metrics = (
        only(objects, "Service", FULL_NAME),
        only(objects, "Service", f"{SERVICE}-metrics"),
    )
    assert service["spec"]["selector"].items() <= labels
    assert metrics["spec"]["selector"].items() <= labels
    assert service["spec"]["type"] == "LoadBalancer"
    assert service["metadata"]["annotations"] == {"a": "b"}
    assert service["spec"]["ports"][0].items() >= {"port": 8080, "targetPort": "http"}.items()
    monitored = only(objects, "ServiceMonitor", SERVICE)["spec"]["selector"]["matchLabels"].items()
    assert [
        o["metadata"]["name"]
        for o in of_kind(objects, "Service")
        if monitored <= o["metadata"]["labels"].items()
    ] == [f"{SERVICE}-metrics"]


def test_pods_of_operator_and_service_are_told_apart() -> None:
    objects = _own()
    selectors = {
        n: only(objects, "Deployment", n)["spec"]["selector"]["matchLabels"]
        for n in (OPERATOR, SERVICE)
    }
    labels = {
        n: only(objects, "Deployment", n)["spec"]["template"]["metadata"]["labels"]
        for n in (OPERATOR, SERVICE)
    }

    found = {
        (a, b)
        for a, s in selectors.items()
        for b, has in labels.items()
        if s.items() <= has.items()
    }
    assert found == {(OPERATOR, OPERATOR), (SERVICE, SERVICE)}


def test_ingress_leads_to_the_service() -> None:
    ingress = {
        "enabled": True,
        "host": "slides.example.com",
        "className": "nginx",
        "tlsSecretName": "tls",
        "annotations": {"cert-manager.io/issuer": "x"},
    }

    made = only(_render(ingress=ingress), "Ingress")

    (rule,) = made["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert (rule["host"], path["path"], path["pathType"]) == ("slides.example.com", "/", "Prefix")
    assert path["backend"]["service"] == {"name": FULL_NAME, "port": {"name": "http"}}
    assert made["spec"]["ingressClassName"] == "nginx"
    assert made["spec"]["tls"] == [{"hosts": ["slides.example.com"], "secretName": "tls"}]
    assert made["metadata"]["annotations"] == {"cert-manager.io/issuer": "x"}
    assert of_kind(_render(), "Ingress") == []


@pytest.mark.parametrize(
    ("given", "field", "want"),
    [
        ({"nodeSelector": {"a": "b"}}, "nodeSelector", {"a": "b"}),
        ({"tolerations": [{"operator": "Exists"}]}, "tolerations", [{"operator": "Exists"}]),
        ({"affinity": {"nodeAffinity": {}}}, "affinity", {"nodeAffinity": {}}),
        ({"priorityClassName": "high"}, "priorityClassName", "high"),
        ({"serviceAccount": {"create": False, "name": "theirs"}}, "serviceAccountName", "theirs"),
        (
            {"topologySpreadConstraints": [{"topologyKey": "zone"}]},
            "topologySpreadConstraints",
            [{"topologyKey": "zone"}],
        ),
    ],
    ids=lambda given: next(iter(given)) if isinstance(given, dict) else None,
)
def test_value_reaches_the_pod(given: dict[str, object], field: str, want: object) -> None:
    assert _pods(_own(**given), SERVICE)[field] == want
    assert _pods(_own(), SERVICE).get(field) != want


def test_helm_test_asks_the_service() -> None:
    objects = render(EVERYTHING)
    service = only(objects, "Service", FULL_NAME)

    asked = environment(objects, "test")["SERVICE_URL"]

    port = service["spec"]["ports"][0]["port"]
    assert asked == f"http://{FULL_NAME}.{NAMESPACE}.svc:{port}/healthz/ready"
    assert "SERVICE_URL" not in environment(render(), "test")


def _policy(values: dict[str, Any], name: str) -> Object:
    spec: Object = only(render(values), "NetworkPolicy", name)["spec"]
    return spec


def _reached(policy: Object, address: str, port: int) -> bool:
    """Return whether an address outside of all namespaces may be reached."""
    one = ipaddress.ip_address(address)
    return any(
        ("ports" not in rule or port in {p["port"] for p in rule["ports"]})
        and ("to" not in rule or any(_holds(peer, one) for peer in rule["to"]))
        for rule in policy["egress"]
    )


def _holds(peer: Object, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    block = peer.get("ipBlock", {"cidr": "127.0.0.1/32"})
    networks = [ipaddress.ip_network(block["cidr"])]
    barred = [ipaddress.ip_network(one) for one in block.get("except", [])]
    return any(address in n for n in networks) and not any(address in n for n in barred)


@pytest.mark.parametrize(
    ("service", "name"),
    [(SIDECAR["service"], OPERATOR), (OWN, SERVICE)],
    ids=["sidecar", "deployment"],
)
def test_network_is_open_for_callers_and_the_store(service: dict[str, Any], name: str) -> None:
    caller = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}
    redis = {"to": [{"ipBlock": {"cidr": "10.9.9.9/32"}}], "ports": [{"port": 6379}]}
    network = {
        "service": {"from": [caller], "extraEgress": [redis]},
        "runner": {"allowedCIDRs": ["10.1.2.0/24"]},
    }

    policy = _policy({"service": service, "networkPolicy": network}, name)

    http = next(r for r in policy["ingress"] if r["ports"][0]["port"] == "http")
    assert caller in http["from"]
    assert _reached(policy, "10.1.2.3", 9000)
    assert _reached(policy, "10.9.9.9", 6379)
    assert _reached(policy, "52.216.1.1", 443)
    assert not _reached(policy, "10.9.9.9", 22)
    assert not _reached(policy, "10.0.0.7", 80)
    assert not _reached(policy, "169.254.169.254", 80)
    everybody = _policy({"service": service}, name)["ingress"]
    assert next("from" not in r for r in everybody if r["ports"][0]["port"] == "http")


def test_operator_alone_opens_no_port_for_callers() -> None:
    policy = _policy({"service": OWN, "webhooks": {"enabled": False}}, OPERATOR)

    assert [r["ports"][0]["port"] for r in policy["ingress"]] == ["metrics"]
    assert not _reached(policy, "52.216.1.1", 9000)


@pytest.mark.parametrize(
    ("values", "account", "roles"),
    [
        (SIDECAR, OPERATOR, {("ClusterRole", None)}),
        ({"service": OWN}, SERVICE, {("ClusterRole", None), ("Role", NAMESPACE)}),
        (
            {"service": OWN, "watchNamespaces": ["a", "b"]},
            SERVICE,
            {("Role", "a"), ("Role", "b"), ("ClusterRole", None), ("Role", NAMESPACE)},
        ),
        (
            {"service": {**OWN, "kubernetesTokens": False}, "watchNamespaces": ["a"]},
            SERVICE,
            {("Role", "a"), ("Role", NAMESPACE)},
        ),
    ],
    ids=["sidecar", "deployment", "namespaces", "namespaces-without-tokens"],
)
def test_rights_are_bound_to_the_account(
    values: dict[str, Any], account: str, roles: set[tuple[str, str | None]]
) -> None:
    objects = [o for o in render(values) if o["metadata"]["name"].endswith(("-service", "-lease"))]

    made = {
        (o["kind"], o["metadata"].get("namespace"))
        for kind in ("Role", "ClusterRole")
        for o in of_kind(objects, kind)
    }
    bindings = [*of_kind(objects, "RoleBinding"), *of_kind(objects, "ClusterRoleBinding")]
    assert made == roles
    assert len(bindings) == len(roles)
    assert {(s["name"], s["namespace"]) for o in bindings for s in o["subjects"]} == {
        (account, NAMESPACE)
    }


def test_tokens_can_be_left_unasked() -> None:
    def resources(**values: object) -> set[str]:
        (role,) = [
            o
            for o in of_kind(_own(**values), "ClusterRole")
            if o["metadata"]["name"].endswith("-service")
        ]
        return {resource for rule in role["rules"] for resource in rule["resources"]}

    reviews = {"tokenreviews", "subjectaccessreviews"}
    assert resources() - resources(kubernetesTokens=False) == reviews


@dataclass
class Drained:
    """A service that is told to drain: when, and with which headers."""

    port: int = 0
    asked: list[tuple[float, str, str, dict[str, str]]] = field(default_factory=list)


@pytest.fixture
def drained() -> Iterator[Drained]:
    """A server in the service's place."""
    seen = Drained()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {k.lower(): v for k, v in self.headers.items()}
            seen.asked.append((time.monotonic(), self.command, self.path, headers))
            self.send_response(202 if "authorization" in headers or "x-api-key" in headers else 401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        seen.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield seen
        server.shutdown()
        thread.join()


def _run_hook(
    drained: Drained, env: dict[str, str] | None = None, *, delay_s: int = 0
) -> subprocess.CompletedProcess[str]:
    values = {"drainDelaySeconds": delay_s}
    (_, *command) = container(_render(**values), "service")["lifecycle"]["preStop"]["exec"][
        "command"
    ]
    return subprocess.run(
        [sys.executable, *command],
        env={"PATH": os.environ["PATH"], "SERVICE_PORT": str(drained.port), **(env or {})},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("env", "header", "want"),
    [
        ({"API_PASSWORD": "s3cret", "API_KEY": "k"}, "authorization", "Bearer s3cret"),
        ({"API_KEY": "k"}, "x-api-key", "k"),
    ],
    ids=["password", "key"],
)
def test_hook_asks_for_the_drain_with_the_password(
    drained: Drained, env: dict[str, str], header: str, want: str
) -> None:
    done = _run_hook(drained, env)

    ((_, method, path, headers),) = drained.asked
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (method, path, headers[header]) == ("POST", "/drain", want)


def test_hook_leaves_time_to_look_away(drained: Drained) -> None:
    begun = time.monotonic()

    _run_hook(drained, {"API_KEY": "k"}, delay_s=2)

    assert drained.asked[0][0] - begun >= 2


def test_hook_fails_aloud(drained: Drained) -> None:
    done = _run_hook(drained)

    assert done.returncode != 0
    assert "401" in done.stderr
