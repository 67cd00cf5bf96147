"""The examples in docs/gitops against a real API server."""

import json

import pytest

from tests.cluster.light import LightCluster
from tests.gitops.verdicts import EXAMPLES, Verdicts, argo_scripts, flux_expressions, judge

pytestmark = pytest.mark.api

NAMESPACE = "gitops-examples"
UNSEEN = Verdicts(kstatus="InProgress", argo="Progressing", flux="InProgress")


def test_what_no_operator_has_seen_is_in_progress(light_cluster: LightCluster) -> None:
    light_cluster.kubectl("create", "namespace", NAMESPACE)
    light_cluster.kubectl("apply", f"--namespace={NAMESPACE}", "--kustomize", EXAMPLES / "talks")
    talks = light_cluster.kubectl(
        "get", "slx,slxb", f"--namespace={NAMESPACE}", "--output=json"
    )  # as a GitOps controller reads them
    objects = json.loads(talks)["items"]

    verdicts = [judged.verdicts for judged in judge(objects)]

    assert {obj["kind"] for obj in objects} == {"SlideExtraction", "SlideExtractionBatch"}
    assert verdicts == [UNSEEN, UNSEEN]


def test_every_kind_has_its_health(light_cluster: LightCluster) -> None:
    names = light_cluster.kubectl(
        "get", "crds", "--output=jsonpath={range .items[*]}{.spec.group}_{.spec.names.kind}\n{end}"
    ).split()

    assert sorted(argo_scripts()) == sorted(names)
    assert sorted(f"slides-extractor.dev_{e['kind']}" for e in flux_expressions()) == sorted(names)
