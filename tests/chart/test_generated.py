"""Files that are made of the chart, and deploy/prod.yaml as its users have it."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

import slides_api.__main__
from tests.chart.charts import (
    CHART,
    Object,
    container,
    environment,
    of_kind,
    only,
    pod_specs,
    render,
)
from tests.chart.generated import DEPLOY, GENERATED

PROD = DEPLOY / "prod.yaml"
LIMIT_BYTES = 262_144
"""Of all annotations of an object: `kubectl apply` keeps the whole manifest in one."""
RUNNER_SED = "s#value: .*slides-extractor-runner.*#value: registry.localhost:5000/runner:v1.2.3#g"


def _prod() -> list[Object]:
    return [o for o in yaml.safe_load_all(PROD.read_text()) if o]


def _after(sed: str, tmp_path: Path) -> tuple[list[str], list[Object]]:
    """Return the lines of deploy/prod.yaml that a sed changes, and all objects after it."""
    copy = tmp_path / "prod.yaml"
    copy.write_text(PROD.read_text())
    subprocess.run(["sed", "-i", sed, copy], check=True)
    pairs = zip(PROD.read_text().splitlines(), copy.read_text().splitlines(), strict=True)
    changed = [after.strip() for before, after in pairs if before != after]
    return changed, [o for o in yaml.safe_load_all(copy.read_text()) if o]


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.name)
def test_is_current(path: Path) -> None:
    assert path.read_text() == GENERATED[path](), "run `make chart`"


def test_crds_are_those_of_the_models() -> None:
    assert slides_api.__main__.main(["--check"]) == 0
    crds = [o["spec"]["names"]["kind"] for o in of_kind(render(), "CustomResourceDefinition")]
    assert sorted(crds) == ["SlideExtraction", "SlideExtractionBatch"]


def test_chart_changes_nothing_of_the_crds() -> None:
    rendered = {
        o["metadata"]["name"]: o["spec"] for o in of_kind(render(), "CustomResourceDefinition")
    }

    files = [yaml.safe_load(path.read_text()) for path in (CHART / "files" / "crds").iterdir()]
    assert rendered == {crd["metadata"]["name"]: crd["spec"] for crd in files}


@pytest.mark.parametrize(
    ("values", "want"),
    [({}, ["keep", "keep"]), ({"keep": False}, [None, None]), ({"enabled": False}, [])],
    ids=["default", "not-kept", "left-out"],
)
def test_crds_are_kept(values: dict[str, bool], want: list[str | None]) -> None:
    crds = of_kind(render({"crds": values}), "CustomResourceDefinition")

    policies = [crd["metadata"].get("annotations") or {} for crd in crds]
    assert [policy.get("helm.sh/resource-policy") for policy in policies] == want


def test_prod_yaml_begins_with_its_namespace_and_names_no_other() -> None:
    first, *others = _prod()

    assert first["kind"] == "Namespace"
    namespaces = {o["metadata"].get("namespace") for o in others}
    assert namespaces == {None, first["metadata"]["name"]}


def test_prod_yaml_holds_no_hook_no_secret_and_no_object_too_big_to_apply() -> None:
    objects = _prod()

    assert {"Pod", "Secret", "ConfigMap"} & {o["kind"] for o in objects} == set()
    assert max(len(yaml.safe_dump(o)) for o in objects) < LIMIT_BYTES


def test_sed_of_the_image_line_changes_operator_and_service_alone(tmp_path: Path) -> None:
    # As the service before this one had it in its deployment guide.
    sed = "s#image: .*slides-extractor.*#image: registry.localhost:5000/slides-extractor:v1.2.3#g"

    changed, objects = _after(sed, tmp_path)

    assert changed == 2 * ["image: registry.localhost:5000/slides-extractor:v1.2.3"]
    (spec,) = pod_specs(objects).values()
    assert [one["name"] for one in spec["containers"]] == ["operator", "service"]
    assert {one["image"] for one in spec["containers"]} == {
        "registry.localhost:5000/slides-extractor:v1.2.3"
    }
    runner = environment(objects)["RUNNER_IMAGE"]
    assert re.fullmatch(r"registry\.localhost:5000/slides-extractor-runner:[\w.]+", runner)


def test_sed_of_the_runner_changes_the_runner_alone(tmp_path: Path) -> None:
    changed, objects = _after(RUNNER_SED, tmp_path)

    assert len(changed) == 1
    assert environment(objects)["RUNNER_IMAGE"] == "registry.localhost:5000/runner:v1.2.3"


def test_guide_shows_the_seds_that_are_tested() -> None:
    guide = (DEPLOY.parent / "docs" / "production.md").read_text()

    assert 'sed -i "s#image: .*slides-extractor.*#image: ' in guide
    assert RUNNER_SED.partition("#value: reg")[0] in guide


def test_prod_yaml_serves_the_whole_cluster_from_two_replicas() -> None:
    objects = _prod()

    assert only(objects, "Deployment")["spec"]["replicas"] == 2
    assert of_kind(objects, "ClusterRoleBinding") != []


def test_prod_yaml_has_the_service_drain_and_roll_as_the_one_before_it() -> None:
    objects = _prod()
    deployment = only(objects, "Deployment")["spec"]
    service = container(objects, "service")

    assert "Service" in {o["kind"] for o in objects if o["metadata"]["name"] == "slides-extractor"}
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert service["readinessProbe"]["httpGet"]["path"] == "/healthz/ready"
    assert "/drain" in service["lifecycle"]["preStop"]["exec"]["command"][2]
    assert deployment["template"]["spec"]["terminationGracePeriodSeconds"] > float(
        environment(objects, "service")["GRACEFUL_SHUTDOWN_TIMEOUT_SECONDS"]
    )
