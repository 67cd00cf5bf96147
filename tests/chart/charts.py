"""The chart as Helm renders it."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from yaml import CSafeLoader

from tests.cluster.client import Cluster
from tests.cluster.tools import KUBERNETES_VERSION, REPOSITORY, tool

CHART = REPOSITORY / "charts" / "slides-extractor"
RELEASE = "talks"
NAMESPACE = "media"
FULL_NAME = f"{RELEASE}-slides-extractor"
OPERATOR = f"{FULL_NAME}-operator"
SERVICE = f"{FULL_NAME}-service"

Values = Mapping[str, Any]
Object = dict[str, Any]

EVERYTHING: Values = {
    "config": {"create": True, "data": {"S3_BUCKET_NAME": "b"}},
    "secrets": {"create": True, "data": {"S3_ACCESS_KEY": "k"}},
    "metrics": {
        "serviceMonitor": {"enabled": True},
        "prometheusRule": {"enabled": True},
        "dashboard": {"enabled": True},
    },
    "service": {
        "enabled": True,
        "mode": "deployment",
        "autoscaling": {"enabled": True},
        "ingress": {"enabled": True, "host": "slides.example.com", "tlsSecretName": "tls"},
    },
}
"""Values with which nothing is left out."""
SIDECAR: Values = {"service": {"enabled": True}}


class HelmError(Exception):
    """Helm refused; the message is what it printed."""


def helm(*arguments: str | Path, stdin: str | None = None) -> str:
    """Run Helm and return what it prints. Raises HelmError."""
    done = subprocess.run(
        [tool("helm"), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        raise HelmError(done.stderr.strip())
    return done.stdout


def template(
    values: Values | None = None,
    *arguments: str,
    chart: Path = CHART,
    release: str = RELEASE,
    namespace: str = NAMESPACE,
) -> str:
    """Return the manifests that a release with these values would be made of."""
    return _template(json.dumps(values or {}), arguments, chart, release, namespace)


@cache  # the same defaults are looked at again and again
def _template(
    values: str, arguments: tuple[str, ...], chart: Path, release: str, namespace: str
) -> str:
    return helm(
        "template",
        release,
        chart,
        f"--namespace={namespace}",
        f"--kube-version={KUBERNETES_VERSION}",
        "--values=-",
        *arguments,
        stdin=values,
    )


def render(values: Values | None = None, *arguments: str, **options: Any) -> list[Object]:
    """Return the objects that a release with these values would be made of."""
    # The CRDs are long: PyYAML's parser in C reads them ten times as fast.
    return [o for o in yaml.load_all(template(values, *arguments, **options), CSafeLoader) if o]


def of_kind(objects: Iterable[Object], kind: str) -> list[Object]:
    """Return the objects of one kind."""
    return [o for o in objects if o["kind"] == kind]


def only(objects: Iterable[Object], kind: str, name: str | None = None) -> Object:
    """Return the one object of this kind and, where there are more, this name."""
    (found,) = [o for o in of_kind(objects, kind) if name in {None, o["metadata"]["name"]}]
    return found


def pod_specs(objects: Iterable[Object]) -> dict[str, Object]:
    """Return the spec of every pod that the objects hold, by the object's name."""
    specs = {}
    for o in objects:
        if o["kind"] == "Pod":
            specs[o["metadata"]["name"]] = o["spec"]
        elif "template" in o.get("spec", {}) and o["kind"] != "CustomResourceDefinition":
            specs[o["metadata"]["name"]] = o["spec"]["template"]["spec"]
    return specs


def container(objects: Iterable[Object], name: str = "operator") -> Object:
    """Return the operator's container, or the one of this name, in whichever pod it is."""
    found: Object
    (found,) = [
        one
        for spec in pod_specs(objects).values()
        for one in spec["containers"]
        if one["name"] == name
    ]
    return found


def environment(objects: Iterable[Object], name: str = "operator") -> dict[str, str]:
    """Return the environment of a container, as far as it is written down."""
    env = container(objects, name)["env"]
    return {one["name"]: one["value"] for one in env if "value" in one}


def install(
    cluster: Cluster,
    values: Values | None = None,
    *arguments: str | Path,
    chart: Path = CHART,
    release: str = RELEASE,
    namespace: str = NAMESPACE,
) -> str:
    """Install or upgrade a release and return what Helm says."""
    return helm(
        "upgrade",
        "--install",
        release,
        chart,
        f"--namespace={namespace}",
        f"--kubeconfig={cluster.kubeconfig}",
        "--values=-",
        *arguments,
        stdin=json.dumps(values or {}),
    )
