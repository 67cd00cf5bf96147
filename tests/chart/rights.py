"""Rights in use: what a ServiceAccount of the chart asked for, beside what the chart grants it."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.chart.charts import NAMESPACE, Values, install, of_kind, render
from tests.chart.people import account
from tests.cluster.kwok import PodPlay
from tests.cluster.light import DEFAULT_PLAY, LightCluster, run_light_cluster

Asked = tuple[str, str]
"""A verb, and the resource with its subresource."""


@dataclass(frozen=True)
class Place:
    """A cluster with the chart, and what its API server remembers of one of its accounts."""

    cluster: LightCluster
    log: Path
    values: Values
    account: str
    roles: tuple[str, ...]
    """How the names of its Roles and ClusterRoles end."""

    def asked(self) -> dict[Asked, set[int]]:
        """Return each verb and resource that the account asked for, with the answers' codes."""
        found: dict[Asked, set[int]] = {}
        for line in self.log.read_text().splitlines():
            event = json.loads(line)
            if ref := event.get("objectRef"):
                resource = "/".join(filter(None, (ref["resource"], ref.get("subresource"))))
                code = event["responseStatus"]["code"]
                found.setdefault((event["verb"], resource), set()).add(code)
        return found

    def granted(self) -> set[Asked]:
        """Return each verb and resource that the chart lets the account ask for."""
        objects = render(self.values)
        return {
            (verb, resource)
            for kind in ("ClusterRole", "Role")
            for role in of_kind(objects, kind)
            if role["metadata"]["name"].endswith(self.roles)
            for rule in role["rules"]
            for resource in rule["resources"]
            for verb in rule["verbs"]
        }

    def write_kubeconfig(self, folder: Path) -> Path:
        """Return a kubeconfig with a token of the account."""
        config = yaml.safe_load(self.cluster.kubeconfig.read_text())
        token = self.cluster.kubectl("create", "token", self.account, "-n", NAMESPACE).strip()
        for user in config["users"]:
            user["user"] = {"token": token}
        path = folder / "kubeconfig"
        path.write_text(yaml.safe_dump(config))
        return path


@contextmanager
def run_place(
    folder: Path,
    values: Values,
    *,
    account_name: str,
    roles: tuple[str, ...],
    namespaces: Iterable[str],
    play: PodPlay = DEFAULT_PLAY,
) -> Iterator[Place]:
    """Run a cluster with the chart and these namespaces besides until the block ends."""
    policy, log = folder / "policy.json", folder / "audit.log"
    rule = {"level": "Metadata", "users": [account(NAMESPACE, account_name)]}
    told = {"omitStages": ["RequestReceived"], "rules": [rule]}
    policy.write_text(json.dumps({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", **told}))
    log.touch()
    flags = (f"--audit-policy-file={policy}", f"--audit-log-path={log}")
    with run_light_cluster(play=play, crds=[], apiserver_flags=flags) as cluster:
        for namespace in (*namespaces, NAMESPACE):
            cluster.kubectl("create", "namespace", namespace)
        install(cluster, values)
        yield Place(cluster, log, values, account_name, roles)
