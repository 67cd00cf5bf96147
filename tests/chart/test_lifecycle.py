"""Releases come and go: what stays, on a real API server."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.chart.charts import CHART, NAMESPACE, RELEASE, HelmError, Object, helm, install
from tests.chart.generated import DEPLOY
from tests.chart.people import create_extraction
from tests.cluster.light import LightCluster

pytestmark = pytest.mark.api

CRDS = [f"{name}.slides-extractor.dev" for name in ("slideextractions", "slideextractionbatches")]
NEW_FIELD = "startDeadlineSeconds"
PROD = DEPLOY / "prod.yaml"


@pytest.fixture
def bare(cluster: LightCluster) -> LightCluster:
    """The cluster with a namespace and nothing of ours, whatever was there before."""
    _uninstall(cluster)
    cluster.kubectl("delete", "crd", *CRDS, "--ignore-not-found")
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    cluster.kubectl("apply", "--filename=-", input=json.dumps(manifest))
    return cluster


@pytest.fixture
def previous(tmp_path: Path) -> Path:
    """The chart as a previous version may have been: of another version, with a field fewer."""
    chart = tmp_path / "slides-extractor"
    shutil.copytree(CHART, chart)
    about = chart / "Chart.yaml"
    older = yaml.safe_load(about.read_text()) | {"version": "0.0.9", "appVersion": "0.0.9"}
    about.write_text(yaml.safe_dump(older))
    (crd,) = (chart / "files" / "crds").glob("*_slideextractions.yaml")
    crd.write_text(yaml.safe_dump(_without_new_field(yaml.safe_load(crd.read_text()))))
    return chart


def _without_new_field(crd: Object) -> Object:
    (version,) = crd["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    del spec["properties"][NEW_FIELD]
    return crd


def _uninstall(cluster: LightCluster) -> None:
    where = ("-n", NAMESPACE, "--kubeconfig", cluster.kubeconfig)
    helm("uninstall", RELEASE, "--ignore-not-found", *where)


def _get(cluster: LightCluster, *what: str) -> Object:
    found: Object = json.loads(cluster.kubectl("get", *what, "--output=json"))
    return found


def _fields(cluster: LightCluster) -> set[str]:
    (version,) = _get(cluster, "crd", CRDS[0])["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return set(spec["properties"])


def _meta(cluster: LightCluster, name: str) -> Object:
    meta: Object = _get(cluster, "slx", name, "-n", NAMESPACE)["metadata"]
    return meta


def test_upgrade_brings_new_fields_and_keeps_extractions(
    bare: LightCluster, previous: Path
) -> None:
    install(bare, chart=previous)
    assert NEW_FIELD not in _fields(bare)
    made = create_extraction(bare, NAMESPACE, "kept")["metadata"]

    install(bare)

    assert NEW_FIELD in _fields(bare)
    kept = _meta(bare, "kept")
    assert [kept[f] for f in ("uid", "generation")] == [made[f] for f in ("uid", "generation")]


def test_upgrade_keeps_running_jobs(bare: LightCluster, previous: Path) -> None:
    install(bare, chart=previous)
    owner = create_extraction(bare, NAMESPACE, "running")
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": "running-1",
            "namespace": NAMESPACE,
            "ownerReferences": [
                {
                    **{key: owner[key] for key in ("apiVersion", "kind")},
                    **{key: owner["metadata"][key] for key in ("name", "uid")},
                    "controller": True,
                }
            ],
        },
        "spec": {
            "template": {
                "spec": {
                    "restartPolicy": "Never",
                    "serviceAccountName": "slides-runner",
                    "containers": [{"name": "runner", "image": "localhost/none"}],
                }
            }
        },
    }
    bare.kubectl("create", "--filename=-", input=json.dumps(job))
    wait = ("wait", "--for=jsonpath={.status.active}=1", "job/running-1", "-n", NAMESPACE)
    bare.kubectl(*wait, "--timeout=30s")
    (before,) = _get(bare, "pods", "-n", NAMESPACE, "-l", "job-name=running-1")["items"]

    install(bare)

    (after,) = _get(bare, "pods", "-n", NAMESPACE, "-l", "job-name=running-1")["items"]
    for field in ("uid", "resourceVersion"):
        assert after["metadata"][field] == before["metadata"][field]


def test_uninstall_leaves_extractions_for_the_next_install(bare: LightCluster) -> None:
    install(bare)
    made = create_extraction(bare, NAMESPACE, "left")["metadata"]

    _uninstall(bare)

    assert _get(bare, "deployments", "-n", NAMESPACE)["items"] == []
    assert _meta(bare, "left")["uid"] == made["uid"]
    install(bare)
    assert _meta(bare, "left")["uid"] == made["uid"]


def test_crds_go_with_the_release_only_when_told(bare: LightCluster) -> None:
    install(bare, {"crds": {"keep": False}})

    _uninstall(bare)

    bare.kubectl("wait", "--for=delete", *[f"crd/{name}" for name in CRDS], "--timeout=30s")


def test_crds_stay_when_the_chart_no_longer_has_them(bare: LightCluster) -> None:
    install(bare)
    made = create_extraction(bare, NAMESPACE, "stays")["metadata"]

    install(bare, {"crds": {"enabled": False}})

    assert _meta(bare, "stays")["uid"] == made["uid"]


def test_crds_that_came_by_kubectl_are_adopted_when_told(bare: LightCluster) -> None:
    for file in (CHART / "files" / "crds").iterdir():
        bare.kubectl("apply", "--server-side", "--filename", file)
    with pytest.raises(HelmError, match="cannot be imported into the current release"):
        install(bare)

    install(bare, None, "--take-ownership")

    annotations = _get(bare, "crd", CRDS[0])["metadata"]["annotations"]
    assert annotations["meta.helm.sh/release-name"] == RELEASE


def test_namespace_where_the_operator_was_first_is_taken_over_when_told(
    bare: LightCluster,
) -> None:
    install(bare)
    bare.kubectl("create", "namespace", "first")
    bare.kubectl("create", "serviceaccount", "slides-runner", "-n", "first")
    bind = ("create", "rolebinding", "slides-runner", "-n", "first", "--clusterrole=slides-runner")
    bare.kubectl(*bind, "--serviceaccount=first:slides-runner")
    values = {"runner": {"namespaces": ["first"]}}
    with pytest.raises(HelmError, match="cannot be imported into the current release"):
        install(bare, values)

    install(bare, values, "--take-ownership")

    assert _get(bare, "networkpolicy", "slides-runner", "-n", "first")["kind"] == "NetworkPolicy"


def test_release_moves_from_all_namespaces_to_a_list_and_back(bare: LightCluster) -> None:
    install(bare)

    install(bare, {"watchNamespaces": [NAMESPACE]})

    bindings = _get(bare, "clusterrolebindings", f"--selector=app.kubernetes.io/instance={RELEASE}")
    assert bindings["items"] == []
    install(bare)


def test_prod_yaml_is_applied_by_kubectl_alone_and_again(bare: LightCluster) -> None:
    def versions() -> dict[str, str]:
        objects = _get(bare, "--filename", str(PROD))["items"]
        return {o["metadata"]["uid"]: o["metadata"]["resourceVersion"] for o in objects}

    try:
        bare.kubectl("apply", "--filename", PROD)
        bare.kubectl("wait", "--for=condition=Established", "crd", *CRDS, "--timeout=30s")
        before = versions()
        again = bare.kubectl("apply", "--filename", PROD).splitlines()
        after = versions()
        created = create_extraction(bare, "default", "by-kubectl")
    finally:
        bare.kubectl("delete", "--filename", PROD, "--ignore-not-found")

    assert after == before
    # kubectl always sends a budget's selector again; it changes nothing.
    changed = {line.partition("/")[0] for line in again if not line.endswith(" unchanged")}
    assert changed <= {"poddisruptionbudget.policy"}
    assert created["spec"]["cancel"] is False
